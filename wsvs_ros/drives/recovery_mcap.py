"""The messages of a damaged mcap file: of all chunks that are whole, and of the first part of one that is cut off."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import zstandard
from lz4.frame import LZ4FrameDecompressor  # type: ignore[import-untyped]
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.reader import SeekingReader
from mcap.records import Channel, Chunk, Message, Schema
from mcap.stream_reader import breakup_chunk

from wsvs_ros.drives.raw_message import RawMessage
from wsvs_ros.drives.zstd import LARGEST, bounded_zstd

# of garbage, whatever reads it; mcap, lz4 and zstandard share no base class
_BROKEN: tuple[type[Exception], ...] = (
    *(McapError, zstandard.ZstdError, struct.error),
    *(OSError, ValueError, KeyError, EOFError, RuntimeError, MemoryError, OverflowError),
)
_MAGIC = 8
_FRAME = 9  # opcode and length of a record
_CHUNK_HEAD = 32  # times, size, checksum and the length of the compression's name


def mcap_messages(path: Path, lost: list[str]) -> Iterator[RawMessage]:
    """
    What can be read, in the order of the file.

    :param lost: gets a line for each part that cannot.
    """
    schemas: dict[int, Schema] = {}
    channels: dict[int, Channel] = {}
    with path.open("rb") as file:
        for record in _records(file, path.name, lost):
            if isinstance(record, Schema):
                schemas[record.id] = record
            elif isinstance(record, Channel):
                channels[record.id] = record
            elif isinstance(record, Message) and record.channel_id in channels:
                channel = channels[record.channel_id]
                schema = schemas.get(channel.schema_id)
                if schema is not None:
                    text = schema.data.decode(errors="replace") if schema.encoding == "ros2msg" else ""
                    yield RawMessage(channel.topic, schema.name, text, record.log_time, record.data)


def _records(file: BinaryIO, name: str, lost: list[str]) -> Iterator[Any]:
    """By the index where the file has one, in which the schemas and channels are repeated; else front to back."""
    try:
        summary = SeekingReader(file).get_summary()
    except _BROKEN:
        summary = None
    if summary is None or not summary.chunk_indexes:
        yield from _front_to_back(file, name, lost)
        return
    yield from summary.schemas.values()
    yield from summary.channels.values()
    for index in sorted(summary.chunk_indexes, key=lambda one: one.chunk_start_offset):
        try:
            file.seek(index.chunk_start_offset)
            opcode, length = struct.unpack("<BQ", file.read(_FRAME))
            if opcode != Opcode.CHUNK or length + _FRAME != index.chunk_length:
                raise ValueError("no chunk where the index has one")
            records = _whole_chunk(file.read(length))
        except _BROKEN as error:
            start, end = index.message_start_time * 1e-9, index.message_end_time * 1e-9
            lost.append(f"{name}: the messages of {start:.3f} to {end:.3f} s are damaged ({_said(error)})")
            continue
        yield from records


def _front_to_back(file: BinaryIO, name: str, lost: list[str]) -> Iterator[Any]:
    size = file.seek(0, 2)
    at = _MAGIC
    while at + _FRAME <= size:
        file.seek(at)
        opcode, length = struct.unpack("<BQ", file.read(_FRAME))
        if opcode == Opcode.FOOTER:
            return
        whole = length <= size - at - _FRAME
        content = file.read(min(length, size - at - _FRAME))
        try:
            if opcode == Opcode.CHUNK:
                yield from _whole_chunk(content) if whole else _part_of_chunk(content)
            elif whole:
                yield from _record(opcode, content)
        except _BROKEN as error:
            lost.append(f"{name}: damaged at byte {at} of {size} ({_said(error)})")
        if not whole:
            break
        at += _FRAME + length
    lost.append(f"{name}: breaks off at byte {size}")


def _whole_chunk(content: bytes) -> list[Any]:
    """
    The records of a chunk.

    :raises ValueError: if it says, or its zstd frame does, that it is larger than any camera needs.
    """
    chunk = Chunk.read(ReadDataStream(BytesIO(content)))
    size = chunk.uncompressed_size
    if chunk.compression == "zstd":
        size = max(size, zstandard.frame_content_size(chunk.data))
    if size > LARGEST:
        raise ValueError(f"a chunk of {size >> 20} MiB, at most {LARGEST >> 20} are read")
    return breakup_chunk(chunk, validate_crc=True)


def _part_of_chunk(content: bytes) -> Iterator[Any]:
    """The records of a chunk that is cut off, up to the one that is."""
    start = _CHUNK_HEAD + struct.unpack_from("<I", content, _CHUNK_HEAD - 4)[0]
    compression, data = content[_CHUNK_HEAD:start].decode(), content[start + 8 :]
    if compression == "zstd":
        data = bounded_zstd(data)
    elif compression == "lz4":
        data = LZ4FrameDecompressor().decompress(data, LARGEST)
    at = 0
    while at + _FRAME <= len(data):
        opcode, length = struct.unpack_from("<BQ", data, at)
        record = data[at + _FRAME : at + _FRAME + length]
        if len(record) < length:
            return
        yield from _record(opcode, record)
        at += _FRAME + length


def _record(opcode: int, content: bytes) -> list[Any]:
    stream = ReadDataStream(BytesIO(content))
    if opcode == Opcode.MESSAGE:
        return [Message.read(stream, len(content))]
    if opcode == Opcode.SCHEMA:
        return [Schema.read(stream)]
    return [Channel.read(stream)] if opcode == Opcode.CHANNEL else []


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__
