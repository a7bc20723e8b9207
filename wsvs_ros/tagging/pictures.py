"""Pictures of clips for the page: decoded on demand, kept while there is room."""

from __future__ import annotations

import struct
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable

import cv2
import numpy as np

from wsvs_ros.tagging.seeking import FrameSource

STRIP_FRAMES = 8
STRIP_WIDTH = 320
_QUALITY, _MOVING = 82, 72


class PictureCache:
    """
    JPEGs by key; the least recently used ones go when the limit is reached.

    :param limit: bytes.
    """

    def __init__(self, limit: int = 64_000_000) -> None:
        self._limit = limit
        self._used = 0
        self._pictures: OrderedDict[object, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: object, make: Callable[[], bytes]) -> bytes:
        """The picture of that key, made where it is not there."""
        with self._lock:
            if key in self._pictures:
                self._pictures.move_to_end(key)
                return self._pictures[key]
        picture = make()
        with self._lock:
            if key not in self._pictures:
                self._pictures[key] = picture
                self._used += len(picture)
            while self._used > self._limit and len(self._pictures) > 1:
                self._used -= len(self._pictures.popitem(last=False)[1])
        return picture


def strip_times(start: float, end: float, count: int = STRIP_FRAMES) -> list[float]:
    """The times of a clip's key frames: the middles of equal parts, seconds."""
    return [start + (end - start) * (k + 0.5) / count for k in range(count)]


def frame_jpeg(source: FrameSource, seconds: float, width: int) -> bytes:
    """One frame, at most `width` pixels wide."""
    return _encode(_narrow(source.at(seconds), width))


def strip_jpeg(source: FrameSource, start: float, end: float) -> bytes:
    """A clip's key frames side by side, each `STRIP_WIDTH` wide."""
    frames = [_narrow(source.at(time), STRIP_WIDTH, exact=True) for time in strip_times(start, end)]
    height = frames[0].shape[0]  # of a bag whose camera changed its mode, too
    return _encode(np.hstack([cv2.resize(frame, (STRIP_WIDTH, height)) for frame in frames]))


def movie_bytes(frames: Iterable[tuple[float, np.ndarray]], width: int) -> bytes:
    """
    Frames one behind the other, each as its milliseconds and its length, 32 bits little-endian, and a JPEG.

    :param frames: seconds of the drive and (H, W, 3) uint8 BGR.
    """
    parts = []
    for seconds, image in frames:
        picture = _encode(_narrow(image, width), _MOVING)
        parts += [struct.pack("<II", round(1000 * seconds), len(picture)), picture]
    return b"".join(parts)


def _narrow(image: np.ndarray, width: int, *, exact: bool = False) -> np.ndarray:
    if image.shape[1] <= width and not exact:
        return image
    size = (width, max(1, round(image.shape[0] * width / image.shape[1])))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _encode(image: np.ndarray, quality: int = _QUALITY) -> bytes:
    made, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert made
    return data.tobytes()
