"""Single frames of a bag by time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.interfaces import Connection

from wsvs_ros.drives import DriveError, TimeBase
from wsvs_ros.drives.bags import BagDrive
from wsvs_ros.images import to_bgr


class BagSource:
    """
    A bag, sought by the times at which its messages were recorded, of which it has an index.

    :param stamps: `log`, or `header`, for which every message is read once.
    """

    def __init__(self, drive: BagDrive, stamps: str = "log") -> None:
        self.time_base = TimeBase(stamps, topic=drive.topic)
        self._drive = drive
        self._lock = threading.Lock()
        self._headers = _header_stamps(drive.path, drive.topic) if stamps == "header" else None
        self._first = self._first_readable()
        count = drive.frame_count or 1
        last = self._seconds_of_last()
        self.fps = drive.fps or (count / last if last > 0 else 1.0)
        self.duration = max(last, 0.0) + 1 / self.fps
        self._period = round(2e9 / self.fps)

    def at(self, seconds: float) -> np.ndarray:
        with self._lock:
            wanted = self._first + round(seconds * 1e9)
            if self._headers is not None:
                wanted = self._headers.recorded(round(seconds * 1e9))
            # the newest message up to then; further back where the camera paused or a message is damaged
            for reach in (1, 10, 100):
                image = self._newest(wanted - reach * self._period, wanted + 1)
                if image is not None:
                    return image
            image = self._oldest(wanted)
            if image is not None:
                return image
            raise DriveError(f"{self._drive.path}: no readable image around {seconds:.1f} s")

    def frames(self, start: float, end: float, rate: float) -> Iterator[tuple[float, np.ndarray]]:
        with self._lock:
            for seconds, message in self._between(start, end):
                if seconds < start:
                    continue
                image = self._decode(message)
                if image is not None:
                    yield seconds, image
                    start = seconds + 1 / rate - 1e-3

    def _between(self, start: float, end: float) -> Iterator[tuple[float, tuple[Connection, int, bytes]]]:
        """Messages with their time, from the one that shows at the start."""
        recorded = self._headers.recorded if self._headers else lambda stamp: self._first + stamp
        first, last = recorded(round(start * 1e9)), recorded(round(end * 1e9))
        for message in self._drive.reader.messages(self._drive.connections, start=first, stop=max(last, first + 1)):
            stamp = self._headers.stamp(message[1]) if self._headers else message[1] - self._first
            yield stamp * 1e-9, message

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

    def _first_readable(self) -> int:
        """When the first frame was recorded; nanoseconds."""
        for message in self._drive.reader.messages(self._drive.connections):
            if self._decode(message) is not None:
                return message[1]
        raise DriveError(f"{self._drive.path}: topic {self._drive.topic} holds no readable image")

    def _seconds_of_last(self) -> float:
        if self._headers is not None:
            return self._headers.last * 1e-9
        return (self._drive.reader.end_time - self._first) * 1e-9

    def close(self) -> None:
        with self._lock:
            self._drive.close()


@lru_cache(maxsize=16)
def _header_stamps(path: Path, topic: str) -> _HeaderStamps:
    """Read once, whoever needs them."""
    with BagDrive(path, topic=topic) as drive:
        return _HeaderStamps(drive)


class _HeaderStamps:
    """
    Which header's stamp was recorded when.

    :ivar last: the greatest stamp, nanoseconds after the first frame's.
    """

    def __init__(self, drive: BagDrive) -> None:
        stamps: list[tuple[int, int]] = []
        first: int | None = None
        for connection, recorded, data in drive.reader.messages(drive.connections):
            try:
                message: Any = drive.reader.deserialize(data, connection.msgtype)
                stamp = message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec
                if first is None:
                    to_bgr(message)
                    first = stamp
            except Exception:  # damaged messages are left out, as everywhere
                continue
            stamps.append((stamp - first, recorded))
        if not stamps:
            raise DriveError(f"{drive.path}: topic {drive.topic} holds no readable image")
        ordered = np.array(sorted(stamps), np.int64)
        self._stamps, self._recorded = ordered[:, 0], ordered[:, 1]
        self.last = int(self._stamps[-1])
        self._by_recording = {recorded: stamp for stamp, recorded in stamps}

    def stamp(self, recorded: int) -> int:
        """The stamp of the message that was recorded then, nanoseconds after the first frame's."""
        return self._by_recording[recorded]

    def recorded(self, stamp: int) -> int:
        """When the newest message up to a stamp was recorded, the oldest one's time before all of them."""
        return int(self._recorded[max(int(np.searchsorted(self._stamps, stamp, "right")) - 1, 0)])
