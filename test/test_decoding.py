"""Compressed images: bounded before they are decoded, and in silence."""

from __future__ import annotations

import os
import resource
import struct
import subprocess
import sys
import threading
import zlib
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from wsvs_ros.decoding import decode
from wsvs_ros.image_headers import announced_size
from wsvs_ros.images import ImageError, to_bgr

PICTURE = cv2.blur(np.random.default_rng(0).integers(0, 256, (48, 66, 3), dtype=np.uint8), (5, 5))
KINDS = [
    ("PNG", ".png", []),
    ("JPEG", ".jpg", []),
    ("JPEG", ".jpg", [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
    ("TIFF", ".tiff", []),
    ("WebP", ".webp", [cv2.IMWRITE_WEBP_QUALITY, 80]),
    ("WebP", ".webp", [cv2.IMWRITE_WEBP_QUALITY, 101]),  # lossless
]


def encoded(extension: str, options: list[int] | None = None) -> bytes:
    return cv2.imencode(extension, PICTURE, options or [])[1].tobytes()


def array(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.uint8)


def png_of(width: int, height: int, rows: int) -> bytes:
    """A valid gray PNG of any size: `rows` rows of zeros, then it ends."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((width + 1) * rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("kind", "extension", "options"), KINDS)
def test_the_size_is_read_from_the_header(kind: str, extension: str, options: list[int]) -> None:
    data = encoded(extension, options)
    assert announced_size(memoryview(data))[:3] == (kind, 66, 48)
    assert decode(array(data), "any").shape == (48, 66, 3)
    with pytest.raises(ImageError, match="image of 66x48 pixels, more than max_pixels, 3167"):
        decode(array(data), "any", max_pixels=66 * 48 - 1)


def test_a_jpeg_of_nothing_but_gray_is_large_enough() -> None:
    for options in ([cv2.IMWRITE_JPEG_QUALITY, 1], [cv2.IMWRITE_JPEG_QUALITY, 1, cv2.IMWRITE_JPEG_PROGRESSIVE, 1]):
        data = cv2.imencode(".jpg", np.full((1200, 1600, 3), 128, np.uint8), options)[1].tobytes()
        assert decode(array(data), "jpeg").shape == (1200, 1600, 3)


def test_segments_before_a_jpegs_size_are_passed_over() -> None:
    data = encoded(".jpg")
    thumbnail = b"\xff\xe1" + struct.pack(">H", 2 + 60_000) + b"\xff\xc0" * 30_000  # looks like many headers
    data = data[:2] + thumbnail * 3 + b"garbage" + data[2:]
    assert announced_size(memoryview(data))[:3] == ("JPEG", 66, 48)


@pytest.mark.parametrize(("kind", "extension", "options"), KINDS)
def test_every_cut_and_every_changed_byte_is_a_picture_or_refused(
    kind: str, extension: str, options: list[int]
) -> None:
    data = encoded(extension, options)
    random = np.random.default_rng(1)
    spoilt = [data[:length] for length in range(1, 60)]
    for place in (*range(60), *random.integers(60, len(data), 60)):
        changed = bytearray(data)
        changed[place] = random.integers(0, 256)
        spoilt.append(bytes(changed))
    for content in spoilt:
        try:
            found = to_bgr(SimpleNamespace(format=kind, data=content), max_pixels=100_000)
        except ImageError:
            continue
        assert found.shape[0] * found.shape[1] <= 100_000


def test_a_bomb_is_refused_before_memory_is_taken_for_it() -> None:
    bomb = png_of(30_000, 30_000, 2_000)
    assert len(bomb) < 1_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ImageError, match="30000x30000 pixels, more than max_pixels"):
        to_bgr(SimpleNamespace(format="png", data=bomb))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kilobytes"


def test_a_chunk_that_announces_gigabytes_is_refused_before_memory_is_taken_for_it() -> None:
    spoilt = bytearray(encoded(".png"))
    place = spoilt.index(b"IDAT") - 4
    spoilt[place] = 0x7F
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ImageError, match="a PNG that is truncated or damaged"):
        to_bgr(SimpleNamespace(format="png", data=bytes(spoilt)))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kilobytes"


@pytest.mark.parametrize(
    ("format", "data", "says"),
    [
        ("jpeg", b"", "format 'jpeg' has no data"),
        ("jpeg", b"\xff\xd8 not a picture", "format 'jpeg' cannot be decoded: a JPEG without a size"),
        ("jpeg", b"\xff\xd8\xff\xda" + bytes(90), "a JPEG whose pixels come before its size"),
        (
            "jpeg",
            b"\xff\xd8\xff\xc0\0\x11\x08\x10\0\x40\0" + bytes(900),
            "of 16384x4096 pixels in 911 bytes: truncated",
        ),
        ("png", b"\x89PNG\r\n\x1a\n" + bytes(8), "a PNG that does not begin with its header"),
        ("png", b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0", "a PNG that ends within its header"),
        ("png", png_of(40, 40, 7), "a PNG of 40x40 pixels: .*([Nn]ot enough image data|damaged)"),
        ("png", png_of(4, 4, 4)[:33] + b"\0\0\0\0tEXt\0\0\0\0" * 100_001, "a PNG of more than 100000 chunks"),
        ("png", png_of(8_000, 8_000, 1), "a PNG of 8000x8000 pixels in .* bytes: truncated"),
        (
            "png",
            png_of(40, 40, 40).replace(b"\0\0\0\x28", b"\0\0\4\x28", 1),
            "a PNG with a damaged header",
        ),
        ("gif", b"GIF89a" + bytes(40), "46 bytes that are no JPEG, PNG, TIFF or WebP"),
        ("y" * 9_000, b"GIF89a", r"format 'y{40}'\.\.\. \(9000 characters\) cannot"),
    ],
)
def test_what_is_wrong_is_said(format: str, data: bytes, says: str) -> None:
    with pytest.raises(ImageError, match=says):
        to_bgr(SimpleNamespace(format=format, data=data))


_NOISE = """
import sys, threading
from types import SimpleNamespace
sys.path[:0] = [sys.argv[1], sys.argv[2]]
from test_decoding import encoded, png_of
from wsvs_ros.images import ImageError, to_bgr
jpeg = encoded(".jpg")
damaged = [jpeg[: len(jpeg) // 2], jpeg[:400] + b"\\xff\\xd4" + jpeg[402:], png_of(40, 40, 7), png_of(40, 40, 40)[:-30]]
def work():
    for index in range(200):
        try:
            to_bgr(SimpleNamespace(format="x", data=damaged[index % 4]))
        except ImageError:
            pass
        if index % 50 == 0:
            sys.stderr.write("a line of ours\\n")
threads = [threading.Thread(target=work) for _ in range(3)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def test_the_decoders_print_nothing_and_nothing_of_others_is_lost() -> None:
    folder = Path(__file__).resolve().parent
    words = [sys.executable, "-c", _NOISE, str(folder), str(folder.parent)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == ["a line of ours"] * 12


def test_decoding_without_a_standard_error() -> None:
    kept = os.dup(2)
    os.close(2)
    try:
        assert np.array_equal(decode(array(encoded(".png")), "png"), PICTURE)
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def test_threads_decode_side_by_side() -> None:
    found: list[bool] = []
    data = array(encoded(".png"))
    threads = [
        threading.Thread(target=lambda: found.extend(np.array_equal(decode(data, "png"), PICTURE) for _ in range(50)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 200
