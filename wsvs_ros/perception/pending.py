"""Frames on their way to the network, and what became of each."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from wsvs_ros.perception.tracker import TrackedFrame


@dataclass(frozen=True)
class SegmenterStats:
    """
    Frames counted since the segmenter was made or begun anew; those received that are nothing else are on their way.

    :param received: frames observed or pushed.
    :param inferred: frames that went through the network.
    :param skipped: frames that never will: overtaken by a newer one, or left without a future by a reset.
    :param resets: how often the stream broke off and the window began anew.
    :param last_reset: in which way it last did, in words; empty if it never did.
    :param failed: frames whose flow or inference ended in an error.
    """

    received: int = 0
    inferred: int = 0
    skipped: int = 0
    resets: int = 0
    last_reset: str = field(default="", compare=False)
    failed: int = 0


class PendingFrames:
    """
    Complete frames between the thread that takes frames in and the one that infers, and the counts of all.

    Nothing here computes, so neither thread ever waits for the other one's work.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._complete: deque[TrackedFrame] = deque()
        self._stats = SegmenterStats()

    @property
    def stats(self) -> SegmenterStats:
        """The counts up to now."""
        with self._lock:
            return self._stats

    def count(self, **more: int) -> None:
        """Add to the counts, by their names in `SegmenterStats`."""
        with self._lock:
            self._count(**more)

    @contextmanager
    def counting_failures(self) -> Iterator[None]:
        """The frame at hand has failed if what is done here raises."""
        try:
            yield
        except BaseException:
            self.count(failed=1)
            raise

    def add(self, complete: Iterable[TrackedFrame]) -> None:
        """Frames that are complete wait to be inferred, in their order."""
        with self._lock:
            self._complete.extend(complete)

    def newest(self) -> TrackedFrame | None:
        """Take the newest frame; those that it overtook are skipped."""
        with self._lock:
            self._skip_overtaken()
            return self._complete.pop() if self._complete else None

    def skip_overtaken(self) -> None:
        """Keep the newest frame only."""
        with self._lock:
            self._skip_overtaken()

    def oldest(self) -> TrackedFrame | None:
        """Take the oldest frame."""
        with self._lock:
            return self._complete.popleft() if self._complete else None

    def skip_all(self, *, besides: int = 0) -> None:
        """None of the frames that wait is inferred any more, nor are so many `besides` that were not complete."""
        with self._lock:
            self._count(skipped=len(self._complete) + besides)
            self._complete.clear()

    def note_reset(self, reason: str) -> None:
        """The stream broke off."""
        with self._lock:
            self._count(resets=1)
            self._stats = replace(self._stats, last_reset=reason)

    def clear(self) -> None:
        """Drop all that wait, uncounted."""
        with self._lock:
            self._complete.clear()

    def begin_anew(self) -> None:
        """Drop all that wait, and the counts."""
        with self._lock:
            self._complete.clear()
            self._stats = SegmenterStats()

    def _skip_overtaken(self) -> None:
        while len(self._complete) > 1:
            self._complete.popleft()
            self._count(skipped=1)

    def _count(self, **more: int) -> None:
        self._stats = replace(self._stats, **{name: getattr(self._stats, name) + n for name, n in more.items()})
