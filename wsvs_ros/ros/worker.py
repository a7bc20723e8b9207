"""The thread that infers the newest frame and publishes what is found."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from wsvs_ros.ros.parameters import SegmentParameters
from wsvs_ros.ros.steady_lifecycle import describe

_THROTTLE = 5.0  # seconds between two log lines of the same trouble


class InferenceWorker:
    """
    Calls back for each frame that `wake` tells of, the newest one if several came, until `stop`.

    It infers only when a frame comes: what waited while nobody wanted labels is old when somebody does.

    :param infer: infers and publishes; an exception is counted and logged, and the next frame is tried.
    :param failed: called at each such exception.
    :param logger: an rclpy logger.
    :param settings: of now; may be replaced at any time.
    """

    def __init__(
        self, infer: Callable[[], None], failed: Callable[[], None], logger: Any, settings: SegmentParameters
    ) -> None:
        self._infer, self._failed, self._logger = infer, failed, logger
        self._settings = settings
        self._changed = threading.Condition()  # guards the next four
        self._arrival: float | None = None  # of the newest frame that is not taken yet
        self._stopping = False
        self._last_begin = -float("inf")
        self._busy_since: float | None = None
        self.death = ""
        self._thread = threading.Thread(target=self._work, name="inference", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread runs; `death` says why not."""
        return self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """Whether what is under way is wanted no more."""
        return self._stopping

    def busy_for(self) -> float:
        """Seconds that the inference under way has taken up to now; 0 if there is none."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def use(self, settings: SegmentParameters) -> None:
        """Go on with other settings; another rate holds at once."""
        with self._changed:
            self._settings = settings
            self._changed.notify()

    def wake(self) -> None:
        """A frame came that somebody wants the labels of."""
        with self._changed:
            self._arrival = time.monotonic()
            self._changed.notify()

    def stop(self, patience: float) -> bool:
        """
        Finish the frame at hand and end.

        :param patience: seconds to wait for that.
        :return: whether the thread ended.
        """
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(patience)
        return not self._thread.is_alive()

    def _work(self) -> None:
        try:
            while self._next():
                try:
                    self._infer()
                except Exception as error:
                    if not self._stopping:
                        self._failed()
                        self._logger.error(f"inference failed: {describe(error)}", throttle_duration_sec=_THROTTLE)
                finally:
                    self._busy_since = None
        except BaseException as error:  # a library that ends its thread, or a log that cannot be written
            self.death = describe(error)

    def _next(self) -> bool:
        """Wait for a frame whose turn it is; False at the end."""
        with self._changed:
            while not self._stopping:
                now = time.monotonic()
                if self._arrival is None:
                    self._changed.wait()
                elif now < self._due():
                    self._changed.wait(self._due() - now)
                elif now - self._arrival > self._settings.stale_after:
                    self._arrival = None  # its camera fell silent while it waited for its turn
                else:
                    self._arrival = None
                    # the schedule is kept while frames come in time, and begins anew after a pause
                    self._last_begin = self._due() if now - self._due() < self._period() else now
                    self._busy_since = now
                    return True
            return False

    def _period(self) -> float:
        return 1 / self._settings.max_rate if self._settings.max_rate else 0.0

    def _due(self) -> float:
        return self._last_begin + self._period()
