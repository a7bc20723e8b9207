"""What people say about a drive: clips, their classes, and what their times count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import overload

from wsvs_ros.drives.time_base import TimeBase

CLIP_STATES = ("done", "unsure", "open")


@dataclass(frozen=True)
class Clip:
    """
    A stretch of a drive and the classes that it shows.

    :param start: seconds from the drive's first frame.
    :param end: seconds, after start; the frame at `end` is outside.
    :param state: `done`, `unsure`, or `open` while people are not finished with it; only `done` clips teach.
    """

    start: float
    end: float
    tags: frozenset[str]
    state: str = "done"


@dataclass(frozen=True)
class DriveTags(Sequence[Clip]):
    """
    The tagged clips of one drive, and how their times were counted.

    :param clips: in the file's order.
    :param time_base: empty where the file does not tell.
    """

    clips: tuple[Clip, ...] = ()
    time_base: TimeBase = field(default_factory=TimeBase)

    def __len__(self) -> int:
        return len(self.clips)

    @overload
    def __getitem__(self, index: int) -> Clip: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Clip]: ...

    def __getitem__(self, index: int | slice) -> Clip | Sequence[Clip]:
        return self.clips[index]
