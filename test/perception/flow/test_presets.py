from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsvs_ros.perception.flow import FlowError
from wsvs_ros.perception.flow.presets import DIS_PRESETS, dis_preset, padding


def test_presets_grow_finer() -> None:
    scales = [dis_preset(name).finest_scale for name in DIS_PRESETS]
    assert scales == sorted(scales, reverse=True)
    with pytest.raises(FlowError, match="'medium': expected one of ultrafast, fast, balanced, fine"):
        dis_preset("medium")


@given(st.integers(1, 400), st.integers(1, 400), st.integers(0, 3))
def test_padded_images_reach_the_finest_scale_and_those_that_do_are_not_padded(
    height: int, width: int, finest: int
) -> None:
    bottom, right = padding(height, width, finest)

    def reaches(height: int, width: int) -> bool:
        long, short = max(height, width), min(height, width)
        return math.log2(short / 8) >= finest and math.log2(long / 32) + 0.5 >= finest

    assert reaches(height + bottom, width + right)
    if min(height, width) >= 8 << finest and max(height, width) >= 23 << finest:
        assert (bottom, right) == (0, 0)
