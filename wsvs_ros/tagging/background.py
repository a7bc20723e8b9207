"""What runs beside the page: cutting drives into clips and asking models about them."""

from __future__ import annotations

import contextlib
import logging
import os
import threading

from wsvs_ros.drives import DriveError
from wsvs_ros.errors import WsvsError
from wsvs_ros.tagging.cuts import find_cuts
from wsvs_ros.tagging.seeking import FrameSource
from wsvs_ros.tagging.session import TaggingSession
from wsvs_ros.tagging.suggestions import Suggester

_LOG = logging.getLogger(__name__)


class Background:
    """
    Threads of low priority that end when the context is left.

    :param scenes: cut at scene changes; else only at equal lengths.
    """

    def __init__(self, session: TaggingSession, *, scenes: bool, suggester: Suggester | None) -> None:
        self._session = session
        self._suggester = suggester
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._suggest, daemon=True)] if suggester else []
        for index, drive in enumerate(session.drives):
            if not scenes:
                session.cut(index, [(0.0, drive.duration)], drive.duration)
        if scenes:
            self._threads.append(threading.Thread(target=self._cut, daemon=True))

    def __enter__(self) -> Background:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _cut(self) -> None:
        _be_nice()
        for index in range(len(self._session.drives)):
            drive = self._session.drives[index]
            try:
                source = drive.open_source()
                try:
                    self._cut_drive(index, source)
                finally:
                    source.close()
            except WsvsError as error:
                _LOG.warning("%s: scenes are not told apart from %.0f s on: %s", drive.path, drive.cut_until, error)
                self._session.cut(index, [(drive.cut_until, drive.duration)], drive.duration)

    def _cut_drive(self, index: int, source: FrameSource) -> None:
        """
        Hand out clips as soon as they are certain: at each cut, and where no cut came for long enough that the
        rest of the scene cannot be shorter than half a clip.
        """
        drive = self._session.drives[index]
        begun = 0.0
        for time, cut in find_cuts(source, 0.0, drive.duration):
            if self._stop.is_set():
                return
            if cut is not None:
                self._session.cut(index, [(begun, cut)], cut)
                begun = cut
            elif time - begun >= 1.5 * drive.longest:
                self._session.cut(index, [(begun, begun + drive.longest)], begun + drive.longest)
                begun += drive.longest
        self._session.cut(index, [(begun, drive.duration)], drive.duration)

    def _suggest(self) -> None:
        _be_nice()
        sources: dict[int, FrameSource] = {}
        assert self._suggester is not None
        while not self._stop.is_set():
            wanting = self._session.wanting_suggestions()
            if wanting is None:
                self._stop.wait(0.2)
                continue
            index, clip = wanting
            drive = self._session.drives[index]
            try:
                if index not in sources:
                    sources[index] = drive.open_source()
                scores = self._suggester.scores(sources[index], drive.name, clip.start, clip.end)
            except DriveError:
                scores = {}  # the page shows that the clip cannot be read
            self._session.suggest(index, clip.id, scores)
        for source in sources.values():
            source.close()


def _be_nice() -> None:
    """The page comes first. Linux has priorities by thread."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
