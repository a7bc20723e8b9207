"""Changes of clips: what takes the place of what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wsvs_ros.tagging.clips import SHORTEST, TagClip
from wsvs_ros.tagging.errors import EditError
from wsvs_ros.tagging.tagged_drive import TaggedDrive


@dataclass(frozen=True)
class Change:
    """Some clips of one drive take the place of others."""

    drive: int
    before: tuple[TagClip, ...]
    after: tuple[TagClip, ...]


@dataclass(frozen=True)
class Edit:
    """What one action changes, of one drive or several; it is made and taken back as a whole."""

    changes: tuple[Change, ...]

    @classmethod
    def of(cls, drive: int, before: Sequence[TagClip], after: Sequence[TagClip]) -> Edit:
        """A change of one drive."""
        return cls((Change(drive, tuple(before), tuple(after)),))

    @property
    def inverse(self) -> Edit:
        """What takes it back."""
        return Edit(tuple(Change(one.drive, one.after, one.before) for one in self.changes))


@dataclass(frozen=True)
class Tagging:
    """
    What a clip shall show.

    :param drive: its number in the session, `clip` the clip's id.
    :param state: `done`, `open` (not finished) or `unsure`.
    """

    drive: int
    clip: int
    tags: tuple[str, ...]
    state: str


def split(drive: TaggedDrive, clip: TagClip, at: float) -> tuple[TagClip, TagClip]:
    """
    Two clips that show what one showed; both are open.

    :param at: seconds of the drive.
    :raises EditError: if one of them would be too short.
    """
    at = round(at, 3)
    if not clip.start + SHORTEST <= at <= clip.end - SHORTEST:
        raise EditError(f"a clip of {clip.start:g} to {clip.end:g} s cannot be split at {at:g} s")
    tags = clip.tags if clip.touched else frozenset()
    one, other = (
        drive.new(start=start, end=end, state="open", tags=tags, touched=True)
        for start, end in ((clip.start, at), (at, clip.end))
    )
    return one, other


def merge(drive: TaggedDrive, clips: Sequence[TagClip]) -> TagClip:
    """One open clip from the first one's start to the last one's end; it shows what any of them showed."""
    tags = frozenset().union(*(clip.tags for clip in clips))
    return drive.new(start=clips[0].start, end=max(clip.end for clip in clips), tags=tags, touched=True)


def retag(clip: TagClip, tags: Sequence[str], state: str, known: Sequence[str]) -> TagClip:
    """
    The clip with other tags and state.

    :param known: the classes of the page; tags of others stay.
    """
    hidden = clip.tags - set(known)
    return replace(clip, tags=frozenset(tags) | hidden, state=state, touched=True)
