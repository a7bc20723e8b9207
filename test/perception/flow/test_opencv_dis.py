from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.flow import end_point_error, load_pair
from wsvs_ros.perception.bundle import FlowSettings
from wsvs_ros.perception.flow import FlowError, OpenCvDis, create_flow

PRESETS = ("ultrafast", "fast", "balanced", "fine")


def texture(width: int, height: int, seed: int = 0) -> np.ndarray:
    """A gray image with structure at several scales, as flow needs it."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width), np.float32)
    for sigma in (2, 4, 8):
        total += sigma * cv2.GaussianBlur(random.normal(0, 1, total.shape).astype(np.float32), (0, 0), sigma)
    return cv2.normalize(total, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


@pytest.mark.parametrize(("preset", "error"), [("ultrafast", 0.2), ("fast", 0.2), ("balanced", 0.1), ("fine", 0.05)])
@pytest.mark.parametrize("shift", [(3, -2), (-5, 1)])
def test_a_shift_is_recovered(preset: str, error: float, shift: tuple[int, int]) -> None:
    large = texture(220, 180)
    u, v = shift
    previous, current = large[20:140, 20:180], large[20 - v : 140 - v, 20 - u : 180 - u]
    field = OpenCvDis(preset)(previous, current)
    assert field.shape == (2, 120, 160)
    assert field.dtype == np.float32
    inside = field[:, 16:-16, 16:-16]
    assert np.abs(inside[0] - u).mean() < error
    assert np.abs(inside[1] - v).mean() < error


@pytest.mark.parametrize("preset", PRESETS)
def test_nothing_moves_between_equal_images(preset: str) -> None:
    image = texture(160, 120)
    assert np.abs(OpenCvDis(preset)(image, image)).max() < 1e-3


def test_presets_grow_more_accurate_on_a_real_pair(shared_data: Path) -> None:
    pair = load_pair(shared_data / "flow" / "middlebury2003_cones")
    fast, balanced, fine = (
        end_point_error(OpenCvDis(preset)(pair.previous, pair.current), pair) for preset in ("fast", "balanced", "fine")
    )
    opencv = cv2.DISOpticalFlow_create().calc(pair.previous, pair.current, None).transpose(2, 0, 1)
    assert fine < balanced < fast < 2.5
    assert fast == pytest.approx(end_point_error(opencv, pair), rel=1e-3)


def test_black_images_have_no_motion() -> None:
    black = np.zeros((60, 80), np.uint8)
    assert not OpenCvDis()(black, black).any()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PRESETS), st.integers(1, 300), st.integers(1, 40), st.booleans(), st.integers(0, 9))
def test_odd_sizes_give_finite_flow(preset: str, long: int, short: int, upright: bool, seed: int) -> None:
    size = (long, short) if upright else (short, long)
    random = np.random.default_rng(seed)
    previous, current = (random.integers(0, 256, size, np.uint8) for _ in range(2))
    field = OpenCvDis(preset)(previous, current)
    assert field.shape == (2, *size)
    assert np.isfinite(field).all()
    assert np.abs(field).max() < 1e4


def test_small_images_do_not_change_what_later_ones_get() -> None:
    previous, current = texture(160, 120, 1), texture(160, 120, 2)
    fresh = OpenCvDis()(previous, current)
    used = OpenCvDis()
    used(texture(200, 9, 3), texture(200, 9, 4))
    np.testing.assert_array_equal(used(previous, current), fresh)


def test_the_field_is_written_where_it_is_wanted_whatever_was_there() -> None:
    previous, current = texture(160, 120, 1), texture(160, 120, 1)[:, ::-1]
    flow = OpenCvDis()
    expected = flow(previous, current)
    out = np.full((2, 120, 160), np.nan, np.float32)
    assert flow(previous, current, out=out) is out
    np.testing.assert_array_equal(out, expected)


def test_images_that_do_not_fit_are_refused_with_both_shapes() -> None:
    flow = OpenCvDis()
    gray = np.zeros((60, 80), np.uint8)
    with pytest.raises(FlowError, match=r"previous is \(60, 80\) uint8 and current is \(60, 81\) uint8"):
        flow(gray, np.zeros((60, 81), np.uint8))
    with pytest.raises(FlowError, match="float32"):
        flow(gray, gray.astype(np.float32))
    with pytest.raises(FlowError, match=r"\(60, 80, 3\)"):
        flow(np.zeros((60, 80, 3), np.uint8), np.zeros((60, 80, 3), np.uint8))
    with pytest.raises(FlowError, match=r"\(0, 80\)"):
        flow(gray[:0], gray[:0])
    with pytest.raises(FlowError, match=r"out is \(2, 80, 60\) float32, expected \(2, 60, 80\)"):
        flow(gray, gray, out=np.zeros((2, 80, 60), np.float32))
    with pytest.raises(FlowError, match="contiguous"):
        flow(gray, gray, out=np.zeros((60, 80, 2), np.float32).transpose(2, 0, 1))


def test_an_unknown_algorithm_or_preset_names_those_there_are() -> None:
    with pytest.raises(FlowError, match="'raft': expected dis"):
        create_flow(FlowSettings("raft", "fast"))
    with pytest.raises(FlowError, match="'medium': expected one of ultrafast, fast, balanced, fine"):
        create_flow(FlowSettings("dis", "medium"))
    assert create_flow(FlowSettings("dis", "balanced")).name == "dis-balanced"
