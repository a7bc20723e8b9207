"""Images and label maps on torch tensors, as OpenCV makes them on arrays."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


class Resize:
    """
    Brings images of one size to another, as `preprocess.resize_image` does, to a level of gray.

    :param source: width and height of the images.
    :param target: width and height to reach.
    :param device: where they lie.
    """

    def __init__(self, source: tuple[int, int], target: tuple[int, int], device: torch.device) -> None:
        self._same = source == target
        area = source[0] >= target[0] and source[1] >= target[1]
        self._columns = _taps(source[0], target[0], area, device)
        self._rows = _taps(source[1], target[1], area, device)

    def __call__(self, images: Tensor) -> Tensor:
        """(B, C, H, W) uint8 -> (B, C, h, w) uint8."""
        if self._same:
            return images
        indices, weights = self._rows
        rows = (images[:, :, indices].float() * weights[:, :, None]).sum(3)
        indices, weights = self._columns
        # halves are rounded up, as OpenCV does it
        return (rows[..., indices] * weights).sum(4).add_(0.5).clamp_(0, 255).to(torch.uint8)


def _taps(source: int, target: int, area: bool, device: torch.device) -> tuple[Tensor, Tensor]:
    """Which source pixels make a target pixel, and by what weights: two (target, taps) tensors."""
    scale = source / target
    places = torch.arange(target, dtype=torch.float64)[:, None]
    if area:
        begin, end = places * scale, (places + 1) * scale
        indices = begin.floor() + torch.arange(math.ceil(scale) + 1)
        weights = (torch.minimum(indices + 1, end) - torch.maximum(indices, begin)).clamp(min=0) / scale
    else:
        centre = ((places + 0.5) * scale - 0.5).clamp(0, source - 1)
        indices = centre.floor() + torch.arange(2)
        weights = 1 - (centre - indices).abs()
    return indices.clamp(max=source - 1).long().to(device), weights.float().to(device)


def gray(images: Tensor) -> Tensor:
    """(B, 1, H, W) uint8 gray of (B, 3, H, W) uint8 RGB, by OpenCV's weights."""
    # as numbers, which go along with the launches: a tensor of them would be an upload that the host waits for
    red, green, blue = images.float().split(1, 1)
    return (0.299 * red + 0.587 * green + 0.114 * blue).round_().to(torch.uint8)


def label_maps(scores: Tensor, working_size: tuple[int, int], camera_size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """
    Label map and confidence at the camera's resolution, as `postprocess.to_camera` makes them.

    :param scores: (1, N, h, w) float32.
    :param working_size: the bundle's width and height.
    :param camera_size: the frame's width and height.
    :return: labels (H, W) uint8 and confidence (H, W) float32.
    """
    small = camera_size[0] <= working_size[0] and camera_size[1] <= working_size[1]
    width, height = camera_size if small else working_size
    enlarged = F.interpolate(scores, size=(height, width), mode="bilinear", align_corners=False)
    confidence, labels = enlarged[0].max(0)
    return enlarge(labels.to(torch.uint8), camera_size), enlarge(confidence, camera_size)


def enlarge(plane: Tensor, size: tuple[int, int]) -> Tensor:
    """A plane (h, w) of any dtype at width and height `size`, each pixel the nearest one."""
    if plane.shape == size[::-1]:
        return plane
    rows, columns = (
        (2 * torch.arange(target, device=plane.device) + 1) * source // (2 * target)
        for source, target in zip(plane.shape, size[::-1], strict=True)
    )
    return plane[rows[:, None], columns]
