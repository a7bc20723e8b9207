from __future__ import annotations

import numpy as np

from wsvs_ros.perception.preprocess import resize_image, split_rgb, to_gray


def test_an_image_of_the_working_size_is_not_copied() -> None:
    image = np.zeros((6, 8, 3), np.uint8)
    assert resize_image(image, (8, 6)) is image


def test_shrinking_averages_so_that_nothing_thin_is_lost() -> None:
    image = np.zeros((40, 40, 3), np.uint8)
    image[:, 20] = 200
    small = resize_image(image, (10, 10))
    assert small.shape == (10, 10, 3)
    assert (small[:, 5] == 50).all()


def test_enlarging_keeps_a_flat_image_flat() -> None:
    assert (resize_image(np.full((5, 7, 3), 9, np.uint8), (64, 48)) == 9).all()


def test_planes_are_red_green_blue() -> None:
    image = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    planes = np.zeros((3, 6, 8), np.uint8)
    split_rgb(image, planes)
    np.testing.assert_array_equal(planes, image[..., ::-1].transpose(2, 0, 1))


def test_gray_weighs_green_most() -> None:
    blue, green, red = to_gray(np.eye(3, dtype=np.uint8)[None] * 255)[0]
    assert green > red > blue > 0
