"""
YouTube-Objects v2.2, as its archives unpack, with the videos' frames decoded as they come::

    ROOT/aeroplane/00000001.jpg ...                 all frames of a class, numbered through; bird/ ... train/ likewise
    ROOT/Ranges/ranges_aeroplane.mat                `ranges`, 3 x shots: first frame, last frame, video
    ROOT/GroundTruth/aeroplane/bb_gtTraining_aeroplane.mat      boxes (for co-localisation); bb_gtTest_... likewise

The pixel-labelled subset (Jain and Grauman, ECCV 2014) speaks of v1.0, whose frames lie by video and shot::

    ROOT/v1/aeroplane/data/0001/shots/001/frame0001.jpg ...
    ROOT/youtube_masks/aeroplane/data/0001/shots/001/labels/00001.jpg       object white, background black

`train` are the shots of v2.2, known in tag files as class/video/shot, e.g. ``aeroplane/0003/0017``: to leave out the
videos that the subset is from, take them out of the tag file. `test` is the subset, for evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from training.datasets.dataset import Dataset, Item, Truth
from training.datasets.errors import DatasetError
from training.datasets.matrices import read_matrix
from training.datasets.numbered_frames import NumberedFrames, evenly, numbered
from wsvs_ros.perception.labels import LabelSet

CLASSES = ("aeroplane", "bird", "boat", "car", "cat", "cow", "dog", "horse", "motorbike", "train")
_OBJECT = 15  # masks are JPEGs: what is brighter is the object


class YouTubeObjects(Dataset):
    """YouTube-Objects: shots of ten classes, each video known by the class it was searched for."""

    name, labels = "youtube_objects", "youtube_objects10"
    splits = ("train", "test")
    source = "https://calvin-vision.net/datasets/youtube-objects-dataset (v2.2)"
    tags_from = "the class that each video was searched for; `background` is added"

    def check(self) -> None:
        self.known_split()
        if self.split == "test":
            self.need("youtube_masks", hint="the pixel-labelled subset of Jain and Grauman")
            self.need("v1", hint="the subset's frames are those of YouTube-Objects v1.0")
            return
        for name in CLASSES:
            self.need("Ranges", f"ranges_{name}.mat")
            self.need(name)

    def items(self) -> list[Item]:
        if self.split == "test":
            raise DatasetError("youtube_objects: test is the pixel-labelled subset, to evaluate on; learn from train")
        found = []
        for name in CLASSES:
            for unit, shot in self.shots(name):
                for path in (shot.path(shot.first), shot.path(shot.last)):
                    if not path.is_file():
                        raise self.missing(path, f"Ranges say that it belongs to {unit}")
                for number in evenly(shot.first, shot.last, self.per_shot):
                    recording = unit.rsplit("/", 1)[0]
                    found.append(Item(f"{unit}/{number:08d}", unit, shot.path(number), shot, number, recording))
        return found

    def shots(self, name: str) -> list[tuple[str, NumberedFrames]]:
        """The shots of a class by their names in tag files."""
        path = self.root / "Ranges" / f"ranges_{name}.mat"
        ranges = read_matrix(path, "ranges")
        if ranges.ndim != 2 or ranges.shape[0] != 3:
            raise DatasetError(f"{path}: ranges is {ranges.shape}, expected 3 x shots: first, last, video")
        return [
            (f"{name}/{video:04d}/{index:04d}", NumberedFrames(self.root / name, "{:08d}.jpg", first, last))
            for index, (first, last, video) in enumerate(ranges.T.astype(int).tolist(), 1)
        ]

    def boxes(self, name: str, part: Literal["Training", "Test"]) -> dict[int, np.ndarray]:
        """
        The boxes of a class, for co-localisation (MC 4.5); an annotation.

        :return: frame number -> (N, 4) float64: x0, y0, x1, y1 in pixels.
        """
        path = self.need("GroundTruth", name, f"bb_gt{part}_{name}.mat")
        entries = read_matrix(path, f"bb_gt{part}").ravel()
        return {
            int(str(np.squeeze(entry[0])).removeprefix(name)): np.asarray(entry[1], float).reshape(-1, 4)
            for entry in entries
        }

    def annotated_classes(self) -> Iterator[tuple[str, list[str]]]:
        for name in CLASSES:
            for unit, _ in self.shots(name):
                yield unit, ["background", name]

    def truths(self) -> Iterator[tuple[Item, Truth]]:
        labels = LabelSet.load(self.labels)
        masks = self.need("youtube_masks", hint="the pixel-labelled subset of Jain and Grauman")
        for path in sorted(masks.glob("*/data/*/shots/*/labels/*.jpg")):
            folder = path.parent.parent
            name, video, shot = folder.parts[-5], folder.parts[-3], folder.parts[-1]
            frames = self.root / "v1" / folder.relative_to(masks)
            number = int(path.stem)
            around = numbered(frames, "frame{:04d}.jpg") if frames.is_dir() else None
            if around is None or not around.path(number).is_file():
                raise self.missing(frames / f"frame{number:04d}.jpg", "the mask of that number has no frame")
            unit = f"{name}/{video}/{shot}"
            item = Item(f"{unit}/{number:05d}", unit, around.path(number), around, number)
            yield item, partial(_read_mask, path, labels.id_of(name))


def _read_mask(path: Path, label: int) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise DatasetError(f"{path}: not a readable mask")
    return np.where(image > _OBJECT, label, 0).astype(np.uint8)
