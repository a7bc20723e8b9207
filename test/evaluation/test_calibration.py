"""Confidence against accuracy, beside torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import binary_calibration_error

from wsvs_ros.evaluation.calibration import Calibration


@pytest.mark.parametrize("bins", [10, 15])
def test_equal_to_torchmetrics(bins: int) -> None:
    random = np.random.default_rng(bins)
    confidence = random.random((3, 40, 50))
    right = random.random(confidence.shape) < confidence**2
    counted = random.random(confidence.shape) < 0.9
    calibration = Calibration(bins)
    for one in zip(confidence, right, counted, strict=True):
        calibration.update(*one)
    expected = binary_calibration_error(
        torch.from_numpy(confidence[counted]), torch.from_numpy(right[counted].astype(int)), n_bins=bins, norm="l1"
    )
    assert calibration.error == pytest.approx(float(expected), abs=1e-9)


def test_eight_bits_give_what_their_values_give() -> None:
    random = np.random.default_rng(0)
    confidence = random.integers(0, 256, (30, 40), dtype=np.uint8)
    right, counted = random.random(confidence.shape) < 0.5, np.ones(confidence.shape, bool)
    eight, exact = Calibration(), Calibration()
    eight.update(confidence, right, counted)
    exact.update(confidence / 255, right, counted)
    assert eight.error == pytest.approx(exact.error, abs=1e-12)


def test_figures_by_hand() -> None:
    calibration = Calibration(2)
    assert calibration.error is None
    calibration.update(
        np.array([[0.25, 0.75, 0.75, 1.0]]), np.array([[True, True, False, True]]), np.ones((1, 4), bool)
    )
    found = calibration.to_dict()
    assert found["confidence"] == pytest.approx([0.25, 2.5 / 3])
    assert found["accuracy"] == pytest.approx([1.0, 2 / 3])
    assert found["share"] == pytest.approx([0.25, 0.75])
    assert found["ece"] == pytest.approx(0.25 * 0.75 + 0.75 * 0.5 / 3)
