"""What an interrupted `wsvs segment` has done already."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from wsvs_ros.drives.frame_log import FrameRecord, read_frame_log
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.label_maps import read_label_map
from wsvs_ros.runs.results import SUMMARY

_CHECKED = 50  # the newest label maps, which a power cut may have left empty


@dataclass(frozen=True)
class Earlier:
    """
    The frames that an earlier run did.

    :param folder: of that run; None where there was none.
    :param done: by name, in their order, from the drive's first frame on.
    :param begin: the frame from which on the segmenter has to look, so that the flow window is filled.
    """

    folder: Path | None = None
    done: dict[str, FrameRecord] = field(default_factory=dict)
    begin: int = 0

    @property
    def is_there(self) -> bool:
        """Whether there was one: interrupted before its first frame, it left files all the same."""
        return self.folder is not None

    def labels(self, name: str) -> np.ndarray:
        """(H, W) uint8, what the earlier run found."""
        assert self.folder is not None
        return read_label_map(self.folder / "labels" / f"{name}.png")


def is_complete(folder: Path) -> bool:
    """Whether a run there came to its end."""
    return bool(_summary(folder).get("complete"))


def find_earlier(folder: Path, expected: dict[str, Any], *, context: int) -> Earlier:
    """
    Look for frames of an earlier run that can be kept.

    :param expected: `input`, `model` (sha256) and `settings` of this run, which the earlier one must share.
    :param context: frames before a frame that decide about its labels.
    :raises WsvsError: if the folder holds anything else, or a run with other settings.
    """
    if not folder.is_dir() or not any(folder.iterdir()):
        return Earlier()
    summary = _summary(folder)
    if not {"input", "model", "settings"} <= set(summary):
        raise WsvsError(f"{folder}: is not empty and has no {SUMMARY} of `wsvs segment`, so it cannot be resumed")
    found = {"input": summary["input"], "model": summary["model"].get("sha256"), **summary["settings"]}
    wanted = {"input": expected["input"], "model": expected["model"], **expected["settings"]}
    for key, value in wanted.items():
        if found.get(key) != value:
            raise WsvsError(
                f"{folder}: was made with {key} {found.get(key)}, now it is {value}; --resume goes on with the same "
                "only, give a new folder or --overwrite"
            )
    done = _whole(folder, read_frame_log(folder))
    return Earlier(folder, done, max(0, len(done) - context))


def _whole(folder: Path, log: dict[str, FrameRecord]) -> dict[str, FrameRecord]:
    """The frames up to the first one whose label map is not there or not readable."""
    done: dict[str, FrameRecord] = {}
    for index, (name, record) in enumerate(log.items()):
        path = folder / "labels" / f"{name}.png"
        if not path.is_file() or not path.stat().st_size:
            break
        if index >= len(log) - _CHECKED:
            try:
                read_label_map(path)
            except WsvsError:
                break
        done[name] = record
    return done


def _summary(folder: Path) -> dict[str, Any]:
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return summary if isinstance(summary, dict) else {}
