"""How right masks are, counted by hand."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch: pip install 'wsvs_ros[train]'")

from training.datasets import Sample
from training.networks.marks import BACKGROUND, FOREGROUND, NONE
from training.running.mask_quality import labels_beside, measure_masks
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.labels import LabelClass, LabelSet

STREET = LabelSet("street", tuple(LabelClass(name, (0, 0, 0)) for name in ("road", "car")))


def sample(key: str) -> Sample:
    return Sample(key, np.ones(2, bool), lambda: np.empty(0))


def write(folder: Path, name: str, mask: list[list[int]], labels: list[list[int]] | None) -> Sample:
    """A mask of cells, and a label map in which each cell is four pixels but for the last row, which is cut off."""
    (folder / "drive").mkdir(exist_ok=True)
    np.save(folder / "drive" / f"{name}.npy", np.array(mask, np.uint8))
    if labels is not None:
        pixels = np.array(labels, np.uint8).repeat(2, 0).repeat(2, 1)[:-1]
        cv2.imwrite(str(folder / f"{name}.png"), pixels)
    return sample(f"drive/{name}")


def test_a_pixel_outside_of_all_masks_is_a_miss(tmp_path: Path) -> None:
    samples = [
        write(tmp_path, "0", [[0, 1], [NONE, 0]], [[0, 0], [1, 0]]),
        write(tmp_path, "1", [[0, 0], [0, 0]], None),
        sample("drive/without-mask"),
    ]
    found = measure_masks(tmp_path, samples, labels_beside(tmp_path), STREET).to_dict()
    # pixels: road found 4 + 2, road taken for car 4, car missed 2
    assert found["frames"] == 1
    assert found["covered"] == pytest.approx(10 / 12)
    assert found["right"] == pytest.approx(6 / 10)
    assert found["per_class"] == {"road": pytest.approx(6 / 10), "car": 0}
    assert "foreground_background_miou" not in found
    json.dumps(found)


def test_marks_are_measured_by_their_side(tmp_path: Path) -> None:
    samples = [write(tmp_path, "0", [[FOREGROUND, BACKGROUND], [BACKGROUND, FOREGROUND]], [[1, 0], [1, 255]])]
    found = measure_masks(tmp_path, samples, labels_beside(tmp_path), STREET, objects=[1]).to_dict()
    # objects: 4 of 4 + 2 that are; background: 4 of 4 + 2
    assert found["foreground_background_miou"] == pytest.approx(4 / 6)
    assert found["covered"] == 0  # no class is told


def test_masks_without_truth_are_named(tmp_path: Path) -> None:
    with pytest.raises(WsvsError, match="none of 1 samples has both a mask and a label map"):
        measure_masks(tmp_path, [write(tmp_path, "0", [[0]], None)], labels_beside(tmp_path), STREET)
