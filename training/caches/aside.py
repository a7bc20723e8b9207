"""Files and folders that are whole or not there: they are written aside and put in place at once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """
    A file of another name to write to, which takes the place of `path` once it is whole.

    It has the same suffix, since some libraries append one of their own.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def folder_aside(path: Path) -> Iterator[Path]:
    """A folder of another name to fill, which becomes `path` once it is whole."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        yield aside
        os.replace(aside, path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def save_array(path: Path, array: np.ndarray) -> None:
    """Write an ``.npy`` file, whole or not at all."""
    with written_aside(path) as aside:
        np.save(aside, array)
