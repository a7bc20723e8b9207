"""`tags.yaml` and what was suggested, beside it: read, watched and replaced as a whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wsvs_ros.drives.tags import Clip, DriveTags, load_clip_tags, load_time_bases
from wsvs_ros.drives.time_base import TimeBase
from wsvs_ros.files import replace_file
from wsvs_ros.perception.labels import LabelSet
from wsvs_ros.tagging.clips import TagClip
from wsvs_ros.tagging.errors import ConflictError, SaveError
from wsvs_ros.tagging.files import keep_copy
from wsvs_ros.tagging.suggestion_record import SuggestionRecord

_RECORD = ".tagging.json"
_MARK = "# Saved by `wsvs tag`. Clips with `state: open` or `unsure` teach nothing."


class TagFile:
    """
    One `tags.yaml`.

    A file that people wrote is copied to `<name>.before-tagging` before it is replaced for the first time; its
    leading comments stay.

    :param path: need not exist.
    :param label_set: every class that may occur in it.
    """

    def __init__(self, path: Path, label_set: LabelSet) -> None:
        self.path = path
        self._record = SuggestionRecord(path.with_name(path.name.removesuffix(".yaml").removesuffix(".tags") + _RECORD))
        self._label_set = label_set
        self._comments: list[str] = []
        self._by_hand = False
        self._known = _Fingerprint()

    def time_bases(self) -> dict[str, TimeBase]:
        """
        How the times of its drives were counted, where it says so.

        :raises TagError: naming file, drive and key.
        """
        return load_time_bases(self.path) if self.path.exists() else {}

    def load(
        self, durations: Mapping[str, float], fps: Mapping[str, float]
    ) -> tuple[dict[str, DriveTags], dict[str, dict[tuple[float, float], dict[str, float]]]]:
        """
        Read the file; what it holds counts as known from now on.

        :param durations: seconds of the drives that are open.
        :return: clips by drive, unfinished ones among them; and what was suggested, by drive and by start and end.
        :raises TagError: naming file, drive, clip and tag.
        """
        seen = _Fingerprint.of(self.path)
        text = self.path.read_text(encoding="utf-8", errors="replace") if seen.digest else ""
        lines = text.splitlines()
        content = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
        clips: dict[str, DriveTags] = {}
        if content and content != ["{}"]:
            clips = load_clip_tags(self.path, self._label_set, durations=durations, fps=fps, unfinished=True)
        leading = next((index for index, line in enumerate(lines) if not line.startswith("#")), len(lines))
        self._comments = [line for line in lines[:leading] if line != _MARK]
        self._by_hand = bool(seen.digest) and _MARK not in lines[:leading]
        self._known = seen
        return clips, self._record.load()

    def changed(self) -> bool:
        """
        Whether somebody else changed the file since it was read or saved.

        One that was removed does not count: saving it again overwrites nothing.
        """
        now = _Fingerprint.of(self.path, like=self._known)
        return now != self._known and bool(now.digest)

    def save(self, drives: Mapping[str, Sequence[Clip | TagClip]], time_bases: Mapping[str, TimeBase]) -> None:
        """
        Replace the file, and the suggestions beside it, by way of a new file.

        :param drives: the clips that are worth keeping, by drive; drives without any are left out.
        :param time_bases: how their times are counted, where that is known.
        :raises ConflictError: if somebody else changed it in the meantime; it is left alone.
        :raises SaveError: if it cannot be written.
        """
        if self.changed():
            raise ConflictError(f"{self.path} was changed by another program")
        try:
            if self._by_hand and self.path.exists():
                keep_copy(self.path)
                self._by_hand = False
            text = "\n".join([*self._comments, _MARK, *tag_lines(drives, time_bases, self._label_set.names)]) + "\n"
            self._record.save(drives)
            replace_file(self.path, text)
            self._known = _Fingerprint.of(self.path)
        except OSError as error:
            raise SaveError(f"{self.path}: cannot be written: {error.strerror or error}") from error


def tag_lines(
    drives: Mapping[str, Sequence[Clip | TagClip]], time_bases: Mapping[str, TimeBase], order: Sequence[str]
) -> list[str]:
    """
    The lines of a `tags.yaml`.

    :param order: the classes in the order in which tags are listed.
    """
    lines = []
    for drive, clips in drives.items():
        if not clips:
            continue
        lines.append(f"{json.dumps(drive, ensure_ascii=False)}:")
        told = time_bases.get(drive, TimeBase()).to_yaml()
        lines += [f"  {key}: {json.dumps(value, ensure_ascii=False)}" for key, value in told.items()]
        if told:
            lines.append("  clips:")
        lines += [("    - " if told else "  - ") + _line(clip, order) for clip in clips]
    return lines or ["{}"]


def _line(clip: Clip | TagClip, order: Sequence[str]) -> str:
    tags = ", ".join(_scalar(tag) for tag in sorted(clip.tags, key=order.index))
    state = "" if clip.state == "done" else f", state: {clip.state}"
    return f"{{start: {_time(clip.start)}, end: {_time(clip.end)}, tags: [{tags}]{state}}}"


@dataclass(frozen=True)
class _Fingerprint:
    """A file's content; cheap to compare while size, time and inode stay the same."""

    digest: str = ""
    status: tuple[int, ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, path: Path, *, like: _Fingerprint | None = None) -> _Fingerprint:
        """
        :param like: returned as it is where the file was not touched since.
        """
        try:
            stat = path.stat()
            status = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
            if like is not None and like.status == status:
                return like
            return cls(hashlib.sha256(path.read_bytes()).hexdigest(), status)
        except FileNotFoundError:
            return cls()


def _scalar(text: str) -> str:
    """A class name in YAML: plain where that is safe."""
    plain = text.replace(" ", "").replace("_", "").replace("-", "").isalpha() and text == text.strip()
    words = {"yes", "no", "on", "off", "true", "false", "null", "y", "n"}
    return text if plain and text.isascii() and text.lower() not in words and text[0].isalpha() else json.dumps(text)


def _time(seconds: float) -> str:
    return f"{seconds:.3f}".rstrip("0").rstrip(".")
