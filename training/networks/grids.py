"""Where cells lie: maps of one stride laid over another grid, exactly, whatever the image's size.

A map's cell is a square of the image: cell i of stride s covers the pixels from i * s up to (i + 1) * s, and the last
one may reach over the image's end. So maps are laid over one another by their strides, never by the ratio of their
shapes.
"""

from __future__ import annotations

import torch
from torch import Tensor


def cells(length: int, stride: int) -> int:
    """How many cells cover a length of pixels."""
    return -(-length // stride)


def lay_over(maps: Tensor, *, stride: float, size: tuple[int, int], pixel: float = 1.0, late: float = 0.0) -> Tensor:
    """
    Interpolate maps bilinearly between the centres of their cells.

    :param maps: (..., h, w) float.
    :param stride: side of their cells.
    :param size: height and width of the grid that they are laid over.
    :param pixel: side of that grid's cells, in the same unit as `stride`.
    :param late: how far behind the middles of their squares the maps' cells lie, in that unit.
    :return: (..., *size); beyond the outermost centres the maps go on as they end.
    """
    rows = _weights(maps.shape[-2], size[0], pixel / stride, late / stride).to(maps)
    columns = _weights(maps.shape[-1], size[1], pixel / stride, late / stride).to(maps)
    return rows @ maps @ columns.T


def look_up(ids: Tensor, *, stride: float, size: tuple[int, int], pixel: float = 1.0) -> Tensor:
    """
    What :func:`lay_over` is for scores, for ids: those of the cells that hold the centres of the grid's.

    :param ids: (h, w).
    :return: `size`.
    """
    rows, columns = (
        ((torch.arange(count) + 0.5) * (pixel / stride)).long().clamp(max=known - 1)
        for count, known in zip(size, ids.shape, strict=True)
    )
    return ids[rows][:, columns]


def _weights(known: int, count: int, ratio: float, late: float) -> Tensor:
    """(count, known) float32: how much each cell of an axis has in each of the grid's."""
    place = ((torch.arange(count, dtype=torch.float64) + 0.5) * ratio - late - 0.5).clamp(0, known - 1)
    first = place.long().clamp(max=max(known - 2, 0))
    share = place - first
    weights = torch.zeros(count, known, dtype=torch.float64)
    at = torch.arange(count)
    weights[at, first] += 1 - share
    weights[at, (first + 1).clamp(max=known - 1)] += share
    return weights.float()
