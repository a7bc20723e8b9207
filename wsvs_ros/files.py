"""
Files that are whole or not there: everything is written aside and put in place.

A file beside the wanted one is filled, flushed to the disk and renamed, so that whoever reads meets the old or the new
content, also after a power cut. What a crash leaves of it ends in `.partial`.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from wsvs_ros.errors import WsvsError

PARTIAL = ".partial"


def replace_file(path: Path, content: str | bytes | memoryview, *, durable: bool = True) -> None:
    """
    Write a file and put it in place of an earlier one, whose permissions it keeps; a link stays a link.

    A pipe or device, e.g. `/dev/stdout`, is written to directly.

    :param content: text is written as UTF-8.
    :param durable: on the disk before it returns; without, a power cut may cost the file, though never the order of
        old and new. For files by the thousand, whose reader checks them.
    :raises OSError: if it cannot be written; the old one is untouched.
    """
    data = content.encode() if isinstance(content, str) else content
    path = Path(os.path.realpath(path))
    mode = _mode(path)
    if mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        path.write_bytes(data)
        return
    # the thread's own, lest two that write the same file meet; short, because names have a limit
    aside = path.with_name(f".{path.name[:60]}.{os.getpid()}-{threading.get_ident()}{PARTIAL}")
    try:
        with open(aside, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        if mode is not None:
            os.chmod(aside, stat.S_IMODE(mode))
        os.replace(aside, path)
    except BaseException:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise
    if durable:
        _sync(path.parent)


def put_in_place(aside: Path, path: Path) -> None:
    """
    Flush a finished file or folder to the disk and rename it; a file or folder that was there before is replaced.

    :param aside: on the same file system as `path`.
    :raises OSError: if that is not possible; what was there before is there again, and `aside` stays.
    """
    for part in [*aside.rglob("*"), aside] if aside.is_dir() else [aside]:
        _sync(part)
    if aside.is_dir() and path.is_dir():
        _swap(aside, path)
    else:
        os.replace(aside, path)
    _sync(path.parent)


def write_json(path: Path, content: Any, *, error: type[WsvsError] = WsvsError) -> None:
    """
    Write plain data as JSON.

    :param error: what is raised if that is not possible.
    :raises WsvsError: naming the file and why.
    """
    with writing(path, error):
        replace_file(path, json.dumps(content, indent=2) + "\n")


@contextmanager
def writing(path: Path, error: type[WsvsError] = WsvsError) -> Iterator[None]:
    """Turn the system's errors into one that names the file."""
    try:
        yield
    except OSError as cause:
        raise error(f"{path}: cannot be written: {cause.strerror or cause}") from cause


def check_writable(path: Path) -> None:
    """
    Refuse what could not be written later, before the work is done for nothing. Nothing is left behind.

    :raises WsvsError: if the path is a folder, or lies in none that can be written to.
    """
    mode = _mode(path)
    if mode is not None and stat.S_ISDIR(mode):
        raise WsvsError(f"{path}: cannot be written: it is a folder")
    if mode is not None and not stat.S_ISREG(mode):
        return
    probe = path.with_name(f".{path.name[:60]}.{os.getpid()}.probe")
    with writing(path):
        probe.touch()
        probe.unlink()


def _swap(aside: Path, path: Path) -> None:
    earlier = path.with_name(f".{path.name}.{os.getpid()}.earlier{PARTIAL}")
    os.replace(path, earlier)
    try:
        os.replace(aside, path)
    except OSError:
        os.replace(earlier, path)
        raise
    shutil.rmtree(earlier, ignore_errors=True)


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except OSError:
        return None


def _sync(path: Path) -> None:
    """Some file systems cannot flush a folder; what they do instead has to do."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
