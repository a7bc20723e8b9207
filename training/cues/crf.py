"""Heatmaps aligned with image boundaries by a fully-connected CRF, before they become masks."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from wsvs_ros.errors import WsvsError

_GRID = 4  # pixels per cell of the refined maps


def refine(heatmaps: Tensor, image: np.ndarray, *, iterations: int = 5) -> Tensor:
    """
    Mean-field inference with the parameters of Krähenbühl and Koltun's example.

    :param heatmaps: (N, h, w) non-negative, at any grid.
    :param image: (H, W, 3) uint8 RGB.
    :return: (N, ceil(H / 4), ceil(W / 4)) float32 probabilities; classes that are zero everywhere stay zero.
    :raises WsvsError: if pydensecrf2 is not installed.
    """
    try:
        import pydensecrf.densecrf as dcrf
    except ImportError as error:
        raise WsvsError(
            "pydensecrf2 is not installed: pip install 'wsvs_ros[crf]' (it needs a C++ compiler), "
            "or set heatmaps.crf=false"
        ) from error
    height, width = (-(-side // _GRID) for side in image.shape[:2])
    small = np.ascontiguousarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))
    alive = torch.nonzero(heatmaps.flatten(1).amax(1) > 0).flatten()
    maps = np.stack([cv2.resize(heatmaps[k].numpy(), (width, height)) for k in alive.tolist()])
    probabilities = (maps + 1e-4) / (maps + 1e-4).sum(0)
    crf = dcrf.DenseCRF2D(width, height, len(maps))
    crf.setUnaryEnergy(np.ascontiguousarray(-np.log(probabilities).reshape(len(maps), -1), np.float32))
    crf.addPairwiseGaussian(sxy=3 / _GRID, compat=3)
    crf.addPairwiseBilateral(sxy=80 / _GRID, srgb=13, rgbim=small, compat=10)
    refined = np.asarray(crf.inference(iterations), np.float32).reshape(len(maps), height, width)
    out = torch.zeros(len(heatmaps), height, width)
    out[alive] = torch.from_numpy(refined)
    return out
