from __future__ import annotations

import numpy as np
import pytest

from wsvs_ros.perception.crf import CrfSettings, ScoreRefiner, create_crf

COARSE = CrfSettings(5, bilateral_sxy=20)


def scene(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Coarse scores (2, 6, 8) whose edge lies left of the image's, which is in its middle."""
    width, height = size
    image = np.zeros((height, width, 3), np.uint8)
    image[:, width // 2 :] = 200
    scores = np.full((2, 6, 8), 0.3, np.float32)
    scores[0, :, :3] = scores[1, :, 3:] = 0.7
    return scores, image


@pytest.mark.parametrize(("size", "reduction"), [((64, 48), 1), ((64, 48), 2), ((67, 45), 2), ((67, 45), 3)])
def test_coarse_scores_get_the_edges_of_the_image(size: tuple[int, int], reduction: int) -> None:
    scores, image = scene(size)
    refined = ScoreRefiner(COARSE, size, reduction=reduction)(scores, image)
    assert refined.shape == (2, -(-size[1] // reduction), -(-size[0] // reduction))
    np.testing.assert_allclose(refined.sum(0), 1, atol=1e-4)
    labels = refined.argmax(0)
    edge = size[0] // 2 / reduction
    assert (labels[:, : int(edge - 0.5)] == 0).all()
    assert (labels[:, int(edge + 1) :] == 1).all()


def test_at_the_scores_own_size_it_is_the_crf_itself() -> None:
    scores, _ = scene((8, 6))
    image = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    refined = ScoreRefiner(COARSE, (8, 6), reduction=1)(scores, image)
    np.testing.assert_array_equal(refined, create_crf(COARSE)(scores, image))
