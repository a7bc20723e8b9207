"""Drives that are bags: rosbag2 (sqlite3, mcap) and ROS 1, read without ROS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection
from rosbags.typesys import Stores, get_typestore

from wsvs_ros.drives.drive import DriveError
from wsvs_ros.images import ImageError, to_bgr
from wsvs_ros.perception.frames import Frame

_IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")


class BagDrive:
    """
    The images of one topic of a bag, with their headers' stamps; frames are named 000000, 000001, ...

    A message that is no readable image is left out and listed in `refused`.

    :param topic: needed where the bag has several image topics.
    :param fps: the rate to assume instead of the one that count and duration give.
    :raises DriveError: if the bag cannot be read or has no such topic; the message names those there are.
    """

    kind = "bag"

    def __init__(self, path: Path, *, topic: str | None = None, fps: float | None = None) -> None:
        self.path = _folder_of(path)
        self.refused: list[str] = []
        self.tap: Callable[[Connection, int, bytes], None] | None = None
        """Called with every message of the bag, of whatever topic, as it is read."""
        try:
            self.reader = AnyReader([self.path], default_typestore=get_typestore(Stores.ROS2_JAZZY))
            self.reader.open()
        except Exception as error:
            raise DriveError(f"{path}: cannot be read as a bag: {error}") from error
        try:
            self.connections = self._choose(topic)
        except DriveError:
            self.close()
            raise
        count = sum(connection.msgcount for connection in self.connections)
        seconds = self.reader.duration * 1e-9
        self.frame_count: int | None = count
        self.fps: float | None = fps or ((count - 1) / seconds if seconds > 0 and count > 1 else None)

    @property
    def topic(self) -> str:
        """The image topic that is read."""
        return self.connections[0].topic

    def __iter__(self) -> Iterator[Frame]:
        wanted = {id(connection) for connection in self.connections}
        index = 0
        for connection, timestamp, data in self._messages():
            if self.tap is not None:
                self.tap(connection, timestamp, data)
            if id(connection) not in wanted:
                continue
            try:
                message: Any = self.reader.deserialize(data, connection.msgtype)
                image = to_bgr(message)
            except ImageError as error:
                self.refused.append(f"message {index} of {connection.topic}: {error}")
            except Exception as error:
                self.refused.append(f"message {index} of {connection.topic}: not readable: {error}")
            else:
                header = message.header
                stamp = header.stamp.sec * 1_000_000_000 + header.stamp.nanosec
                yield Frame(image, stamp, frame_id=header.frame_id, name=f"{index:06d}", source=(header, timestamp))
            index += 1

    def _messages(self) -> Iterator[tuple[Connection, int, bytes]]:
        try:
            yield from self.reader.messages(self.connections if self.tap is None else ())
        except Exception as error:  # of the storage or its compression; they share no base class
            raise DriveError(f"{self.path}: the bag breaks off: {error}") from error

    def close(self) -> None:
        """Close the bag."""
        if self.reader.stack is not None:
            self.reader.close()

    def __enter__(self) -> BagDrive:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _choose(self, topic: str | None) -> list[Connection]:
        images = [c for c in self.reader.connections if c.msgtype in _IMAGES]
        topics = sorted({connection.topic for connection in images})
        if not topics:
            others = ", ".join(sorted({f"{c.topic} ({c.msgtype})" for c in self.reader.connections})) or "none"
            raise DriveError(f"{self.path}: no images in this bag; its topics: {others}")
        if topic is None and len(topics) > 1:
            raise DriveError(f"{self.path}: several image topics, choose one: {', '.join(topics)}")
        chosen = [c for c in images if c.topic == (topic or topics[0])]
        if not chosen:
            raise DriveError(f"{self.path}: no image topic {topic}; there are: {', '.join(topics)}")
        if not sum(connection.msgcount for connection in chosen):
            raise DriveError(f"{self.path}: topic {chosen[0].topic} holds no messages")
        return chosen


def _folder_of(path: Path) -> Path:
    """A rosbag2 is its folder, also when one of its files was named."""
    if path.is_file() and path.suffix != ".bag" and (path.parent / "metadata.yaml").is_file():
        return path.parent
    return path
