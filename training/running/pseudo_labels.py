"""Pseudo-labels: what a trained network sees in its own training frames, made better by what it does not know.

A network smooths over the noise of the heatmaps that it learnt from. Its predictions, averaged over scales and mirror
images, restricted to the frame's tags and refined along the image's edges by a fully-connected CRF, are better masks
for the next network than the heatmaps' own. No label enters: tags are all that is known.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from training.networks.grids import lay_over
from training.networks.two_stream import STRIDE, TwoStreamNet
from wsvs_ros.perception.crf import CrfSettings
from wsvs_ros.perception.crf.mean_field import DenseCrf

_REDUCTION = 2  # the CRF works on half the image


@torch.no_grad()
def pseudo_labels(
    network: TwoStreamNet,
    image: np.ndarray,
    flow: np.ndarray,
    tags: np.ndarray,
    *,
    scales: Sequence[float],
    crf: CrfSettings,
    confidence: float,
) -> np.ndarray:
    """
    Label a training frame.

    :param network: the teacher, in evaluation mode.
    :param image: (H, W, 3) uint8 RGB.
    :param flow: (2L, H, W) float32 stack; zero where there is none.
    :param tags: (N,) bool; classes without a tag cannot occur.
    :param scales: enlargements at which the teacher looks; each also mirrored.
    :param crf: for the image's full size.
    :param confidence: cells whose best class is less likely than this get none.
    :return: (ceil(H / 8), ceil(W / 8)) uint8 class ids, 255 for none: the grid of the network's scores.
    """
    height, width = image.shape[:2]
    pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None].float()
    size = (height // _REDUCTION, width // _REDUCTION)
    seen = sum(_predict(network, pixels, torch.from_numpy(flow)[None], scale, size) for scale in scales)
    assert isinstance(seen, Tensor)
    possible = seen * torch.from_numpy(tags)[None, :, None, None] + 1e-8
    small = F.interpolate(pixels, size=size, mode="area")
    refined = DenseCrf(small, crf.scaled(1 / _REDUCTION)).infer(possible / possible.sum(1, keepdim=True))
    pooled = F.avg_pool2d(refined.contiguous(), STRIDE // _REDUCTION, ceil_mode=True, count_include_pad=False)
    likely, labels = pooled[0].max(0)
    return torch.where(likely < confidence, 255, labels).to(torch.uint8).numpy()


def _predict(network: TwoStreamNet, image: Tensor, flow: Tensor, scale: float, size: tuple[int, int]) -> Tensor:
    """(1, N, *size) probabilities of the image and its mirror image, added up."""
    if scale != 1:
        scaled = (round(image.shape[2] * scale), round(image.shape[3] * scale))
        image = F.interpolate(image, size=scaled, mode="bilinear", antialias=True)
        flow = F.interpolate(flow, size=scaled, mode="bilinear") * scale  # vectors grow with the image
    mirrored = flow.flip(3)
    mirrored[:, 0::2] *= -1
    over = -image.shape[3] % STRIDE  # where the last cell is not whole, a mirror image's cells would lie off the others
    image_back = F.pad(image, (0, over, 0, 0), mode="replicate").flip(3)
    both = network(image, flow).softmax(1) + network(image_back, F.pad(mirrored, (over, 0))).softmax(1).flip(3)
    return lay_over(both, stride=STRIDE / scale, size=size, pixel=_REDUCTION)
