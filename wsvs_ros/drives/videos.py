"""Drives that are video files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2

from wsvs_ros.drives.drive import DriveError
from wsvs_ros.perception.frames import Frame

_DEFAULT_FPS = 25.0


class VideoDrive:
    """
    A video file, by whatever OpenCV decodes.

    Stamps count the frames at the video's rate, beginning at 0; frames are named 000000, 000001, ...
    A video that breaks off before its announced end says so in `refused`.

    :param fps: the rate to assume instead of the file's own.
    :raises DriveError: if the file cannot be decoded or holds no frame.
    """

    kind = "video"

    def __init__(self, path: Path, *, fps: float | None = None) -> None:
        self.path = path
        self.refused: list[str] = []
        self._capture = cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            raise DriveError(f"{path}: not a video that OpenCV can decode, or incomplete; convert it, e.g. to H.264")
        self._first, image = self._capture.read()
        if not self._first:
            self._capture.release()
            raise DriveError(f"{path}: the video holds no readable frame")
        self._image = image
        told = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps: float | None = fps or (told if 0 < told < 1000 else _DEFAULT_FPS)
        count = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.frame_count: int | None = count if count > 0 else None

    def __iter__(self) -> Iterator[Frame]:
        if not self._first:
            raise DriveError(f"{self.path}: a video is read once; open it again")
        self._first, image, index = False, self._image, 0
        assert self.fps is not None
        read = True
        while read:
            stamp = round(index / self.fps * 1e9)
            yield Frame(image, stamp, frame_id="camera", name=f"{index:06d}")
            read, image = self._capture.read()
            index += 1
        # some containers announce their length by an estimate
        if self.frame_count is not None and index < 0.98 * self.frame_count - 2:
            self.refused.append(f"the video breaks off after {index} of {self.frame_count} frames")

    def close(self) -> None:
        """Let go of the file."""
        self._capture.release()

    def __enter__(self) -> VideoDrive:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
