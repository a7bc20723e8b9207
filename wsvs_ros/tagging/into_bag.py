"""A drive's tags written into the bag itself."""

from __future__ import annotations

from pathlib import Path

from wsvs_ros.drives.bag_tags import write_bag_tags
from wsvs_ros.drives.open import is_bag
from wsvs_ros.tagging.errors import TaggingError
from wsvs_ros.tagging.session import TaggingSession
from wsvs_ros.tagging.tag_file import tag_lines


def write_into_bag(session: TaggingSession, index: int) -> Path:
    """
    Write what is tagged of a drive into its bag, unfinished clips among it, in place of what the bag bears.

    :param index: the drive's number.
    :return: the file that bears the tags now.
    :raises TaggingError: if the drive is no bag, or nothing of it is tagged.
    :raises DriveError: if the bag has no place for tags, or cannot be written.
    """
    with session.lock:
        drive = session.drives[index]
        clips = drive.touched()
    if not is_bag(drive.path):
        raise TaggingError(f"{drive.path}: no bag, so its tags stay in the file beside it")
    if not clips:
        raise TaggingError(f"{drive.path}: nothing of it is tagged yet")
    name = drive.path.name
    lines = tag_lines({name: clips}, {name: drive.time_base}, session.order)
    return write_bag_tags(drive.path, "\n".join(lines) + "\n")
