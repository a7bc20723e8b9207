"""Recorded drives: read and written, tagged, rendered."""

from __future__ import annotations

from wsvs_ros.drives.drive import Drive, DriveError
from wsvs_ros.drives.open import open_drive
from wsvs_ros.drives.tags import Clip, DriveTags, TagError, load_clip_tags, load_image_tags
from wsvs_ros.drives.time_base import TimeBase

__all__ = [
    "Clip",
    "Drive",
    "DriveError",
    "DriveTags",
    "TagError",
    "TimeBase",
    "load_clip_tags",
    "load_image_tags",
    "open_drive",
]
