"""Label PNGs that show colours: ids as before, with a palette beside them (PNG specification, 11.2)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_DEPTH, _COLOR_TYPE = 8, 9  # places in the header
_GRAY, _INDEXED = 0, 3


def indexed_png(gray: bytes, palette: np.ndarray) -> bytes:
    """
    An 8-bit gray PNG as an indexed one: the same pixels, read as places in a palette.

    :param gray: as OpenCV encodes (H, W) uint8.
    :param palette: (256, 3) uint8 RGB.
    :raises ValueError: if it is no such PNG.
    """
    header, *others = _chunks(gray)
    if header[0] != b"IHDR" or header[1][_DEPTH : _COLOR_TYPE + 1] != bytes([8, _GRAY]):
        raise ValueError("an 8-bit gray PNG is needed")
    return _file([_with_color_type(header, _INDEXED), (b"PLTE", palette.tobytes()), *others])


def ids_png(content: bytes) -> bytes:
    """
    An indexed 8-bit PNG as a gray one, whose pixels are the places in the palette; any other file as it is.

    :raises ValueError: if it is an indexed PNG that is cut off or of fewer bits.
    """
    if content[:8] != _SIGNATURE or content[8 + 8 + _COLOR_TYPE : 8 + 8 + _COLOR_TYPE + 1] != bytes([_INDEXED]):
        return content
    header, *others = _chunks(content)
    if header[1][_DEPTH] != 8:
        raise ValueError(f"an indexed PNG of {header[1][_DEPTH]} bits, 8 are needed")
    return _file([_with_color_type(header, _GRAY), *(one for one in others if one[0] not in (b"PLTE", b"tRNS"))])


def _with_color_type(header: tuple[bytes, bytes], color_type: int) -> tuple[bytes, bytes]:
    return header[0], header[1][:_COLOR_TYPE] + bytes([color_type]) + header[1][_COLOR_TYPE + 1 :]


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(content):
        if at + 12 > len(content):
            raise ValueError("the PNG breaks off")
        (length,) = struct.unpack_from(">I", content, at)
        yield content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        at += 12 + length


def _file(chunks: list[tuple[bytes, bytes]]) -> bytes:
    parts = [_SIGNATURE]
    for name, content in chunks:
        parts += [struct.pack(">I", len(content)), name, content, struct.pack(">I", zlib.crc32(name + content))]
    return b"".join(parts)
