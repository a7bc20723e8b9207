"""
One more attachment in an mcap file.

The data section of the file, in which its messages are, is copied byte for byte; behind it come the attachment and the
summary, whose records are the same but for the count and the index of attachments:

    header, chunks, ...  | DataEnd | summary | footer              before
    header, chunks, ...  | Attachment | DataEnd | summary | footer     after
"""

from __future__ import annotations

import os
import shutil
import struct
import time
import zlib
from pathlib import Path
from typing import Any, BinaryIO

from mcap.data_stream import ReadDataStream, RecordBuilder
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.reader import SeekingReader
from mcap.records import Attachment, AttachmentIndex, DataEnd, Footer, SummaryOffset
from mcap.stream_reader import MAGIC_SIZE
from mcap.writer import MCAP0_MAGIC

from wsvs_ros import files
from wsvs_ros.drives.drive import DriveError

_DATA_END = 1 + 8 + 4  # bytes: opcode, length, checksum
_FOOTER = 1 + 8 + 8 + 8 + 4


def read_attachment(path: Path, name: str) -> bytes | None:
    """
    The newest attachment of a name; None if there is none, or the file is damaged and has no index of them.

    :raises DriveError: if the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            summary = SeekingReader(file).get_summary()
            found = [one for one in summary.attachment_indexes if one.name == name] if summary else []
            return _attachment(file, found[-1]).data if found else None
    except (McapError, struct.error, ValueError):
        return None
    except OSError as error:
        raise DriveError(f"{path}: cannot be read: {error.strerror}") from error


def write_attachment(path: Path, name: str, data: bytes, *, media_type: str) -> None:
    """
    Put a copy of the file with the attachment in its place; an earlier one of that name at its end is left out.

    :raises DriveError: if the file is damaged, or the copy cannot be written; it is untouched then.
    """
    aside = path.with_name(f".{path.name[:60]}.{os.getpid()}{files.PARTIAL}")
    try:
        with path.open("rb") as source, aside.open("wb") as target:
            _copy(source, target, Attachment(0, time.time_ns(), name, media_type, data))
        shutil.copystat(path, aside)
        files.put_in_place(aside, path)
    except (McapError, struct.error, ValueError) as error:
        raise DriveError(f"{path}: is damaged, so nothing is written into it: {error}; see `mcap recover`") from error
    except OSError as error:
        raise DriveError(f"{path}: the tags cannot be written into it: {error.strerror or error}") from error
    finally:
        aside.unlink(missing_ok=True)


def _copy(source: BinaryIO, target: BinaryIO, attachment: Attachment) -> None:
    summary = SeekingReader(source).get_summary()
    end, checksum = _end_of_data(source)
    if summary is None:
        raise ValueError("it has no summary")
    last = next((one for one in summary.attachment_indexes if one.offset + one.length == end), None)
    if last is not None and last.name == attachment.name:
        summary.attachment_indexes.remove(last)
        end, checksum = last.offset, 0  # of the shorter section none is known; 0 says so
    source.seek(0)
    _copy_bytes(source, target, end)
    record = _bytes(attachment)
    target.write(record)
    summary.attachment_indexes.append(
        AttachmentIndex(
            end,
            len(record),
            attachment.log_time,
            attachment.create_time,
            len(attachment.data),
            attachment.name,
            attachment.media_type,
        )
    )
    target.write(_bytes(DataEnd(zlib.crc32(record, checksum) if checksum else 0)))
    if summary.statistics is not None:
        summary.statistics.attachment_count = len(summary.attachment_indexes)
    target.write(_summary(summary, target.tell()))
    target.flush()
    os.fsync(target.fileno())


def _end_of_data(file: BinaryIO) -> tuple[int, int]:
    """Where the DataEnd record begins, and its checksum."""
    file.seek(-_FOOTER - MAGIC_SIZE + 1 + 8, os.SEEK_END)
    (start,) = struct.unpack("<Q", file.read(8))
    file.seek(max(start - _DATA_END, 0))
    opcode, length, checksum = struct.unpack("<BQI", file.read(_DATA_END))
    if opcode != Opcode.DATA_END or length != 4:
        raise ValueError("its data does not end where its summary begins")
    return start - _DATA_END, checksum


def _summary(summary: Any, start: int) -> bytes:
    """Summary section, offsets, footer and magic."""
    groups = [
        (Opcode.SCHEMA, summary.schemas.values()),
        (Opcode.CHANNEL, summary.channels.values()),
        (Opcode.STATISTICS, [summary.statistics] if summary.statistics else []),
        (Opcode.CHUNK_INDEX, summary.chunk_indexes),
        (Opcode.ATTACHMENT_INDEX, summary.attachment_indexes),
        (Opcode.METADATA_INDEX, summary.metadata_indexes),
    ]
    content, offsets = b"", b""
    for opcode, records in groups:
        group = b"".join(map(_bytes, records))
        if group:
            offsets += _bytes(SummaryOffset(opcode, start + len(content), len(group)))
        content += group
    # the checksum covers the footer up to itself
    head = struct.pack("<BQQQ", Opcode.FOOTER, 8 + 8 + 4, start, start + len(content))
    footer = Footer(start, start + len(content), zlib.crc32(content + offsets + head))
    return content + offsets + _bytes(footer) + MCAP0_MAGIC


def _attachment(file: BinaryIO, index: AttachmentIndex) -> Attachment:
    file.seek(index.offset + 1 + 8)
    return Attachment.read(ReadDataStream(file))


def _bytes(record: Any) -> bytes:
    builder = RecordBuilder()
    record.write(builder)
    return builder.end()


def _copy_bytes(source: BinaryIO, target: BinaryIO, count: int) -> None:
    while count > 0:
        block = source.read(min(count, 1 << 24))
        if not block:
            raise ValueError("it is shorter than its summary says")
        target.write(block)
        count -= len(block)
