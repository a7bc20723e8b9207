"""
PASCAL VOC 2012, as its archive unpacks (ROOT is VOCdevkit/VOC2012)::

    ROOT/JPEGImages/2007_000032.jpg
    ROOT/ImageSets/Segmentation/train.txt           val.txt, trainval.txt, test.txt
    ROOT/SegmentationClass/2007_000032.png          for evaluation and training.tags: palette PNGs, 255 the border

A split is any list of that folder, so that the augmented training set (SBD, 10,582 images) is `trainaug` with::

    ROOT/ImageSets/Segmentation/trainaug.txt        a name a line, or DeepLab's pairs of paths
    ROOT/SegmentationClassAug/2008_000002.png       for training.tags; or SBD's own files:
    ROOT/sbd/cls/2008_000002.mat                    benchmark_RELEASE/dataset/cls
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from training.datasets.dataset import Dataset, Item, Truth, read_list
from training.datasets.errors import DatasetError
from training.datasets.matrices import read_matrix


class Voc(Dataset):
    """PASCAL VOC 2012 and its augmentation."""

    name, labels = "voc", "voc21"
    splits = ("train", "val", "trainval", "test", "trainaug")
    source = "http://host.robots.ox.ac.uk/pascal/VOC/voc2012 (VOCtrainval_11-May-2012.tar)"
    tags_from = "the classes of each image's segmentation (BP 4.1)"

    def check(self) -> None:
        hint = "ROOT is the folder VOC2012" if (self.root / "VOCdevkit").is_dir() else ""
        self.need("JPEGImages", hint=hint)
        self.need("ImageSets", "Segmentation", f"{self.split}.txt")

    def items(self) -> list[Item]:
        names = read_list(self.root / "ImageSets" / "Segmentation" / f"{self.split}.txt")
        return [Item(name, name, self.root / "JPEGImages" / f"{name}.jpg") for name in names]

    def truths(self) -> Iterator[tuple[Item, Truth]]:
        for item in self.items():
            yield item, partial(_read, self._segmentation(item.unit))

    def _segmentation(self, name: str) -> Path:
        """VOC's own is the more exact where an image has both."""
        places = ("SegmentationClass", ".png"), ("SegmentationClassAug", ".png"), ("sbd/cls", ".mat")
        for folder, suffix in places:
            path = self.root / folder / f"{name}{suffix}"
            if path.is_file():
                return path
        raise self.missing(self.root / "SegmentationClass" / f"{name}.png", "or in SegmentationClassAug or sbd/cls")


def _read(path: Path) -> np.ndarray:
    if path.suffix == ".mat":
        return np.asarray(read_matrix(path, "GTcls")[0, 0]["Segmentation"], np.uint8)
    from PIL import Image

    try:
        with Image.open(path) as image:  # OpenCV would turn the palette's indices into its colours
            if image.mode not in ("P", "L"):
                raise DatasetError(f"{path}: {image.mode} picture; VOC's segmentations are indexed PNGs")
            return np.array(image)
    except OSError as error:
        raise DatasetError(f"{path}: not a readable segmentation: {error}") from error
