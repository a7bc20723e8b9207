"""Accuracy in bands along the boundaries."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from wsvs_ros.evaluation.trimap import TrimapAccuracy


def test_bands_along_a_straight_boundary() -> None:
    # columns 0..4 | 5..9; only the two columns beside the boundary are wrong
    truth = np.zeros((6, 10), np.uint8)
    truth[:, 5:] = 1
    pred = truth.copy()
    pred[:, 4:6] = 2
    trimap = TrimapAccuracy(3, widths=(1, 2, 4))
    trimap.update(pred, truth)
    assert trimap.to_dict() == {"widths": [1, 2, 4], "accuracy": pytest.approx([0, 1 / 2, 3 / 4])}


def test_without_a_boundary_there_is_no_figure() -> None:
    trimap = TrimapAccuracy(3, widths=(1, 5))
    trimap.update(np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8))
    assert trimap.to_dict()["accuracy"] == [None, None]


@pytest.mark.parametrize("seed", range(3))
def test_equal_to_the_exact_distances_of_scipy(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = np.kron(random.integers(0, 4, (5, 6)), np.ones((9, 7), int)).astype(np.uint8)
    pred = np.where(random.random(truth.shape) < 0.7, truth, 1).astype(np.uint8)
    trimap = TrimapAccuracy(3, widths=(1, 2, 3, 5))
    trimap.update(pred, truth)
    padded = np.pad(truth.astype(int), 1, mode="edge")
    around = [
        padded[1 + dy : padded.shape[0] - 1 + dy, 1 + dx : padded.shape[1] - 1 + dx]
        for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0))
    ]
    beside = np.any([other != truth for other in around], 0)
    distance = distance_transform_edt(~beside) + 1
    for width, accuracy in zip((1, 2, 3, 5), trimap.to_dict()["accuracy"], strict=True):
        band = (distance <= width) & (truth < 3)
        assert accuracy == pytest.approx((pred == truth)[band].mean(), abs=1e-9)
