"""What the readers of public datasets have in common: items without annotations, a checked layout, their errors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from training.datasets.errors import DatasetError
from training.datasets.numbered_frames import NumberedFrames
from wsvs_ros.perception.labels import UNKNOWN, LabelSet

Truth = Callable[[], np.ndarray]
"""Reads a frame's (H, W) uint8 label map."""


@dataclass(frozen=True)
class Item:
    """
    A frame of a dataset. It holds no annotation.

    :param key: unique in the dataset, names the frame in caches.
    :param unit: what the tag file knows it by: its image, or the shot that it belongs to.
    :param image: its file.
    :param video: the video around it; None for a lone image.
    :param number: its number in the video.
    :param recording: what the video is a shot of, where several shots come from one recording.
    """

    key: str
    unit: str
    image: Path
    video: NumberedFrames | None = None
    number: int = 0
    recording: str = ""


class Dataset(ABC):
    """
    One split of a dataset on disk.

    Training asks for :meth:`items` and nothing else. :meth:`annotated_classes` is for ``training.tags`` alone, and
    :meth:`truths` for evaluation alone; both read annotations, which need not be there before.

    :param root: its folder.
    :param split: which part of it.
    :param per_shot: how many frames of a shot are items, evenly spread; of no account where images are annotated.
    :raises DatasetError: if something is missing, saying what and where it belongs.
    """

    name: ClassVar[str]
    labels: ClassVar[str]  # the label set of its annotations
    categories: ClassVar[Mapping[str, Sequence[str]]] = {}  # of its classes, where it has any
    splits: ClassVar[tuple[str, ...]]  # those that everyone uses
    source: ClassVar[str]  # where it is to be had
    tags_from: ClassVar[str]  # what annotated_classes reads

    def __init__(self, root: Path, split: str, *, per_shot: int = 8) -> None:
        self.root, self.split, self.per_shot = root, split, per_shot
        if not root.is_dir():
            raise self.missing(root)
        self.check()

    @abstractmethod
    def check(self) -> None:
        """
        Look whether the images of the split are there.

        :raises DatasetError: naming what is missing.
        """

    @abstractmethod
    def items(self) -> list[Item]:
        """The frames to learn from."""

    def annotated_classes(self) -> Iterator[tuple[str, Collection[str]]]:
        """
        The classes of each unit, by its annotations, as names of :attr:`labels`: those of its label map.

        :raises DatasetError: if annotations are missing.
        """
        names = LabelSet.load(self.labels).names
        for item, load in self.truths():
            yield item.unit, [names[index] for index in np.unique(load()) if index != UNKNOWN]

    def truths(self) -> Iterator[tuple[Item, Truth]]:
        """
        The frames with a label map, in ids of :attr:`labels`, 255 for none.

        :raises DatasetError: if there are none.
        """
        raise DatasetError(f"{self.name}: has no pixel labels to evaluate by")

    def missing(self, path: Path, hint: str = "") -> DatasetError:
        """The error for what is not there."""
        relative = f" below {self.root}" if path != self.root and path.is_relative_to(self.root) else ""
        shown = path.relative_to(self.root) if relative else path
        text = f"{self.name}: {shown} is missing{relative}; {hint or f'get it from {self.source}'}"
        return DatasetError(f"{text}; the layout is described in training/datasets/{self.name}.py")

    def need(self, *parts: str, hint: str = "") -> Path:
        """
        A path below the root.

        :raises DatasetError: if it does not exist.
        """
        path = self.root.joinpath(*parts)
        if not path.exists():
            raise self.missing(path, hint)
        return path

    def known_split(self) -> None:
        """
        Refuse a split that the dataset does not have.

        :raises DatasetError: naming those it has.
        """
        if self.split not in self.splits:
            raise DatasetError(f"{self.name}: split {self.split!r}: it has {', '.join(self.splits)}")


def read_list(path: Path) -> list[str]:
    """
    The images of a list file: the stem of the first name in each line, in the file's order.

    :raises DatasetError: if the file is unreadable or empty.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from error
    stems = [Path(line.split()[0]).stem for line in lines if line.strip()]
    if not stems:
        raise DatasetError(f"{path}: names no image")
    return list(dict.fromkeys(stems))


def lookup(source: LabelSet, target: LabelSet) -> np.ndarray:
    """
    The table that turns label maps of one label set into another's, by the classes' names.

    :return: (256,) uint8. A class that the target lacks is its `background` where it has one, as the papers
        evaluate on a part of the classes (MC 4.1), and unknown where it has none.
    """
    elsewhere = target.id_of("background") if "background" in target.names else UNKNOWN
    table = np.full(256, UNKNOWN, np.uint8)
    table[: len(source)] = [target.id_of(name) if name in target.names else elsewhere for name in source.names]
    return table
