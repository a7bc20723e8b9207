"""What the network learns from each cue: masks and the network's answer in, a loss out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from training.config import Config
from training.cues.em_adapt import em_adapt_labels
from training.cues.motion.label_prediction import predict_labels
from training.networks.losses import balance, heatmap_loss, label_loss, mask_loss
from wsvs_ros.perception.labels import LabelSet

CueLoss = Callable[[Tensor, Tensor, Mapping[str, Tensor]], Tensor]
"""
From (B, N, h, w) log softmax, the (B, N, h, w) bool masks of the classes and the batch (see
:class:`training.datasets.training_set.WholeFrames`) to a scalar.
"""


def build_cue_loss(config: Config, tag_counts: Sequence[int] = ()) -> CueLoss:
    """
    The loss of the configuration's cue.

    :param tag_counts: of the training frames, those tagged with each class; without them, classes weigh alike.
    """

    def from_heatmaps(log_probabilities: Tensor, masks: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        return heatmap_loss(log_probabilities, masks, batch["tags"], area_power=config.losses.area_power)

    if config.cue in ("builtin", "cam", "multi_class"):
        return _from_masks(config)
    if config.cue == "em_adapt":
        return _from_em_adapt(config)
    if config.cue == "motion":
        return _from_motion(config, tag_counts)
    return from_heatmaps


def _from_masks(config: Config) -> CueLoss:
    """BP eq. 12 where objects share one mask, eq. 15 where each has its own."""
    label_set = LabelSet.load(config.labels)
    is_object = torch.zeros(len(label_set), dtype=torch.bool)
    is_object[list(config.foreground_ids(label_set))] = True
    shared = config.cue == "builtin"

    def loss(log_probabilities: Tensor, masks: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        apart = is_object.to(masks.device) if shared else None
        return mask_loss(log_probabilities.exp(), masks, batch["tags"], apart, r=config.losses.lse_r)

    return loss


def _from_em_adapt(config: Config) -> CueLoss:
    label_set = LabelSet.load(config.labels)
    foreground, alike = config.foreground_ids(label_set), torch.ones(len(label_set))

    def loss(log_probabilities: Tensor, _masks: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        labels = em_adapt_labels(log_probabilities, batch["tags"], foreground, **config.em_adapt.model_dump())
        return label_loss(log_probabilities, labels, alike)

    return loss


def _from_motion(config: Config, tag_counts: Sequence[int]) -> CueLoss:
    label_set = LabelSet.load(config.labels)
    foreground = config.foreground_ids(label_set)
    weights = balance(tag_counts or [1] * len(label_set), foreground)

    def loss(log_probabilities: Tensor, _masks: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        predicted = predict_labels(
            log_probabilities.detach(),
            F.interpolate(batch["image"].float(), size=log_probabilities.shape[2:], mode="area"),
            batch["labels"],
            batch["tags"],
            foreground=foreground,
            shots=batch["shot"],
            frames=batch["frame"],
            settings=config.motion,
            shares=config.em_adapt,
        )
        return label_loss(log_probabilities, predicted.labels, weights)

    return loss
