"""`wsvs evaluate`: numbers known by hand, and pairs that do not match."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest


def write(folder: Path, maps: dict[str, Any]) -> Path:
    folder.mkdir(parents=True)
    for name, labels in maps.items():
        cv2.imwrite(str(folder / f"{name}.png"), np.asarray(labels, np.uint8))
    return folder


def test_figures_by_hand(tmp_path: Path, wsvs: Any) -> None:
    # sky: 3 of 4 found, nothing else called sky; road: 1 of 2 found and 2 more called road; 11 is not counted
    truth = write(tmp_path / "truth", {"a": [[0, 0, 0, 3]], "b": [[0, 3, 11, 11]]})
    pred = write(tmp_path / "pred" / "labels", {"a": [[0, 0, 3, 3]], "b": [[0, 255, 3, 0]]})
    done = wsvs("evaluate", "--pred", pred.parent, "--labels", truth, "--json", tmp_path / "r.json")
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["per_class"]["sky"] == pytest.approx(3 / 4)
    assert result["per_class"]["road"] == pytest.approx(1 / 3)
    assert result["per_class"]["car"] is None
    assert result["miou"] == pytest.approx((3 / 4 + 1 / 3) / 2)
    assert result["class_accuracy"] == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert result["global_accuracy"] == pytest.approx(4 / 6)
    assert result["frames"] == 2
    assert "miou 54.2" in done.stdout


@pytest.mark.parametrize(
    ("pred", "truth", "says"),
    [
        ({"a": [[0]]}, {"a": [[0]], "b": [[0]]}, "no prediction for b.png"),
        ({"a": [[0, 1]]}, {"a": [[0]]}, "2x1 pixels, but the truth .* has 1x1"),
        ({"a": [[0]]}, {}, "no label PNGs here"),
        ({"a": [[[0, 0, 0]]]}, {"a": [[0]]}, "a.png: .*8-bit PNG of one channel"),
    ],
)
def test_what_does_not_match_is_named(tmp_path: Path, wsvs: Any, pred: Any, truth: Any, says: str) -> None:
    import re

    done = wsvs("evaluate", "--pred", write(tmp_path / "p", pred), "--labels", write(tmp_path / "t", truth))
    assert done.returncode == 2
    assert re.search(says, done.stderr), done.stderr


def test_unknown_label_set_names_the_known_ones(tmp_path: Path, wsvs: Any) -> None:
    done = wsvs("evaluate", "--pred", tmp_path, "--labels", tmp_path, "--label-set", "mars")
    assert done.returncode == 2
    assert "camvid11, cityscapes19" in done.stderr


def test_default_bundle_on_real_frames(tmp_path: Path, wsvs: Any, shared_data: Path) -> None:
    """The golden check of the shipped model: all of CamVid val, with motion."""
    val = shared_data / "camvid" / "val"
    done = wsvs("segment", val, "-o", tmp_path / "out", "--quiet", "--no-overlay")
    assert done.returncode == 0, done.stderr
    wsvs("evaluate", "--pred", tmp_path / "out", "--labels", val / "labels", "--json", tmp_path / "r.json")
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["frames"] == 101
    assert result["miou"] >= 0.25
    assert result["global_accuracy"] >= 0.65
