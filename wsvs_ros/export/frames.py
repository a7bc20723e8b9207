"""Real frames as a network takes them, to calibrate and to compare by."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from wsvs_ros.drives import open_drive
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception import Frame, ModelBundle
from wsvs_ros.perception.compute.host_motion import HostMotion
from wsvs_ros.perception.preprocess import split_rgb
from wsvs_ros.perception.tracker import FrameTracker, TrackedFrame


class FrameStore:
    """
    Frames with their flow stacks on disk, because a few dozens of them are a gigabyte.

    Removed when it is closed.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="wsvs-export-")
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Image (3, H, W) uint8 RGB and flow (2L, H, W) float32 of each frame."""
        for index in range(self._count):
            with np.load(self._path(index)) as arrays:
                yield arrays["image"], arrays["flow"]

    def add(self, image: np.ndarray, flow: np.ndarray) -> None:
        """Keep one more frame."""
        np.savez(self._path(self._count), image=image, flow=flow)
        self._count += 1

    def close(self) -> None:
        """Remove them all."""
        self._folder.cleanup()

    def __enter__(self) -> FrameStore:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _path(self, index: int) -> Path:
        return Path(self._folder.name) / f"{index}.npz"


def frames_of_drive(bundle: ModelBundle, drive: str | Path, count: int) -> FrameStore:
    """
    Frames of a recorded drive with the motion around them, evenly spread.

    :param bundle: working size, window and flow.
    :param drive: video, bag or folder of images.
    :param count: frames to take; all of a shorter drive.
    :raises WsvsError: if the drive cannot be read or is empty.
    """
    store = FrameStore()
    tracker = FrameTracker(bundle, HostMotion(bundle), lookahead=bundle.lookahead, max_gap=float("inf"))
    planes = np.empty((3, *bundle.working_size[::-1]), np.uint8)
    try:
        with open_drive(drive) as frames:
            total = frames.frame_count or count
            wanted = set(np.linspace(0, total - 1, min(count, total)).round().astype(int).tolist())
            for index, tracked in enumerate(_tracked(tracker, frames)):
                if index in wanted:
                    split_rgb(tracked.image, planes)
                    store.add(planes, tracked.stack)
    except BaseException:
        store.close()
        raise
    if not len(store):
        store.close()
        raise WsvsError(f"{drive}: no frame is readable")
    return store


def _tracked(tracker: FrameTracker, frames: Iterable[Frame]) -> Iterator[TrackedFrame]:
    """Every frame of a drive with its window, which begins anew where the drive breaks off."""
    for frame in frames:
        if tracker.breaks_off(frame):
            yield from tracker.finish()
        yield from tracker.add(frame)
    yield from tracker.finish()
