"""
COCO 2014 or 2017, as its archives unpack::

    ROOT/train2014/COCO_train2014_000000000009.jpg      val2014/, train2017/000000000009.jpg, ... likewise
    ROOT/annotations/instances_val2014.json             for evaluation and training.tags

A split is the name of a folder of images. Where instances overlap, a pixel belongs to the smallest (BP 4.1).
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from training.datasets.dataset import Dataset, Item, Truth
from training.datasets.errors import DatasetError
from wsvs_ros.perception.labels import LabelSet


class Coco(Dataset):
    """COCO's 80 classes of things."""

    name, labels = "coco", "coco81"
    splits = ("train2014", "val2014", "train2017", "val2017", "test2017")
    source = "https://cocodataset.org (images and `annotations_trainval`)"
    tags_from = "the categories of each image's instances; `background` is added"

    def check(self) -> None:
        folder = self.need(self.split)
        if not any(folder.glob("*.jpg")):
            raise self.missing(folder / "*.jpg")

    def items(self) -> list[Item]:
        return [Item(path.stem, path.stem, path) for path in sorted((self.root / self.split).glob("*.jpg"))]

    def annotated_classes(self) -> Iterator[tuple[str, list[str]]]:
        coco = self._annotations()
        names = {category["id"]: category["name"] for category in coco.dataset["categories"]}
        for index, image in coco.imgs.items():
            shown = {names[each["category_id"]] for each in coco.imgToAnns.get(index, [])}
            yield Path(image["file_name"]).stem, ["background", *sorted(shown)]

    def truths(self) -> Iterator[tuple[Item, Truth]]:
        coco = self._annotations()
        label_set = LabelSet.load(self.labels)
        ids = {category["id"]: label_set.id_of(category["name"]) for category in coco.dataset["categories"]}
        for index, image in coco.imgs.items():
            path = self.root / self.split / image["file_name"]
            item = Item(path.stem, path.stem, path)
            yield item, partial(_paint, coco, coco.imgToAnns.get(index, []), ids, (image["height"], image["width"]))

    def _annotations(self) -> Any:
        from pycocotools.coco import COCO

        path = self.need("annotations", f"instances_{self.split}.json")
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # it talks
                return COCO(str(path))
        except (ValueError, KeyError, AssertionError) as error:
            raise DatasetError(f"{path}: not COCO's instances: {error!r}") from error


def _paint(coco: Any, annotations: list[dict[str, Any]], ids: dict[int, int], size: tuple[int, int]) -> np.ndarray:
    """The largest first, so that the smallest stays on top."""
    labels = np.zeros(size, np.uint8)
    for annotation in sorted(annotations, key=lambda each: float(each["area"]), reverse=True):
        labels[coco.annToMask(annotation).astype(bool)] = ids[annotation["category_id"]]
    return labels
