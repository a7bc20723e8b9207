"""Single frames of a drive by time, without reading the rest of it."""

from __future__ import annotations

import threading
from collections import deque
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from rosbags.interfaces import Connection

from wsvs_ros.drives import DriveError, open_drive
from wsvs_ros.drives.bags import BagDrive
from wsvs_ros.drives.folders import FolderDrive
from wsvs_ros.images import to_bgr

_FORWARD = 60  # frames that are sooner decoded than sought


class FrameSource(Protocol):
    """
    Frames by time. One caller at a time is served; the others wait.

    :ivar duration: seconds from the first frame to the last one's end.
    :ivar fps: frames per second.
    """

    duration: float
    fps: float

    def at(self, seconds: float) -> np.ndarray:
        """
        The frame that shows at a time, the nearest one at the ends.

        :return: (H, W, 3) uint8 BGR.
        :raises DriveError: if it cannot be read.
        """

    def close(self) -> None: ...


def open_source(path: Path, *, topic: str | None = None, fps: float | None = None) -> FrameSource:
    """
    :raises DriveError: if the drive cannot be read.
    """
    drive = open_drive(path, topic=topic, fps=fps)
    if isinstance(drive, BagDrive):
        return BagSource(drive)
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
        self._files = list(drive.files.values())
        self.duration = len(self._files) / self.fps

    def at(self, seconds: float) -> np.ndarray:
        file = self._files[min(max(int(seconds * self.fps + 1e-3), 0), len(self._files) - 1)]
        image = cv2.imread(str(file), cv2.IMREAD_COLOR)
        if image is None:
            raise DriveError(f"{file}: not a readable image; restore it or take it out of the folder")
        return image

    def close(self) -> None:
        """Nothing is held open."""


class BagSource:
    """A bag, sought by the times at which its messages were recorded."""

    def __init__(self, drive: BagDrive) -> None:
        self._drive = drive
        self._lock = threading.Lock()
        self._first = self._stamp_from(drive.reader.start_time)
        count = drive.frame_count or 1
        last = (drive.reader.end_time - self._first) * 1e-9
        self.fps = drive.fps or (count / last if last > 0 else 1.0)
        self.duration = max(last, 0.0) + 1 / self.fps
        self._period = round(2e9 / self.fps)

    def at(self, seconds: float) -> np.ndarray:
        with self._lock:
            wanted = self._first + round(seconds * 1e9)
            # the newest message up to then; further back where the camera paused or a message is damaged
            for reach in (1, 10, 100):
                image = self._newest(wanted - reach * self._period, wanted + 1)
                if image is not None:
                    return image
            image = self._oldest(wanted)
            if image is not None:
                return image
            raise DriveError(f"{self._drive.path}: no readable image around {seconds:.1f} s")

    def _newest(self, start: int, stop: int) -> np.ndarray | None:
        messages = self._drive.reader.messages(self._drive.connections, start=max(start, self._first), stop=stop)
        last = deque(messages, maxlen=3)  # a raw image is large
        return next((image for image in map(self._decode, reversed(last)) if image is not None), None)

    def _oldest(self, start: int) -> np.ndarray | None:
        messages = self._drive.reader.messages(self._drive.connections, start=start)
        return next((image for image in map(self._decode, messages) if image is not None), None)

    def _decode(self, message: tuple[Connection, int, bytes]) -> np.ndarray | None:
        connection, _, data = message
        try:
            return to_bgr(self._drive.reader.deserialize(data, connection.msgtype))
        except Exception:  # damaged messages are left out, as everywhere
            return None

    def _stamp_from(self, start: int) -> int:
        for _, timestamp, _ in self._drive.reader.messages(self._drive.connections, start=start):
            return timestamp
        return start

    def close(self) -> None:
        with self._lock:
            self._drive.close()
