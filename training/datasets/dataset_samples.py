"""Datasets as samples: tags from a file, flow from the video around each frame."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from training.datasets.dataset import Dataset, Item
from training.datasets.errors import DatasetError
from training.datasets.numbered_frames import NumberedFrames
from training.datasets.sample import Sample, Shot
from training.datasets.tag_file import read_tags
from training.datasets.tagged_drives import cache_drive, cached_drive
from training.datasets.tagged_images import read_image
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.bundle import FlowSettings
from wsvs_ros.perception.flow import FlowAlgorithm, create_flow
from wsvs_ros.perception.frames import Frame
from wsvs_ros.perception.labels import LabelSet

_LOG = logging.getLogger(__name__)


class FrameFiles:
    """A drive that is a list of image files, one a millisecond: their time is of no account."""

    kind = "files"
    fps: float | None = None

    def __init__(self, files: Sequence[Path]) -> None:
        self.path, self._files = files[0].parent, files
        self.frame_count: int | None = len(files)

    def __iter__(self) -> Iterator[Frame]:
        for index, file in enumerate(self._files):
            image = cv2.imread(str(file), cv2.IMREAD_COLOR)
            if image is None:
                problem = "not a readable image" if file.exists() else "missing"
                raise DatasetError(f"{file}: {problem}; restore it, or do without flow by `motion: false`")
            yield Frame(image, index * 1_000_000, name=file.stem)

    def close(self) -> None:
        """Nothing is held open."""

    def __enter__(self) -> FrameFiles:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def dataset_samples(
    dataset: Dataset,
    tags: Path,
    label_set: LabelSet,
    *,
    cache: Path,
    size: tuple[int, int],
    flow: FlowSettings,
    device: str = "cpu",
    window: tuple[int, int],
    motion: bool = True,
    ignore: tuple[str, ...] = (),
    on_error: str = "stop",
) -> list[Sample]:
    """
    The samples of a dataset: its frames that the tag file names. No annotation is read.

    :param tags: the tag file, see :func:`training.datasets.tag_file.read_tags`.
    :param cache: folder for the frames and flow around each sample, computed on first use.
    :param size: working size: width, height.
    :param device: where the flow is computed: ``cpu`` or ``cuda``.
    :param window: L and lookahead.
    :param motion: False leaves flow out, also where the dataset has video.
    :param on_error: ``skip`` leaves unreadable frames out with a warning.
    :raises WsvsError: if a frame is missing or unreadable, or the tag file names something else.
    """
    known = read_tags(tags, label_set, ignore=ignore)
    items = dataset.items()
    strangers = set(known) - {item.unit for item in items}
    if strangers:
        raise DatasetError(
            f"{tags}: {min(strangers)}: {dataset.name} {dataset.split} has no such image or shot "
            f"({len(strangers)} of {len(known)} names); its names are like {items[0].unit}"
        )
    tagged = [item for item in items if item.unit in known]
    if len(tagged) < len(items):
        _LOG.warning("%s: %d of %d frames have no tags and are left out", tags, len(items) - len(tagged), len(items))
    algorithm = create_flow(flow, device)
    samples = []
    for item in tqdm(tagged, desc=f"{dataset.name} {dataset.split}", unit="frame"):
        present = np.isin(label_set.names, sorted(known[item.unit]))
        key = f"{dataset.name}-{dataset.split}/{item.key}"
        try:
            if not item.image.is_file():
                raise DatasetError(f"{item.image}: missing; restore it or take {item.unit} out of {tags}")
            if item.video is None or not motion:
                samples.append(Sample(key, present, partial(read_image, item.image, size)))
            else:
                samples.append(_moving_sample(item, key, present, cache / key, size, algorithm, window))
        except WsvsError as error:
            if on_error == "stop":
                raise
            _LOG.warning("left out: %s", error)
    return samples


def _moving_sample(
    item: Item,
    key: str,
    present: np.ndarray,
    cache: Path,
    size: tuple[int, int],
    flow: FlowAlgorithm,
    window: tuple[int, int],
) -> Sample:
    """A frame with the frames that its window needs as a drive of their own."""
    assert item.video is not None
    length, lookahead = window
    files = item.video.around(item.number, length=length, lookahead=lookahead)
    index = files.index(item.video.path(item.number))
    folder = cache / f"{length}-{lookahead}-{size[0]}x{size[1]}-{flow.name}"
    cache_drive(item.image, folder, size=size, flow=flow, drive=lambda: FrameFiles(files))
    name = f"{Path(key).parts[0]}/{item.video.folder.name}/{item.video.path(item.video.first).stem}"
    shot = Shot(name, item.recording or name, len(item.video), partial(_frames, item.video, size))
    return Sample(
        key,
        present,
        partial(_image, folder, index),
        partial(_stack, folder, index, length=length, lookahead=lookahead),
        shot,
        item.number - item.video.first,
    )


def _frames(video: NumberedFrames, size: tuple[int, int], start: int, stop: int) -> np.ndarray:
    """Some frames of a shot, by their numbers in it."""
    return np.stack([read_image(video.path(video.first + number), size) for number in range(start, stop)])


def _image(cache: Path, index: int) -> np.ndarray:
    """Opened for each frame: a dataset has more drives than a process may have open files."""
    return cached_drive(cache).image(index)


def _stack(cache: Path, index: int, *, length: int, lookahead: int) -> np.ndarray:
    return cached_drive(cache).stack(index, length=length, lookahead=lookahead)
