"""Single frames of a drive by time, without reading the rest of it."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from wsvs_ros.drives import DriveError, TimeBase, open_drive
from wsvs_ros.drives.bags import BagDrive
from wsvs_ros.drives.folders import FolderDrive
from wsvs_ros.tagging.bag_seeking import BagSource

_FORWARD = 60  # frames that are sooner decoded than sought


class FrameSource(Protocol):
    """
    Frames by time. One caller at a time is served; the others wait.

    :ivar duration: seconds from the first frame to the last one's end.
    :ivar fps: frames per second.
    :ivar time_base: what the seconds count.
    """

    duration: float
    fps: float
    time_base: TimeBase

    def at(self, seconds: float) -> np.ndarray:
        """
        The frame that shows at a time, the nearest one at the ends.

        :return: (H, W, 3) uint8 BGR.
        :raises DriveError: if it cannot be read.
        """

    def frames(self, start: float, end: float, rate: float) -> Iterator[tuple[float, np.ndarray]]:
        """
        The frames of a stretch one after the other, at most `rate` a second, each with the time it shows from.

        :raises DriveError: if one cannot be read.
        """

    def close(self) -> None: ...


def open_source(path: Path, time_base: TimeBase = TimeBase(), *, fps: float | None = None) -> FrameSource:
    """
    :param time_base: how its times are to be counted; what is open in it as :meth:`TimeBase.of` has it.
    :param fps: frames per second to assume where the time base names none.
    :raises DriveError: if the drive cannot be read, or not by that time base.
    """
    drive = open_drive(path, topic=time_base.topic, fps=time_base.fps or fps)
    stamps = time_base.completed(drive).stamps
    if (stamps == "frames") == isinstance(drive, BagDrive):
        drive.close()
        raise DriveError(f"{path}: a {drive.kind} drive, whose times cannot be counted by `stamps: {stamps}`")
    if isinstance(drive, BagDrive):
        return BagSource(drive, stamps or "log")
    if isinstance(drive, FolderDrive):
        return FolderSource(drive)
    rate = drive.fps
    drive.close()
    if drive.kind != "video" or not rate:
        raise DriveError(f"{path}: a {drive.kind} drive has no files that tags could lie beside")
    return VideoSource(path, rate)


class VideoSource:
    """A video: the decoder goes back to a key frame, and forward from where it is when that is near."""

    def __init__(self, path: Path, fps: float) -> None:
        self.fps = fps
        self.time_base = TimeBase("frames", fps)
        self._path = path
        self._capture = cv2.VideoCapture(str(path))
        self._lock = threading.Lock()
        self._next = 0
        self._count = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        if self._count <= 0:  # a stream that was cut off before its length was written
            self._count = 0
            while self._capture.grab():
                self._count += 1
            self._next = self._count
        self.duration = self._count / fps

    def at(self, seconds: float) -> np.ndarray:
        with self._lock:
            wanted = min(max(int(seconds * self.fps + 1e-3), 0), self._count - 1)
            # containers announce a few frames too many; a video that breaks off shows its last ones
            for index in (wanted, max(wanted - 3, 0), max(wanted - 30, 0)):
                image = self._read(index)
                if image is not None:
                    return image
            raise DriveError(f"{self._path}: no frame can be read at {seconds:.1f} s; the file is damaged there")

    def frames(self, start: float, end: float, rate: float) -> Iterator[tuple[float, np.ndarray]]:
        return _every(self, start, end, rate)

    def _read(self, index: int) -> np.ndarray | None:
        if not 0 <= index - self._next <= _FORWARD:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, index)
            self._next = index
        while self._next < index:
            if not self._capture.grab():
                self._next = -_FORWARD - 1  # nobody knows where the decoder stands now
                return None
            self._next += 1
        read, image = self._capture.read()
        self._next = self._next + 1 if read else -_FORWARD - 1
        return image if read else None

    def close(self) -> None:
        with self._lock:
            self._capture.release()


class FolderSource:
    """A folder of images."""

    def __init__(self, drive: FolderDrive) -> None:
        assert drive.fps is not None
        self.fps = drive.fps
        self.time_base = TimeBase("frames", drive.fps)
        self._files = list(drive.files.values())
        self.duration = len(self._files) / self.fps

    def at(self, seconds: float) -> np.ndarray:
        file = self._files[min(max(int(seconds * self.fps + 1e-3), 0), len(self._files) - 1)]
        image = cv2.imread(str(file), cv2.IMREAD_COLOR)
        if image is None:
            raise DriveError(f"{file}: not a readable image; restore it or take it out of the folder")
        return image

    def frames(self, start: float, end: float, rate: float) -> Iterator[tuple[float, np.ndarray]]:
        return _every(self, start, end, rate)

    def close(self) -> None:
        """Nothing is held open."""


def _every(source: FrameSource, start: float, end: float, rate: float) -> Iterator[tuple[float, np.ndarray]]:
    """Of evenly spaced frames every so many."""
    step = max(round(source.fps / rate), 1)
    for index in range(int(start * source.fps + 1e-3), math.ceil(end * source.fps - 1e-3), step):
        yield index / source.fps, source.at((index + 0.5) / source.fps)
