"""Where one scene ends and the next begins, found on small frames as the drive is read."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from wsvs_ros.tagging.seeking import FrameSource

_STEP = 0.5  # seconds between the frames that are compared
_DIFFERENT = 0.45  # share of the pixels whose colour bin has no counterpart in the other frame
_SHORTEST_SCENE = 1.0  # seconds


def find_cuts(source: FrameSource, start: float, end: float) -> Iterator[tuple[float, float | None]]:
    """
    Look through a stretch of a drive.

    :return: as it goes: how far it is, seconds, and the cut that lies before, if there is one: the time of the
        new scene's first frame.
    """
    before_time, before = start, histogram(source.at(start))
    last_cut = start
    while before_time < end:
        time = min(before_time + _STEP, end)
        now = histogram(source.at(time))
        cut = None
        if distance(before, now) > _DIFFERENT and time - last_cut >= _SHORTEST_SCENE:
            cut = last_cut = _narrow_down(source, (before_time, before), (time, now))
        yield time, cut
        before_time, before = time, now


def histogram(image: np.ndarray) -> np.ndarray:
    """
    Colours of a frame, coarse enough to survive motion.

    :param image: (H, W, 3) uint8 BGR.
    :return: (16, 4, 4) float32, hue, saturation and value; sums to 1.
    """
    small = cv2.resize(image, (64, 48), interpolation=cv2.INTER_AREA)
    hsv = cv2.cvtColor(small, cv2.COLOR_BGR2HSV)
    bins = cv2.calcHist([hsv], [0, 1, 2], None, [16, 4, 4], [0, 180, 0, 256, 0, 256])
    return bins / bins.sum()


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Half the L1 distance of two histograms: 0 for the same colours, 1 for none in common."""
    return float(np.abs(one - other).sum()) / 2


def _narrow_down(source: FrameSource, one: tuple[float, np.ndarray], other: tuple[float, np.ndarray]) -> float:
    """The new scene's first frame, between two times, by bisection."""
    (low, before), (high, after) = one, other
    while high - low > 1 / source.fps + 1e-6:
        middle = (low + high) / 2
        found = histogram(source.at(middle))
        if distance(found, before) < distance(found, after):
            low = middle
        else:
            high = middle
    return round(round(high * source.fps) / source.fps, 3)
