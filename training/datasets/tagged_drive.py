"""One tagged drive: when its frames were, which of them are samples, and where they are kept once they are decoded."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from training.caches import Contents, digest, save_array
from training.datasets.decoding import SHOT, Needs, decode, lacking
from training.datasets.drive_cache import CachedDrive
from training.datasets.sample import Sample, Shot
from wsvs_ros.drives import Drive, DriveError, TimeBase, open_drive
from wsvs_ros.drives.folders import FolderDrive
from wsvs_ros.drives.tags import DriveTags
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.flow import FlowAlgorithm
from wsvs_ros.perception.frames import Frame
from wsvs_ros.perception.labels import LabelSet

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recording:
    """
    A drive as it was found.

    :param time_base: what its tags' times count.
    :param content: digest of its frames.
    :param assumed: nothing but the drive itself tells the time base.
    """

    path: Path
    time_base: TimeBase
    content: str
    assumed: bool = False

    @classmethod
    def find(cls, path: Path, told: TimeBase, contents: Contents, fps: float | None = None) -> Recording:
        """
        :param told: what the file of tags says.
        :param fps: frame rate of a folder of images, instead of what the file says.
        :raises WsvsError: if it cannot be read, or its times cannot be counted as the file says.
        """
        try:
            opened = open_drive(path, topic=told.topic, fps=told.fps)
        except DriveError as error:
            if "several image topics" in str(error):
                raise DriveError(f"{error}; its tags may name it, by `topic:` beside its clips") from error
            raise
        with opened as drive:
            if fps is not None and isinstance(drive, FolderDrive):
                if told.fps not in (None, fps):
                    _LOG.warning(
                        "%s: tagged at %g frames a second; data.drives says %g, which counts", path, told.fps, fps
                    )
                told, drive.fps = replace(told, fps=fps), fps
            time_base = told.completed(drive)
            if (time_base.stamps == "frames") == (drive.kind == "bag"):
                raise DriveError(
                    f"{path}: a {drive.kind} drive, whose times cannot be counted by `stamps: {time_base.stamps}`"
                )
            folder = isinstance(drive, FolderDrive)
            content = contents.of_files(drive.files.values()) if folder else contents.of(drive.path)
        if time_base.topic:
            content = digest(content, time_base.topic)
        return cls(path, time_base, content, told == TimeBase())

    def open(self) -> Drive:
        """Open it by its time base."""
        return open_drive(self.path, topic=self.time_base.topic, fps=self.time_base.fps)


@dataclass(frozen=True)
class TaggedDrive:
    """
    :param name: in caches and keys.
    :param step: every how many frames one is a sample.
    :param folder: for what is decoded; named by what that is made of.
    :param size: working size: width, height.
    """

    name: str
    recording: Recording
    clips: DriveTags
    step: int
    folder: Path
    size: tuple[int, int]

    def is_whole(self, needs: Needs) -> bool:
        """Whether all that its samples need has been decoded."""
        clocks = self._clocks()
        return clocks is not None and not lacking(self._cached(clocks), needs, self._numbers(clocks))

    def complete(self, flow: FlowAlgorithm, needs: Needs) -> None:
        """
        Decode what is lacking.

        :raises WsvsError: if it cannot be read.
        """
        clocks, stop, to = self._clocks(), None, CachedDrive(self.folder, 0, self.size)
        if clocks is not None:
            missing = lacking(self._cached(clocks), needs, self._numbers(clocks))
            if not missing:
                return
            stop = min(missing[-1] + to.step + needs.reach, len(clocks))
        with self.recording.open() as drive:
            read = decode(drive, to, flow, needs, self._clock, self._is_sample, stop=stop)
            for problem in getattr(drive, "refused", ()):
                _LOG.warning("%s: %s", drive.path, problem)
        if not len(read):
            raise WsvsError(f"{self.recording.path}: no frames; check the file, or take it out of the tags")
        if stop is None:
            save_array(self._clock_file(), read)

    def samples(self, label_set: LabelSet, needs: Needs, flow: FlowAlgorithm) -> list[Sample]:
        """Its samples, once it is complete."""
        clocks = self._clocks()
        assert clocks is not None
        cached = self._cached(clocks)
        shots = [self._shot(cached, first, keep=needs.shots) for first in range(0, len(clocks), SHOT)]
        found = []
        numbers = self._numbers(clocks)
        for index, tags in zip(numbers, self._tags(clocks[numbers], label_set), strict=True):
            content = digest(self.recording.content, self.size, index)
            found.append(
                Sample(
                    f"{self.name}/{index:06d}",
                    tags,
                    partial(cached.image, index),
                    partial(cached.stack, index, length=needs.length, lookahead=needs.lookahead),
                    shots[index // SHOT],
                    index % SHOT,
                    content,
                    digest(content, flow.name, needs.length, needs.lookahead),
                )
            )
        return found

    def _shot(self, cached: CachedDrive, first: int, *, keep: bool) -> Shot:
        stop = min(first + SHOT, cached.count)
        content = digest(self.recording.content, self.size, first, stop) if keep else ""
        return Shot(f"{self.name}/{first:06d}", self.name, stop - first, partial(_frames, cached, first), content)

    def _cached(self, clocks: np.ndarray) -> CachedDrive:
        return CachedDrive(self.folder, len(clocks), self.size)

    def _clock_file(self) -> Path:
        return self.folder / f"{self.recording.time_base.stamps}.npy"

    def _clocks(self) -> np.ndarray | None:
        """Of all frames, see :func:`training.datasets.decoding.decode`; None before the drive was read to its end."""
        try:
            found: np.ndarray = np.load(self._clock_file())
        except (OSError, ValueError, EOFError):
            return None
        return found

    def _clock(self, number: int, frame: Frame) -> int:
        """A frame's number, or its stamp in ns: what is the same at any frame rate."""
        time_base = self.recording.time_base
        return number if time_base.stamps == "frames" else time_base.stamp_ns(frame)

    def _seconds(self, clocks: np.ndarray) -> np.ndarray:
        """From the drive's first frame, as its tags count them."""
        time_base = self.recording.time_base
        return clocks / (time_base.fps or 1.0) if time_base.stamps == "frames" else clocks * 1e-9

    def _is_shown(self, clocks: np.ndarray) -> np.ndarray:
        """(T, clips) bool, which clips show each frame."""
        begins, ends = np.array([(clip.start, clip.end) for clip in self.clips]).T
        seconds = self._seconds(clocks)[:, None]
        shown: np.ndarray = (begins <= seconds) & (seconds < ends)
        return shown

    def _tags(self, clocks: np.ndarray, label_set: LabelSet) -> np.ndarray:
        """(T, N) bool, the classes of all clips that show each frame."""
        return self._is_shown(clocks) @ np.stack([np.isin(label_set.names, sorted(clip.tags)) for clip in self.clips])

    def _is_sample(self, number: int, clock: int) -> bool:
        return number % self.step == 0 and bool(self._is_shown(np.array([clock])).any())

    def _numbers(self, clocks: np.ndarray) -> list[int]:
        first = np.arange(0, len(clocks), self.step)
        found: list[int] = first[self._is_shown(clocks[first]).any(1)].tolist()
        return found


def _frames(cached: CachedDrive, first: int, start: int, stop: int) -> np.ndarray:
    """Some frames of a shot, by their numbers in it."""
    return cached.images(first + start, first + stop)
