"""SIGINT and SIGTERM: the process ends in order, and if that takes too long, all the same."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

_GRACE = 1.5  # seconds from the signal to the end, whatever is under way


class StopSignals:
    """
    While in its context, SIGINT and SIGTERM only note that the process shall end.

    No exception is raised out of whatever was running, so that nothing is torn and no signal is lost in a place that
    swallows exceptions. A thread of its own ends the process if it is still there `_GRACE` seconds after the first
    signal: the main thread may be within a library for minutes, building an engine. Further signals change nothing.
    """

    def __init__(self) -> None:
        self._requested = threading.Event()
        self._done = threading.Event()
        self._before: dict[signal.Signals, Any] = {}

    @property
    def requested(self) -> bool:
        """Whether a signal came."""
        return self._requested.is_set()

    def __enter__(self) -> StopSignals:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        # the interpreter writes there from within the signal's handler, even while the main thread is in a library
        self._wakeup_before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        threading.Thread(target=self._watch, name="stop signals", daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._done.set()
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._writer)  # lets the watching thread end

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._requested.set()

    def _watch(self) -> None:
        while number := os.read(self._reader, 1):
            if number[0] in (signal.SIGINT, signal.SIGTERM):
                if not self._done.wait(_GRACE):
                    leave(f"stopped by {signal.Signals(number[0]).name} in the midst of something that takes long")
                break
        os.close(self._reader)


def leave(why: str) -> None:
    """End the process at once, as asked for: what runs in other threads cannot be waited for."""
    try:
        sys.stderr.write(f"{why}\n")
        sys.stderr.flush()
    finally:
        os._exit(0)
