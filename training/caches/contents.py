"""What is in files and settings, as short digests: what a cache was made of is told by them."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from wsvs_ros.errors import WsvsError

_PIECE = 1 << 20  # bytes read at once
_SETTLED = 2.0  # seconds after which a change of a file that was looked at shows in its time


def digest(*parts: Any) -> str:
    """A short name for values: strings, numbers, lists and dictionaries of them, paths, models by their JSON."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:12]


class Contents:
    """
    Digests of files by what is in them, wherever they lie.

    A file is read once: while its size and its time are as they were, its digest is taken from `memo`. To be used as
    a context, whose end writes the memo.

    :param memo: file that keeps what is known from one run to the next.
    """

    def __init__(self, memo: Path) -> None:
        self._memo = memo
        self._known: dict[str, tuple[int, int, str]] = {}
        self._read_anew = False

    def __enter__(self) -> Contents:
        try:
            known = json.loads(self._memo.read_text(encoding="utf-8"))
            self._known = {path: (size, time_ns, found) for path, (size, time_ns, found) in known.items()}
        except (OSError, ValueError, AttributeError, TypeError):  # a memo only saves time
            self._known = {}
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._read_anew:
            self._memo.parent.mkdir(parents=True, exist_ok=True)
            aside = self._memo.with_name(f".{self._memo.name}.{os.getpid()}")
            aside.write_text(json.dumps(self._known), encoding="utf-8")
            os.replace(aside, self._memo)

    def of(self, path: Path) -> str:
        """
        The digest of a file, or of a folder: of the names and contents of all files in it.

        :raises WsvsError: if it is missing or cannot be read.
        """
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
            return digest([(str(file.relative_to(path)), self._of_file(file)) for file in files])
        return self._of_file(path)

    def of_files(self, paths: Iterable[Path]) -> str:
        """The digest of files in their order, without their names."""
        return digest([self._of_file(path) for path in paths])

    def _of_file(self, path: Path) -> str:
        name = str(path.absolute())
        try:
            status = path.stat()
            size, time_ns, found = self._known.get(name, (-1, -1, ""))
            if (size, time_ns) == (status.st_size, status.st_mtime_ns):
                return found
            found = _read(path)
        except OSError as error:
            raise WsvsError(f"{path}: {'missing' if not path.exists() else error.strerror}") from error
        if time.time() - status.st_mtime > _SETTLED:  # else it may change within the resolution of its time
            self._known[name] = (status.st_size, status.st_mtime_ns, found)
            self._read_anew = True
        return found


def _read(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            found.update(piece)
    return found.hexdigest()[:16]


def contents_in(work: Path) -> Contents:
    """The digests of the files that the caches of a work directory are made of."""
    return Contents(work / "contents.json")
