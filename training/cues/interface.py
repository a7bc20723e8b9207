"""What a cue is to all who use it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from training.config import Config
from training.datasets import Sample
from training.networks.losses import CueLoss
from training.running.pictures import labels_picture, sheet
from wsvs_ros.perception.labels import LabelSet


class Cue(ABC):
    """Something that tells where in a frame its tagged classes are. It has no state but what it keeps in caches."""

    by_shot = False
    """Whether all frames of a training batch are of one shot."""

    def check(self, config: Config) -> None:
        """
        Refuse what cannot be learnt from, before anything is computed.

        :raises ConfigError: naming the setting.
        """
        config.foreground_ids(LabelSet.load(config.labels))

    @abstractmethod
    def make_masks(self, config: Config, samples: Sequence[Sample], work: Path) -> Path | None:
        """
        Make what the cue says of all samples, or take it from an earlier run.

        :param work: holds the caches.
        :return: the folder; one ``<key>.npy`` a sample, (h, w) uint8 on any grid: class ids and
            :mod:`training.networks.marks`. A sample without a file is left out of training. None for a cue without
            masks.
        :raises WsvsError: if data or weights cannot be used.
        """

    @abstractmethod
    def loss(self, config: Config, tag_counts: Sequence[int] = ()) -> CueLoss:
        """
        What the network learns from the masks.

        :param tag_counts: of the training frames, those tagged with each class; without them, classes weigh alike.
        """

    def sheets(
        self, config: Config, samples: Sequence[Sample], chosen: Sequence[Sample], masks: Path, work: Path
    ) -> Iterator[np.ndarray]:
        """
        A picture of each chosen sample with what the cue says of it.

        :param samples: those that :meth:`make_masks` was asked for.
        :param masks: what it returned.
        :return: (H, W, 3) uint8 RGB.
        """
        label_set = LabelSet.load(config.labels)
        for sample in chosen:
            image, labels = sample.load_image(), np.load(masks / f"{sample.key}.npy")
            tags = ", ".join(name for name, present in zip(label_set.names, sample.tags, strict=True) if present)
            yield sheet([(tags, image), ("masks", labels_picture(image, labels, label_set))], columns=2)

    def fine_tuning(self, config: Config) -> Config | None:
        """The configuration of a second training, by the samples that the first has shown to be worth it; or None."""
        return None

    def worth_more(self, config: Config, samples: Sequence[Sample], masks: Path, checkpoint: Path) -> list[Sample]:
        """
        The samples of that second training.

        :param checkpoint: the first training's.
        """
        return list(samples)
