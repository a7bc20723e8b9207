"""Frames that never came, told by gaps in the stamps of those that did."""

from __future__ import annotations

import time
from collections import deque

import numpy as np

_SPAN = 10.0  # seconds that are looked back
_FEWEST = 10  # steps from which on a camera's period is known
_PAUSE = 2_000_000_000  # nanoseconds between two stamps that are no loss, but a camera that stopped
_SHORT = 10  # percentile of the steps that is taken for the period: most may span lost frames


class StampGaps:
    """
    Counts the frames missing between those that came.

    The camera's period is what its shortest steps agree on; a step of about n periods hides n - 1 frames. Whether the
    middleware lost them or the camera skipped them, stamps do not tell.
    """

    def __init__(self) -> None:
        self._newest: int | None = None
        self._steps: deque[tuple[float, int]] = deque()

    def add(self, stamp: int) -> None:
        """
        A frame came.

        :param stamp: nanoseconds; one that is not later than the frame's before begins anew.
        """
        now = time.monotonic()
        before, self._newest = self._newest, stamp
        if before is not None and 0 < stamp - before < _PAUSE:
            self._steps.append((now, stamp - before))
        while self._steps and self._steps[0][0] < now - _SPAN:
            self._steps.popleft()

    def share(self) -> float:
        """The share of the last seconds' frames that is missing, in [0, 1); 0 while the period is not known."""
        now = time.monotonic()
        steps = np.array([step for moment, step in self._steps if moment >= now - _SPAN], dtype=np.float64)
        if len(steps) < _FEWEST:
            return 0.0
        periods = np.maximum(np.rint(steps / np.percentile(steps, _SHORT)), 1)
        return float(1 - len(steps) / periods.sum())
