"""Timer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from wsvs_ros.embedded.clock import Clock


class Timer:
    """
    Calls back once a period, by whoever spins.

    :param period: seconds, not negative.
    :param clock: whose timer it is; see `Node.create_timer`.
    :param changed: called when the next call comes sooner than it would have.
    :raises ValueError: if the period is negative or no number.
    :raises TypeError: if the clock is none.
    """

    def __init__(
        self,
        period: float,
        callback: Callable[[], None],
        clock: Clock,
        *,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        if not period >= 0:
            raise ValueError(f"timer period {period}: seconds, 0 or more, are needed")
        if not isinstance(clock, Clock):
            raise TypeError(f"clock {clock!r}: a Clock is needed")
        self.period = period
        self.callback = callback
        self.clock = clock
        self._changed = changed
        self._destroyed = False
        self.due = time.monotonic() + period

    def is_canceled(self) -> bool:
        return self.due == math.inf

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

    def fire(self, now: float) -> bool:
        """Call back if due; a period that was missed is left out."""
        if now < self.due:
            return False
        self.due = max(self.due + self.period, now)
        self.callback()
        return True
