"""zstd of recordings that nobody vouches for."""

from __future__ import annotations

import io

import zstandard

LARGEST = 1 << 28
"""Bytes that a message or a chunk may have: 256 MiB, more than any camera's image."""
LONGEST_WINDOW = 1 << 27
"""Bytes of memory that a stream may ask for: what `zstd --ultra` uses."""
_PIECE = 1 << 20


def bounded_zstd(data: bytes, *, most: int = LARGEST) -> bytes:
    """
    Unpack; of data that was cut off, what there is.

    :param most: bytes.
    :raises zstandard.ZstdError: if it is no zstd, or larger.
    """
    reader = zstandard.ZstdDecompressor(max_window_size=LONGEST_WINDOW).stream_reader(io.BytesIO(data))
    pieces, size = [], 0
    while piece := reader.read(_PIECE):
        size += len(piece)
        if size > most:
            raise zstandard.ZstdError(f"it is larger than {most >> 20} MiB")
        pieces.append(piece)
    return b"".join(pieces)
