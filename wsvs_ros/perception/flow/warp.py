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


def shrink(images: Tensor, size: tuple[int, int]) -> Tensor:
    """
    Average images over the areas of larger pixels; a pixel on an edge counts for its share, as in OpenCV's INTER_AREA.

    (`interpolate` counts such a pixel in full, in both areas, which bends an image whose size does not divide.)

    :param images: (B, C, H, W) float32.
    :param size: height and width to reach, no larger.
    """
    if images.shape[2:] == size:
        return images
    along_y, along_x = (_shares(old, new, images.device) for old, new in zip(images.shape[2:], size, strict=True))
    return along_y @ images @ along_x.T


def _shares(old: int, new: int, device: torch.device) -> Tensor:
    """(new, old): how much each old pixel is of each new one."""
    ratio = old / new
    first = ratio * torch.arange(new, device=device)[:, None]
    place = torch.arange(old, device=device)
    return (torch.minimum(first + ratio, place + 1) - torch.maximum(first, place)).clamp(min=0) / ratio
