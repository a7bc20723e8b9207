"""The folder that a run leaves: its layout, its summary, who may begin it anew or go on with it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from wsvs_ros.drives.frame_log import FrameRecord, read_frame_log
from wsvs_ros.errors import WsvsError
from wsvs_ros.files import PARTIAL, write_json
from wsvs_ros.perception.label_maps import read_label_map
from wsvs_ros.perception.labels import LabelSet

SUMMARY = "summary.json"
_KEYS = {"frames", "complete", "model", "settings"}  # by which a summary of ours is known
_MAPS = ("labels", "confidence")
_OURS = {*_MAPS, "overlay.mp4", "frames.csv", SUMMARY, "bag", "live", "report"}
_INSIDE = {
    "report": {"index.html", "report.json"},
    "live": {"bag", "overlay.mp4", "labels.yaml", "frames.txt", "play.json", "record.json"}
    | {"play.log", "record.log", "run.log"},
}
_CHECKED = 50  # the newest label maps, which a power cut may have left empty


class RunError(WsvsError):
    """A folder is not the run, or not the empty place, that is needed."""


@dataclass(frozen=True)
class Earlier:
    """
    The frames that an earlier run did.

    :param folder: of that run; None where there was none.
    :param done: by name, in their order, from the drive's first frame on.
    :param begin: the place among these from which on the segmenter has to look, so that the flow window is filled.
    """

    folder: RunFolder | None = None
    done: dict[str, FrameRecord] = field(default_factory=dict)
    begin: int = 0

    @property
    def is_there(self) -> bool:
        """Whether there was one: interrupted before its first frame, it left files all the same."""
        return self.folder is not None

    def labels(self, name: str) -> np.ndarray:
        """(H, W) uint8, what the earlier run found."""
        assert self.folder is not None
        return read_label_map(self.folder.labels / f"{name}.png")


class RunFolder:
    """
    One run on the disk; nothing is touched before it is asked to.

    :param path: of the run.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.labels = path / "labels"
        self.confidence = path / "confidence"
        self.overlay = path / "overlay.mp4"
        self.bag = path / "bag"
        self.live = path / "live"
        self.report = path / "report"
        self.summary_path = path / SUMMARY

    @classmethod
    def around(cls, path: Path) -> RunFolder:
        """The run that a path names: its folder, or the labels or the bag in it."""
        return cls(path.parent if path.name in ("labels", "bag") and not (path / SUMMARY).exists() else path)

    def summary(self) -> dict[str, Any]:
        """What the run says about itself; empty where there is nothing of the kind."""
        try:
            found = json.loads(self.summary_path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def write_summary(self, content: dict[str, Any]) -> None:
        """
        Put it in place of an earlier one.

        :raises WsvsError: if that is not possible.
        """
        write_json(self.summary_path, content)

    @property
    def is_run(self) -> bool:
        """Whether a run was begun there."""
        return set(self.summary()) >= _KEYS

    @property
    def is_complete(self) -> bool:
        """Whether a run there came to its end."""
        return bool(self.summary().get("complete"))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is there."""
        return not self.path.is_dir() or not any(self.path.iterdir())

    @property
    def label_set(self) -> LabelSet | None:
        """
        The classes of the run's labels; None where it does not tell.

        :raises LabelError: if what it tells is no label set.
        """
        summary = self.summary()
        if isinstance(summary.get("classes"), dict):
            return LabelSet.from_dict(summary["classes"], where=f"{self.summary_path}: classes")
        name = summary.get("label_set")
        return LabelSet.load(name) if isinstance(name, str) else None

    def prepare(self, *, overwrite: bool, source: str) -> None:
        """
        Make the folder, empty.

        :param overwrite: empty it first if it holds the results of an earlier run and nothing else.
        :param source: what will be read, which must not lie in it.
        :raises RunError: if it holds anything that may not be removed; nothing is removed then.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            taken = sorted(entry.name for entry in self.path.iterdir())
            if not taken:
                return
            if not overwrite:
                again = "; give a new folder, or --overwrite to replace earlier results" if SUMMARY in taken else ""
                raise RunError(f"{self.path}: exists and is not empty ({taken[0]}), nothing is overwritten{again}")
            self._check_ours(taken, source)
            for name in taken:
                entry = self.path / name
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
        except OSError as error:
            raise RunError(f"{self.path}: cannot be made an empty folder: {error.strerror}") from error

    def earlier(self, fingerprint: str, identity: dict[str, Any], *, context: int) -> Earlier:
        """
        Look for frames of an earlier run that can be kept.

        :param fingerprint: of the input.
        :param identity: of this run, which the earlier one must share.
        :param context: frames before a frame that decide about its labels.
        :raises RunError: if the folder holds anything else, or a run with another identity.
        """
        if self.is_empty:
            return Earlier()
        summary = self.summary()
        if not self.is_run:
            raise RunError(f"{self.path}: is not empty and has no {SUMMARY} of `wsvs segment`, so it cannot be resumed")
        if summary.get("fingerprint") != fingerprint:
            raise RunError(
                f"{self.path}: was made from {summary.get('input')} as it was then, and the input is another now; "
                "give a new folder or --overwrite"
            )
        settings = summary["settings"] if isinstance(summary["settings"], dict) else {}
        for key, value in identity.items():
            if settings.get(key) != value:
                raise RunError(
                    f"{self.path}: was made with {key} {settings.get(key)}, now it is {value}; --resume goes on with "
                    "the same only, give a new folder or --overwrite"
                )
        done = self._whole(read_frame_log(self.path))
        return Earlier(self, done, max(0, len(done) - context))

    def _whole(self, log: dict[str, FrameRecord]) -> dict[str, FrameRecord]:
        """The frames up to the first one whose label map is not there or not readable."""
        done: dict[str, FrameRecord] = {}
        for index, (name, record) in enumerate(log.items()):
            path = self.labels / f"{name}.png"
            if not path.is_file() or not path.stat().st_size:
                break
            if index >= len(log) - _CHECKED:
                try:
                    read_label_map(path)
                except WsvsError:
                    break
            done[name] = record
        return done

    def _check_ours(self, taken: list[str], source: str) -> None:
        if Path(source).resolve().is_relative_to(self.path.resolve()):
            raise RunError(f"{self.path}: holds the input {source}; give another folder")
        if not self.is_run:
            raise RunError(f"{self.path}: has no {SUMMARY} of `wsvs segment`, so --overwrite does not touch it")
        foreign = [name for name in taken if name not in _OURS and not _is_leftover(name)]
        for folder, ours in _INSIDE.items():
            names = (file.name for file in (self.path / folder).glob("*"))
            foreign += [f"{folder}/{name}" for name in names if name not in ours and not _is_leftover(name)]
        for maps in _MAPS:
            files = (file for file in (self.path / maps).glob("*") if file.suffix != ".png" or file.is_dir())
            foreign += [f"{maps}/{file.name}" for file in files if not _is_leftover(file.name)]
        if foreign:
            raise RunError(
                f"{self.path}: {foreign[0]} is none of our results, so --overwrite does not touch the folder"
            )


def _is_leftover(name: str) -> bool:
    """Whether a crash left it: what is written aside, or was not moved away again."""
    return name.endswith((PARTIAL, f"{PARTIAL}.mp4"))
