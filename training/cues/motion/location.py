"""Where in a shot the moving objects are: what the boundaries enclose, carried along the flow from frame to frame."""

from __future__ import annotations

import cv2
import numpy as np

from training.cues.motion.boundaries import motion_boundaries
from training.cues.motion.inside import RAYS, inside_votes

_BOUNDARY = 0.5  # likelihood of a motion boundary that counts
_INSIDE = 0.53  # share of the votes that puts a pixel inside: more than half of 8 or of 16 rays
_CROWDED = 10.0  # how fast many boundary pixels make a frame's votes worthless: flow that failed is full of them


def object_location(forward: np.ndarray, backward: np.ndarray, *, memory: float) -> np.ndarray:
    """
    The share of the evidence, from a frame and those around it, that says that a pixel moves by itself.

    Boundaries have gaps and flow fails in single frames, so each frame's inside-outside map travels along the flow
    to the frames before and behind it (Papazoglou and Ferrari 2013, 3.2).

    :param forward: (T - 1, 2, H, W) float32 flow from each frame to the next, on the earlier frame's pixels.
    :param backward: (T - 1, 2, H, W) float32 flow from each frame's successor back, on the successor's pixels.
    :param memory: share of the evidence that survives the way to the next frame, below 1.
    :return: (T, H, W) float32 in [0, 1].
    """
    inside, trust = _frames(forward, backward)
    evidence = inside * trust[:, None, None]
    weight = np.ones_like(inside) * trust[:, None, None]
    total = np.zeros((2, *inside.shape), np.float32)
    for part, values in zip(total, (evidence, weight), strict=True):
        ahead, behind = values.copy(), values.copy()
        for t in range(1, len(values)):
            ahead[t] += memory * _carry(ahead[t - 1], backward[t - 1])
        for t in range(len(values) - 2, -1, -1):
            behind[t] += memory * _carry(behind[t + 1], forward[t])
        part[...] = ahead + behind - values
    return total[0] / np.maximum(total[1], 1e-3)


def _frames(forward: np.ndarray, backward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(T, H, W) float32 inside-outside maps, 0 or 1, and (T,) how far each frame's boundaries are to be trusted."""
    inside, trust = [], []
    for t in range(len(forward) + 1):
        fields = [*forward[t : t + 1], *backward[max(t - 1, 0) : t]]
        boundaries = [motion_boundaries(field) > _BOUNDARY for field in fields]
        votes = sum(inside_votes(each).astype(np.float32) for each in boundaries) / (RAYS * len(fields))
        inside.append((votes >= _INSIDE).astype(np.float32))
        trust.append(np.exp(-_CROWDED * max(each.mean() for each in boundaries)))
    return np.stack(inside), np.array(trust, np.float32)


def _carry(plane: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """What lies where the flow leads; zero outside the frame."""
    y, x = np.mgrid[: plane.shape[0], : plane.shape[1]].astype(np.float32)
    return cv2.remap(plane, x + flow[0], y + flow[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
