"""What the network learns from each cue: masks and the network's answer in, a loss out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from training.config import Config
from training.losses import heatmap_loss

CueLoss = Callable[[Tensor, Tensor, Mapping[str, Tensor]], Tensor]
"""
From (B, N, h, w) log softmax, the (B, N, h, w) bool masks of the classes and the batch (see
:class:`training.datasets.training_set.WholeFrames`) to a scalar.
"""


def build_cue_loss(config: Config) -> CueLoss:
    """The loss of the configuration's cue."""

    def from_heatmaps(log_probabilities: Tensor, masks: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        return heatmap_loss(log_probabilities, masks, batch["tags"], area_power=config.losses.area_power)

    return from_heatmaps
