"""Clips as they are tagged, and the arithmetic of their boundaries."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SHORTEST = 0.2  # seconds; a shorter clip shows nothing that its neighbours do not


@dataclass(frozen=True)
class TagClip:
    """
    A clip on its way to being tagged.

    :param id: unique in the session; a changed clip keeps it, split and merged ones get new ones.
    :param start: seconds from the drive's first frame.
    :param end: seconds; the frame at `end` is outside.
    :param tags: the classes that were ticked; of an untouched clip none.
    :param state: `open`, `done` or `unsure`.
    :param touched: whether somebody changed or confirmed it; only such clips are saved.
    :param suggested: score in [0, 1] by class that was shown; None while nothing was computed.
    """

    id: int
    start: float
    end: float
    tags: frozenset[str] = frozenset()
    state: str = "open"
    touched: bool = False
    suggested: Mapping[str, float] | None = None

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.end - self.start

    def to_json(self, order: Sequence[str]) -> dict[str, Any]:
        """
        Plain data for the page.

        :param order: the classes in the order in which tags are listed.
        """
        return {
            "id": self.id,
            "start": self.start,
            "end": self.end,
            "tags": sorted(self.tags, key=order.index),
            "state": self.state,
            "touched": self.touched,
            "suggested": None if self.suggested is None else dict(self.suggested),
        }


def divide(start: float, end: float, longest: float) -> list[tuple[float, float]]:
    """Equal pieces of at most `longest` seconds, to the millisecond."""
    count = max(1, math.ceil((end - start) / longest - 1e-6))
    edges = [round(start + (end - start) * k / count, 3) for k in range(count + 1)]
    return list(itertools.pairwise(edges))


def free_intervals(clips: Iterable[TagClip], start: float, end: float) -> Iterator[tuple[float, float]]:
    """
    The stretches of [start, end] that no clip covers and that are worth a clip.

    :param clips: sorted by start.
    """
    at = start
    for clip in clips:
        if clip.start - at >= SHORTEST and at < end:
            yield at, min(clip.start, end)
        at = max(at, clip.end)
    if end - at >= SHORTEST:
        yield at, end


def outside(pieces: Iterable[tuple[float, float]], clips: Sequence[TagClip]) -> Iterator[tuple[float, float]]:
    """What is left of the pieces when the clips, sorted by start, are taken away."""
    for start, end in pieces:
        near = [clip for clip in clips if clip.end > start and clip.start < end]
        yield from free_intervals(near, start, end)


def disagreement(clip: TagClip) -> float | None:
    """
    How far the tags lie from what was suggested: the mean of |tag - score| over the classes.

    :return: 0 to 1; None if nothing was suggested or nobody touched it.
    """
    if not clip.touched or not clip.suggested:
        return None
    return sum(abs((name in clip.tags) - score) for name, score in clip.suggested.items()) / len(clip.suggested)
