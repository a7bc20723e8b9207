"""Looking images up where the flow points, and flow at other resolutions."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def warp(images: Tensor, flow: Tensor, mode: str = "bilinear") -> Tensor:
    """
    The later frame as the earlier one sees it.

    :param images: (B, C, H, W) float32, the later frames; beyond the border they go on as their border.
    :param flow: (B, 2, H, W) float32 pixels, from the earlier to the later frame.
    :param mode: `bilinear` or `bicubic`.
    :return: (B, C, H, W).
    """
    height, width = images.shape[2:]
    x = torch.arange(width, device=flow.device) + flow[:, 0]
    y = torch.arange(height, device=flow.device)[:, None] + flow[:, 1]
    return sample(images, x, y, mode)


def sample(images: Tensor, x: Tensor, y: Tensor, mode: str = "bilinear") -> Tensor:
    """
    Interpolate images at places in pixels.

    :param images: (B, C, H, W) float32.
    :param x: (B, h, w) float32 columns.
    :param y: (B, h, w) float32 rows.
    :return: (B, C, h, w).
    """
    height, width = images.shape[2:]
    # grid_sample counts from -1 to 1, from the first pixel's left edge to the last one's right edge
    grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], -1)
    return F.grid_sample(images, grid, mode=mode, padding_mode="border", align_corners=False)


def resize_flow(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """
    A field at another resolution; the vectors grow with the image.

    :param flow: (B, 2, H, W) float32 pixels.
    :param size: height and width to reach.
    """
    height, width = flow.shape[2:]
    if (height, width) == size:
        return flow
    u, v = F.interpolate(flow, size=size, mode="bilinear", align_corners=False).split(1, 1)
    return torch.cat([u * (size[1] / width), v * (size[0] / height)], 1)
