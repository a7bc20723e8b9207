"""A node's logger: rclpy's calls, the terminal's format of ROS 2."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

_Place = tuple[str, str, int, int]
"""File, function, line and instruction of a call; two on a line are two, as in rclpy."""

LEVELS = {"debug": 10, "info": 20, "warn": 30, "error": 40, "fatal": 50}


class Line(NamedTuple):
    """What is logged, and where in the code."""

    level: str
    name: str
    text: str
    file: str
    function: str
    number: int


class Logger:
    """
    Writes `[LEVEL] [seconds] [name]: text` to standard error.

    Of a line with `throttle_duration_sec`, `once` or `skip_first`, the calling place decides whether it is written; it
    keeps its severity and filters: a call that changes them raises ValueError, as rclpy's does.

    :param level: the lowest level that is written, a key of LEVELS.
    :param sink: gets each line, too.
    """

    def __init__(self, name: str, level: str = "info", sink: Callable[[Line], None] | None = None) -> None:
        self.name = name
        self._level = LEVELS.get(level, LEVELS["info"])
        self._sink = sink
        self._last: dict[_Place, float] = {}
        self._kept: dict[_Place, tuple[str, float, bool, bool]] = {}
        self._lock = threading.Lock()

    def debug(
        self, message: str, *, throttle_duration_sec: float = 0.0, once: bool = False, skip_first: bool = False
    ) -> bool:
        return self._log("debug", message, throttle_duration_sec, once, skip_first)

    def info(
        self, message: str, *, throttle_duration_sec: float = 0.0, once: bool = False, skip_first: bool = False
    ) -> bool:
        return self._log("info", message, throttle_duration_sec, once, skip_first)

    def warning(
        self, message: str, *, throttle_duration_sec: float = 0.0, once: bool = False, skip_first: bool = False
    ) -> bool:
        return self._log("warn", message, throttle_duration_sec, once, skip_first)

    def error(
        self, message: str, *, throttle_duration_sec: float = 0.0, once: bool = False, skip_first: bool = False
    ) -> bool:
        return self._log("error", message, throttle_duration_sec, once, skip_first)

    def fatal(
        self, message: str, *, throttle_duration_sec: float = 0.0, once: bool = False, skip_first: bool = False
    ) -> bool:
        return self._log("fatal", message, throttle_duration_sec, once, skip_first)

    def _log(self, level: str, text: str, throttle: float, once: bool, skip_first: bool) -> bool:
        if LEVELS[level] < self._level:
            return False
        caller = sys._getframe(2)
        code = caller.f_code
        place = (code.co_filename, code.co_name, caller.f_lineno, caller.f_lasti)
        wanted = (level, throttle, once, skip_first)
        if self._kept.setdefault(place, wanted) != wanted:
            where = f"{code.co_filename}:{caller.f_lineno}"
            raise ValueError(f"{where}: severity and filters cannot be changed between calls; write a call for each")
        if (throttle or once or skip_first) and not self._due(place, throttle, once, skip_first):
            return False
        with suppress(OSError):  # a full disk behind it ends nobody
            print(f"[{level.upper()}] [{time.time():.9f}] [{self.name}]: {text}", file=sys.stderr, flush=True)
        if self._sink is not None:
            self._sink(Line(level, self.name, str(text), code.co_filename, code.co_name, caller.f_lineno))
        return True

    def _due(self, place: _Place, throttle: float, once: bool, skip_first: bool) -> bool:
        """Filters count by the calling place, as rclpy's do."""
        with self._lock:
            now = time.monotonic()
            last = self._last.get(place)
            if last is None:
                self._last[place] = -throttle if skip_first else now  # what is skipped holds nothing back
                return not skip_first
            if once or now - last < throttle:
                return False
            self._last[place] = now
            return True
