"""One object cut out of a frame: its superpixels' energy, its mask and its box."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch: pip install 'wsvs_ros[train]'")
pytest.importorskip("maxflow", reason="graph cuts need PyMaxflow: pip install 'wsvs_ros[train]'")
pytest.importorskip("skimage", reason="superpixels need scikit-image: pip install 'wsvs_ros[crf]'")

from training.cues.motion.colocalisation import locate_object, object_probability, region_edges, segment_object
from training.cues.motion.graph_cut import grid_edges, potts_energy
from wsvs_ros.perception.labels import LabelSet


def picture() -> tuple[np.ndarray, np.ndarray]:
    """A dark object and a smaller one of the same colour on noise; the mask is of both."""
    rng = np.random.default_rng(0)
    truth = np.zeros((240, 320), bool)
    truth[60:160, 80:220] = truth[180:208, 260:292] = True
    image = np.where(truth[..., None], [50, 70, 120], [150, 160, 140]) + rng.normal(0, 3, (240, 320, 3))
    return image.clip(0, 255).astype(np.uint8), truth


def blob() -> np.ndarray:
    """What a network may see of it: the middle of the larger one, a little of the other."""
    probability = np.full((30, 40), 0.05)
    probability[9:18, 12:25] = 0.6
    probability[24, 34] = 0.3
    return probability


def test_the_cut_follows_the_image_and_not_the_blob() -> None:
    image, truth = picture()
    found = segment_object(image, blob())
    assert (found & truth).sum() / (found | truth).sum() > 0.9
    left, top, right, bottom = locate_object(image, blob())
    assert max(abs(left - 80), abs(top - 60), abs(right - 220), abs(bottom - 160)) <= 2


def test_what_has_no_colour_of_its_own_and_is_unlikely_is_not_found() -> None:
    assert locate_object(np.full((240, 320, 3), 99, np.uint8), blob() / 3) is None


def test_a_boundary_of_superpixels_costs_what_it_costs_in_pixels() -> None:
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (16, 24, 3)).astype(np.uint8)
    regions = np.arange(4)[:, None].repeat(4, 0) * 4 + np.arange(4).repeat(6)
    edges = region_edges(image, regions, smoothness=3.0, gamma=0.5)
    assert (edges.first < edges.second).all()
    pixels = grid_edges(image, smoothness=3.0, gamma=0.5)
    for _ in range(10):
        labels = rng.integers(0, 2, 16)
        of_pixels = potts_energy(labels[regions].ravel(), np.zeros((2, regions.size)), pixels)
        assert potts_energy(labels, np.zeros((2, 16)), edges) == pytest.approx(of_pixels)


def test_only_the_tagged_object_and_the_background_share_the_probability() -> None:
    labels = LabelSet.load("youtube_objects10")
    scores = np.full((len(labels), 1, 1), 0.01, np.float32)
    scores[labels.id_of("background")], scores[labels.id_of("cow")], scores[labels.id_of("horse")] = 0.2, 0.1, 0.6
    assert float(object_probability(scores, labels, "cow")[0, 0]) == pytest.approx(1 / 3)
    street = LabelSet.load("camvid11")
    scores = np.full((len(street), 1, 1), 0.05, np.float32)
    assert float(object_probability(scores, street, "car")[0, 0]) == pytest.approx(0.05)
