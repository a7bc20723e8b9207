"""A frame of a dataset's video with the frames that its flow window needs, kept as a short drive of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from training.caches import Contents, Ingredients, digest
from training.datasets.dataset import Item
from training.datasets.drive_cache import CachedDrive, Piece
from training.datasets.errors import DatasetError
from training.datasets.numbered_frames import NumberedFrames
from training.datasets.sample import Sample, Shot
from training.datasets.tagged_images import read_image
from wsvs_ros.perception.flow import FlowAlgorithm

SUFFIX = "/000000.safetensors"
"""Of the cache's files: one piece in a folder of its own."""


@dataclass(frozen=True)
class VideoWindow:
    """
    :param files: the frames of the window, in their order.
    :param index: the frame's number among them.
    :param size: working size: width, height.
    """

    item: Item
    files: Sequence[Path]
    index: int
    size: tuple[int, int]

    @classmethod
    def of(cls, item: Item, size: tuple[int, int], *, length: int, lookahead: int) -> VideoWindow:
        """
        :raises DatasetError: if the video does not reach to the frame, or a file of the window is missing.
        """
        assert item.video is not None
        files = item.video.around(item.number, length=length, lookahead=lookahead)
        for file in files:
            if not file.is_file():
                raise DatasetError(f"{file}: missing; restore it, or do without flow by `motion: false`")
        return cls(item, files, files.index(item.video.path(item.number)), size)

    def made_of(self, contents: Contents, flow: FlowAlgorithm) -> Ingredients:
        """What the kept files are made of."""
        frames = digest(contents.of_files(self.files), self.index)
        return {"frames": frames, "size": digest(self.size), "flow": flow.name}

    def make(self, path: Path, flow: FlowAlgorithm) -> None:
        """
        Read the frames and compute the flow between them.

        :raises DatasetError: if one cannot be read.
        """
        images = [self._read(file) for file in self.files]
        grays = np.stack([cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) for image in images])
        fields: dict[int, np.ndarray] = {}
        if len(grays) > 1:
            fields = dict(enumerate(flow.batch(grays[:-1], grays[1:]).astype(np.float16), 1))
        Piece(path).save({self.index: cv2.cvtColor(images[self.index], cv2.COLOR_BGR2RGB)}, fields)

    def sample(
        self,
        key: str,
        present: np.ndarray,
        path: Path,
        made_of: Ingredients,
        shot: Shot,
        *,
        length: int,
        lookahead: int,
    ) -> Sample:
        """The frame, once it is made."""
        assert self.item.video is not None
        cached = CachedDrive(path.parent, len(self.files), self.size, step=len(self.files))
        return Sample(
            key,
            present,
            partial(cached.image, self.index),
            partial(cached.stack, self.index, length=length, lookahead=lookahead),
            shot,
            self.item.number - self.item.video.first,
            digest(made_of["frames"], self.size),
            digest(made_of, length, lookahead),
        )

    def _read(self, file: Path) -> np.ndarray:
        image = cv2.imread(str(file), cv2.IMREAD_COLOR)
        if image is None:
            raise DatasetError(f"{file}: not a readable image; restore it, or do without flow by `motion: false`")
        return cv2.resize(image, self.size, interpolation=cv2.INTER_AREA)


def shot_of(item: Item, dataset: str, size: tuple[int, int], contents: Contents | None) -> Shot:
    """
    The shot around an item.

    :param contents: tells whether its frames are what they were; None where nobody asks for them.
    """
    video = item.video
    assert video is not None
    name = f"{dataset}/{video.folder.name}/{video.path(video.first).stem}"
    content = ""
    if contents is not None:
        files = [video.path(number) for number in range(video.first, video.last + 1)]
        content = digest(contents.of_files(file for file in files if file.is_file()), size)
    return Shot(name, item.recording or name, len(video), partial(_frames, video, size), content)


def _frames(video: NumberedFrames, size: tuple[int, int], start: int, stop: int) -> np.ndarray:
    """Some frames of a shot, by their numbers in it."""
    return np.stack([read_image(video.path(video.first + number), size) for number in range(start, stop)])
