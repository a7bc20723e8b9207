"""What is made of a drive, written safely: label PNGs; in the background, in order."""

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
from wsvs_ros.files import replace_file
from wsvs_ros.perception.indexed_png import indexed_png

_WAITING = 8  # tasks that may wait for the writer before the reader has to
Result = TypeVar("Result")


class LabelWriter:
    """
    A folder of label maps: `<name>.png`, 8 bit, one channel.

    :param folder: made if need be.
    :param replace: earlier ones of the same name are replaced.
    :param palette: (256, 3) uint8 RGB, shown in place of the ids by programs that know palettes; the ids stay.
    """

    def __init__(self, folder: Path, *, replace: bool = False, palette: np.ndarray | None = None) -> None:
        self._folder = folder
        self._replace = replace
        self._palette = palette
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
        content = cv2.imencode(".png", labels, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
        if self._palette is not None:
            content = indexed_png(content, self._palette)
        try:
            replace_file(path, content, durable=False)  # --resume looks whether they are whole
        except OSError as error:
            raise DriveError(f"{path}: cannot be written: {error.strerror}; earlier frames are complete") from error


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
