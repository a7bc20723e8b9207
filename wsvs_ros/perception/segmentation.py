"""The segmentation of one frame."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from wsvs_ros.perception.frames import Frame
from wsvs_ros.perception.labels import LabelSet
from wsvs_ros.perception.postprocess import to_camera


@dataclass
class Segmentation:
    """
    What the segmenter found in a frame; the images are made when they are first asked for.

    :param frame: the frame, as it was given.
    :param scores: (N, h, w) float32 probabilities at the network's own resolution, or at the CRF's.
    :param label_set: the classes.
    :param working_size: width and height of the network's input.
    :param window_filled: how many fields of the window were flow; the others were zero.
    :param window_length: L.
    :param seconds: time by stage: `resize` (to working size, gray, planes), `flow`, `engine`, `crf` if there
        is one and, once the labels are made, `labels`.
    """

    frame: Frame
    scores: np.ndarray
    label_set: LabelSet
    working_size: tuple[int, int]
    window_filled: int
    window_length: int
    seconds: dict[str, float]

    @property
    def labels(self) -> np.ndarray:
        """(H, W) uint8 class ids at the camera's resolution."""
        return self._maps[0]

    @property
    def confidence(self) -> np.ndarray:
        """(H, W) float32 probability of the label, 0 to 1, at the camera's resolution."""
        return self._maps[1]

    @cached_property
    def vehicles(self) -> np.ndarray:
        """(H, W) uint8 at the camera's resolution, 255 where the label is a vehicle, else 0."""
        table = np.zeros(256, np.uint8)
        table[list(self.label_set.vehicle_ids)] = 255
        return cv2.LUT(self.labels, table)

    @cached_property
    def _maps(self) -> tuple[np.ndarray, np.ndarray]:
        start = time.perf_counter()
        maps = to_camera(self.scores, self.working_size, self.frame.size)
        self.seconds["labels"] = time.perf_counter() - start
        return maps
