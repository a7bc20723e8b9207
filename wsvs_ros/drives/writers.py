"""What is made of a drive, written safely: label PNGs, overlay video; in the background, in order."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from wsvs_ros.drives.drive import DriveError
from wsvs_ros.files import put_in_place, replace_file

_LONGEST_PAUSE = 2.0  # seconds that a paced video shows one frame
_WAITING = 8  # tasks that may wait for the writer before the reader has to
Result = TypeVar("Result")


class LabelWriter:
    """
    A folder of label maps: `<name>.png`, 8 bit, one channel.

    :param folder: made if need be.
    :param replace: earlier ones of the same name are replaced.
    """

    def __init__(self, folder: Path, *, replace: bool = False) -> None:
        self._folder = folder
        self._replace = replace
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, labels: np.ndarray) -> None:
        """
        Write one label map aside and put it in place.

        :param labels: (H, W) uint8.
        :raises DriveError: if the name is taken, or it cannot be written, e.g. because the disk is full.
        """
        path = self._folder / f"{name}.png"
        if path.exists() and not self._replace:
            raise DriveError(f"{path}: exists already; nothing is overwritten")
        content = cv2.imencode(".png", labels, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1]
        try:
            replace_file(path, content.data, durable=False)  # --resume looks whether they are whole
        except OSError as error:
            raise DriveError(f"{path}: cannot be written: {error.strerror}; earlier frames are complete") from error


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
        self._writer: cv2.VideoWriter | None = None
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
        if self._writer is None:
            # the codec works in blocks of two
            self._size = (image.shape[1] & ~1 or 2, image.shape[0] & ~1 or 2)
            fourcc = cv2.VideoWriter.fourcc(*"mp4v")
            self._writer = cv2.VideoWriter(str(self._partial), fourcc, self._fps, self._size)
            if not self._writer.isOpened():
                raise DriveError(f"{self._path}: OpenCV cannot write this video; is the folder writable?")
        if (image.shape[1], image.shape[0]) != self._size:
            image = cv2.resize(image, self._size, interpolation=cv2.INTER_AREA)
        for picture in [self._last] * self._missing(stamp_ns) + [image]:
            if self._writer.write(picture) is False:  # OpenCV 4 returns nothing; `close` finds it out
                raise DriveError(self._failure)
            self._written += 1
        self._last = image

    def _missing(self, stamp_ns: int | None) -> int:
        """How often the last frame has to be repeated before the one of this time."""
        if stamp_ns is None:
            return 0
        missing = round((stamp_ns - self._start_ns) * 1e-9 * self._fps) - self._written
        if self._last is not None and abs(missing) <= _LONGEST_PAUSE * self._fps:
            return max(missing, 0)
        self._start_ns = stamp_ns - round(self._written / self._fps * 1e9)
        return 0

    def close(self) -> None:
        """
        Finish the file; only then it plays. One that does not is removed: it only takes a full disk's room.

        :raises DriveError: if it does not play.
        """
        if self._writer is None:
            return
        self._writer.release()
        self._writer = None
        if not cv2.VideoCapture(str(self._partial)).isOpened():
            self._partial.unlink(missing_ok=True)
            raise DriveError(self._failure)
        put_in_place(self._partial, self._path)

    @property
    def _failure(self) -> str:
        return f"{self._path}: cannot be written, perhaps the disk is full; the other results so far are complete"


class Background:
    """
    Runs tasks in order in one thread, so that reading, inference and writing overlap.

    Leaving the context runs what still waits, also after an interruption. The first task that fails ends the
    work: the next `submit`, or leaving the context, raises its error.
    """

    def __init__(self) -> None:
        self._tasks: queue.Queue[Callable[[], None] | None] = queue.Queue(_WAITING)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def submit(self, task: Callable[[], None]) -> None:
        """Run a task after those before it; waits while too many do."""
        self._raise()
        self._tasks.put(lambda: None if self._error is not None else task())

    def call(self, task: Callable[[], Result]) -> Result:
        """
        Run a task after those before it, also if one of them failed, and wait for what it gives or raises.

        SQLite's connections are used in the thread that made them.
        """
        result: Future[Result] = Future()

        def run() -> None:
            try:
                result.set_result(task())
            except BaseException as error:
                result.set_exception(error)

        self._tasks.put(run)
        return result.result()

    def __enter__(self) -> Background:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._tasks.put(None)
        self._thread.join()
        if kind is None:
            self._raise()

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                task()
            except BaseException as error:
                self._error = self._error or error

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
