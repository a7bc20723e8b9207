"""Which of several ways to compute is the faster one here."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Sequence

import cv2
import numpy as np

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.compute.interface import Compute
from wsvs_ros.perception.frames import Frame
from wsvs_ros.perception.tracker import FrameTracker

_LOG = logging.getLogger(__name__)
_FRAMES = 12
_UNCOUNTED = 4  # frames before, in which memory is allocated
_PERIOD_NS = 33_333_333


def faster(computes: Sequence[Compute], bundle: ModelBundle) -> Compute:
    """
    The one that brings a frame to its label map in the least time; the log says how much each takes.

    :param computes: at least one, of one engine.
    :param bundle: their model.
    """
    times = [seconds_a_frame(compute, bundle) for compute in computes]
    for compute, seconds in zip(computes, times, strict=True):
        _LOG.info("measured: %.2f ms a frame, %s", 1e3 * seconds, compute.way)
    return computes[times.index(min(times))]


def seconds_a_frame(compute: Compute, bundle: ModelBundle) -> float:
    """Median time from frame to label map, of a texture that moves by three pixels a frame."""
    width, height = bundle.working_size
    noise = np.random.default_rng(0).integers(0, 256, (height, width + 3 * (_FRAMES + _UNCOUNTED), 3), np.uint8)
    scene = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)
    tracker = FrameTracker(bundle, compute, lookahead=0, max_gap=1.0)
    times = []
    for index in range(_FRAMES + _UNCOUNTED):
        image = np.ascontiguousarray(scene[:, 3 * index : 3 * index + width])
        begin = time.perf_counter()
        for tracked in tracker.add(Frame(image, index * _PERIOD_NS)):
            compute.infer(tracked)[0].labels()
        times.append(time.perf_counter() - begin)
    return statistics.median(times[_UNCOUNTED:])
