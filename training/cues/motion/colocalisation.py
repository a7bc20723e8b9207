"""Where the object is in a frame that is known to show it: a box, from what the network sees (MC 4.5)."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from training.cues.motion.colour_mixture import fit_mixtures
from training.cues.motion.graph_cut import Edges, contrast_weights, grid_neighbours, min_cut
from training.cues.regions import find_regions
from wsvs_ros.evaluation.vehicles import Box, region_boxes
from wsvs_ros.perception.labels import LabelSet

_HIGH, _LOW = 0.5, 0.2  # shares of the greatest probability that make a pixel the object's, or not


def object_probability(scores: np.ndarray, labels: LabelSet, name: str) -> np.ndarray:
    """
    How likely each cell is the one object that the frame is known to show.

    :param scores: (N, h, w) probabilities.
    :param name: its class. Where the label set has a class `background`, the frame shows nothing else, and the other
        objects' probability is left out.
    :return: (h, w) float32.
    """
    itself = scores[labels.id_of(name)]
    if "background" not in labels.names:
        return itself
    both: np.ndarray = itself / np.maximum(itself + scores[labels.id_of("background")], 1e-12)
    return both


def segment_object(
    image: np.ndarray,
    probability: np.ndarray,
    *,
    alpha: float = 1.0,
    components: int = 5,
    smoothness: float = 50.0,
    gamma: float = 0.5,
) -> np.ndarray:
    """
    Cut the object out: of all sets of superpixels the one of least energy by MC eq. 2.

    Pixels nearly as likely as the likeliest ones teach the object's colours, those far less likely the background's.
    A superpixel has its mean colour, as many times as it has pixels: a few pixels of another colour do not outvote it.

    :param image: (H, W, 3) uint8.
    :param probability: (h, w) of the object; enlarged to the image.
    :param alpha: weight of the network's answer beside the colours'.
    :param smoothness: MC's lambda, for pixels; GrabCut's by default.
    :return: (H, W) bool.
    :raises CrfError: if scikit-image is missing; a :class:`~training.cues.motion.graph_cut.GraphCutError` if
        PyMaxflow is.
    """
    height, width = image.shape[:2]
    likely = cv2.resize(probability.astype(np.float64), (width, height)).clip(1e-6, 1 - 1e-6)
    peak = likely.max()
    evidence = np.stack([likely <= _LOW * peak, likely >= _HIGH * peak]).reshape(2, -1)
    pixels = torch.from_numpy(image.reshape(1, -1, 3).astype(np.float64))
    mixtures = fit_mixtures(pixels, torch.from_numpy(evidence).double(), components=components)
    regions = find_regions(image, "slic")
    area = np.bincount(regions.ravel())
    means = np.stack([np.bincount(regions.ravel(), channel) for channel in image.reshape(-1, 3).T], 1) / area[:, None]
    surprise = -mixtures.log_likelihood(torch.from_numpy(means)[None]).numpy()
    seen = np.stack([np.bincount(regions.ravel(), np.log(each).ravel()) for each in (1 - likely, likely)])
    unaries = area * surprise - alpha * seen
    labels = min_cut(unaries, region_edges(image, regions, smoothness=smoothness, gamma=gamma))
    return labels[regions] == 1


def locate_object(image: np.ndarray, probability: np.ndarray) -> Box | None:
    """The box around the largest connected part of :func:`segment_object`; None if there is none."""
    boxes = region_boxes(segment_object(image, probability))
    return boxes[0] if boxes else None


def region_edges(image: np.ndarray, regions: np.ndarray, *, smoothness: float, gamma: float) -> Edges:
    """The pixels' edges, those between the same two regions added up: boundaries cost what they cost in pixels."""
    first, second, distance = grid_neighbours(regions.shape)
    weight = contrast_weights(image.reshape(-1, 3), first, second, distance, smoothness=smoothness, gamma=gamma)
    ends = np.sort(np.stack([regions.ravel()[first], regions.ravel()[second]]), 0)
    across = ends[0] != ends[1]
    count = int(regions.max()) + 1
    pairs, places = np.unique(ends[0, across].astype(np.int64) * count + ends[1, across], return_inverse=True)
    return Edges(pairs // count, pairs % count, np.bincount(places, weight[across], len(pairs)))
