from __future__ import annotations

import cv2
import numpy as np
import pytest
from flow_scenes import shifted_pair, texture

from wsvs_ros.perception.flow import OpenCvDis


@pytest.mark.parametrize(
    ("preset", "opencv"),
    [
        ("ultrafast", cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST),
        ("fast", cv2.DISOPTICAL_FLOW_PRESET_FAST),
        ("balanced", cv2.DISOPTICAL_FLOW_PRESET_MEDIUM),
    ],
)
def test_presets_are_those_of_opencv(preset: str, opencv: int) -> None:
    previous, current = shifted_pair(7, -3, (240, 180))
    expected = cv2.DISOpticalFlow_create(opencv).calc(previous.copy(), current.copy(), None).transpose(2, 0, 1)
    np.testing.assert_array_equal(OpenCvDis(preset)(previous, current), expected)


def test_small_images_do_not_change_what_later_ones_get() -> None:
    previous, current = texture(160, 120, 1), texture(160, 120, 2)
    fresh = OpenCvDis()(previous, current)
    used = OpenCvDis()
    used(texture(200, 9, 3), texture(200, 9, 4))
    np.testing.assert_array_equal(used(previous, current), fresh)


def test_views_into_larger_images_give_what_copies_give() -> None:
    previous, current = shifted_pair(3, -2)
    assert not previous.flags.c_contiguous
    np.testing.assert_array_equal(OpenCvDis()(previous, current), OpenCvDis()(previous.copy(), current.copy()))
