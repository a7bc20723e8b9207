"""`wsvs evaluate`: numbers known by hand, and pairs that do not match."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from drive_files import make_bag
from run_folders import make_run

from wsvs_ros.perception import ModelBundle


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


def test_bags_runs_and_folders_measure_each_other(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    """The same labels in three forms; those of a bag are found by their stamps, and one is missing there."""
    bag, out = make_bag(tmp_path / "bag", 12, storage="mcap", odd=3), tmp_path / "out"
    assert wsvs("segment", bag, "-o", out, "--model", tiny_bundle.path, "--only-labels").returncode == 0
    copied = shutil.copytree(out / "labels", tmp_path / "copied")
    for pred, truth in [(out, out / "bag"), (out / "bag", out), (out / "bag", out / "bag"), (out, copied)]:
        done = wsvs("evaluate", "--pred", pred, "--labels", truth, "--json", tmp_path / "r.json", "--quiet")
        assert done.returncode == 0, done.stderr
        result = json.loads((tmp_path / "r.json").read_text())
        assert (result["miou"], result["frames"], result["frames_with_truth"]) == (1.0, 11, 11)
        assert result["temporal"]["agreement"] is not None, "the run's own input was not found"
    (out / "labels" / "000007.png").unlink()
    missing = wsvs("evaluate", "--pred", out, "--labels", out / "bag")
    assert missing.returncode == 2
    assert "no prediction for 1 of the 11 label maps" in missing.stderr
    left_out = wsvs("evaluate", "--pred", out, "--labels", out / "bag", "--allow-missing")
    assert "10 frames, 10 with truth, 0.0 % of the pixels unlabelled, 1 truths without" in left_out.stdout
    unknown = wsvs("evaluate", "--pred", copied, "--labels", out / "bag")
    assert unknown.returncode == 2
    assert "has no stamp" in unknown.stderr


def test_without_truth_there_is_what_was_seen(tmp_path: Path, wsvs: Any) -> None:
    run = make_run(tmp_path / "run")
    done = wsvs("evaluate", "--pred", run, "--json", tmp_path / "r.json", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "no truth was given" in done.stdout
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["miou"] is None
    assert sum(result["seen_per_class"].values()) == pytest.approx(1)
    assert 0.3 < result["temporal"]["agreement"] < 1
    assert 20 <= result["latency_ms"]["p50"] <= result["latency_ms"]["p99"] <= 40


def test_all_figures_of_a_run(tmp_path: Path, wsvs: Any) -> None:
    run = make_run(tmp_path / "run", wrong=0.2)
    words = ["evaluate", "--pred", run, "--labels", tmp_path / "truth", "--json", tmp_path / "r.json", "--quiet"]
    done = wsvs(*words, "--report", tmp_path / "report")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report" / "index.html").is_file()
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["label_set"] == "camvid11"
    assert result["pixels"]["unlabelled"] == 12 * 3 * 160
    assert result["global_accuracy"] == pytest.approx(1 - 0.2 * (1 - result["seen_per_class"]["road"]), abs=0.1)
    assert result["vehicles"]["iou"] is not None
    assert result["calibration"]["ece"] > 0.01
    assert result["temporal"]["truth"] > result["temporal"]["agreement"]
    assert "labels stay along the flow" in done.stdout
    mapped = wsvs("evaluate", "--pred", run, "--labels", tmp_path / "truth", "--map", "cityscapes19:camvid11")
    assert "its labels are of camvid11, but cityscapes19 is expected" in mapped.stderr
    again = wsvs("evaluate", "--pred", run, "--labels", tmp_path / "truth", "--report", tmp_path)
    assert again.returncode == 2
    assert "which is no report" in again.stderr


def test_label_sets_are_mapped_as_told(tmp_path: Path, wsvs: Any) -> None:
    """A camvid11 prediction against cityscapes19 truth, in either set."""
    pred = write(tmp_path / "pred", {"a": [[0, 3, 8, 9]]})
    truth = write(tmp_path / "truth", {"a": [[10, 0, 14, 9]]})  # sky, road, truck, terrain
    words = ["evaluate", "--pred", pred, "--labels", truth, "--json", tmp_path / "r.json", "--quiet"]
    assert wsvs(*words, "--truth-map", "cityscapes19:camvid11").returncode == 0
    result = json.loads((tmp_path / "r.json").read_text())
    assert (result["miou"], result["pixels"]) == (1.0, {"labelled": 3, "unlabelled": 1})
    assert wsvs(*words, "--map", "camvid11:cityscapes19").returncode == 0
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["label_set"] == "cityscapes19"
    assert result["global_accuracy"] == 0.5
    assert "camvid11:cityscapes19" in wsvs(*words, "--map", "mars:moon").stderr


def test_compare_tells_gain_and_interval(tmp_path: Path, wsvs: Any) -> None:
    first, second = make_run(tmp_path / "a", wrong=0.4), make_run(tmp_path / "b", wrong=0.1, seed=1)
    words = ["compare", first, second, "--labels", tmp_path / "truth", "--quiet"]
    done = wsvs(*words, "--json", tmp_path / "r.json", "--report", tmp_path / "report")
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "r.json").read_text())
    gain = result["difference"]["miou"]
    assert f"mIoU of B minus A: {100 * gain:+.2f} points" in done.stdout
    assert 0 < result["miou_interval"]["low"] <= gain <= result["miou_interval"]["high"]
    assert (tmp_path / "report" / "index.html").is_file()
    plain = wsvs("compare", first, second, "--quiet")
    assert plain.returncode == 0, plain.stderr
    assert "of the pixels differ" in plain.stdout
