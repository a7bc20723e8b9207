from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsvs_ros.perception.flow import FlowError
from wsvs_ros.perception.flow.presets import (
    DIS_PRESETS,
    PATCH,
    dis_preset,
    padding,
    patch_grid,
    patch_hops,
    pyramid_sizes,
)


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


def test_pyramids_are_opencvs() -> None:
    assert pyramid_sizes(360, 480, 2) == {2: (90, 120), 3: (45, 60), 4: (22, 30)}
    assert pyramid_sizes(512, 1024, 0) == {level: (512 >> level, 1024 >> level) for level in range(6)}
    with pytest.raises(FlowError, match="an image of 40x9 has no pyramid down to scale 2"):
        pyramid_sizes(9, 40, 2)


@given(st.integers(PATCH, 600), st.integers(PATCH, 600), st.sampled_from([3, 4]))
def test_patches_cover_a_level_and_vectors_spread_over_it_twice(height: int, width: int, stride: int) -> None:
    rows, columns = patch_grid(height, width, stride)
    for side, count in ((height, rows), (width, columns)):
        assert 0 <= (count - 1) * stride + PATCH - side < stride
    hops = patch_hops(rows, columns, top=False)
    assert hops[: len(hops) // 2] == hops[len(hops) // 2 :]
    assert hops[-2:] == (2, 1)
    assert set(patch_hops(rows, columns, top=True)) == set(hops)
    assert max(rows, columns) / 12 < max(hops) <= max(2, max(rows, columns) / 5)
