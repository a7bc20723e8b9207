"""What the node counts: rates, latencies and losses of the last seconds."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wsvs_ros.ros.stamp_gaps import StampGaps

_SPAN = 5.0  # seconds that rates and latencies look back
_PAUSE = 2.0  # seconds without a frame after which nobody waits for the labels of those before


@dataclass(frozen=True)
class Arrival:
    """
    How a frame came in.

    :param header: of its message.
    :param stamp_age: seconds from its stamp to its arrival, by the node's clock.
    :param moment: of its arrival, on the monotonic clock.
    """

    header: Any
    stamp_age: float
    moment: float = field(default_factory=time.monotonic)

    def latency(self) -> float:
        """Seconds from its stamp to now; a clock that is set meanwhile changes nothing."""
        return self.stamp_age + time.monotonic() - self.moment


@dataclass(frozen=True)
class Summary:
    """
    The last seconds in figures.

    :param input_rate: camera frames a second.
    :param output_rate: published segmentations a second.
    :param since_frame: seconds since the last camera frame; None before the first one.
    :param stamp_age: seconds between a frame's stamp and its arrival, of the newest one; None before the first one.
    :param milliseconds: median and 95th percentile by stage; `latency` is from the stamp to the published label.
    :param refused: messages that were no images, since the last summary.
    :param failed: frames at which something failed, since the last summary.
    :param resets: how often the flow window began anew, in the last seconds.
    :param age: seconds that have been counted.
    :param missing: share of the camera's frames that never came, by the gaps in their stamps.
    :param window_filled: flow fields in the newest window; None before the first one.
    """

    input_rate: float
    output_rate: float
    since_frame: float | None
    stamp_age: float | None
    milliseconds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    refused: int = 0
    failed: int = 0
    window_filled: int | None = None
    resets: int = 0
    age: float = 0.0
    missing: float = 0.0


class Statistics:
    """Counts what happens; its methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.received = self.refused = self.failed = 0
        self._seen = {"refused": 0, "failed": 0}
        self._gaps = StampGaps()
        self._arrivals: deque[float] = deque()
        self._published: deque[tuple[float, dict[str, float]]] = deque()
        self._begin = time.monotonic()
        self._stamp_age: float | None = None
        self._window_filled: int | None = None
        self._last: float | None = None
        self._resets: deque[float] = deque()
        self._owed_since: float | None = None  # the oldest frame whose label is wanted and not out

    def frame_arrived(self, stamp_age: float, stamp: int | None = None) -> None:
        """A camera message came, `stamp_age` seconds after its stamp, in nanoseconds where it is at hand."""
        now = time.monotonic()
        with self._lock:
            if stamp is not None:
                self._gaps.add(stamp)
            self.received += 1
            if self._last is not None and now - self._last > _PAUSE:
                self._owed_since = None
            self._last, self._stamp_age = now, stamp_age
            self._arrivals.append(now)
            while self._arrivals[0] < now - _SPAN:
                self._arrivals.popleft()

    def frame_taken(self, *, wanted: bool, reset: bool) -> None:
        """It entered the window, which perhaps began anew; somebody wants labels, or nobody."""
        now = time.monotonic()
        with self._lock:
            if reset:
                self._resets.append(now)
                while self._resets[0] < now - _SPAN:
                    self._resets.popleft()
            if not wanted:
                self._owed_since = None
            elif self._owed_since is None:
                self._owed_since = now

    def owed_for(self) -> float:
        """Seconds for which frames have come and labels been wanted, and none went out."""
        since = self._owed_since
        return 0.0 if since is None else time.monotonic() - since

    def silent_for(self) -> float:
        """Seconds since the last camera message, or since the beginning."""
        return time.monotonic() - (self._begin if self._last is None else self._last)

    def frame_refused(self) -> None:
        """It was no image."""
        with self._lock:
            self.refused += 1

    def frame_failed(self) -> None:
        """Something failed that should not."""
        with self._lock:
            self.failed += 1

    def published(self, latency: float, seconds: Mapping[str, float], window_filled: int) -> None:
        """A segmentation went out, `latency` seconds after its stamp; `seconds` by stage."""
        now = time.monotonic()
        with self._lock:
            self._window_filled = window_filled
            self._owed_since = None
            self._published.append((now, {"latency": latency, **seconds}))
            while self._published[0][0] < now - _SPAN:
                self._published.popleft()

    def summary(self) -> Summary:
        """The last seconds; what was refused and failed is counted from the last call on."""
        now = time.monotonic()
        with self._lock:
            span = min(_SPAN, max(now - self._begin, 0.1))
            arrivals = sum(moment >= now - _SPAN for moment in self._arrivals)
            recent = [stages for moment, stages in self._published if moment >= now - _SPAN]
            refused, failed = self.refused - self._seen["refused"], self.failed - self._seen["failed"]
            self._seen = {"refused": self.refused, "failed": self.failed}
            return Summary(
                input_rate=arrivals / span,
                output_rate=len(recent) / span,
                since_frame=None if self._last is None else now - self._last,
                stamp_age=self._stamp_age,
                milliseconds=_percentiles(recent),
                refused=refused,
                failed=failed,
                window_filled=self._window_filled,
                resets=sum(moment >= now - _SPAN for moment in self._resets),
                age=now - self._begin,
                missing=self._gaps.share(),
            )


def _percentiles(recent: list[dict[str, float]]) -> dict[str, tuple[float, float]]:
    found = {}
    for stage in dict.fromkeys(name for stages in recent for name in stages):
        values = 1e3 * np.array([stages[stage] for stages in recent if stage in stages])
        median, high = np.percentile(values, (50, 95))
        found[stage] = (float(median), float(high))
    return found
