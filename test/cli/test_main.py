"""The `wsvs` command itself, and `wsvs doctor`."""

from __future__ import annotations

from typing import Any

import wsvs_ros


def test_version_and_help_name_the_subcommands(wsvs: Any) -> None:
    assert wsvs("--version").stdout == f"wsvs_ros {wsvs_ros.__version__}\n"
    shown = wsvs("--help").stdout
    assert all(f" {name} " in shown for name in ("segment", "evaluate", "run", "play", "record", "demo", "doctor"))


def test_unknown_subcommand_names_the_known_ones(wsvs: Any) -> None:
    done = wsvs("fly")
    assert done.returncode == 2
    assert "segment" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_says_what_runs_here(wsvs: Any) -> None:
    done = wsvs("doctor")
    assert done.returncode == 0, done.stderr
    assert "engines: onnxruntime" in done.stdout
    assert "default model: wsvs-light-camvid11" in done.stdout
    assert "rclpy: " in done.stdout
