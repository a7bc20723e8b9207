"""Timer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Timer:
    """Calls back every `period` seconds, by whoever spins."""

    period: float
    callback: Callable[[], None]
    due: float = 0.0

    def __post_init__(self) -> None:
        self.due = time.monotonic() + self.period

    def cancel(self) -> None:
        """Call back no more."""
        self.due = float("inf")

    def reset(self) -> None:
        """Begin a new period."""
        self.due = time.monotonic() + self.period

    def fire(self, now: float) -> bool:
        """Call back if due; a period that was missed is left out."""
        if now < self.due:
            return False
        self.due = max(self.due + self.period, now)
        self.callback()
        return True
