"""Where a flow can be trusted: forward and backward flow cancel out."""

from __future__ import annotations

import cv2
import numpy as np

from wsvs_ros.perception.flow.interface import Flow, FlowAlgorithm, FlowError


def consistent(forward: Flow, backward: Flow, *, relative: float = 0.01, absolute: float = 0.5) -> np.ndarray:
    """
    Mark the pixels from which the forward flow and then the backward flow lead back (Sundaram 2010).

    The others are mostly hidden in the later frame, or have left it.

    :param forward: (2, H, W) float32 pixels, from the earlier to the later frame.
    :param backward: (2, H, W) float32 pixels, from the later to the earlier one.
    :param relative: share of the squared lengths of both vectors that the squared error may reach.
    :param absolute: squared error that is always forgiven, pixels squared.
    :return: (H, W) bool.
    :raises FlowError: if the two differ in shape, or are no fields.
    """
    if forward.shape != backward.shape or forward.ndim != 3 or len(forward) != 2:
        raise FlowError(
            f"consistency: forward is {forward.shape} and backward is {backward.shape}, expected two (2, H, W)"
        )
    height, width = forward.shape[1:]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = x + forward[0], y + forward[1]
    back = np.stack([cv2.remap(plane, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for plane in backward])
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    error = ((forward + back) ** 2).sum(0)
    lengths = (forward**2).sum(0) + (back**2).sum(0)
    return inside & (error <= relative * lengths + absolute)


def flow_with_mask(flow: FlowAlgorithm, previous: np.ndarray, current: np.ndarray) -> tuple[Flow, np.ndarray]:
    """
    Flow and where it can be trusted, for twice the work.

    :param previous: (H, W) uint8, the earlier frame in gray.
    :param current: (H, W) uint8, the later one.
    :return: (2, H, W) float32 and (H, W) bool, see `consistent`.
    """
    forward = flow(previous, current)
    return forward, consistent(forward, flow(current, previous))
