"""Bags written: messages as they come, or as another bag has them."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from rosbags.interfaces import Connection, Qos
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.rosbag2.errors import WriterError
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from wsvs_ros.drives.drive import DriveError
from wsvs_ros.files import put_in_place

_VERSION: Literal[9] = 9  # rosbag2's metadata of Jazzy; Humble's readers take it too


class BagWriter:
    """
    A rosbag2, written aside in `<name>.partial/` and put in place when it is closed.

    :param path: the bag's folder; must not exist.
    :param storage: `mcap` or `sqlite3`.
    :param replace: an earlier bag there is replaced when this one is finished; an unfinished one is removed at once.
    :raises DriveError: if the path exists or cannot be written.
    """

    def __init__(self, path: Path, *, storage: str = "mcap", replace: bool = False) -> None:
        self.path = path
        self._replace = replace
        self.typestore = get_typestore(Stores.ROS2_JAZZY)
        # a folder around it, because the files inside a bag bear its name
        self._partial = path.with_name(path.name + ".partial") / path.name
        self._connections: dict[Any, Connection] = {}
        if replace:
            shutil.rmtree(self._partial.parent, ignore_errors=True)
        for place in (self._partial.parent,) if replace else (path, self._partial.parent):
            if place.exists():
                raise DriveError(f"{place}: exists already; nothing is overwritten, move it away")
        plugin = StoragePlugin.MCAP if storage == "mcap" else StoragePlugin.SQLITE3
        self._writer = Writer(self._partial, version=_VERSION, storage_plugin=plugin)
        try:
            self._partial.parent.mkdir(parents=True)
            self._writer.open()
        except (OSError, WriterError) as error:
            raise DriveError(f"{path}: cannot be written as a bag: {error}") from error

    def write(
        self, topic: str, kind: str, timestamp: int, data: bytes | memoryview, *, qos: Sequence[Qos] = ()
    ) -> None:
        """
        Append a message.

        :param kind: e.g. `sensor_msgs/msg/Image`.
        :param timestamp: nanoseconds.
        :param data: CDR.
        :param qos: offered by the topic; counts for its first message.
        :raises DriveError: if it cannot be written, e.g. because the disk is full.
        """
        with self._said():
            if topic not in self._connections:
                self._connections[topic] = self._writer.add_connection(
                    topic, kind, typestore=self.typestore, offered_qos_profiles=qos
                )
            self._writer.write(self._connections[topic], timestamp, data)

    def copy(self, connection: Connection, timestamp: int, data: bytes | memoryview, types: Typestore) -> None:
        """
        Append a message of another bag, with its definition and its quality of service.

        :param types: the types that the other bag knows.
        """
        key = (connection.topic, connection.msgtype)
        with self._said():
            if key not in self._connections:
                offered: list[Qos] = list(getattr(connection.ext, "offered_qos_profiles", ()))
                definition, digest = _definition(connection, types)
                self._connections[key] = self._writer.add_connection(
                    *key, msgdef=definition, rihs01=digest, offered_qos_profiles=offered
                )
            self._writer.write(self._connections[key], timestamp, data)

    def close(self) -> None:
        """
        Finish the bag and put it in place.

        :raises DriveError: if it cannot be finished; what was written stays in `<name>.partial/`.
        """
        try:
            self._writer.close()
            put_in_place(self._partial, self.path)
            shutil.rmtree(self._partial.parent)
        except (OSError, sqlite3.Error, WriterError) as error:
            raise DriveError(f"{self.path}: the bag cannot be finished: {error}; see {self._partial}") from error

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error, WriterError) as error:
            raise DriveError(f"{self.path}: cannot be written: {error}; see {self._partial}") from error


def _definition(connection: Connection, types: Typestore) -> tuple[str, str]:
    """
    A type's definition and hash. Humble's bags bear no hashes, and in sqlite3 no definitions either.

    A type that only its vendor could define gets an empty definition, so that its messages are kept: `ros2 bag
    play` takes types from the ROS 2 installation, as it has to with the original.
    """
    if connection.msgtype not in types.fielddefs:
        types = get_typestore(Stores.EMPTY)
        types.register(get_types_from_msg("", connection.msgtype))
    definition = connection.msgdef.data or types.generate_msgdef(connection.msgtype, ros_version=2)[0]
    return definition, connection.digest or types.hash_rihs01(connection.msgtype)
