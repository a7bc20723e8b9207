"""Ctrl-C between two frames instead of in the middle of one, so that no file is left half-written."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any


class Interruption:
    """
    While entered, the first SIGINT or SIGTERM only sets `wanted`; a second one interrupts at once.

    A job looks at `wanted` where it can stop cleanly.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interruption:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        if self.wanted:
            raise KeyboardInterrupt
        self.wanted = True
