"""Labels along the flow, on the rendered drive whose labels and motion are exact."""

from __future__ import annotations

import numpy as np
import pytest

from wsvs_ros.drives.synthetic import SyntheticDrive
from wsvs_ros.evaluation.temporal import TemporalConsistency, follow
from wsvs_ros.perception.labels import LabelSet

CAMVID = LabelSet.load("camvid11")


def test_true_labels_stay_and_shuffled_ones_do_not() -> None:
    steady, flickering = TemporalConsistency(CAMVID), TemporalConsistency(CAMVID)
    drive = SyntheticDrive((320, 240), frames=4)
    for index, frame in enumerate(drive.truth()):
        steady.update(frame.frame.image, frame.labels)
        flickering.update(frame.frame.image, np.roll(frame.labels, 40 * (index % 2), 1), frame.labels)
    assert steady.to_dict()["agreement"] > 0.95
    assert flickering.to_dict()["agreement"] < steady.to_dict()["agreement"] - 0.1
    assert flickering.to_dict()["truth"] == steady.to_dict()["agreement"]


def test_a_cut_is_not_measured() -> None:
    measure = TemporalConsistency(CAMVID)
    image, labels = np.zeros((24, 32, 3), np.uint8), np.zeros((24, 32), np.uint8)
    assert measure.update(image, labels) is None
    measure.cut()
    assert measure.update(image, labels + 1) is None
    assert measure.update(image, labels + 1) == 1.0
    assert measure.update(np.zeros((48, 32, 3), np.uint8), np.zeros((48, 32), np.uint8)) is None


@pytest.mark.parametrize("shift", [1, -3])
def test_labels_are_looked_up_where_the_flow_points(shift: int) -> None:
    labels = np.arange(40, dtype=np.uint8).reshape(5, 8)
    flow = np.zeros((2, 5, 8), np.float32)
    flow[0] = shift
    found = follow(np.roll(labels, shift, 1), flow)
    inside = (np.arange(8) + shift >= 0) & (np.arange(8) + shift < 8)
    assert np.array_equal(found[:, inside], labels[:, inside])
    assert (found[:, ~inside] == 255).all()
