"""Frames of a drive, decoded in a thread of their own while earlier ones are worked on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

from wsvs_ros.drives.drive import Drive
from wsvs_ros.perception.frames import Frame

_AHEAD = 4  # frames


class ReadAhead:
    """
    Iterates a drive in a thread; whatever the drive raises comes out where its frame would have.

    Leaving the context ends the thread, also when not all was read.
    """

    def __init__(self, drive: Drive) -> None:
        self._drive = drive
        self._queue: queue.Queue[Frame | BaseException | None] = queue.Queue(_AHEAD)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._read, name="reader", daemon=True)

    def __enter__(self) -> ReadAhead:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        while self._thread.is_alive():  # it may wait for room
            try:
                self._queue.get(timeout=0.05)
            except queue.Empty:
                continue
        self._thread.join()

    def __iter__(self) -> Iterator[Frame]:
        while (item := self._queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    def _read(self) -> None:
        end: BaseException | None = None
        try:
            for frame in self._drive:
                self._queue.put(frame)
                if self._stopped.is_set():
                    break
        except BaseException as error:
            end = error
        if not self._stopped.is_set():
            self._queue.put(end)
