"""The segmentation of one frame."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import cv2
import numpy as np

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.frames import Frame
from wsvs_ros.perception.labels import LabelSet
from wsvs_ros.perception.tracker import TrackedFrame


class NetworkOutput(Protocol):
    """What the network found in a frame, wherever it lies."""

    @property
    def scores(self) -> np.ndarray:
        """(N, h, w) float32 probabilities at the network's own resolution, or at the CRF's."""

    def labels(self) -> np.ndarray:
        """(H, W) uint8 class ids at the camera's resolution."""

    def confidence(self) -> np.ndarray:
        """(H, W) float32 probability of the labels."""


@dataclass
class Segmentation:
    """
    What the segmenter found in a frame; the images are made when they are first asked for.

    :param frame: the frame, as it was given.
    :param output: what the network found.
    :param label_set: the classes.
    :param window_filled: how many fields of the window were flow; the others were zero.
    :param window_length: L.
    :param seconds: time by stage: `resize` (to working size, gray, planes), `flow`, `engine`, `crf` if there
        is one and, once the labels are made, `labels`. On a GPU these are the times to set the stages going;
        `labels` includes the waiting for all of them.
    """

    frame: Frame
    output: NetworkOutput
    label_set: LabelSet
    window_filled: int
    window_length: int
    seconds: dict[str, float]

    @cached_property
    def scores(self) -> np.ndarray:
        """(N, h, w) float32 probabilities at the network's own resolution, or at the CRF's."""
        return self.output.scores

    @cached_property
    def labels(self) -> np.ndarray:
        """(H, W) uint8 class ids at the camera's resolution."""
        start = time.perf_counter()
        labels = self.output.labels()
        self.seconds["labels"] = time.perf_counter() - start
        return labels

    @cached_property
    def confidence(self) -> np.ndarray:
        """(H, W) float32 probability of the label, 0 to 1, at the camera's resolution."""
        return self.output.confidence()

    @cached_property
    def vehicles(self) -> np.ndarray:
        """(H, W) uint8 at the camera's resolution, 255 where the label is a vehicle, else 0."""
        table = np.zeros(256, np.uint8)
        table[list(self.label_set.vehicle_ids)] = 255
        return cv2.LUT(self.labels, table)


def segmentation_of(
    tracked: TrackedFrame, output: NetworkOutput, seconds: Mapping[str, float], bundle: ModelBundle
) -> Segmentation:
    """What was found in a frame that had its window; `seconds` are those since it had it, `resize` among them."""
    return Segmentation(
        frame=tracked.frame,
        output=output,
        label_set=bundle.labels,
        window_filled=tracked.filled,
        window_length=bundle.window_length,
        seconds={**seconds, "resize": tracked.seconds["resize"] + seconds["resize"], "flow": tracked.seconds["flow"]},
    )
