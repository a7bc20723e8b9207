"""One drive with its clips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from wsvs_ros.drives.drive_tags import Clip, DriveTags
from wsvs_ros.drives.time_base import TimeBase
from wsvs_ros.tagging.clips import TagClip, divide, free_intervals, outside
from wsvs_ros.tagging.seeking import FrameSource
from wsvs_ros.tagging.tag_file import TagFile

Suggested = Mapping[tuple[float, float], Mapping[str, float]]


@dataclass
class TaggedDrive:
    """
    A drive that is open for tagging; its clips are sorted and cover everything before `cut_until`.

    :param name: under which the tags know it.
    :param time_base: what its seconds count; saved with its tags.
    :param open_source: opens the drive's frames anew; every user of frames has a source of its own.
    :param file: where its tags are saved.
    :param longest: seconds of a clip that no scene cut ends.
    """

    name: str
    path: Path
    duration: float
    fps: float
    time_base: TimeBase
    open_source: Callable[[], FrameSource]
    file: TagFile
    longest: float
    size: tuple[int, int] = (0, 0)
    """Width and height of its first frame, pixels."""
    in_bag: DriveTags | None = None
    """What the bag itself bears; it counts where the file says nothing of the drive."""
    clips: list[TagClip] = field(default_factory=list)
    cut_until: float = 0.0
    seen: dict[int, int] = field(default_factory=dict)
    """By clip the number of the last change to it."""
    _ids: Any = field(default_factory=count)

    def find(self, clip_id: int) -> TagClip | None:
        """The clip of that id."""
        return next((clip for clip in self.clips if clip.id == clip_id), None)

    def neighbour(self, clip: TagClip) -> TagClip | None:
        """The clip that follows."""
        return next((other for other in self.clips if other.start >= clip.end - 1e-6), None)

    def new(self, **values: Any) -> TagClip:
        """A clip with an id of its own."""
        return TagClip(next(self._ids), **values)

    def swap(self, before: Iterable[TagClip], after: Iterable[TagClip], number: int) -> set[int]:
        """
        Put clips in the place of others.

        :param number: of the change.
        :return: the ids that are gone.
        """
        old, new = {clip.id for clip in before}, {clip.id: clip for clip in after}
        self.clips = sorted(
            [clip for clip in self.clips if clip.id not in old and clip.id not in new] + list(new.values()),
            key=lambda clip: (clip.start, clip.end),
        )
        self.seen.update(dict.fromkeys(new, number))
        for gone in old - set(new):
            self.seen.pop(gone, None)
        return old - set(new)

    def put(self, before: Sequence[TagClip], after: Sequence[TagClip], number: int) -> set[int]:
        """
        :meth:`swap`, after which the clips cover the drive again: where clips that nobody touched are in the way,
        e.g. those that filled the room which an import had left, they yield.
        """
        changed = {clip.id for clip in (*before, *after)}
        yielding = [
            clip
            for clip in self.clips
            if clip.id not in changed
            and not clip.touched
            and any(new.start < clip.end and clip.start < new.end for new in after)
        ]
        gone = self.swap([*before, *yielding], after, number)
        self.fill(number)
        return gone

    def cut(self, pieces: Iterable[tuple[float, float]], until: float, number: int) -> None:
        """
        Make clips of what is still free.

        :param pieces: scenes, or parts of them.
        :param until: everything before is cut from now on.
        """
        self.cut_until = max(self.cut_until, until)
        free = outside(pieces, self.clips)
        spans = [span for start, end in free for span in divide(start, end, self.longest)]
        self.swap((), [self.new(start=start, end=end) for start, end in spans], number)

    def fill(self, number: int) -> None:
        """Make clips wherever none is, before `cut_until`."""
        gaps = list(free_intervals(self.clips, 0.0, self.cut_until))
        if gaps:
            self.cut(gaps, self.cut_until, number)

    def adopt(self, saved: Iterable[Clip], suggested: Suggested, number: int) -> None:
        """Take the file's clips; of one's own those stay that nobody touched, where they are not in the way."""
        untouched = [clip for clip in self.clips if not clip.touched]
        clips = []
        for clip in saved:
            start, end = round(clip.start, 3), round(min(clip.end, max(self.duration, clip.start + 0.001)), 3)
            scores = suggested.get((start, end))
            clips.append(
                self.new(start=start, end=end, tags=clip.tags, state=clip.state, touched=True, suggested=scores)
            )
        self.clips = []
        self.seen.clear()
        self.swap((), clips, number)
        free = [clip for clip in untouched if not any(c.start < clip.end and clip.start < c.end for c in clips)]
        self.swap((), free, number)
        self.fill(number)

    def suggest(self, clip_id: int, scores: Mapping[str, float], number: int) -> None:
        """Note what a model sees in a clip, unless the clip is gone or was told apart already."""
        clip = self.find(clip_id)
        if clip is not None and clip.suggested is None:
            self.swap([clip], [replace(clip, suggested=scores)], number)

    def touched(self) -> list[TagClip]:
        """The clips that are worth saving."""
        return [clip for clip in self.clips if clip.touched]
