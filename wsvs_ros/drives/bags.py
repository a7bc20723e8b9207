"""Drives that are bags: rosbag2 (sqlite3, mcap) and ROS 1, read without ROS."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection
from rosbags.typesys import Stores, get_typestore

from wsvs_ros.drives.bag_rate import frame_rate
from wsvs_ros.drives.drive import DriveError
from wsvs_ros.drives.excerpt import Excerpt
from wsvs_ros.drives.recovery import RecoveredReader, needs_own_reader
from wsvs_ros.images import ImageError, to_bgr
from wsvs_ros.perception.frames import Frame

IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")


class BagDrive:
    """
    The images of one topic of a bag, with their headers' stamps; frames are named 000000, 000001, ...

    A message that is no readable image is left out and listed in `refused`; so is what a damaged bag has lost.

    :param topic: needed where the bag has several image topics.
    :param fps: the rate to assume instead of the one that the images' stamps give.
    :param excerpt: the part that is read, by the times of recording; of all topics, where they are read, too.
    :raises DriveError: if the bag cannot be read or has no such topic; the message names those there are.
    """

    kind = "bag"

    def __init__(
        self, path: Path, *, topic: str | None = None, fps: float | None = None, excerpt: Excerpt = Excerpt()
    ) -> None:
        self.path = _folder_of(path)
        self.refused: list[str] = []
        self.tap: Callable[[Connection, int, bytes], None] | None = None
        """Called with every message of the bag, of whatever topic, as it is read."""
        self._excerpt = excerpt
        self.reader = self._open()
        try:
            self.connections = self._choose(topic)
        except DriveError:
            self.close()
            raise
        count = sum(connection.msgcount for connection in self.connections)
        self._all = count
        self.fps: float | None = fps or frame_rate(self.reader, self.connections)
        self.frame_count: int | None = excerpt.count(count, self.fps)

    @property
    def topic(self) -> str:
        """The image topic that is read."""
        return self.connections[0].topic

    def __iter__(self) -> Iterator[Frame]:
        wanted = {id(connection) for connection in self.connections}
        for connection, timestamp, data, index in self._within_excerpt(everything=self.tap is not None):
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

    def messages(self) -> Iterator[tuple[Connection, int, bytes]]:
        """(connection, timestamp, data) of every topic, as recorded, within the excerpt."""
        return ((connection, at, data) for connection, at, data, _ in self._within_excerpt(everything=True))

    def _within_excerpt(self, *, everything: bool) -> Iterator[tuple[Connection, int, bytes, int]]:
        """Messages with the number of images of the topic before them; the excerpt begins with the first image."""
        wanted = {id(connection) for connection in self.connections}
        images, first = 0, None
        for connection, timestamp, data in self._messages(everything=everything):
            is_image = id(connection) in wanted
            if first is None and is_image:
                first = timestamp
            seconds = -1.0 if first is None else (timestamp - first) * 1e-9
            if self._excerpt.is_behind(seconds):
                return
            if self._excerpt.is_all or self._excerpt.has(seconds):
                yield connection, timestamp, data, images
            images += is_image
        if images < self._all:
            self.refused.append(f"{self._all - images} of {self._all} images are missing in the bag")

    def _open(self) -> Any:
        """rosbags' reader, or one of our own for a damaged bag, and for what rosbags would read wrongly."""
        if self.path.suffix != ".bag" and needs_own_reader(self.path):
            recovered = RecoveredReader(self.path)
            self.refused += recovered.lost
            return recovered
        try:
            reader = AnyReader([self.path], default_typestore=get_typestore(Stores.ROS2_JAZZY))
            reader.open()
            _check_connections(reader)
        except Exception as error:
            if self.path.suffix == ".bag":
                raise DriveError(f"{self.path}: cannot be read as a bag: {error}; try `rosbag reindex`") from error
            return self._recover(error)
        return reader

    def _recover(self, error: Exception) -> RecoveredReader:
        try:
            recovered = RecoveredReader(self.path)
        except DriveError as second:
            raise DriveError(f"{self.path}: cannot be read as a bag: {error} ({second})") from error
        self.refused += [f"the bag is damaged: {error}", *recovered.lost]
        return recovered

    def _messages(self, *, everything: bool) -> Iterator[tuple[Connection, int, bytes]]:
        """All that can be read; behind a place where rosbags gives up, what follows it."""
        wanted = () if everything else self.connections
        last = -1
        there: set[str] = set()
        try:
            for connection, timestamp, data in self.reader.messages(wanted):
                if timestamp > last:
                    last, there = timestamp, set()
                there.add(connection.topic)
                yield connection, timestamp, data
        except Exception as error:  # of the storage or its compression; they share no base class
            if not self.reader.is2 or isinstance(self.reader, RecoveredReader):
                self.refused.append(f"the bag breaks off: {error}")
                return
            yield from self._rest(error, last, there, wanted or self.reader.connections)

    def _rest(
        self, error: Exception, last: int, there: set[str], connections: Iterable[Connection]
    ) -> Iterator[tuple[Connection, int, bytes]]:
        """What follows the last message that was read; `there` are the topics that were read of its time."""
        own = {(c.topic, c.msgtype): c for c in connections}
        try:
            recovered = self._recover(error)
        except DriveError as nothing:
            self.refused.append(str(nothing))
            return
        try:
            for connection, timestamp, data in recovered.messages():
                known = own.get((connection.topic, connection.msgtype))
                if known is not None and (timestamp > last or (timestamp == last and known.topic not in there)):
                    yield known, timestamp, data
        finally:
            recovered.close()

    def close(self) -> None:
        """Close the bag."""
        if self.reader.stack is not None:
            self.reader.close()

    def __enter__(self) -> BagDrive:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _choose(self, topic: str | None) -> list[Connection]:
        images = [c for c in self.reader.connections if c.msgtype in IMAGES]
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


def image_topics(path: Path) -> list[str]:
    """
    The image topics of a bag that hold messages, sorted.

    :raises DriveError: if the bag cannot be read.
    """
    drive = BagDrive.__new__(BagDrive)
    drive.path, drive.refused = _folder_of(path), []
    drive.reader = drive._open()
    try:
        return sorted({c.topic for c in drive.reader.connections if c.msgtype in IMAGES and c.msgcount})
    finally:
        drive.close()


def _check_connections(reader: AnyReader) -> None:
    """
    :raises TypeError: if damaged metadata has made something else of a topic's name, type or count.
    """
    for connection in reader.connections:
        names, counted = (connection.topic, connection.msgtype), isinstance(connection.msgcount, int)
        if not all(isinstance(name, str) for name in names) or not counted:
            reader.close()
            raise TypeError(f"its metadata say of a topic: {connection.topic!r}, {connection.msgtype!r}")


def _folder_of(path: Path) -> Path:
    """A rosbag2 is its folder, also when one of its files was named."""
    if path.is_file() and path.suffix != ".bag" and (path.parent / "metadata.yaml").is_file():
        return path.parent
    return path
