"""A trained network is measured by the segmenter that runs in the car, on a drive or on a dataset."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("lightning", reason="training needs lightning: pip install 'wsvs_ros[train]'")

from small_training import CLASSES

from training import evaluate


def test_evaluation_is_of_the_segmenter_that_runs_in_the_car(
    work: Path, config: Path, labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = tmp_path / "figures.json"
    street = ["--drive", str(labelled), "--labels", str(labelled / "labels"), "--fps", "10"]
    assert evaluate.main([str(work), *street, "--json", str(figures)]) == 0
    found = json.loads(figures.read_text())
    assert sum(found["per_class"][name] for name in CLASSES) / len(CLASSES) > 0.35
    assert f"miou {100 * found['miou']:.1f}" in capsys.readouterr().out
    assert evaluate.main([str(work), *street, "--json", str(figures), "--crf", "--no-motion"]) == 0
    assert json.loads(figures.read_text()) != found
    assert evaluate.main([str(work), *street[:2], "--labels", str(tmp_path)]) == 2
    assert "no label PNG is named as a frame" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "one of the arguments --drive --dataset is required"),
        (["--drive", "a"], "--drive needs --labels"),
        (["--drive", "a", "--dataset", "voc", "b"], "not allowed with argument"),
        (["--dataset", "voc", "b", "--labels", "c"], "leave --labels and --fps out"),
    ],
)
def test_what_is_measured_on_is_said_once(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        evaluate.main(["work", *arguments])
    assert told in capsys.readouterr().err


def test_a_dataset_that_does_not_exist_is_named_before_anything_is_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate.main([str(tmp_path), "--dataset", "camvidd", str(tmp_path)]) == 2
    assert "dataset 'camvidd': there are camvid" in capsys.readouterr().err
