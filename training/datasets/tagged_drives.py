"""Drives with clip-level tags: their frames have neighbours, so these samples have flow.

A drive is decoded once to the working size and its flow computed once, by the very code that runs in
the car; both are kept as memory-mapped arrays in the work directory.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from training.datasets.sample import Sample, Shot
from wsvs_ros.drives import Drive, open_drive
from wsvs_ros.drives.tags import Clip
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.bundle import FlowSettings
from wsvs_ros.perception.flow import FlowAlgorithm, create_flow
from wsvs_ros.perception.labels import LabelSet

_LOG = logging.getLogger(__name__)
_SHOT = 100  # frames of a recording, which has no cuts, that count as one shot
_PAIRS_AT_ONCE = 64  # of frames, whose flow is computed together
_ARRAYS = ("frames.npy", "flow.npy", "stamps.npy")


@dataclass(frozen=True)
class CachedDrive:
    """
    A decoded drive.

    :param frames: (T, H, W, 3) uint8 RGB.
    :param flow: (T, 2, H, W) float16, pixels per frame; field t leads from frame t-1 to t, field 0 is zero.
    :param stamps: (T,) seconds since the first frame.
    """

    frames: np.ndarray
    flow: np.ndarray
    stamps: np.ndarray

    def image(self, index: int) -> np.ndarray:
        """(H, W, 3) uint8 RGB."""
        return np.array(self.frames[index])

    def stack(self, index: int, *, length: int, lookahead: int) -> np.ndarray:
        """
        The window of fields that the segmenter shows for a frame: (t - L + lookahead, t + lookahead].

        :return: (2L, H, W) float32; fields before the first and after the last frame are zero.
        """
        height, width = self.flow.shape[2:]
        window = np.zeros((length, 2, height, width), np.float32)
        last = index + lookahead
        for slot in range(length):
            field = last - length + 1 + slot
            if 0 <= field < len(self.flow):
                window[slot] = self.flow[field]
        return window.reshape(2 * length, height, width)


def cache_drive(
    path: Path,
    cache: Path,
    *,
    size: tuple[int, int],
    flow: FlowAlgorithm,
    fps: float = 10.0,
    drive: Callable[[], Drive] | None = None,
) -> CachedDrive:
    """
    Decode a drive and compute its flow, or take both from an earlier run's cache.

    :param cache: folder of this drive's arrays; named by what went into them, so it is never stale.
    :param size: working size: width, height.
    :param flow: computes the fields, many at once.
    :param fps: frame rate of a drive that is a folder of images.
    :param drive: opens the drive instead, a short one that is decoded without a progress bar.
    """
    if not all((cache / name).is_file() for name in _ARRAYS):
        cache.mkdir(parents=True, exist_ok=True)
        for name, array in zip(_ARRAYS, _decode(path, size, flow, fps, drive), strict=True):
            partial_file = cache / f"{name}.partial.npy"
            np.save(partial_file, array)
            os.replace(partial_file, cache / name)
    return cached_drive(cache)


def cached_drive(cache: Path) -> CachedDrive:
    """A drive that :func:`cache_drive` has cached."""
    return CachedDrive(*(np.load(cache / name, mmap_mode="r") for name in _ARRAYS))


def _decode(
    path: Path, size: tuple[int, int], flow: FlowAlgorithm, fps: float, opener: Callable[[], Drive] | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    frames, stamps, grays = [], [], []
    fields = [np.zeros((1, 2, size[1], size[0]), np.float16)]

    def compute() -> None:
        """The fields between the frames that wait; the last one stays, to begin the next field."""
        fields.append(flow.batch(np.stack(grays[:-1]), np.stack(grays[1:])).astype(np.float16))
        del grays[:-1]

    with opener() if opener else _open(path, fps) as drive:
        bar = tqdm(drive, total=drive.frame_count, desc=f"flow of {path.name}", unit="frame", disable=bool(opener))
        for frame in bar:
            image = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
            frames.append(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
            stamps.append(frame.stamp_ns * 1e-9)
            grays.append(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
            if len(grays) > _PAIRS_AT_ONCE:
                compute()
    if not frames:
        raise WsvsError(f"{path}: no frames; check the file, or take it out of the tags")
    if len(grays) > 1:
        compute()
    return np.stack(frames), np.concatenate(fields), np.array(stamps) - stamps[0]


def _open(path: Path, fps: float) -> Drive:
    """Videos and bags know their own rate; a folder of images has the given one."""
    drive = open_drive(path)
    return open_drive(path, fps=fps) if drive.kind == "folder" else drive


def tagged_drives(
    folder: Path,
    clips: Mapping[str, Sequence[Clip]],
    label_set: LabelSet,
    *,
    cache: Path,
    size: tuple[int, int],
    flow: FlowSettings,
    device: str = "cpu",
    window: tuple[int, int],
    step: int,
    fps: float,
    on_error: str = "stop",
) -> list[Sample]:
    """
    The samples of tagged drives.

    :param folder: where the drives lie, under the names of ``clips``.
    :param clips: what they show, see :func:`wsvs_ros.drives.tags.load_clip_tags`.
    :param device: where the flow is computed: ``cpu`` or ``cuda``.
    :param window: L and lookahead.
    :param step: every how many frames one is a sample.
    :param on_error: ``skip`` leaves unreadable drives out with a warning.
    :raises WsvsError: if a drive is missing or unreadable.
    """
    length, lookahead = window
    algorithm = create_flow(flow, device)
    samples = []
    for name, tagged in clips.items():
        unique = str(Path(name).with_suffix("")).replace("/", "-")
        key = f"{name.replace('/', '-')}-{size[0]}x{size[1]}-{algorithm.name}"
        try:
            drive = cache_drive(folder / name, cache / key, size=size, flow=algorithm, fps=fps)
        except WsvsError as error:
            if on_error == "stop":
                raise
            _LOG.warning("left out: %s", error)
            continue
        shots = _shots(unique, cache / key, len(drive.frames))
        for index in range(0, len(drive.frames), step):
            shown = [clip for clip in tagged if clip.start <= drive.stamps[index] < clip.end]
            if not shown:
                continue
            present = np.isin(label_set.names, sorted(set().union(*(clip.tags for clip in shown))))
            samples.append(
                Sample(
                    f"{unique}/{index:06d}",
                    present,
                    partial(drive.image, index),
                    partial(drive.stack, index, length=length, lookahead=lookahead),
                    shots[index // _SHOT],
                    index % _SHOT,
                )
            )
    return samples


def _shots(name: str, cache: Path, frames: int) -> list[Shot]:
    return [
        Shot(f"{name}/{first:06d}", name, min(_SHOT, frames - first), partial(_frames, cache, first))
        for first in range(0, frames, _SHOT)
    ]


def _frames(cache: Path, first: int, start: int, stop: int) -> np.ndarray:
    return np.array(cached_drive(cache).frames[first + start : first + stop])
