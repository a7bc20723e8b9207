"""Timer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable


class Timer:
    """
    Calls back once a period, by whoever spins.

    :param period: seconds, not negative.
    :param changed: called when the next call comes sooner than it would have.
    :raises ValueError: if the period is negative or no number.
    """

    def __init__(
        self,
        period: float,
        callback: Callable[[], None],
        *,
        autostart: bool = True,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        if not period >= 0:
            raise ValueError(f"timer period {period}: seconds, 0 or more, are needed")
        self.period = period
        self.callback = callback
        self._changed = changed
        self._destroyed = False
        self.due = time.monotonic() + period if autostart else math.inf

    @property
    def timer_period_ns(self) -> int:
        return round(self.period * 1e9)

    @timer_period_ns.setter
    def timer_period_ns(self, value: int) -> None:
        self.period = value / 1e9

    def is_canceled(self) -> bool:
        return self.due == math.inf

    def is_ready(self) -> bool:
        return time.monotonic() >= self.due

    def cancel(self) -> None:
        """Call back no more until `reset`."""
        self.due = math.inf

    def reset(self) -> None:
        """Begin a new period, also after `cancel`."""
        if not self._destroyed:
            self.due = time.monotonic() + self.period
            self._changed()

    def destroy(self) -> None:
        """Never call back again."""
        self._destroyed = True
        self.cancel()

    def time_until_next_call(self) -> int | None:
        """Nanoseconds, negative when overdue; None when cancelled."""
        return None if self.is_canceled() else round((self.due - time.monotonic()) * 1e9)

    def fire(self, now: float) -> bool:
        """Call back if due; a period that was missed is left out."""
        if now < self.due:
            return False
        self.due = max(self.due + self.period, now)
        self.callback()
        return True
