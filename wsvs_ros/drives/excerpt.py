"""A part of a drive."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Excerpt:
    """
    The frames of an interval. Their names stay what they are in the whole drive.

    :param start: seconds after the drive's first frame.
    :param end: likewise, exclusive; None for the drive's end.
    """

    start: float = 0.0
    end: float | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self.start <= 0 and self.end is None

    def has(self, seconds: float) -> bool:
        """Whether what was then belongs to it."""
        return self.start <= seconds and not self.is_behind(seconds)

    def is_behind(self, seconds: float) -> bool:
        """Whether what was then, and all that follows, lies behind it."""
        return self.end is not None and seconds >= self.end

    def count(self, frames: int | None, fps: float | None) -> int | None:
        """
        About how many frames it has, for progress.

        :param frames: of the whole drive.
        """
        if self.is_all or frames is None or not fps:
            return frames
        end = frames / fps if self.end is None else min(self.end, frames / fps)
        return max(0, round((end - self.start) * fps))
