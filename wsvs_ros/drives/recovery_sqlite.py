"""The messages of a damaged sqlite3 bag file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from wsvs_ros.drives.raw_message import RawMessage

_FARTHEST = 1 << 24  # messages that a broken part may hold


def sqlite_messages(path: Path, lost: list[str]) -> Iterator[RawMessage]:
    """
    What can be read, in the order of recording.

    :param lost: gets a line for each part that cannot.
    """
    try:
        connection = sqlite3.connect(uri(path), uri=True, check_same_thread=False)
    except sqlite3.Error as error:
        lost.append(f"{path.name}: not readable ({error})")
        return
    with closing(connection) as database:
        try:
            # lets SQLite open a file that is shorter than its header says
            database.execute("PRAGMA writable_schema=ON")
            rows = database.execute("SELECT id, name, type FROM topics")
            topics = {key: (name, kind) for key, name, kind in rows}
        except sqlite3.Error as error:
            lost.append(f"{path.name}: its topics are not readable ({error})")
            return
        definitions = _definitions(database)
        for topic, timestamp, data in _rows(database, path, lost):
            if topic in topics and isinstance(data, bytes):
                name, kind = topics[topic]
                yield RawMessage(name, kind, definitions.get(kind, ""), timestamp, data)


def uri(path: Path) -> str:
    """
    How SQLite opens a file that it must not change.

    Immutable, where that says all: it writes nothing beside the file then, and reads on read-only disks. A recording
    that was cut off may have its newest messages in a write-ahead log, which `immutable` would leave out.
    """
    how = "mode=ro" if has_write_ahead_log(path) else "immutable=1"
    return f"file:{quote(str(path))}?{how}"


def means_something_in_a_uri(path: Path) -> bool:
    """Whether rosbags, which does not quote a path, would have SQLite open another file."""
    return bool(set("#?%") & set(str(path)))


def has_write_ahead_log(path: Path) -> bool:
    """Whether messages lie beside the file."""
    log = path.with_name(path.name + "-wal")
    return log.is_file() and log.stat().st_size > 0


def _definitions(database: sqlite3.Connection) -> dict[str, str]:
    """By type; Humble's bags have none."""
    try:
        query = "SELECT topic_type, encoded_message_definition FROM message_definitions WHERE encoding = 'ros2msg'"
        return dict(database.execute(query))
    except sqlite3.Error:
        return {}


def _rows(database: sqlite3.Connection, path: Path, lost: list[str]) -> Iterator[tuple[int, int, Any]]:
    """(topic, timestamp, data) in the order of recording; past a broken page in growing steps."""
    last, step, read = -1, 1, 0
    error = "it is shorter than it says" if _is_cut(path) else ""
    held: tuple[int, int, Any] | None = None  # of a file cut off, the last row may end in zeros
    while step < _FARTHEST:
        try:
            query = "SELECT id, topic_id, timestamp, data FROM messages WHERE id > ? ORDER BY id"
            for key, *row in database.execute(query, (last,)):
                last, step = key, 1
                read += 1
                if held is not None:
                    yield held
                held = (row[0], row[1], row[2])
            break
        except sqlite3.Error as problem:
            error = error or str(problem)
            last += step
            step *= 2
    if held is not None and not _is_cut(path):
        yield held
    if error:
        lost.append(f"{path.name}: damaged ({error}); {read} messages are readable")


def _is_cut(path: Path) -> bool:
    """Whether a file has fewer pages than its header says."""
    with path.open("rb") as file:
        header = file.read(32)
    if has_write_ahead_log(path):  # the header is that of the last checkpoint
        return False
    size, pages = int.from_bytes(header[16:18], "big"), int.from_bytes(header[28:32], "big")
    return path.stat().st_size < (65_536 if size == 1 else size) * pages
