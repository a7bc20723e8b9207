"""`wsvs compare` and `wsvs evaluate` as gates, and what they refuse to compare."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from run_folders import make_run

from wsvs_ros.perception.labels import LabelSet


def test_runs_of_different_label_sets_are_not_compared(tmp_path: Path, wsvs: Any) -> None:
    make_run(tmp_path / "a")
    other = make_run(tmp_path / "b")
    summary = json.loads((other / "summary.json").read_text())
    cityscapes = LabelSet.load("cityscapes19")
    relabelled = {**summary, "label_set": "cityscapes19", "classes": cityscapes.to_dict()}
    (other / "summary.json").write_text(json.dumps(relabelled))
    for words in (["compare", tmp_path / "a", other], ["evaluate", "--pred", tmp_path / "a", "--labels", other]):
        done = wsvs(*words, "--quiet")
        assert done.returncode == 2, done.stdout
        assert "b: its labels are of cityscapes19" in done.stderr
    chosen = wsvs("evaluate", "--pred", tmp_path / "a", "--label-set", "cityscapes19", "--quiet")
    assert chosen.returncode == 2
    assert "a: its labels are of camvid11, but cityscapes19 is expected" in chosen.stderr
    mapped = ["evaluate", "--pred", other, "--labels", tmp_path / "a", "--map", "cityscapes19:camvid11", "--quiet"]
    assert wsvs(*mapped).returncode == 0


def test_the_gate_of_a_comparison(tmp_path: Path, wsvs: Any) -> None:
    truth = ["--labels", tmp_path / "truth", "--fail-if-worse", "--quiet"]
    good, bad = make_run(tmp_path / "good", frames=60, wrong=0.1), make_run(tmp_path / "bad", frames=60, wrong=0.4)
    assert wsvs("compare", good, bad, *truth).returncode == 1
    assert wsvs("compare", bad, good, *truth).returncode == 0
    assert wsvs("compare", good, good, *truth).returncode == 0
    blind = wsvs("compare", good, bad, "--fail-if-worse", "--quiet")
    assert blind.returncode == 2
    assert "needs a truth" in blind.stderr
    short = wsvs("compare", good, bad, *truth, "--every", "10")
    assert short.returncode == 2
    assert "fewer than 10 blocks" in short.stderr


def test_bounds_of_an_evaluation(tmp_path: Path, wsvs: Any) -> None:
    run = make_run(tmp_path / "run", wrong=0.2)
    words = ["evaluate", "--pred", run, "--labels", tmp_path / "truth", "--quiet", "--json", tmp_path / "out.json"]
    assert wsvs(*words, "--fail-under", "miou=10", "--fail-under", "boundary_f1=1").returncode == 0
    figures = json.loads((tmp_path / "out.json").read_text())
    assert 0 < figures["boundary_f1"]["mean"] < 1
    assert figures["f1"] > figures["miou"]
    missed = wsvs(*words, "--fail-under", "miou=99", "--fail-under", "iou.road=1", "--fail-under", "steadiness=99.9")
    assert missed.returncode == 1
    assert "miou is" in missed.stderr
    assert "steadiness is" in missed.stderr
    assert "iou.road" not in missed.stderr


def test_a_bound_without_truth(tmp_path: Path, wsvs: Any) -> None:
    run = make_run(tmp_path / "run", wrong=0.0)
    words = ["evaluate", "--pred", run, "--quiet"]
    assert wsvs(*words, "--fail-under", "steadiness=80").returncode == 0
    for bound, says in [("miou=40", "needs a truth"), ("miou=x", "write FIGURE=PERCENT"), ("speed=3", "one of miou")]:
        done = wsvs(*words, "--fail-under", bound)
        assert done.returncode == 2
        assert says in done.stderr


def test_a_part_of_a_run_is_measured(tmp_path: Path, wsvs: Any) -> None:
    run = make_run(tmp_path / "run", frames=30)
    words = ["evaluate", "--pred", run, "--labels", tmp_path / "truth", "--quiet", "--json", tmp_path / "out.json"]
    assert wsvs(*words, "--start", "0.4", "--end", "1.2", "--every", "2").returncode == 0
    assert json.loads((tmp_path / "out.json").read_text())["frames"] == 6  # 6 to 17 of 15 a second, the even ones
    shutil.rmtree(tmp_path / "run" / "labels")


@pytest.mark.parametrize("command", ["evaluate", "compare", "bench", "play"])
def test_figures_that_cannot_be_written_are_told_before_the_work(tmp_path: Path, wsvs: Any, command: str) -> None:
    inputs = {"evaluate": ["--pred", "x"], "compare": ["x", "y"], "bench": [], "play": ["synthetic"]}
    done = wsvs(command, *inputs[command], "--json", tmp_path / "none" / "out.json", timeout=20)
    assert done.returncode == 2
    assert "none/out.json: cannot be written" in done.stderr


def test_exit_codes_are_documented(wsvs: Any) -> None:
    for words in (["--help"], ["segment", "--help"]):
        said = " ".join(wsvs(*words).stdout.split())
        assert "0 done, 1 a bound" in said
        assert "130 interrupted" in said
