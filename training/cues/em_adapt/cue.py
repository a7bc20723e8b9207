"""The face of the cue em_adapt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from training.config import Config
from training.cues.em_adapt.labels import em_adapt_labels
from training.cues.interface import Cue
from training.datasets import Sample
from training.networks.losses import CueLoss, label_loss
from wsvs_ros.perception.labels import LabelSet


class EmAdaptCue(Cue):
    """The network's own answer, in which each tagged class has its share."""

    def make_masks(self, config: Config, samples: Sequence[Sample], work: Path) -> None:
        """None: there is nothing to be made before the network answers."""

    def loss(self, config: Config, tag_counts: Sequence[int] = ()) -> CueLoss:
        """The cross entropy with EM-Adapt's labels."""
        label_set = LabelSet.load(config.labels)
        foreground, alike = config.foreground_ids(label_set), torch.ones(len(label_set))

        def loss(log_probabilities: Tensor, _masks: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
            labels = em_adapt_labels(log_probabilities, batch["tags"], foreground, config.em_adapt)
            return label_loss(log_probabilities, labels, alike)

        return loss
