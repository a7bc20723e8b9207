"""A node's logger: rclpy's calls, the terminal's format of ROS 2."""

from __future__ import annotations

import sys
import threading
import time

LEVELS = {"debug": 10, "info": 20, "warn": 30, "error": 40, "fatal": 50}


class Logger:
    """
    Writes `[LEVEL] [seconds] [name]: text` to standard error.

    :param level: the lowest level that is written, a key of LEVELS.
    """

    def __init__(self, name: str, level: str = "info") -> None:
        self.name = name
        self._level = LEVELS.get(level, LEVELS["info"])
        self._last: dict[str, float] = {}
        self._lock = threading.Lock()

    def debug(self, text: str, *, throttle_duration_sec: float = 0.0) -> bool:
        return self._log("debug", text, throttle_duration_sec)

    def info(self, text: str, *, throttle_duration_sec: float = 0.0) -> bool:
        return self._log("info", text, throttle_duration_sec)

    def warning(self, text: str, *, throttle_duration_sec: float = 0.0) -> bool:
        return self._log("warn", text, throttle_duration_sec)

    warn = warning

    def error(self, text: str, *, throttle_duration_sec: float = 0.0) -> bool:
        return self._log("error", text, throttle_duration_sec)

    def fatal(self, text: str, *, throttle_duration_sec: float = 0.0) -> bool:
        return self._log("fatal", text, throttle_duration_sec)

    def _log(self, level: str, text: str, throttle: float) -> bool:
        if LEVELS[level] < self._level:
            return False
        if throttle and not self._due(sys._getframe(2), throttle):
            return False
        print(f"[{level.upper()}] [{time.time():.9f}] [{self.name}]: {text}", file=sys.stderr, flush=True)
        return True

    def _due(self, caller: object, throttle: float) -> bool:
        """Throttling counts by the calling line, as rclpy's does."""
        place = f"{caller.f_code.co_filename}:{caller.f_lineno}"  # type: ignore[attr-defined]
        with self._lock:
            now = time.monotonic()
            if now - self._last.get(place, -throttle) < throttle:
                return False
            self._last[place] = now
            return True
