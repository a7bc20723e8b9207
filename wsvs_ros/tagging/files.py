"""Files that the page replaces, though others may have made them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from wsvs_ros import files
from wsvs_ros.errors import WsvsError
from wsvs_ros.tagging.errors import SaveError


def check_writable(path: Path) -> None:
    """
    :raises SaveError: if the file could not be saved, before anybody tags for nothing.
    """
    try:
        files.check_writable(path)
    except WsvsError as error:
        raise SaveError(f"{error}; name another place with --tags FILE") from error


def keep_copy(path: Path) -> None:
    """Copy a file that somebody else made to `<name>.before-tagging`, or with a number where that is taken."""
    copy = path.with_name(path.name + ".before-tagging")
    number = 1
    while copy.exists():
        number += 1
        copy = path.with_name(f"{path.name}.before-tagging-{number}")
    shutil.copy2(path, copy)


def copy_as_new(source: Path, folder: Path) -> Path:
    """
    Copy a file into a folder under its name, or with a number where that is taken; nobody's file is replaced.

    :return: the copy.
    :raises OSError: if it cannot be made; nothing is left of it then.
    """
    aside = folder / f".{source.name}{files.PARTIAL}"
    try:
        shutil.copy2(source, aside)
        for number in range(1, 10_000):
            target = folder / (source.name if number == 1 else f"{source.stem}-{number}{source.suffix}")
            if _name_it(aside, target):
                return target
    finally:
        aside.unlink(missing_ok=True)
    raise OSError(f"no free name for {source.name}")


def _name_it(aside: Path, target: Path) -> bool:
    """Give a file its name, unless somebody else has it; whether it was free."""
    try:
        os.link(aside, target)  # unlike a rename this never replaces what is there
    except FileExistsError:
        return False
    except OSError:  # FAT and some network folders have no links: the name is taken first, then its empty file replaced
        try:
            target.open("xb").close()
        except FileExistsError:
            return False
        try:
            os.replace(aside, target)
        except OSError:
            target.unlink(missing_ok=True)
            raise
    return True
