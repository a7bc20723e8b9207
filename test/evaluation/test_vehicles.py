"""Vehicle masks and boxes, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from wsvs_ros.evaluation.vehicles import VehicleMeasure, box_iou, is_located, region_boxes


def mask(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    found = np.zeros((20, 30), bool)
    for left, top, right, bottom in boxes:
        found[top:bottom, left:right] = True
    return found


def test_boxes() -> None:
    assert box_iou((0, 0, 4, 4), (2, 0, 6, 4)) == pytest.approx(8 / 24)
    assert box_iou((0, 0, 4, 4), (4, 4, 6, 6)) == 0


def test_the_largest_region_comes_first() -> None:
    assert region_boxes(mask((1, 1, 3, 3), (10, 5, 20, 9))) == [(10, 5, 20, 9), (1, 1, 3, 3)]
    assert region_boxes(mask()) == []


def test_one_of_several_boxes_has_to_be_found() -> None:
    assert is_located([(0, 0, 10, 10)], [(50, 50, 60, 60), (2, 0, 12, 10)])
    assert not is_located([(0, 0, 10, 10)], [(5, 0, 15, 10)])  # a third of both
    assert not is_located([], [(0, 0, 1, 1)])


def test_figures_by_hand() -> None:
    measure = VehicleMeasure()
    assert measure.to_dict() == {"iou": None, "frame_iou": None, "corloc": None, "frames": 0}
    # two true vehicles: the larger predicted region sits on the smaller one, a speck elsewhere does not matter
    measure.update(mask((1, 1, 6, 5), (28, 18, 29, 19)), mask((1, 1, 6, 6), (10, 8, 20, 18)))
    # in the wrong place
    measure.update(mask((0, 0, 4, 4)), mask((3, 3, 7, 7)))
    # nothing there, something seen: counts into the masks only
    measure.update(mask((0, 0, 2, 2)), mask())
    measure.update(mask(), mask())
    ious = [20 / (125 + 1), 1 / 31, 0]
    found = measure.to_dict()
    assert found["frame_iou"] == pytest.approx(np.mean(ious))
    assert found["iou"] == pytest.approx(21 / (126 + 31 + 4))
    assert (found["corloc"], found["frames"]) == (0.5, 2)
