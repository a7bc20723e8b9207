"""FlowWindow: the rolling stack of the last flow fields, as one contiguous view."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from wsvs_ros.perception.flow.interface import FlowError

_WINDOWS_A_BUFFER = 3


def host_zeros(shape: tuple[int, ...]) -> np.ndarray:
    """A float32 array of zeros; they cost nothing until they are written: the system maps its zero page."""
    return np.zeros(shape, np.float32)


class FlowWindow:
    """
    The last L flow fields, oldest first (BF 3.2); fields that are not there yet are zero.

    Fields are written one after the other into a buffer of a few windows' length, so the window is always a
    contiguous part of it and costs nothing to hand out. A full buffer is left to the views that look into it:
    the window moves to a new one and takes its fields along. So a view never changes.

    :param length: L, the number of fields in the window.
    :param size: width and height of a field, pixels.
    :param zeros: makes a float32 array of a shape; with one that makes torch tensors, fields and views are tensors.
    """

    def __init__(
        self, length: int, size: tuple[int, int], zeros: Callable[[tuple[int, ...]], Any] = host_zeros
    ) -> None:
        if length < 1:
            raise ValueError(f"window length {length}: expected at least 1")
        self._length = length
        self._shape = (2, size[1], size[0])
        self._zeros = zeros
        self.reset()

    @property
    def length(self) -> int:
        """L, the number of fields in the window."""
        return self._length

    @property
    def filled(self) -> int:
        """How many of the window's fields are flow, 0 to L; the others are zero for want of a frame."""
        return sum(self._real)

    def reset(self) -> None:
        """Forget all fields: the window is zero again. Views handed out before stay as they are."""
        self._buffer = self._zeros((_WINDOWS_A_BUFFER * self._length, *self._shape))
        self._end = self._length
        self._slot: Any = None
        self._real: deque[bool] = deque([False] * self._length, maxlen=self._length)

    def slot(self) -> Any:
        """
        Where the next field lies: a field computed into it is pushed without a copy.

        :return: (2, H, W) float32, a view that no window shows until it is pushed.
        """
        if self._end == len(self._buffer):
            buffer = self._zeros(tuple(self._buffer.shape))
            buffer[: self._length] = self._buffer[-self._length :]
            self._buffer, self._end = buffer, self._length
        self._slot = self._buffer[self._end]
        return self._slot

    def push(self, field: Any) -> None:
        """
        Append the newest field; the oldest one leaves the window.

        :param field: (2, H, W) float32, pixels per frame; copied unless it is the `slot()`.
        :raises FlowError: if it has another shape.
        """
        if tuple(field.shape) != self._shape:
            raise FlowError(f"flow window: got a field of shape {tuple(field.shape)}, expected {self._shape}")
        if field is not self._slot:
            self.slot()[...] = field
        self._advance(real=True)

    def pad(self) -> None:
        """Append a zero field for a frame that is not there, e.g. beyond the end of a drive."""
        self.slot()[...] = 0
        self._advance(real=False)

    def stack(self) -> Any:
        """
        The window as network input.

        :return: (2L, H, W) float32, oldest field first, u before v: a contiguous, read-only view of now.
        """
        view = self._buffer[self._end - self._length : self._end].reshape(-1, *self._shape[1:])
        if isinstance(view, np.ndarray):
            view.setflags(write=False)
        return view

    def _advance(self, *, real: bool) -> None:
        self._end += 1
        self._slot = None
        self._real.append(real)
