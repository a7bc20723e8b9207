"""Masks of classes as one label map, and the two marks for what a cue cannot tell apart."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

NONE = 255
"""No class has the cell."""
BACKGROUND = 254
"""One of the image's background classes has it."""
FOREGROUND = 253
"""One of the image's objects has it."""


def class_masks(labels: Tensor, classes: int, foreground: Sequence[int] = ()) -> Tensor:
    """
    The mask of each class.

    :param labels: (B, h, w) int64: class ids, :data:`NONE`, :data:`BACKGROUND` or :data:`FOREGROUND`.
    :param classes: number of classes N.
    :param foreground: ids of the classes that are objects; the others share :data:`BACKGROUND`.
    :return: (B, N, h, w) bool. Masks overlap where a cell is marked for several classes.
    """
    masks = F.one_hot(labels.clamp(max=classes), classes + 1)[..., :-1].permute(0, 3, 1, 2).bool()
    if foreground:
        is_object = torch.zeros(classes, dtype=torch.bool, device=labels.device)
        is_object[list(foreground)] = True
        marked = torch.where(is_object[None, :, None, None], FOREGROUND, BACKGROUND) == labels[:, None]
        masks = masks | marked
    return masks
