"""Files that people made, and that are replaced as a whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from wsvs_ros.tagging.errors import SaveError


def replace_file(path: Path, text: str) -> None:
    """
    Write a file aside, flush it to the disk and put it in place; whoever reads sees the old or the new one.

    :raises OSError: if it cannot be written; the old one is untouched.
    """
    handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(partial, path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def check_writable(path: Path) -> None:
    """
    :raises SaveError: if the file could not be saved, before anybody tags for nothing.
    """
    try:
        with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent):
            pass
    except OSError as error:
        raise SaveError(
            f"{path}: cannot be written: {error.strerror or error}; name another place with --tags FILE"
        ) from error


def keep_copy(path: Path) -> None:
    """Copy a file that somebody else made to `<name>.before-tagging`, or with a number where that is taken."""
    copy = path.with_name(path.name + ".before-tagging")
    number = 1
    while copy.exists():
        number += 1
        copy = path.with_name(f"{path.name}.before-tagging-{number}")
    shutil.copy2(path, copy)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
