"""The face of the cues builtin, cam and multi_class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from training.config import Config
from training.cues.builtin.masks import make_builtin_masks
from training.cues.interface import Cue
from training.datasets import Sample
from training.networks.losses import CueLoss, mask_loss
from wsvs_ros.perception.labels import LabelSet


class BuiltinCue(Cue):
    """
    Masks from what a classifier fires at (BP 3.1).

    :param shared: all objects share one mask, and all background classes another; else each object has its own.
    """

    def __init__(self, *, shared: bool) -> None:
        self._shared = shared

    def make_masks(self, config: Config, samples: Sequence[Sample], work: Path) -> Path:
        """Masks of the foreground, or of each object class."""
        return make_builtin_masks(config, samples, work)

    def loss(self, config: Config, tag_counts: Sequence[int] = ()) -> CueLoss:
        """BP eq. 12 where objects share one mask, eq. 15 where each has its own."""
        label_set = LabelSet.load(config.labels)
        is_object = torch.zeros(len(label_set), dtype=torch.bool)
        is_object[list(config.foreground_ids(label_set))] = True

        def loss(log_probabilities: Tensor, masks: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
            apart = is_object.to(masks.device) if self._shared else None
            return mask_loss(log_probabilities.exp(), masks, batch["tags"], apart, r=config.losses.lse_r)

        return loss
