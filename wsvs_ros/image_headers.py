"""The size that a compressed image announces, read from its header alone: what a decoder would allocate for it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import NamedTuple

_HEADER = 1 << 22  # bytes that are looked at; colour profiles and thumbnails stand before a JPEG's size
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0 to SOF15, less DHT, JPG and DAC
_JPEG_ALONE = frozenset((0x01, *range(0xD0, 0xD8)))  # TEM and RST0 to RST7: markers without a length
_JPEG_LEAST = 1 / 1000  # bytes a pixel: a block of 64 takes a bit even where nothing is to be seen
_PNG_CHUNKS = 100_000  # in one image; a camera's has a few dozen
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_DEFLATE_MOST = 1032  # bytes that one byte can stand for
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257


class Announced(NamedTuple):
    """
    What a header says.

    :param kind: JPEG, PNG, TIFF or WebP.
    :param width: pixels.
    :param height: pixels.
    :param least: bytes that an image of this size takes at least, whatever it shows.
    """

    kind: str
    width: int
    height: int
    least: float


def announced_size(data: memoryview) -> Announced | None:
    """
    What kind of image this is, and the size that it announces.

    :param data: JPEG, PNG, TIFF or WebP, whole or its beginning.
    :return: None for another kind.
    :raises ValueError: if the header is damaged or lacks the size.
    """
    head = bytes(data[:_HEADER])
    for kind, begins, read in _KINDS:
        if begins(head):
            try:
                found = Announced(kind, *read(head))
                if kind == "PNG":
                    _check_png_chunks(data)
                return found
            except (IndexError, struct.error):
                raise ValueError(f"a {kind} that ends within its header") from None
    return None


def _png_size(head: bytes) -> tuple[int, int, float]:
    if head[12:16] != b"IHDR":
        raise ValueError("a PNG that does not begin with its header")
    width, height, depth, colour = struct.unpack_from(">IIBB", head, 16)
    (checksum,) = struct.unpack_from(">I", head, 29)
    if zlib.crc32(head[12:29]) != checksum or colour not in _PNG_CHANNELS:
        raise ValueError("a PNG with a damaged header")
    return width, height, width * _PNG_CHANNELS[colour] * depth / 8 * height / _DEFLATE_MOST


def _check_png_chunks(data: memoryview) -> None:
    """Refuse a chunk longer than what is there: OpenCV 5 takes memory for its length before it reads it."""
    at = 8
    for _ in range(_PNG_CHUNKS):
        length, name = struct.unpack_from(">I4s", data, at)
        at += 12 + length
        if at > len(data):
            raise ValueError("a PNG that is truncated or damaged")
        if name == b"IEND":
            return
    raise ValueError(f"a PNG of more than {_PNG_CHUNKS} chunks")


def _jpeg_size(head: bytes) -> tuple[int, int, float]:
    """As libjpeg goes through the markers: it passes over what is none between two segments."""
    at = 2
    while (at := head.find(b"\xff", at)) >= 0:
        marker = head[at + 1]
        if marker in (0x00, 0xFF) or marker in _JPEG_ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", head, at + 5)
            return width, height, width * height * _JPEG_LEAST
        if marker in (0xD8, 0xD9, 0xDA):
            raise ValueError("a JPEG whose pixels come before its size")
        at += 2 + struct.unpack_from(">H", head, at + 2)[0]
    raise ValueError("a JPEG without a size")


def _tiff_size(head: bytes) -> tuple[int, int, float]:
    order = "<" if head[:2] == b"II" else ">"
    (directory,) = struct.unpack_from(f"{order}I", head, 4)
    (count,) = struct.unpack_from(f"{order}H", head, directory)
    found = {}
    for entry in range(directory + 2, directory + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(f"{order}HH", head, entry)
        if tag in (_TIFF_WIDTH, _TIFF_HEIGHT):
            (found[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), head, entry + 8)
    if len(found) < 2:
        raise ValueError("a TIFF without a size")
    return found[_TIFF_WIDTH], found[_TIFF_HEIGHT], 0.0


def _webp_size(head: bytes) -> tuple[int, int, float]:
    if len(head) < 32:
        raise IndexError
    kind = head[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(head[at : at + 3], "little") for at in (24, 27))
        return width + 1, height + 1, 0.0
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, 0.0
    width, height = struct.unpack_from("<HH", head, 26)
    return width & 0x3FFF, height & 0x3FFF, 0.0


_KINDS: tuple[tuple[str, Callable[[bytes], bool], Callable[[bytes], tuple[int, int, float]]], ...] = (
    ("PNG", lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), _png_size),
    ("JPEG", lambda head: head.startswith(b"\xff\xd8"), _jpeg_size),
    ("TIFF", lambda head: head.startswith((b"II*\0", b"MM\0*")), _tiff_size),
    ("WebP", lambda head: head.startswith(b"RIFF") and head[8:12] == b"WEBP", _webp_size),
)
