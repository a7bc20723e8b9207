from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsvs_ros.perception.postprocess import label_scores, to_camera


def random_scores(classes: int, height: int, width: int, seed: int) -> np.ndarray:
    scores = np.exp(np.random.default_rng(seed).normal(0, 1, (classes, height, width)))
    return (scores / scores.sum(0)).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(
    classes=st.integers(1, 20),
    scores_size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    seed=st.integers(0, 99),
)
def test_the_same_as_enlarging_all_and_numpys_argmax(
    classes: int, scores_size: tuple[int, int], size: tuple[int, int], seed: int
) -> None:
    scores = random_scores(classes, *scores_size, seed)
    large = np.stack([cv2.resize(plane, size) for plane in scores])
    labels, confidence = label_scores(scores, size)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, large.argmax(0))
    np.testing.assert_array_equal(confidence, large.max(0))


def test_the_lowest_id_wins_among_equals() -> None:
    labels, confidence = label_scores(np.full((5, 4, 4), 0.2, np.float32), (8, 8))
    assert not labels.any()
    np.testing.assert_allclose(confidence, 0.2)


def test_255_classes_keep_their_ids() -> None:
    scores = np.zeros((255, 1, 1), np.float32)
    scores[254] = 1
    assert (label_scores(scores, (3, 3))[0] == 254).all()


@pytest.mark.parametrize("camera", [(480, 360), (96, 72), (40, 100), (97, 72), (1242, 375)])
def test_maps_have_the_cameras_size(camera: tuple[int, int]) -> None:
    labels, confidence = to_camera(random_scores(11, 18, 24, 0), (96, 72), camera)
    assert labels.shape == confidence.shape == camera[::-1]
    assert labels.dtype == np.uint8
    assert confidence.dtype == np.float32
    assert 0 <= confidence.min() <= confidence.max() <= 1


def test_a_larger_camera_gets_the_working_map_pixel_by_pixel() -> None:
    scores = random_scores(11, 18, 24, 1)
    labels, confidence = label_scores(scores, (96, 72))
    camera_labels, camera_confidence = to_camera(scores, (96, 72), (288, 216))
    np.testing.assert_array_equal(camera_labels, labels.repeat(3, 0).repeat(3, 1))
    np.testing.assert_array_equal(camera_confidence, confidence.repeat(3, 0).repeat(3, 1))
