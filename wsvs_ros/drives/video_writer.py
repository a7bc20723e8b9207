"""Overlay videos: H.264 in mp4, which browsers play."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from wsvs_ros.drives.drive import DriveError
from wsvs_ros.drives.pyav import import_av
from wsvs_ros.files import put_in_place

_LONGEST_PAUSE = 2.0  # seconds that a paced video shows one frame
_TIME_BASE = 90_000  # ticks a second, as MPEG counts
# veryfast: the encoder takes less time than the network; 26: no block is seen at a painted edge
_OPTIONS = {"preset": "veryfast", "crf": "26", "threads": "1"}


class VideoWriter:
    """
    An mp4 video, made when its first frame comes, aside as `<name>.partial.mp4` until it is closed.

    :param fps: frames per second.
    :param replace: an earlier video there is replaced when this one is finished.
    :raises DriveError: if the path exists.
    """

    def __init__(self, path: Path, fps: float, *, replace: bool = False) -> None:
        if path.exists() and not replace:
            raise DriveError(f"{path}: exists already; nothing is overwritten, move it away")
        self._path = path
        self._partial = path.with_name(f"{path.stem}.partial{path.suffix}")
        self._fps = fps
        self._container: Any = None
        self._stream: Any = None
        self._size = (0, 0)
        self._last: np.ndarray | None = None
        self._written = 0
        self._start_ns = 0

    def write(self, image: np.ndarray, stamp_ns: int | None = None) -> None:
        """
        Append a frame; one of another size than the first is fitted to it.

        :param image: (H, W, 3) uint8 BGR.
        :param stamp_ns: its time; given, the frame before is shown until then, so that a video of frames that came
            irregularly plays at the true speed. Pauses beyond two seconds, and jumps back, are cut out.
        :raises DriveError: if no video can be written there, or no more of it, e.g. because the disk is full.
        """
        if self._container is None:
            self._open(image)
        if (image.shape[1], image.shape[0]) != self._size:
            image = cv2.resize(image, self._size, interpolation=cv2.INTER_AREA)
        for picture in [self._last] * self._missing(stamp_ns) + [image]:
            self._encode(picture)
            self._written += 1
        self._last = image

    def close(self) -> None:
        """
        Finish the file; only then it plays. One that does not is removed: it only takes a full disk's room.

        :raises DriveError: if it cannot be finished.
        """
        if self._container is None:
            return
        av = import_av()

        container, self._container = self._container, None
        try:
            try:
                container.mux(self._stream.encode(None))
            finally:
                container.close()
            if not cv2.VideoCapture(str(self._partial)).isOpened():
                raise OSError("it does not play")
            put_in_place(self._partial, self._path)
        except (av.FFmpegError, OSError, ValueError) as error:
            self._partial.unlink(missing_ok=True)
            raise DriveError(self._failure(error)) from error

    def _open(self, image: np.ndarray) -> None:
        av = import_av()

        # the codec works in blocks of two
        self._size = (image.shape[1] & ~1 or 2, image.shape[0] & ~1 or 2)
        try:
            self._container = av.open(str(self._partial), "w", options={"movflags": "faststart"})
            self._stream = self._container.add_stream("libx264", rate=Fraction(self._fps).limit_denominator(1000))
            self._stream.width, self._stream.height = self._size
            self._stream.pix_fmt = "yuv420p"
            self._stream.options = _OPTIONS
            self._container.start_encoding()  # else an unwritable place would be told by the first full block
        except (av.FFmpegError, OSError, ValueError) as error:
            raise DriveError(f"{self._path}: cannot be written ({error}); is the folder writable?") from error

    def _encode(self, picture: np.ndarray | None) -> None:
        av = import_av()

        assert picture is not None
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgr24")
        frame.pts = round(self._written * _TIME_BASE / self._fps)
        frame.time_base = Fraction(1, _TIME_BASE)
        try:
            self._container.mux(self._stream.encode(frame))
        except (av.FFmpegError, OSError, ValueError) as error:
            raise DriveError(self._failure(error)) from error

    def _missing(self, stamp_ns: int | None) -> int:
        """How often the last frame has to be repeated before the one of this time."""
        if stamp_ns is None:
            return 0
        missing = round((stamp_ns - self._start_ns) * 1e-9 * self._fps) - self._written
        if self._last is not None and abs(missing) <= _LONGEST_PAUSE * self._fps:
            return max(missing, 0)
        self._start_ns = stamp_ns - round(self._written / self._fps * 1e9)
        return 0

    def _failure(self, error: Exception) -> str:
        return f"{self._path}: cannot be written ({error}), perhaps the disk is full; other results so far are complete"
