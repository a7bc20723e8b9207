"""Label maps and flow fields as pictures."""

from __future__ import annotations

import cv2
import numpy as np

from wsvs_ros.perception.labels import LabelSet


def colorize(labels: np.ndarray, label_set: LabelSet) -> np.ndarray:
    """
    Paint each pixel in its class's colour; ids without a class are black.

    :param labels: (H, W) uint8 ids.
    :param label_set: the classes and their colours.
    :return: (H, W, 3) uint8 BGR.
    """
    _check_labels(labels)
    palette = np.ascontiguousarray(label_set.colors[:, ::-1]).reshape(256, 1, 3)
    return cv2.LUT(cv2.merge([labels, labels, labels]), palette)


def overlay(image: np.ndarray, labels: np.ndarray, label_set: LabelSet, opacity: float = 0.5) -> np.ndarray:
    """
    Paint the classes over the image; pixels without a class show the image.

    :param image: (H, W, 3) uint8 BGR.
    :param labels: (H, W) uint8 ids.
    :param label_set: the classes and their colours.
    :param opacity: of the colours, 0 (the image alone) to 1 (the colours alone).
    :return: (H, W, 3) uint8 BGR, a new array.
    :raises ValueError: if the two differ in size or the opacity is out of range.
    """
    _check_labels(labels)
    if image.shape != (*labels.shape, 3) or image.dtype != np.uint8:
        raise ValueError(f"image is {image.shape} {image.dtype}, expected {(*labels.shape, 3)} uint8")
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity: got {opacity}, expected 0 to 1")
    painted = cv2.addWeighted(image, 1 - opacity, colorize(labels, label_set), opacity, 0)
    unknown = labels >= len(label_set)
    cv2.copyTo(image, unknown.view(np.uint8), painted)
    return painted


def colorize_flow(flow: np.ndarray, longest: float | None = None) -> np.ndarray:
    """
    Paint a flow field by the colour wheel: the hue tells the direction, the saturation the speed.

    Rest is white; red goes to the right, yellow-green downwards, cyan to the left, violet upwards.

    :param flow: (2, H, W) float32, u to the right and v downwards, pixels.
    :param longest: motion of full saturation, pixels, so that frames compare; by default the field's own longest.
    :return: (H, W, 3) uint8 BGR.
    :raises ValueError: if the field is none, or `longest` is not positive.
    """
    if flow.ndim != 3 or len(flow) != 2 or flow.dtype != np.float32:
        raise ValueError(f"flow is {flow.shape} {flow.dtype}, expected (2, H, W) float32")
    length, angle = cv2.cartToPolar(flow[0], flow[1], angleInDegrees=True)
    if longest is None:
        longest = max(float(length.max(initial=0)), 1e-6)
    if not longest > 0:
        raise ValueError(f"longest: got {longest}, expected more than 0 pixels")
    saturation = np.minimum(length / longest, 1)
    wheel = cv2.cvtColor(cv2.merge([angle, saturation, np.ones_like(length)]), cv2.COLOR_HSV2BGR)
    return np.rint(255 * wheel).astype(np.uint8)


def _check_labels(labels: np.ndarray) -> None:
    if labels.ndim != 2 or labels.dtype != np.uint8:
        raise ValueError(f"labels are {labels.shape} {labels.dtype}, expected (H, W) uint8")
