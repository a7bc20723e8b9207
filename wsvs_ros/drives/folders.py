"""Drives that are folders of images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import cv2

from wsvs_ros.drives.drive import DriveError
from wsvs_ros.drives.excerpt import Excerpt
from wsvs_ros.perception.frames import Frame

_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp"}
_DEFAULT_FPS = 15.0


class FolderDrive:
    """
    The images of a folder in natural order (`2.png` before `10.png`); its `images/` where it has one.

    :param fps: frames per second; the folder does not tell.
    :param excerpt: the part that is read.
    :raises DriveError: if there is no image.
    """

    kind = "folder"

    def __init__(self, path: Path, *, fps: float | None = None, excerpt: Excerpt = Excerpt()) -> None:
        self.path = path
        self._excerpt = excerpt
        folder = path / "images" if (path / "images").is_dir() else path
        files = sorted((file for file in folder.iterdir() if _is_image(file)), key=natural_key)
        if not files:
            raise DriveError(f"{folder}: no images here ({', '.join(sorted(_SUFFIXES))})")
        stems = [file.stem for file in files]
        twice = next((stem for stem in stems if stems.count(stem) > 1), None) if len(set(stems)) < len(stems) else None
        if twice:
            raise DriveError(f"{folder}: more than one image is named {twice!r}; results would collide")
        self.fps: float | None = fps or _DEFAULT_FPS
        self.frame_count: int | None = excerpt.count(len(files), self.fps)
        self.files = dict(zip(stems, files, strict=True))
        """The images' files by the frames' names, in their order."""

    def __iter__(self) -> Iterator[Frame]:
        assert self.fps is not None
        for index, file in enumerate(self.files.values()):
            if not self._excerpt.has(index / self.fps):
                continue
            image = cv2.imread(str(file), cv2.IMREAD_COLOR)
            if image is None:
                raise DriveError(f"{file}: not a readable image; restore it or take it out of the folder")
            yield Frame(image, round(index / self.fps * 1e9), frame_id="camera", name=file.stem)

    def close(self) -> None:
        """Nothing is held open."""

    def __enter__(self) -> FolderDrive:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _is_image(path: Path) -> bool:
    """Hidden files, such as the `._1.png` that macOS leaves beside `1.png`, are none."""
    return path.suffix.lower() in _SUFFIXES and not path.name.startswith(".")


def natural_key(path: Path) -> list[tuple[int, int | str]]:
    """What to sort files by, so that `2.png` comes before `10.png`."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"(\d+)", path.stem) if part]
