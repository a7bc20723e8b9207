"""Motion boundaries: where the flow changes abruptly, in speed or in direction (Papazoglou and Ferrari 2013, 3.1)."""

from __future__ import annotations

import cv2
import numpy as np

_SPEED = 1.0  # how fast the gradient's magnitude, pixels per pixel, makes a boundary certain
_DIRECTION = 2.0  # the same for the squared difference of direction, radians
_STRONG = 0.25  # a gradient this likely is a boundary, whatever the directions
_REACH = 2  # pixels to the neighbours whose direction is compared
_STILL = 0.1  # pixels per frame; the direction of slower motion is noise
_FAST = 6.0  # pixels per frame; the noise of a faster flow grows with its speed, and so must a boundary
_NEIGHBOURS = ((0, _REACH), (_REACH, 0), (_REACH, _REACH), (_REACH, -_REACH))


def motion_boundaries(flow: np.ndarray) -> np.ndarray:
    """
    Likelihood of a motion boundary at each pixel.

    A strong gradient of the flow is a boundary by itself; a weak one only where the direction differs as well.

    :param flow: (2, H, W) float32, pixels per frame.
    :return: (H, W) float32 in [0, 1].
    """
    median = float(np.median(np.hypot(flow[0], flow[1])))
    by_speed = 1 - np.exp(-_SPEED * min(1.0, _FAST / max(median, 1e-6)) * _gradient(flow))
    by_direction = 1 - np.exp(-_DIRECTION * _turn(flow))
    return np.where(by_speed > _STRONG, by_speed, by_speed * by_direction).astype(np.float32)


def _gradient(flow: np.ndarray) -> np.ndarray:
    """(H, W) Frobenius norm of the flow's Jacobian."""
    total = np.zeros(flow.shape[1:], np.float32)
    for component in flow:
        for order in ((1, 0), (0, 1)):
            slope = cv2.Sobel(component, cv2.CV_32F, *order, ksize=3, scale=1 / 8, borderType=cv2.BORDER_REPLICATE)
            total += slope * slope
    return np.sqrt(total)


def _turn(flow: np.ndarray) -> np.ndarray:
    """(H, W) greatest squared angle, radians, between a pixel's motion and its neighbours' on all sides."""
    angle = np.arctan2(flow[1], flow[0])
    moves = np.hypot(flow[0], flow[1]) > _STILL
    largest = np.zeros(angle.shape, np.float32)
    for down, right in _NEIGHBOURS:
        here, there = _overlap(angle.shape, down, right)
        turn = angle[here] - angle[there]
        turn = np.abs((turn + np.pi) % (2 * np.pi) - np.pi) * (moves[here] & moves[there])
        for side in (here, there):
            np.maximum(largest[side], turn * turn, out=largest[side])
    return largest


def _overlap(shape: tuple[int, ...], down: int, right: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Views of all pixels that have a neighbour at the offset, and of those neighbours."""
    height, width = shape
    left, stop = max(0, -right), width - max(0, right)
    here = (slice(0, max(height - down, 0)), slice(left, max(stop, left)))
    there = (slice(down, max(height, down)), slice(left + right, max(stop, left) + right))
    return here, there
