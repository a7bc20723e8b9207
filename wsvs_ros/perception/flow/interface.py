"""What an optical flow is to the rest of the package."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from wsvs_ros.errors import WsvsError

Flow = np.ndarray
"""(2, H, W) float32: u (to the right), then v (downwards), pixels per frame, earlier to later frame."""


class FlowError(WsvsError):
    """Two frames have no flow between them, or there is no such flow algorithm."""


class FlowAlgorithm(Protocol):
    """Dense optical flow between two frames; not to be called from two threads at once."""

    name: str

    def __call__(self, previous: np.ndarray, current: np.ndarray, out: Flow | None = None) -> Flow:
        """
        Compute where each pixel of the earlier frame went.

        :param previous: (H, W) uint8, the earlier frame in gray.
        :param current: (H, W) uint8, the later frame in gray.
        :param out: (2, H, W) float32 to write into; without it a new array.
        :return: (2, H, W) float32, u before v, pixels; always finite.
        :raises FlowError: if the frames differ in shape, or are no gray images.
        """


def check_pair(previous: np.ndarray, current: np.ndarray) -> None:
    """
    Refuse a pair of images that no flow algorithm takes.

    :raises FlowError: if the two are not of the same (H, W), uint8 and not empty.
    """
    same = previous.shape == current.shape and previous.dtype == current.dtype == np.uint8
    if not same or previous.ndim != 2 or previous.size == 0:
        raise FlowError(
            f"optical flow: previous is {previous.shape} {previous.dtype} and current is {current.shape} "
            f"{current.dtype}, expected two gray uint8 images of the same (H, W)"
        )
