"""EM-Adapt: labels that each tagged class must have a share of (Papandreou et al., ICCV 2015; MC 4.3's baseline)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from training.config.cues import EmAdapt
from training.networks.marks import NONE


def em_adapt_labels(log_probabilities: Tensor, tags: Tensor, foreground: Sequence[int], settings: EmAdapt) -> Tensor:
    """
    The E-step: each cell's likeliest tagged class, but for the cells that a class takes to have its share.

    A class short of its share takes the cells where it is behind by least, from classes that have more than theirs;
    the background is served first. With one object and one background that is what the original's bias on a class's
    scores amounts to. With several objects that look alike to the network, biases outbid each other and end short of
    the shares; this does not.

    :param log_probabilities: (B, N, h, w) log softmax or scores.
    :param tags: (B, N) bool; classes without a tag cannot occur.
    :param foreground: ids of the classes that are objects.
    :param settings: see :func:`shares`; parts of a cell are left out.
    :return: (B, h, w) int64 class ids; NONE in an image without tags.
    """
    batch, classes, height, width = log_probabilities.shape
    scores = log_probabilities.detach().flatten(2).masked_fill(~tags[..., None], -torch.inf)
    least = shares(tags, foreground, settings)
    counts = (least * height * width + 1e-6).long()
    owners = scores.argmax(1)
    for index in sorted(range(classes), key=set(foreground).__contains__):
        if tags[:, index].any():
            owners = _take(owners, scores, index, counts)
    owners[~tags.any(1)] = NONE
    return owners.view(batch, height, width)


def shares(tags: Tensor, foreground: Sequence[int], settings: EmAdapt) -> Tensor:
    """
    The share of the cells that each class must have at least, with any number of tags.

    The background classes of an image share the background's part. Its objects have ``object_share`` each, or, where
    there are too many of them, an equal part of what the background leaves.

    :param tags: (B, N) bool.
    :param foreground: ids of the classes that are objects.
    :return: (B, N) float64; a row adds up to 1 at most.
    """
    is_object = torch.zeros(tags.shape[1], dtype=torch.bool, device=tags.device)
    is_object[list(foreground)] = True
    objects, backgrounds = tags & is_object, tags & ~is_object
    behind = backgrounds.any(1, keepdim=True) * settings.background_share
    each = ((1.0 - behind) / objects.sum(1, keepdim=True).clamp(min=1)).clamp(max=settings.object_share)
    return objects * each.double() + backgrounds * (behind / backgrounds.sum(1, keepdim=True).clamp(min=1)).double()


def _take(owners: Tensor, scores: Tensor, index: int, counts: Tensor) -> Tensor:
    """Give a class the cells that it lacks of its ``counts``, (B, N), out of what the others have beyond theirs."""
    owned = F.one_hot(owners, scores.shape[1])
    spare = owned.sum(1) - counts
    lacking = (-spare[:, index]).clamp(min=0)
    behind = scores.gather(1, owners[:, None])[:, 0] - scores[:, index]
    order = behind.argsort(dim=1, stable=True)
    ordered = owners.gather(1, order)
    # an owner gives away the cells that the class is least behind in, until it has none to spare
    rank = owned.gather(1, order[..., None].expand_as(owned)).cumsum(1).gather(2, ordered[..., None])[..., 0]
    given = (rank <= spare.gather(1, ordered)) & (ordered != index)
    taken = given & (given.cumsum(1) <= lacking[:, None])
    return owners.scatter(1, order, torch.where(taken, index, ordered))
