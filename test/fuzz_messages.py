"""Messages as no camera should send them, from a seed: shared by the fuzz of test/ros and of test/ros_live."""

from __future__ import annotations

import array
import struct
import zlib
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from wsvs_ros.images import ENCODINGS

_SIDES = (0, 1, 2, 3, 7, 8, 16, 17, 33, 64, 95, 96, 257)
_ODD_SIDES = (65_535, 2**31, 2**32 - 1)
_NAMES = ("", "front_camera", "rear_camera", "/a//b", "\N{SNOWMAN}" * 50, "x" * 20_000)
_ENCODINGS = (*ENCODINGS, "32FC1", "64FC4", "rgb16", "jpeg", "", "bgr8; jpeg", "\N{SNOWMAN}", "y" * 100_000)
_SECONDS = (-(2**31), -1, 0, 1_000, 1_001, 2**31 - 1)
_NANOSECONDS = (0, 7, 999_999_999, 1_000_000_000, 2**32 - 1)


class Fuzz:
    """
    An endless source of messages; the same ones for the same seed.

    :param seed: of the random numbers.
    """

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._sources = [_encoded(extension, size) for extension in (".png", ".jpg") for size in ((64, 48), (97, 31))]

    def image(self) -> Any:
        """Half of them consistent, of every encoding at odd and even sizes; the others announce what is not there."""
        message = Image(encoding=self._of(_ENCODINGS if self._chance(0.2) else ENCODINGS))
        width, height = (int(self._of(_ODD_SIDES if self._chance(0.03) else _SIDES)) for _ in range(2))
        row = width * {"8": 1, "6": 2}.get(message.encoding[-1:], 1) * (4 if "a8" in message.encoding else 3)
        message.width, message.height, message.is_bigendian = width, height, int(self._random.integers(0, 256))
        message.step = (
            min(row, 2**32 - 1) if self._chance(0.7) else int(self._of((0, 1, min(row // 2, 2**32 - 1), 2**32 - 1)))
        )
        length = min(message.step * height, 300_000) if self._chance(0.7) else int(self._random.integers(0, 2_000))
        message.data = array.array("B", self._random.bytes(length))
        return self._headed(message)

    def compressed(self) -> Any:
        """Whole, cut off, flipped, bombs, and what is no image."""
        make: Callable[[], bytes] = self._of(
            [self._whole, self._cut, self._flipped, self._flipped, self._noise, self._bomb]
        )
        message = CompressedImage(format=self._of(("jpeg", "png", "", "bgr8; jpeg compressed bgr8", "z" * 9_000)))
        message.data = array.array("B", make())
        return self._headed(message)

    def camera_info(self) -> Any:
        """Any size, any number of distortion coefficients, none of them a number now and then."""
        message = CameraInfo(distortion_model=self._of(("plumb_bob", *_NAMES)))
        message.width, message.height = (int(self._of((*_SIDES, *_ODD_SIDES))) for _ in range(2))
        message.d = self._random.choice([0.0, -1.5, np.nan, np.inf], int(self._of((0, 5, 14, 3_000)))).tolist()
        message.k = self._random.choice([0.0, 1e308, np.nan], 9)
        return self._headed(message)

    def _headed(self, message: Any) -> Any:
        if self._chance(0.7):  # of one stream
            message.header.stamp.sec, message.header.frame_id = 900, "front_camera"
        else:
            message.header.stamp.sec = int(self._of(_SECONDS))
            message.header.stamp.nanosec = int(self._of(_NANOSECONDS))
            message.header.frame_id = self._of(_NAMES)
        return message

    def _whole(self) -> bytes:
        return self._of(self._sources)

    def _cut(self) -> bytes:
        whole = self._whole()
        return whole[: self._random.integers(0, len(whole))]

    def _flipped(self) -> bytes:
        spoilt = bytearray(self._whole())
        end = len(spoilt) if self._chance(0.5) else 60  # the header is the more dangerous part
        for place in self._random.integers(0, end, self._random.integers(1, 8)):
            spoilt[place] = self._random.integers(0, 256)
        return bytes(spoilt)

    def _noise(self) -> bytes:
        return self._of((b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0")) + self._random.bytes(300)

    def _bomb(self) -> bytes:
        width, height = self._of(((30_000, 30_000), (2**31 - 1, 2**31 - 1), (65_535, 1_025), (1, 2**31 - 1)))
        return png_of(width, height, 3 if width > 60_000 else 50)

    def _of(self, choices: Any) -> Any:
        return choices[int(self._random.integers(0, len(choices)))]

    def _chance(self, share: float) -> bool:
        return bool(self._random.random() < share)


def png_of(width: int, height: int, rows: int) -> bytes:
    """A gray PNG that announces any size and holds `rows` rows of zeros."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((min(width, 100_000) + 1) * rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def _encoded(extension: str, size: tuple[int, int]) -> bytes:
    picture = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    return cv2.imencode(extension, cv2.blur(picture, (5, 5)))[1].tobytes()
