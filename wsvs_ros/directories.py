"""Puts a whole directory in place at once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from wsvs_ros.files import PARTIAL, put_in_place


def is_empty_directory(path: Path) -> bool:
    """Whether `path` is a directory without content."""
    return path.is_dir() and not any(path.iterdir())


def replace_directory(path: Path, files: Mapping[str, bytes]) -> None:
    """
    Fill a directory beside `path`, then swap it in, so that no reader ever meets half of it.

    :param path: the directory; what was there before is removed.
    :param files: content by file name.
    :raises OSError: if a file cannot be written; `path` is then as it was before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}{PARTIAL}")
    try:
        aside.mkdir()
        for name, content in files.items():
            (aside / name).write_bytes(content)
        put_in_place(aside, path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
