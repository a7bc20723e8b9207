"""Drives that are video files."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from wsvs_ros.drives.drive import DriveError
from wsvs_ros.drives.excerpt import Excerpt
from wsvs_ros.drives.pyav import import_av
from wsvs_ros.perception.frames import Frame

_DEFAULT_FPS = 25.0
_EARLY = 0.5  # frame periods by which a whole video may end before its container says
_NO_VIDEOS = {"tty", "concat", "hls", "dash", "lavfi"}  # what FFmpeg makes of texts and of lists of other files
_STEP = 1e-6  # seconds between frames of the same stamp, as broken files have them


class VideoDrive:
    """
    A video file, by whatever FFmpeg decodes (PyAV).

    Stamps are the file's own, counted from its first frame, so that a rate that varies stays what it was; frames are
    named 000000, 000001, ... Damaged places, and a video that breaks off before its announced end, are told in
    `refused`.

    :param fps: the rate to assume instead of the file's own; stamps then count frames.
    :param excerpt: the part that is read.
    :raises DriveError: if the file cannot be decoded or holds no frame.
    """

    kind = "video"

    def __init__(self, path: Path, *, fps: float | None = None, excerpt: Excerpt = Excerpt()) -> None:
        self.path = path
        self.refused: list[str] = []
        self._excerpt, self._assumed = excerpt, fps
        self._container = _open(path)
        self._stream: Any = next(iter(self._container.streams.video), None)
        if self._stream is None:
            self._container.close()
            raise DriveError(f"{path}: holds no video")
        self._stream.thread_type = "AUTO"
        told = float(self._stream.average_rate or self._stream.guessed_rate or 0)
        self.fps: float | None = fps or (told if 0 < told < 1000 else _DEFAULT_FPS)
        self._period = 1 / (told if 0 < told < 1000 else _DEFAULT_FPS)
        self._pictures = self._decode()
        self._first = next(self._pictures, None)
        if self._first is None:
            self._container.close()
            why = f" ({self.refused[0]})" if self.refused else ""
            raise DriveError(f"{path}: the video holds no readable frame{why}")
        count = self._stream.frames or round((_length(self._container, self._stream) or 0) / self._period)
        self.frame_count: int | None = excerpt.count(count, self.fps) if count > 0 else None
        self._begun = False

    def __iter__(self) -> Iterator[Frame]:
        if self._begun or self._first is None:
            raise DriveError(f"{self.path}: a video is read once; open it again")
        self._begun = True
        assert self.fps is not None
        picture, begin = self._first, self._first.time or 0.0
        index, seconds, shown = 0, 0.0, 0.0
        while True:
            if self._excerpt.is_behind(seconds):
                return
            if self._excerpt.has(seconds):
                yield Frame(_bgr(picture), round(seconds * 1e9), frame_id="camera", name=f"{index:06d}")
            index += 1
            following = next(self._pictures, None)
            if following is None:
                break
            picture = following
            shown = index * self._period if picture.time is None else picture.time - begin
            seconds = index / self.fps if self._assumed else max(shown, seconds + _STEP)
        lasts = float(picture.duration * picture.time_base) if picture.duration and picture.time_base else 0.0
        self._check_end(index, shown + max(lasts, self._period))

    def close(self) -> None:
        """Let go of the file."""
        self._pictures.close()
        self._container.close()

    def __enter__(self) -> VideoDrive:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _decode(self) -> Generator[Any, None, None]:
        """All frames that can be decoded; what cannot is stepped over."""
        av = import_av()

        packets, damaged = self._container.demux(self._stream), 0
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    break
                yield from packet.decode()
            except (av.FFmpegError, ValueError) as error:
                damaged += 1
                if damaged == 1:
                    self.refused.append(f"the video is damaged ({_why(error)})")
                if damaged > 1000:  # nothing of this is a video any more
                    break

    def _check_end(self, count: int, end: float) -> None:
        """A whole video has the frames and the length that its container announces."""
        frames, length = self._stream.frames, _length(self._container, self._stream)
        short = length is not None and end + _EARLY * self._period < length
        # mp4 counts frames, too, that an edit list cuts away; what AVI has as length is that of the file
        fewer = bool(frames) and count < frames and "mp4" not in self._container.format.name
        if short or fewer:
            of = f"{count} of {frames} frames" if frames else f"{end:.2f} of {length:.2f} s"
            self.refused.append(f"the video breaks off after {of}")


def _open(path: Path) -> Any:
    av = import_av()

    try:
        # by its own name and nothing else, whatever a list of other files in it says
        container = av.open(f"file:{path}", options={"protocol_whitelist": "file"}, metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        raise DriveError(
            f"{path}: not a video that can be decoded, or incomplete ({_why(error)}); convert it, e.g. to H.264"
        ) from error
    if _NO_VIDEOS & set(container.format.name.split(",")):
        container.close()
        raise DriveError(f"{path}: not a video that can be decoded, but a text")
    return container


def _length(container: Any, stream: Any) -> float | None:
    """Seconds of the video as the container announces them."""
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    told = stream.metadata.get("DURATION", "").split(":")  # as Matroska has it
    if len(told) == 3:
        try:
            return float(told[0]) * 3600 + float(told[1]) * 60 + float(told[2])
        except ValueError:
            return None
    if container.duration is not None and len(container.streams) == 1:  # another stream may last longer
        return float(container.duration) * 1e-6
    return None


def _bgr(picture: Any) -> np.ndarray:
    """(H, W, 3) uint8 BGR, upright."""
    image = picture.to_ndarray(format="bgr24")
    turns = round((picture.rotation or 0) / 90)
    return np.ascontiguousarray(np.rot90(image, turns)) if turns % 4 else image


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
