"""Class scores to label map and confidence."""

from __future__ import annotations

import cv2
import numpy as np


def label_scores(scores: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """
    The best class and its score at every pixel, scores interpolated bilinearly.

    One pass over the classes: each plane is enlarged into the same small buffer and compared with the best so
    far, which stays in the cache: 0.9 ms for 11 classes at 480x360, where enlarging all and NumPy's argmax
    take 5 to 8.

    :param scores: (N, h, w) float32, N <= 255.
    :param size: width and height to reach.
    :return: labels (H, W) uint8, the lowest id of equal scores, and their scores (H, W) float32.
    """
    width, height = size
    best = _enlarge(scores[0], size, np.empty((height, width), np.float32))
    labels = np.zeros((height, width), np.uint8)
    plane = np.empty_like(best)
    better = np.empty_like(labels)
    for index in range(1, len(scores)):
        plane = _enlarge(scores[index], size, plane)
        cv2.compare(plane, best, cv2.CMP_GT, dst=better)
        cv2.max(plane, best, dst=best)
        # ids only grow, so the larger of the old id and the new one (0 where it is no better) is the label
        np.minimum(better, np.uint8(index), out=better)
        cv2.max(labels, better, dst=labels)
    return labels, best


def to_camera(
    scores: np.ndarray, working_size: tuple[int, int], camera_size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """
    Label map and confidence at the camera's resolution.

    A camera no larger than the working size gets the scores interpolated straight to its own. For a larger
    one the label map is made at the working size, there being no more in it, and enlarged to the nearest.

    :param scores: (N, h, w) float32 softmax probabilities.
    :param working_size: the bundle's width and height.
    :param camera_size: the frame's width and height.
    :return: labels (H, W) uint8 and confidence (H, W) float32, 0 to 1.
    """
    labels, confidence = label_scores(scores, label_size(working_size, camera_size))
    return enlarge(labels, camera_size), enlarge(confidence, camera_size)


def label_size(working_size: tuple[int, int], camera_size: tuple[int, int]) -> tuple[int, int]:
    """Width and height at which the label map is made, see `to_camera`."""
    smaller = camera_size[0] <= working_size[0] and camera_size[1] <= working_size[1]
    return camera_size if smaller else working_size


def enlarge(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """
    Bring a label map, or its confidence, to another size; ids are never mixed.

    :param plane: (h, w) uint8 or float32.
    :param size: width and height to reach.
    :return: (H, W); the array itself if it has that size.
    """
    return plane if plane.shape == size[::-1] else cv2.resize(plane, size, interpolation=cv2.INTER_NEAREST_EXACT)


def _enlarge(plane: np.ndarray, size: tuple[int, int], out: np.ndarray) -> np.ndarray:
    return cv2.resize(plane, size, dst=out, interpolation=cv2.INTER_LINEAR)
