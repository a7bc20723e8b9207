"""What can still be read of a damaged rosbag2: cut off, without its metadata, or with broken parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import zstandard
from rosbags.interfaces import Connection, ConnectionExtRosbag2, MessageDefinition, MessageDefinitionFormat
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.base import TypesysError

from wsvs_ros.drives.drive import DriveError
from wsvs_ros.drives.folders import natural_key
from wsvs_ros.drives.raw_message import RawMessage
from wsvs_ros.drives.recovery_mcap import mcap_messages
from wsvs_ros.drives.recovery_sqlite import sqlite_messages

_SUFFIXES = (".mcap", ".db3", ".mcap.zstd", ".db3.zstd")
_COMPRESSED = b"\x28\xb5\x2f\xfd"  # how a zstd frame begins
_PIECE = 1 << 20


class RecoveredReader:
    """
    Reads the storage files of a bag one after the other and steps over what is broken; `lost` says what that was.

    It has the part of rosbags' AnyReader that a drive needs. The files are looked through once when it is opened,
    for their topics.

    :param path: the bag's folder, or one file.
    :raises DriveError: if nothing can be read.
    """

    is2 = True

    def __init__(self, path: Path) -> None:
        self.stack: ExitStack | None = ExitStack()
        self.lost: list[str] = []
        self.typestore = get_typestore(Stores.ROS2_JAZZY)
        files = [path] if path.is_file() else sorted(path.iterdir(), key=natural_key)
        self._files = [_unpacked(file, self.stack, self.lost) for file in files if file.name.endswith(_SUFFIXES)]
        counts: Counter[tuple[str, str]] = Counter()
        definitions: dict[tuple[str, str], str] = {}
        times: list[int] = []
        for raw in self._read(self.lost):
            key = (raw.topic, raw.kind)
            counts[key] += 1
            definitions.setdefault(key, raw.definition)
            times = [min([*times, raw.timestamp]), max([*times, raw.timestamp])]
        if not counts:
            self.close()
            raise DriveError(f"{path}: nothing is readable in it{': ' + self.lost[0] if self.lost else ''}")
        self.connections = [
            self._connection(index, *key, definitions[key], count) for index, (key, count) in enumerate(counts.items())
        ]
        self.duration = times[1] - times[0]

    def messages(self, connections: Any = ()) -> Iterator[tuple[Connection, int, bytes]]:
        """(connection, timestamp, CDR) in the order of the files; of these connections, or all."""
        wanted = {(c.topic, c.msgtype): c for c in connections or self.connections}
        for raw in self._read([]):
            connection = wanted.get((raw.topic, raw.kind))
            if connection is not None:
                yield connection, raw.timestamp, raw.data

    def deserialize(self, data: bytes, kind: str) -> Any:
        """A message from its CDR."""
        return self.typestore.deserialize_cdr(data, kind)

    def close(self) -> None:
        """Remove what was unpacked."""
        stack, self.stack = self.stack, None
        if stack is not None:
            stack.close()

    def _read(self, lost: list[str]) -> Iterator[RawMessage]:
        for file in self._files:
            for raw in mcap_messages(file, lost) if file.suffix == ".mcap" else sqlite_messages(file, lost):
                data = _plain(raw.data)
                if data is not None:
                    yield replace(raw, data=data)

    def _connection(self, index: int, topic: str, kind: str, definition: str, count: int) -> Connection:
        if kind not in self.typestore.fielddefs and definition:
            try:
                self.typestore.register(get_types_from_msg(definition, kind))
            except TypesysError:
                definition = ""  # copied without, see `bag_writer`
        form = MessageDefinitionFormat.MSG if definition else MessageDefinitionFormat.NONE
        told = MessageDefinition(form, definition)
        return Connection(index, topic, kind, told, "", count, ConnectionExtRosbag2("cdr", []), self)


def _plain(data: bytes) -> bytes | None:
    """A message that was compressed by itself, unpacked; None if that fails."""
    if not data.startswith(_COMPRESSED):
        return data
    try:
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    except zstandard.ZstdError:
        return None


def _unpacked(file: Path, stack: ExitStack, lost: list[str]) -> Path:
    """The file itself, or as much of a compressed one as can be unpacked, in a temporary folder."""
    if file.suffix != ".zstd":
        return file
    out = Path(stack.enter_context(TemporaryDirectory())) / file.stem
    with file.open("rb") as packed, out.open("wb") as plain:
        reader = zstandard.ZstdDecompressor().stream_reader(packed)
        try:
            while piece := reader.read(_PIECE):
                plain.write(piece)
        except zstandard.ZstdError as error:
            lost.append(f"{file.name}: cannot be unpacked beyond {plain.tell()} bytes ({error})")
    return out
