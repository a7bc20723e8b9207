"""What is kept from one run to the next: files whose names tell what they were made of.

A file that is there is right, whoever made it and whenever, and never changes: other ingredients make another file. So
nothing is ever stale, several configurations share a folder, and a run that was interrupted goes on.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from training.caches.aside import folder_aside, written_aside
from training.caches.contents import digest

_LOG = logging.getLogger(__name__)
_RECORD = "made_of.json"
_LEFT_OUT = "left_out.json"

Ingredients = Mapping[str, str]
"""
What something is made of, e.g. ``{"image": "8f03...", "tags": "77ab...", "settings": "11c0..."}``: digests by names
that tell a user what has changed.
"""


class Cache:
    """
    One folder of files, ``NAME-DIGEST.SUFFIX``, the digest that of their ingredients. Code that computes something else
    from the same ingredients has to add one of its own.

    :param folder: made where it is needed.
    :param what: what the files hold, for messages: "heatmaps".
    :param suffix: of their names; with a slash in it, each has a folder of its own.
    """

    def __init__(self, folder: Path, what: str, suffix: str = ".npy") -> None:
        self.folder, self._what, self._suffix = folder, what, suffix

    def path(self, name: str, made_of: Ingredients) -> Path:
        """Where the file lies that is made of these ingredients, if it is there."""
        return self.folder / f"{name}-{digest(made_of)}{self._suffix}"

    def lacking(self, wanted: Mapping[str, Ingredients]) -> list[str]:
        """
        What has to be made; what is taken, what is not, and why, is said in the log.

        :param wanted: ingredients by name.
        :return: the names without a file, in their order.
        """
        names = [name for name, made_of in wanted.items() if not self.path(name, made_of).exists()]
        self.report(wanted, names)
        return names

    def report(self, wanted: Mapping[str, Ingredients], lacking: Collection[str]) -> None:
        """Say what is taken and what is made anew, and why: because an ingredient is not what it was last time."""
        before = _read(self.folder / _RECORD)  # of the last time; it explains, and decides nothing
        if lacking:
            why = Counter(_why(before.get(name), wanted[name]) for name in lacking)
            reasons = ", ".join(reason if len(why) == 1 else f"{reason} ({count})" for reason, count in why.items())
            taken = len(wanted) - len(lacking)
            _LOG.info("%s: %d of %d taken; %d to make: %s", self._what, taken, len(wanted), len(lacking), reasons)
        elif wanted:
            _LOG.info("%s: all %d taken", self._what, len(wanted))
        now = {name: dict(made_of) for name, made_of in wanted.items()}
        if any(before.get(name) != made_of for name, made_of in now.items()):
            with written_aside(self.folder / _RECORD) as aside:
                aside.write_text(json.dumps(before | now), encoding="utf-8")

    def gather(self, wanted: Mapping[str, Ingredients], folder: Path, left_out: Mapping[str, str]) -> Path:
        """
        Put the files of one run together under their plain names, as links that take no room.

        :param folder: for folders named by all that is in them.
        :param left_out: why a name of `wanted` has no file.
        :return: the folder; ``NAME.SUFFIX`` for each name that has a file. What they were made of is told by
            :func:`ingredients_of`, what is left out by :func:`left_out_of`.
        """
        there = {name: self.path(name, made_of) for name, made_of in wanted.items() if name not in left_out}
        found = folder / digest({name: path.name for name, path in there.items()}, left_out)
        if not found.is_dir():
            with folder_aside(found) as aside:
                for name, path in there.items():
                    target = aside / f"{name}{self._suffix}"
                    target.parent.mkdir(parents=True, exist_ok=True)
                    _link(path, target)
                (aside / _LEFT_OUT).write_text(json.dumps(dict(left_out)), encoding="utf-8")
                made_of = {name: dict(wanted[name]) for name in there}
                (aside / _RECORD).write_text(json.dumps(made_of), encoding="utf-8")
        return found


def left_out_of(folder: Path) -> dict[str, str]:
    """Why names that :meth:`Cache.gather` was asked for have no file, by name."""
    return _read(folder / _LEFT_OUT)


def ingredients_of(folder: Path) -> dict[str, dict[str, str]]:
    """What the files of a folder that :meth:`Cache.gather` made were made of, by name."""
    return _read(folder / _RECORD)


def _read(path: Path) -> dict[str, Any]:
    """What a JSON file holds; nothing where it is missing or damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _why(before: Ingredients | None, now: Ingredients) -> str:
    if before is None:
        return "new"
    changed = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
    return f"changed: {' and '.join(changed)}" if changed else "not finished last time"


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(path, target)
