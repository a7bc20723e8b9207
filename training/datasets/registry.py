"""The public datasets by name."""

from __future__ import annotations

from pathlib import Path

from training.datasets.camvid import CamVid
from training.datasets.cityscapes import Cityscapes
from training.datasets.coco import Coco
from training.datasets.dataset import Dataset
from training.datasets.errors import DatasetError
from training.datasets.imagenet_vid import ImageNetVid
from training.datasets.voc import Voc
from training.datasets.youtube_objects import YouTubeObjects

DATASETS: dict[str, type[Dataset]] = {
    each.name: each for each in (CamVid, Cityscapes, YouTubeObjects, Voc, Coco, ImageNetVid)
}


def open_dataset(name: str, root: Path, split: str, *, per_shot: int = 8) -> Dataset:
    """
    Open a split of a dataset and check that its images are there.

    :raises DatasetError: if there is no dataset of that name, or something is missing.
    """
    if name not in DATASETS:
        raise DatasetError(f"dataset {name!r}: there are {', '.join(DATASETS)}")
    return DATASETS[name](root, split, per_shot=per_shot)
