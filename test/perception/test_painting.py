from __future__ import annotations

import numpy as np
import pytest

from wsvs_ros.perception.labels import LabelSet
from wsvs_ros.perception.painting import colorize, colorize_flow, overlay

CAMVID = LabelSet.load("camvid11")
LABELS = np.array([[0, 3, 8], [10, 11, 255]], np.uint8)


def test_each_id_has_its_colour_in_bgr_and_unknown_is_black() -> None:
    painted = colorize(LABELS, CAMVID)
    assert painted.dtype == np.uint8
    np.testing.assert_array_equal(painted, CAMVID.colors[LABELS][..., ::-1])
    assert not painted[1, 1:].any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1)])
def test_odd_shapes_are_painted(shape: tuple[int, int]) -> None:
    labels = np.full(shape, 8, np.uint8)
    assert (colorize(labels, CAMVID) == (128, 0, 64)).all()
    assert (overlay(np.zeros((*shape, 3), np.uint8), labels, CAMVID) == (64, 0, 32)).all()


def test_the_overlay_mixes_and_leaves_unknown_pixels_as_they_are() -> None:
    image = np.full((2, 3, 3), 100, np.uint8)
    mixed = overlay(image, LABELS, CAMVID, opacity=0.25)
    assert mixed[0, 2].tolist() == [75 + 32, 75, 75 + 16]
    assert (mixed[1, 1:] == 100).all()
    assert (image == 100).all(), "the image was painted over"


def test_opacity_goes_from_the_image_to_the_colours() -> None:
    image = np.full((2, 3, 3), 100, np.uint8)
    np.testing.assert_array_equal(overlay(image, LABELS, CAMVID, 0), image)
    np.testing.assert_array_equal(overlay(image, LABELS, CAMVID, 1)[0], colorize(LABELS, CAMVID)[0])


def test_what_does_not_fit_is_refused() -> None:
    image = np.zeros((2, 3, 3), np.uint8)
    with pytest.raises(ValueError, match=r"image is \(2, 3, 3\) uint8, expected \(2, 2, 3\)"):
        overlay(image, LABELS[:, :2], CAMVID)
    with pytest.raises(ValueError, match=r"opacity: got 1\.5"):
        overlay(image, LABELS, CAMVID, 1.5)
    with pytest.raises(ValueError, match=r"labels are \(2, 3\) int64"):
        colorize(LABELS.astype(np.int64), CAMVID)


@pytest.mark.parametrize(
    ("motion", "bgr"),
    [
        ((0, 0), (255, 255, 255)),
        ((4, 0), (0, 0, 255)),
        ((-4, 0), (255, 255, 0)),
        ((0, 4), (0, 255, 128)),
        ((0, -4), (255, 0, 128)),
        ((2, 0), (128, 128, 255)),
        ((40, 0), (0, 0, 255)),
    ],
)
def test_the_hue_of_flow_is_its_direction_and_the_saturation_its_speed(motion: tuple, bgr: tuple) -> None:
    flow = np.empty((2, 3, 5), np.float32)
    flow[0], flow[1] = motion
    painted = colorize_flow(flow, longest=4)
    assert painted.shape == (3, 5, 3)
    assert np.abs(painted.astype(int) - bgr).max() <= 1


def test_flow_is_painted_in_proportion_to_its_longest_motion() -> None:
    flow = np.zeros((2, 1, 3), np.float32)
    flow[0, 0] = (0, 5, 10)
    assert colorize_flow(flow)[0].tolist() == [[255, 255, 255], [128, 128, 255], [0, 0, 255]]
    assert (colorize_flow(np.zeros((2, 4, 4), np.float32)) == 255).all()


def test_what_is_no_flow_is_refused() -> None:
    with pytest.raises(ValueError, match=r"flow is \(3, 4, 2\) float32, expected \(2, H, W\)"):
        colorize_flow(np.zeros((3, 4, 2), np.float32))
    with pytest.raises(ValueError, match="longest: got 0"):
        colorize_flow(np.zeros((2, 4, 4), np.float32), longest=0)
