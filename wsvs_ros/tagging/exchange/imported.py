"""What a file of another program says, as clips of the drives that are open."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from wsvs_ros.tagging.clips import TagClip
from wsvs_ros.tagging.errors import EditError
from wsvs_ros.tagging.session import TaggingSession

_ROUNDING = 0.5  # seconds by which a clip may end after the drive


@dataclass
class Imported:
    """
    Clips by drive, for `TaggingSession.replace_all`.

    :param unknown: labels that are no classes; they were left out.
    """

    clips: dict[int, list[TagClip]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)

    def add(self, session: TaggingSession, drive: int, start: float, end: float, labels: Iterable[str]) -> None:
        """
        A clip that is done; nothing if none of its labels is a class.

        :raises EditError: if it lies outside of the drive.
        """
        told = frozenset(labels)
        tags = told & set(session.order)
        self.unknown |= told - tags
        if not tags:
            return
        opened = session.drives[drive]
        if not 0 <= start < end <= opened.duration + _ROUNDING:
            raise EditError(
                f"{opened.name}: from {start:g} to {end:g} s; 0 <= start < end <= {opened.duration:g} is needed"
            )
        clip = opened.new(start=round(start, 3), end=round(end, 3), tags=tags, state="done", touched=True)
        self.clips.setdefault(drive, []).append(clip)

    def checked(self) -> Imported:
        """
        Sorted by time.

        :raises EditError: if there is nothing, or clips overlap.
        """
        if not self.clips:
            left = f"; its labels are {', '.join(sorted(self.unknown))}" if self.unknown else ""
            raise EditError(f"the file tags no clip with any class; nothing was changed{left}")
        for clips in self.clips.values():
            clips.sort(key=lambda clip: clip.start)
            for one, other in itertools.pairwise(clips):
                if other.start < one.end - 1e-6:
                    raise EditError(f"the clips from {one.start:g} s and from {other.start:g} s overlap")
        return self


def frame_rate(session: TaggingSession, drive: int) -> float:
    """
    By which a program that counts frames counts this drive's seconds.

    :raises EditError: if the drive's frames are not evenly spaced.
    """
    opened = session.drives[drive]
    if opened.time_base.stamps != "frames":
        raise EditError(f"{opened.name}: frames are counted there, but a bag's messages come whenever they come")
    return opened.fps


def drive_named(session: TaggingSession, name: str, *, stems: Mapping[str, int]) -> int:
    """
    The number of a drive.

    :param name: as the tags know it, or its file's name with or without suffix.
    :param stems: see `by_stem`.
    :raises EditError: naming the drives that are open.
    """
    names = [drive.name for drive in session.drives]
    if name in names:
        return names.index(name)
    if name in stems:
        return stems[name]
    raise EditError(f"no drive {name!r} is open; there are: {', '.join(names)}")


def by_stem(session: TaggingSession) -> dict[str, int]:
    """Drives by their files' names with and without suffix, where these are unique."""
    found: dict[str, list[int]] = {}
    for index, drive in enumerate(session.drives):
        for name in {drive.path.name, drive.path.stem if drive.path.is_file() else drive.path.name}:
            found.setdefault(name, []).append(index)
    return {name: indices[0] for name, indices in found.items() if len(indices) == 1}
