"""Files that the page replaces, though others may have made them."""

from __future__ import annotations

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
