"""
Cityscapes, as its archives unpack::

    ROOT/leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png
    ROOT/leftImg8bit_sequence/train/aachen/aachen_000000_000000_leftImg8bit.png ... _000029_...     for flow
    ROOT/gtFine/val/frankfurt/frankfurt_000000_000294_gtFine_labelIds.png       for evaluation and training.tags

An annotated frame is the 20th of a snippet of 30. Labels on disk are `label ids`; those of cityscapes19 are `train
ids`, and the test server wants label ids again (:func:`write_submission`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from training.datasets.dataset import Dataset, Item, Truth
from training.datasets.errors import DatasetError
from training.datasets.numbered_frames import NumberedFrames
from wsvs_ros.perception.label_maps import read_label_map
from wsvs_ros.perception.labels import UNKNOWN

_BEFORE, _AFTER = 19, 10  # frames of the snippet around the annotated one

LABEL_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
"""The label id of each train id, road to bicycle (cityscapesscripts/helpers/labels.py)."""

_TRAIN_IDS = np.full(256, UNKNOWN, np.uint8)
_TRAIN_IDS[list(LABEL_IDS)] = np.arange(len(LABEL_IDS))
_NAME = re.compile(r"([a-z-]+)_(\d{6})_(\d{6})_leftImg8bit\.png")


# of the benchmark (BF table 6); BF calls `flat` ground
_CATEGORIES = {
    "flat": ("road", "sidewalk"),
    "construction": ("building", "wall", "fence"),
    "object": ("pole", "traffic light", "traffic sign"),
    "nature": ("vegetation", "terrain"),
    "sky": ("sky",),
    "human": ("person", "rider"),
    "vehicle": ("car", "truck", "bus", "train", "motorcycle", "bicycle"),
}


class Cityscapes(Dataset):
    """Cityscapes' fine annotated frames and their snippets."""

    name, labels = "cityscapes", "cityscapes19"
    categories = _CATEGORIES
    splits = ("train", "val", "test")
    source = "https://www.cityscapes-dataset.com (leftImg8bit_trainvaltest.zip, gtFine_trainvaltest.zip)"
    tags_from = "the classes of each frame's fine annotation (gtFine, label ids)"

    def check(self) -> None:
        self.known_split()
        folder = self.need("leftImg8bit", self.split)
        if not any(folder.glob("*/*_leftImg8bit.png")):
            raise self.missing(folder / "CITY" / "CITY_000000_000019_leftImg8bit.png")

    def items(self) -> list[Item]:
        videos = self.root / "leftImg8bit_sequence" / self.split
        moving = videos.is_dir()
        found = []
        for path in sorted((self.root / "leftImg8bit" / self.split).glob("*/*_leftImg8bit.png")):
            match = _NAME.fullmatch(path.name)
            if not match:
                raise DatasetError(
                    f"{path}: a frame of Cityscapes has a name like aachen_000000_000019_leftImg8bit.png"
                )
            city, sequence, number = match[1], match[2], int(match[3])
            pattern = f"{city}_{sequence}_{{:06d}}_leftImg8bit.png"
            video = NumberedFrames(videos / city, pattern, max(0, number - _BEFORE), number + _AFTER)
            name = path.name.removesuffix("_leftImg8bit.png")
            found.append(Item(name, name, path, video if moving else None, number))
        return found

    def truths(self) -> Iterator[tuple[Item, Truth]]:
        if self.split == "test":
            raise DatasetError(
                "cityscapes: the labels of test are not public; `python -m training.submit` asks the server"
            )
        folder = self.need("gtFine", self.split)
        for item in self.items():
            path = folder / item.image.parent.name / f"{item.unit}_gtFine_labelIds.png"
            if not path.is_file():
                raise self.missing(path)
            yield item, partial(_read_truth, path)


def _read_truth(path: Path) -> np.ndarray:
    return _TRAIN_IDS[read_label_map(path)]


def write_submission(folder: Path, item: Item, labels: np.ndarray) -> Path:
    """
    Write a prediction as the test server wants it: a PNG of label ids, named as the frame.

    :param labels: (H, W) uint8 train ids, 1024 by 2048; no class becomes label id 0, `unlabeled`.
    :return: the file.
    :raises DatasetError: if a pixel has another id, or the file cannot be written.
    """
    if labels.dtype != np.uint8 or np.any((labels >= len(LABEL_IDS)) & (labels != UNKNOWN)):
        raise DatasetError(f"{item.unit}: not a map of the train ids 0 to {len(LABEL_IDS) - 1}")
    table = np.zeros(256, np.uint8)
    table[: len(LABEL_IDS)] = LABEL_IDS
    path = folder / f"{item.unit}_labelIds.png"
    if not cv2.imwrite(str(path), table[labels]):
        raise DatasetError(f"{path}: cannot be written")
    return path
