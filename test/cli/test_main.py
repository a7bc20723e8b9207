"""The `wsvs` command itself, and `wsvs doctor`."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from cli_support import command, environment, interruptible

import wsvs_ros


def test_version_and_help_name_the_subcommands(wsvs: Any) -> None:
    assert wsvs("--version").stdout == f"wsvs_ros {wsvs_ros.__version__}\n"
    shown = wsvs("--help").stdout
    assert all(
        f" {name} " in shown
        for name in (
            "segment",
            "evaluate",
            "compare",
            "replay",
            "run",
            "play",
            "record",
            "export",
            "bench",
            "demo",
            "doctor",
        )
    )


def test_unknown_subcommand_names_the_known_ones(wsvs: Any) -> None:
    done = wsvs("fly")
    assert done.returncode == 2
    assert "segment" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_says_what_runs_here(wsvs: Any) -> None:
    done = wsvs("doctor")
    assert done.returncode == 0, done.stderr
    assert "  onnxruntime on cpu: yes" in done.stdout
    assert "  tensorrt on cuda: " in done.stdout
    assert "model: wsvs-light-camvid11 at " in done.stdout
    assert "rclpy: " in done.stdout


BROKEN = {"cv2": "raise ImportError('libGL.so.1: cannot open shared object file')", "torch": "import os; os.abort()"}


def shadowed_by(folder: Path) -> dict[str, str]:
    """An environment in which a folder's modules are found before the installed ones."""
    return {**environment(), "PYTHONPATH": os.pathsep.join([str(folder), environment()["PYTHONPATH"]])}


@pytest.fixture
def broken(tmp_path: Path) -> dict[str, str]:
    """An environment in which packages are installed but do not load."""
    for module, content in BROKEN.items():
        (tmp_path / f"{module}.py").write_text(content)
    return shadowed_by(tmp_path)


def test_doctor_says_why_packages_do_not_load(broken: dict[str, str]) -> None:
    done = subprocess.run(command("doctor"), env=broken, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "opencv-python-headless: does not load: ImportError: libGL.so.1" in done.stdout
    assert "torch: does not load: SIGABRT" in done.stdout
    assert "engines: none" in done.stdout


def test_a_package_that_does_not_load_is_one_clear_line(broken: dict[str, str]) -> None:
    done = subprocess.run(command("segment", "in", "-o", "out"), env=broken, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("error: libGL.so.1: cannot open")
    assert "wsvs doctor" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_interruption_while_loading_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "cv2.py").write_text("open('loading', 'w').close()\nimport time; time.sleep(60)")
    words = command("segment", "in", "-o", "out")
    child = subprocess.Popen(
        words,
        cwd=tmp_path,
        env=shadowed_by(tmp_path),
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=interruptible,
    )
    until = time.monotonic() + 30
    while not (tmp_path / "loading").exists() and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=30)
    assert child.returncode == 130
    assert errors == "interrupted\n"
