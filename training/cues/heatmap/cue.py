"""The face of the heatmap cue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from training.config import Config
from training.cues.heatmap.evidence import Heatmaps
from training.cues.heatmap.masks import make_masks
from training.cues.interface import Cue
from training.datasets import Sample
from training.networks.losses import CueLoss, heatmap_loss
from training.running.pictures import heatmap_sheet
from wsvs_ros.perception.labels import LabelSet


class HeatmapCue(Cue):
    """Classifiers of foreground and background classes (BF 3.1)."""

    def check(self, config: Config) -> None:
        """Heatmaps tell all classes apart: none of them has to be named as an object."""

    def make_masks(self, config: Config, samples: Sequence[Sample], work: Path) -> Path:
        """The binary masks B_k."""
        return make_masks(config, samples, work)

    def loss(self, config: Config, tag_counts: Sequence[int] = ()) -> CueLoss:
        """BF eq. 4."""

        def loss(log_probabilities: Tensor, masks: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
            return heatmap_loss(log_probabilities, masks, batch["tags"], area_power=config.losses.area_power)

        return loss

    def sheets(
        self, config: Config, samples: Sequence[Sample], chosen: Sequence[Sample], masks: Path, work: Path
    ) -> Iterator[np.ndarray]:
        """With the heatmap of each tagged class."""
        heatmaps, label_set = Heatmaps(config, samples, work), LabelSet.load(config.labels)
        heatmaps.make()
        for sample in chosen:
            labels = np.load(masks / f"{sample.key}.npy")
            found = heatmaps.of(sample).heatmaps.numpy()
            yield heatmap_sheet(sample.load_image(), labels, found, sample.tags, label_set)
