"""The camera images of a run's frames, out of the drive that was segmented."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from wsvs_ros.drives import Drive
from wsvs_ros.drives.folders import FolderDrive
from wsvs_ros.evaluation.sources import Labelled, Turns
from wsvs_ros.perception.frames import Frame


class CameraImages:
    """Camera images, looked up in the drive's order; a folder's in any."""

    def __init__(self, drive: Drive | None) -> None:
        self._drive = drive
        self._files = drive.files if isinstance(drive, FolderDrive) else {}
        self._frames = iter(drive) if drive is not None and not self._files else iter(())
        self._turns = Turns()
        self._next: tuple[Frame, int] | None = None

    def find(self, frame: Labelled) -> Callable[[], np.ndarray | None] | None:
        """The image of the frame's name, or for a topic's frames of its stamp; None where the drive has none."""
        if self._files:
            file = self._files.get(frame.name)
            return (lambda: cv2.imread(str(file))) if file else None
        wanted = _key(frame, frame.turn, stamp=frame.numbered)
        while self._next is None or _key(*self._next, stamp=frame.numbered) < wanted:
            following = next(self._frames, None)
            if following is None:
                return None
            self._next = following, self._turns.key(following.stamp_ns)[1]
        found = self._next
        return (lambda: found[0].image) if _key(*found, stamp=frame.numbered) == wanted else None

    def __enter__(self) -> CameraImages:
        return self

    def __exit__(self, *_: object) -> None:
        if self._drive is not None:
            self._drive.close()


def _key(frame: Labelled | Frame, turn: int, *, stamp: bool) -> tuple[int, int, str]:
    """What frames are ordered by in both: the stamp, or the name, which is a number of fixed width."""
    return (frame.stamp_ns or 0, turn, "") if stamp else (0, 0, frame.name)
