"""Whether labels stay on what they label from frame to frame; needs no truth."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from wsvs_ros.evaluation.flow_consistency import flow_with_mask
from wsvs_ros.evaluation.metrics import ConfusionMatrix
from wsvs_ros.perception.bundle import FlowSettings
from wsvs_ros.perception.flow import create_flow
from wsvs_ros.perception.flow.interface import Flow
from wsvs_ros.perception.labels import LabelSet

_WIDEST = 480  # pixels at which flow is computed; enough for labels, and the same effort for every camera


class TemporalConsistency:
    """
    Agreement of each frame's labels with the last frame's along the optical flow (OpenCV's DIS).

    Pixels whose forward and backward flow do not cancel out, because they get hidden or leave the image, are not
    counted; neither are pixels without a class.

    :param label_set: the classes.
    """

    def __init__(self, label_set: LabelSet) -> None:
        self._classes = len(label_set)
        self._flow = create_flow(FlowSettings("dis", "fast"))
        self._matrix, self._of_truth = ConfusionMatrix(label_set), ConfusionMatrix(label_set)
        self._last: tuple[np.ndarray, np.ndarray, np.ndarray | None] | None = None

    def update(self, image: np.ndarray, labels: np.ndarray, truth: np.ndarray | None = None) -> float | None:
        """
        Take the next frame in.

        :param image: (H, W, 3) uint8 BGR.
        :param labels: (H, W) uint8 ids.
        :param truth: (H, W) uint8 true ids, to compare with: labels cannot be steadier than the flow is right.
        :return: share of the followed pixels whose label stayed; None for the first frame, or if none is followed.
        """
        gray = _gray(image)
        last, self._last = self._last, (gray, _shrink(labels, gray), None if truth is None else _shrink(truth, gray))
        if last is None or last[0].shape != gray.shape:
            return None
        flow, followed = flow_with_mask(self._flow, last[0], gray)
        here = follow(self._last[1], flow)
        seen = followed & (here < self._classes)  # what has no class now was not labelled otherwise
        counts = self._matrix.update(here, np.where(seen, last[1], np.uint8(255)))
        if last[2] is not None and self._last[2] is not None:
            now = follow(self._last[2], flow)
            counted = followed & (now < self._classes)
            self._of_truth.update(now, np.where(counted, last[2], np.uint8(255)))
        total = int(counts.sum())
        return float(counts.diagonal().sum() / total) if total else None

    def cut(self) -> None:
        """The next frame does not continue the last one."""
        self._last = None

    def to_dict(self) -> dict[str, Any]:
        """
        `agreement`, the share of followed pixels whose label stayed, `miou` of last and next labels, and `truth`,
        the agreement that the true labels reach.
        """
        return {
            "agreement": self._matrix.global_accuracy,
            "miou": self._matrix.miou,
            "truth": self._of_truth.global_accuracy,
        }


def follow(labels: np.ndarray, flow: Flow) -> np.ndarray:
    """
    What the later frame's labels are where the earlier frame's pixels went.

    :param labels: (H, W) uint8, of the later frame.
    :param flow: (2, H, W) float32 pixels, from the earlier to the later frame.
    :return: (H, W) uint8, on the earlier frame's grid; 255 for what left the image.
    """
    height, width = labels.shape
    x, y = flow[0] + np.arange(width, dtype=np.float32), flow[1] + np.arange(height, dtype=np.float32)[:, None]
    return cv2.remap(labels, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=255)


def _gray(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    if width <= _WIDEST:
        return gray
    return cv2.resize(gray, (_WIDEST, max(round(height * _WIDEST / width), 1)), interpolation=cv2.INTER_AREA)


def _shrink(labels: np.ndarray, like: np.ndarray) -> np.ndarray:
    if labels.shape == like.shape:
        return labels
    return cv2.resize(labels, like.shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
