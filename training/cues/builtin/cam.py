"""The localisation network: a classifier whose class activation maps say where it looks (BP 3.1.2, 4.2.2)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.networks.backbones import Backbone
from training.networks.grids import cells, lay_over
from training.networks.two_stream import STRIDE

_STRIDE = 16  # of the backbone's last features


class LocalisationNet(nn.Module):
    """
    A backbone, two new convolutions, global average pooling and one linear layer (BP 4.2.2).

    :param backbone: an ImageNet classifier's layers, up to stride 16.
    :param classes: number of classes C that it tells.
    :param width: channels of the new convolutions.
    """

    def __init__(self, backbone: Backbone, *, classes: int, width: int = 512) -> None:
        super().__init__()
        self.backbone = backbone
        self.register_buffer("mean", torch.tensor(backbone.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(backbone.std).view(1, 3, 1, 1), persistent=False)
        self.localise = nn.Sequential(
            nn.Conv2d(backbone.channels_at(_STRIDE), width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
        )
        self.classify = nn.Linear(width, classes)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) RGB 0..255 -> (B, C) class scores before the sigmoid."""
        scores: Tensor = self.classify(self._features(image).mean((2, 3)))
        return scores

    def activation_maps(self, image: Tensor) -> Tensor:
        """
        Where each class's score comes from (BP eq. 1).

        :param image: (B, 3, H, W) RGB, 0..255.
        :return: (B, C, h, w); their mean over the map is the class's score without the bias.
        """
        return F.conv2d(self._features(image), self.classify.weight[:, :, None, None])

    def _features(self, image: Tensor) -> Tensor:
        features: Tensor = self.localise(self.backbone.features((image - self.mean) / self.std)[_STRIDE])
        return features


@torch.no_grad()
def class_activation_maps(network: LocalisationNet, image: np.ndarray, classes: Tensor) -> Tensor:
    """
    The maps of the classes that an image shows, as shares of their maxima: BP's fusion takes them as probabilities.

    :param network: in evaluation mode.
    :param image: (H, W, 3) uint8 RGB.
    :param classes: (C',) int64, which of the network's classes.
    :return: (C', h, w) float32 in [0, 1], on the grid of the network's scores; what speaks against a class is 0.
    """
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float()
    size = (cells(image.shape[0], STRIDE), cells(image.shape[1], STRIDE))
    raw = network.activation_maps(pixels)[0][classes].clamp(min=0)
    maps = lay_over(raw, stride=_STRIDE, size=size, pixel=STRIDE, late=network.backbone.late(_STRIDE))
    return maps / maps.amax((1, 2), keepdim=True).clamp(min=1e-6)


def balanced_cross_entropy(scores: Tensor, tags: Tensor, frequency: Tensor) -> Tensor:
    """
    Cross entropy of each class on its own, in which those who show it and those who do not weigh alike.

    Most frames of a drive show the same classes; unbalanced, the classifier would only learn that.

    :param scores: (B, C) before the sigmoid.
    :param tags: (B, C) bool.
    :param frequency: (C,) the share of the training frames that show each class.
    :return: scalar. A class that all frames show, or none, teaches nothing.
    """
    known = (frequency > 0) & (frequency < 1)
    share = torch.where(tags, frequency, 1 - frequency)
    weight = torch.where(known, 0.5 / share.clamp(min=1e-6), torch.zeros_like(share))
    losses = F.binary_cross_entropy_with_logits(scores, tags.to(scores.dtype), weight=weight, reduction="sum")
    return losses / (len(scores) * known.sum().clamp(min=1))
