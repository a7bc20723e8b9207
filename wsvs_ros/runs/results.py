"""The folder that `wsvs segment` writes: a new one, or on request an earlier one of its own, replaced."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from wsvs_ros.errors import WsvsError

SUMMARY = "summary.json"
_MAPS = ("labels", "confidence")
_FILES = ("overlay.mp4", "overlay.partial.mp4", "frames.csv", "frames.csv.partial", SUMMARY)
_OURS = {*_MAPS, *_FILES, "bag", "bag.partial", "live", "report"}
_REPORT = {"index.html", "report.json"}
_LIVE = {"bag", "overlay.mp4", "labels.yaml", "frames.txt", "play.json", "record.json"}
_LIVE |= {"play.log", "record.log", "run.log"}


def make_folder(path: Path, *, overwrite: bool, source: str) -> None:
    """
    Make the folder, empty.

    :param overwrite: empty it first if it holds the results of an earlier run and nothing else.
    :param source: what will be read, which must not lie in it.
    :raises WsvsError: if it holds anything that may not be removed; nothing is removed then.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        taken = sorted(entry.name for entry in path.iterdir())
        if not taken:
            return
        if not overwrite:
            again = "; give a new folder, or --overwrite to replace earlier results" if SUMMARY in taken else ""
            raise WsvsError(f"{path}: exists and is not empty ({taken[0]}), nothing is overwritten{again}")
        _check_ours(path, taken, source)
        for name in taken:
            entry = path / name
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
    except OSError as error:
        raise WsvsError(f"{path}: cannot be made an empty folder: {error.strerror}") from error


def _check_ours(path: Path, taken: list[str], source: str) -> None:
    if Path(source).resolve().is_relative_to(path.resolve()):
        raise WsvsError(f"{path}: holds the input {source}; give another folder")
    try:
        summary = json.loads((path / SUMMARY).read_text(encoding="utf-8"))
        written_by_us = {"frames", "complete", "model", "settings"} <= set(summary)
    except (OSError, ValueError, TypeError):
        written_by_us = False
    if not written_by_us:
        raise WsvsError(f"{path}: has no {SUMMARY} of `wsvs segment`, so --overwrite does not touch it")
    foreign = [name for name in taken if name not in _OURS]
    for folder, ours in (("report", _REPORT), ("live", _LIVE)):
        foreign += [f"{folder}/{file.name}" for file in (path / folder).glob("*") if file.name not in ours]
    for maps in _MAPS:
        foreign += [f"{maps}/{file.name}" for file in (path / maps).glob("*") if file.suffix != ".png" or file.is_dir()]
    if foreign:
        raise WsvsError(f"{path}: {foreign[0]} is none of our results, so --overwrite does not touch the folder")
