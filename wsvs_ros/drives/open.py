"""One way to open a recorded drive."""

from __future__ import annotations

import re
from pathlib import Path

from wsvs_ros.drives.drive import Drive, DriveError
from wsvs_ros.drives.excerpt import Excerpt
from wsvs_ros.drives.folders import FolderDrive
from wsvs_ros.drives.videos import VideoDrive

_SUFFIXES = frozenset({".mcap", ".db3", ".bag"})
_STORAGE = ("*.mcap", "*.db3", "*.mcap.zstd", "*.db3.zstd")


def is_bag(path: Path) -> bool:
    """
    Whether a path is a bag: a file of one, or a folder with its metadata.

    A folder without metadata is one if its storage files are the parts of one recording (`name_0`, `name_1`, ...)
    and it has no folders of its own, as an archive has.
    """
    if path.is_dir():
        if (path / "metadata.yaml").is_file():
            return True
        parts = {re.sub(r"_\d+$", "", file.name.split(".")[0]) for kind in _STORAGE for file in path.glob(kind)}
        return len(parts) == 1 and not any(entry.is_dir() for entry in path.iterdir())
    return path.suffix in _SUFFIXES or path.name.endswith((".mcap.zstd", ".db3.zstd"))


def open_drive(
    path: str | Path, *, topic: str | None = None, fps: float | None = None, excerpt: Excerpt = Excerpt()
) -> Drive:
    """
    Open a video file, a folder of images, a bag, or `synthetic`, the rendered drive.

    :param topic: the image topic of a bag with several.
    :param fps: frames per second where the drive does not tell, or to assume instead.
    :param excerpt: the part that is read.
    :raises DriveError: naming what is wrong with the path, or the image topics that a bag has.
    """
    if str(path) == "synthetic":
        from wsvs_ros.drives.synthetic import SyntheticDrive

        return SyntheticDrive(fps=fps or 15.0, excerpt=excerpt)
    path = Path(path)
    if not path.exists():
        raise DriveError(f"{path}: no such file or folder")
    if is_bag(path):
        from wsvs_ros.drives.bags import BagDrive

        return BagDrive(path, topic=topic, fps=fps, excerpt=excerpt)
    if topic is not None:
        raise DriveError(f"{path}: not a bag, so it has no topic {topic!r}")
    return FolderDrive(path, fps=fps, excerpt=excerpt) if path.is_dir() else VideoDrive(path, fps=fps, excerpt=excerpt)
