"""One way to open a recorded drive."""

from __future__ import annotations

from pathlib import Path

from wsvs_ros.drives.drive import Drive, DriveError
from wsvs_ros.drives.folders import FolderDrive
from wsvs_ros.drives.videos import VideoDrive

BAG_SUFFIXES = frozenset({".mcap", ".db3", ".bag"})


def open_drive(path: str | Path, *, topic: str | None = None, fps: float | None = None) -> Drive:
    """
    Open a video file, a folder of images, a bag, or `synthetic`, the rendered drive.

    :param topic: the image topic of a bag with several.
    :param fps: frames per second where the drive does not tell, or to assume instead.
    :raises DriveError: naming what is wrong with the path, or the image topics that a bag has.
    """
    if str(path) == "synthetic":
        from wsvs_ros.drives.synthetic import SyntheticDrive

        return SyntheticDrive(fps=fps or 15.0)
    path = Path(path)
    if not path.exists():
        raise DriveError(f"{path}: no such file or folder")
    is_bag = path.suffix in BAG_SUFFIXES or (path.is_dir() and (path / "metadata.yaml").is_file())
    if is_bag:
        from wsvs_ros.drives.bags import BagDrive

        return BagDrive(path, topic=topic, fps=fps)
    if topic is not None:
        raise DriveError(f"{path}: not a bag, so it has no topic {topic!r}")
    return FolderDrive(path, fps=fps) if path.is_dir() else VideoDrive(path, fps=fps)
