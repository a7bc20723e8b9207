"""Pictures of the drives over HTTP."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wsvs_ros.drives import DriveError
from wsvs_ros.tagging.errors import EditError
from wsvs_ros.tagging.pictures import PictureCache, frame_jpeg, movie_bytes, strip_jpeg
from wsvs_ros.tagging.routing import get, jpeg
from wsvs_ros.tagging.seeking import FrameSource
from wsvs_ros.tagging.tagged_drive import TaggedDrive

_WIDEST, _MOVING = 1920, 800  # pixels
_SHOWN = 30.0  # frames a second at most while a clip plays
_LONGEST = 3.0  # seconds of playing that are made at once


class PictureRoutes:
    """Stills and strips of the drives."""

    def __init__(self, drives: Sequence[TaggedDrive]) -> None:
        # stills come at once, strips may take their time: each has a decoder of its own
        self._stills = [_Lazy(drive.open_source) for drive in drives]
        self._strips = [_Lazy(drive.open_source) for drive in drives]
        self._movies = [_Lazy(drive.open_source) for drive in drives]
        self._pictures = PictureCache()

    @property
    def routes(self) -> list[Route]:
        """Their addresses; times are milliseconds."""
        return [
            get("/frame/{drive:int}/{at:int}.jpg", self._frame),
            get("/strip/{drive:int}/{start:int}-{end:int}.jpg", self._strip),
            get("/movie/{drive:int}/{start:int}-{end:int}.frames", self._movie),
        ]

    def close(self) -> None:
        """Close the drives."""
        for source in (*self._stills, *self._strips, *self._movies):
            source.close()

    def _frame(self, request: Request) -> Response:
        drive, at = self._drive(request), request.path_params["at"] / 1000
        try:
            width = min(max(int(request.query_params.get("w", "960")), 16), _WIDEST)
        except ValueError:
            raise EditError("w: a number of pixels is needed") from None
        key = ("frame", drive, at, width)
        return jpeg(self._pictures.get(key, lambda: frame_jpeg(self._stills[drive].get(), at, width)))

    def _strip(self, request: Request) -> Response:
        drive, (start, end) = self._drive(request), self._span(request)
        key = ("strip", drive, start, end)
        return jpeg(self._pictures.get(key, lambda: strip_jpeg(self._strips[drive].get(), start, end)))

    def _movie(self, request: Request) -> Response:
        """Some seconds at the rate at which they are shown."""
        drive, (start, end) = self._drive(request), self._span(request)
        try:
            speed = float(request.query_params.get("speed", "1"))
        except ValueError:
            speed = math.nan
        if not 0.1 <= speed <= 16 or end - start > _LONGEST * speed:
            raise EditError(f"{end - start:g} s at {request.query_params.get('speed', '1')} times the speed: too much")
        source = self._movies[drive].get()
        data = movie_bytes(source.frames(start, end, _SHOWN / speed), _MOVING)
        return Response(data, media_type="application/octet-stream")

    def _span(self, request: Request) -> tuple[float, float]:
        start, end = request.path_params["start"] / 1000, request.path_params["end"] / 1000
        if not start < end:
            raise EditError(f"from {start:g} to {end:g} s there is nothing")
        return start, end

    def _drive(self, request: Request) -> int:
        drive = request.path_params["drive"]
        if not drive < len(self._stills):
            raise DriveError(f"no drive {drive}")
        return int(drive)


class _Lazy:
    """A source of frames that is opened when it is first used."""

    def __init__(self, opener: Callable[[], FrameSource]) -> None:
        self._opener = opener
        self._source: FrameSource | None = None
        self._lock = threading.Lock()

    def get(self) -> FrameSource:
        with self._lock:
            if self._source is None:
                self._source = self._opener()
            return self._source

    def close(self) -> None:
        if self._source is not None:
            self._source.close()
