"""What can still be read of a damaged rosbag2: cut off, without its metadata, or with broken parts."""

from __future__ import annotations

import shutil
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
from wsvs_ros.drives.recovery_sqlite import has_write_ahead_log, means_something_in_a_uri, sqlite_messages
from wsvs_ros.drives.zstd import LONGEST_WINDOW, bounded_zstd

_SUFFIXES = (".mcap", ".db3", ".mcap.zstd", ".db3.zstd")
_COMPRESSED = b"\x28\xb5\x2f\xfd"  # how a zstd frame begins
_PIECE = 1 << 20
_RESERVE = 1 << 30  # bytes of the temporary folder's disk that are left alone
_MOST_TIMES = 1000  # how much larger than its file a recording may become; images reach three


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
        self._files = [_unpacked(file, self.stack, self.lost) for file in _storage_files(path)]
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

    def messages(
        self, connections: Any = (), start: int | None = None, stop: int | None = None
    ) -> Iterator[tuple[Connection, int, bytes]]:
        """(connection, timestamp, CDR) in the order of the files, from `start` and before `stop`."""
        wanted = {(c.topic, c.msgtype): c for c in connections or self.connections}
        for raw in self._read([]):
            connection = wanted.get((raw.topic, raw.kind))
            early = start is not None and raw.timestamp < start
            if connection is not None and not early and (stop is None or raw.timestamp < stop):
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


def needs_own_reader(path: Path) -> bool:
    """
    Whether rosbags would leave messages out, or read another file.

    It opens SQLite's files by a URI, in which `#`, `?` and `%` mean something, and without their write-ahead logs.
    """
    files = [file for file in _storage_files(path) if file.suffix == ".db3"]
    return any(means_something_in_a_uri(file) or has_write_ahead_log(file) for file in files)


def _storage_files(path: Path) -> list[Path]:
    files = [path] if path.is_file() else sorted(path.iterdir(), key=natural_key) if path.is_dir() else []
    return [file for file in files if file.name.endswith(_SUFFIXES)]


def _plain(data: bytes) -> bytes | None:
    """A message that was compressed by itself, unpacked; None if that fails, or is too large."""
    if not data.startswith(_COMPRESSED):
        return data
    try:
        return bounded_zstd(data)
    except zstandard.ZstdError:
        return None


def _unpacked(file: Path, stack: ExitStack, lost: list[str]) -> Path:
    """
    The file itself, or as much of a compressed one as can be unpacked, in a temporary folder.

    No more than the disk has room for beside a reserve, lest a recording fill the disk of the machine that reads it.
    """
    if file.suffix != ".zstd":
        return file
    out = Path(stack.enter_context(TemporaryDirectory())) / file.stem
    room = shutil.disk_usage(out.parent).free - _RESERVE
    limit = min(room, file.stat().st_size * _MOST_TIMES)
    with file.open("rb") as packed, out.open("wb") as plain:
        reader = zstandard.ZstdDecompressor(max_window_size=LONGEST_WINDOW).stream_reader(packed)
        try:
            while piece := reader.read(_PIECE):
                if plain.tell() + len(piece) > limit:
                    plain.write(piece[: max(0, limit - plain.tell())])
                    why = f"{out.parent} has no room for more" if room <= limit else f"{_MOST_TIMES} times its size"
                    lost.append(
                        f"{file.name}: unpacked no further than {plain.tell()} bytes ({why}); unpack it yourself "
                        f"with `zstd -d`, or set TMPDIR to a larger disk"
                    )
                    break
                plain.write(piece)
        except (zstandard.ZstdError, MemoryError) as error:
            lost.append(f"{file.name}: cannot be unpacked beyond {plain.tell()} bytes ({error})")
    return out
