"""`DRIVE.tagging.json`: what was suggested for clips, and what people made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from wsvs_ros.drives.tags import Clip
from wsvs_ros.files import replace_file
from wsvs_ros.tagging.clips import TagClip
from wsvs_ros.tagging.files import keep_copy

_MADE_BY = "wsvs tag"


class SuggestionRecord:
    """
    What `wsvs tag` writes beside the tags, so that a review knows what was suggested.

    A file of that name that something else made is copied to `<name>.before-tagging` first.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> dict[str, dict[tuple[float, float], dict[str, float]]]:
        """
        What was suggested, by drive and by start and end; a file that is damaged or somebody else's counts as none,
        because suggestions can be computed anew.
        """
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            return {
                str(drive): {
                    (float(entry["start"]), float(entry["end"])): {
                        str(name): float(score) for name, score in entry["suggested"].items()
                    }
                    for entry in entries
                }
                for drive, entries in content["drives"].items()
                if content["made_by"] == _MADE_BY
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def save(self, drives: Mapping[str, Sequence[Clip | TagClip]]) -> None:
        """
        Replace it.

        :raises OSError: if it cannot be written.
        """
        if self.path.exists() and not self._ours():
            keep_copy(self.path)
        content = {
            drive: [
                {
                    "start": clip.start,
                    "end": clip.end,
                    "state": clip.state,
                    "suggested": dict(clip.suggested),
                    "tags": sorted(clip.tags),
                }
                for clip in clips
                if isinstance(clip, TagClip) and clip.suggested is not None
            ]
            for drive, clips in drives.items()
        }
        text = json.dumps({"made_by": _MADE_BY, "version": 1, "drives": content}, ensure_ascii=False)
        replace_file(self.path, text + "\n")

    def _ours(self) -> bool:
        """By its first characters: the file grows with the drive, and is saved with every key."""
        with self.path.open(encoding="utf-8", errors="replace") as file:
            return f'"made_by": "{_MADE_BY}"' in file.read(100)
