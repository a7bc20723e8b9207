"""Masks that are built into a classifier: what its deep layers fire at is an object (BP 3.1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from training.cues.regions import find_regions
from training.networks.backbones import Backbone
from training.networks.grids import cells, lay_over
from training.networks.marks import BACKGROUND, FOREGROUND
from training.networks.two_stream import STRIDE
from wsvs_ros.perception.crf import CrfSettings
from wsvs_ros.perception.crf.mean_field import DenseCrf

_REDUCTION = 2  # the CRF works on half the image


@torch.no_grad()
def foreground_probability(backbone: Backbone, image: np.ndarray) -> Tensor:
    """
    How much the two deepest blocks fire at each place, whatever they take it for (BP 3.1.1).

    BP adds the two means up as they are; here each is divided by its maximum first, so that neither drowns the other
    in whatever network. The blocks end where the stride grows: with VGG-16 they are the fourth and the fifth, as in the
    paper, with MobileNetV2 those of strides 16 and 32. Its bottlenecks are linear, so magnitudes are averaged; after
    VGG's ReLU they are the activations themselves.

    :param backbone: an ImageNet classifier's layers.
    :param image: (H, W, 3) uint8 RGB.
    :return: (h, w) float32 in [0, 1], on the grid of the network's scores; 0.5 where an image has no structure at all.
    """
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (backbone.mean, backbone.std))
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float()
    maps = backbone.features((pixels - mean) / std)
    grid = (cells(image.shape[0], STRIDE), cells(image.shape[1], STRIDE))
    fine, coarse = (
        lay_over(maps[stride][0].abs().mean(0), stride=stride, size=grid, pixel=STRIDE, late=backbone.late(stride))
        for stride in sorted(maps)[-2:]
    )
    fused = fine / fine.max().clamp(min=1e-12) + coarse / coarse.max().clamp(min=1e-12)
    low, high = fused.min(), fused.max()
    return (fused - low) / (high - low) if high > low else torch.full_like(fused, 0.5)


def multi_class_maps(cams: Tensor, foreground: Tensor, *, alpha: float, threshold: float) -> Tensor:
    """
    Class activation maps and the foreground probability in one (BP eq. 2-5).

    :param cams: (C, h, w) in [0, 1], the maps M_c of the classes that the image shows.
    :param foreground: (h, w) in [0, 1], P_f.
    :param alpha: share of the foreground probability; 0 leaves the class activation maps alone.
    :param threshold: what exceeds this share of a map's maximum is B_c.
    :return: (1 + C, h, w) in [0, 1]: P_0 of the background, then P_c of each class.
    """
    inside = (cams > threshold * cams.amax((1, 2), keepdim=True)).to(cams.dtype)
    truncated = foreground * inside  # eq. 2
    classes = alpha * truncated + (1 - alpha) * cams  # eq. 3
    elsewhere = 1 - cams.mean(0) if len(cams) else torch.ones_like(foreground)  # eq. 4
    background = alpha * (1 - foreground) + (1 - alpha) * elsewhere  # eq. 5
    return torch.cat([background[None], classes])


@torch.no_grad()
def smooth(maps: Tensor, image: np.ndarray, crf: CrfSettings, *, regions: bool) -> Tensor:
    """
    The likeliest map of each pixel by a fully-connected CRF whose regions want one label (BP eq. 6-8).

    :param maps: (K, H / 2, W / 2) in [0, 1]; the unaries are those of eq. 7.
    :param image: (H, W, 3) uint8 RGB.
    :param crf: for the image's full size.
    :param regions: with the higher-order term; the regions are Felzenszwalb's.
    :return: (H / 2, W / 2) int64, 0 to K - 1.
    """
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float()
    small = F.interpolate(pixels, size=maps.shape[1:], mode="area")
    found = None
    if regions:
        found = torch.from_numpy(find_regions(small[0].permute(1, 2, 0).byte().numpy()))[None]
    marginals = DenseCrf(small, crf.scaled(1 / _REDUCTION), found).infer(maps[None].softmax(1))
    return marginals[0].argmax(0)


def foreground_labels(foreground: Tensor, image: np.ndarray, crf: CrfSettings, *, regions: bool) -> np.ndarray:
    """
    The foreground mask (BP 3.1.1, 3.1.3).

    :param foreground: (h, w) in [0, 1], P_f, on the grid of the network's scores.
    :return: (H / 2, W / 2) uint8 marks, see :mod:`training.networks.marks`.
    """
    labels = smooth(_enlarge(torch.stack([1 - foreground, foreground]), image), image, crf, regions=regions)
    return torch.where(labels == 1, FOREGROUND, BACKGROUND).to(torch.uint8).numpy()


def class_labels(
    maps: Tensor, classes: Sequence[int], image: np.ndarray, crf: CrfSettings, *, regions: bool
) -> np.ndarray:
    """
    The multi-class masks (BP 3.1.2, 3.1.3).

    :param maps: (1 + C, h, w) on the grid of the network's scores, see :func:`multi_class_maps`.
    :param classes: ids of the C classes.
    :return: (H / 2, W / 2) uint8 class ids and :data:`training.networks.marks.BACKGROUND`.
    """
    table = torch.tensor([BACKGROUND, *classes], dtype=torch.uint8)
    labels: np.ndarray = table[smooth(_enlarge(maps, image), image, crf, regions=regions)].numpy()
    return labels


def _enlarge(maps: Tensor, image: np.ndarray) -> Tensor:
    size = (image.shape[0] // _REDUCTION, image.shape[1] // _REDUCTION)
    return lay_over(maps, stride=STRIDE, size=size, pixel=_REDUCTION)
