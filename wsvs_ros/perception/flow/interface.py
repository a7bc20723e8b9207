"""What an optical flow is to the rest of the package."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from wsvs_ros.errors import WsvsError

Flow = np.ndarray
"""(2, H, W) float32: u (to the right), then v (downwards), pixels per frame, earlier to later frame."""


class FlowError(WsvsError):
    """Two frames have no flow between them, or there is no such flow algorithm here."""


class FlowAlgorithm(Protocol):
    """Dense optical flow between two frames; not to be called from two threads at once."""

    name: str

    def __call__(
        self, previous: np.ndarray, current: np.ndarray, out: Flow | None = None, initial: Flow | None = None
    ) -> Flow:
        """
        Compute where each pixel of the earlier frame went.

        :param previous: (H, W) uint8, the earlier frame in gray.
        :param current: (H, W) uint8, the later frame in gray.
        :param out: (2, H, W) float32 to write into; without it a new array.
        :param initial: (2, H, W) float32, a guess to begin with or to try, e.g. the flow that led to `previous`.
        :return: (2, H, W) float32, u before v, pixels; always finite.
        :raises FlowError: if the frames differ in shape, or are no gray images.
        """

    def batch(self, previous: np.ndarray, current: np.ndarray) -> np.ndarray:
        """
        Compute the flow of many pairs, on all there is to compute with.

        :param previous: (B, H, W) uint8, the earlier frames in gray.
        :param current: (B, H, W) uint8, the later ones.
        :return: (B, 2, H, W) float32, what calls one by one give.
        :raises FlowError: as a call does.
        """


def check_pair(previous: np.ndarray, current: np.ndarray, *fields: Flow | None, batched: bool = False) -> None:
    """
    Refuse what no flow algorithm takes.

    :param fields: fields that come with the pair, or None.
    :param batched: whether the images have a leading dimension of pairs.
    :raises FlowError: if the images are not of the same (H, W), uint8 and not empty, or a field does not fit.
    """
    same = previous.shape == current.shape and previous.dtype == current.dtype == np.uint8
    if not same or previous.ndim != 2 + batched or 0 in previous.shape[batched:]:
        raise FlowError(
            f"optical flow: previous is {previous.shape} {previous.dtype} and current is {current.shape} "
            f"{current.dtype}, expected two gray uint8 images of the same {'(B, H, W)' if batched else '(H, W)'}"
        )
    for name, field in zip(("out", "initial"), fields, strict=False):
        expected = (2, *previous.shape)
        if field is not None and not (
            field.shape == expected and field.dtype == np.float32 and field.flags.c_contiguous
        ):
            raise FlowError(
                f"optical flow: {name} is {field.shape} {field.dtype}, expected {expected} float32, "
                f"contiguous, for images of {previous.shape}"
            )
    initial = fields[1] if len(fields) > 1 else None
    if initial is not None and not np.isfinite(initial).all():
        raise FlowError("optical flow: initial has NaN or infinite values; leave it out for this frame")
