"""Losses that learn from tags and heatmaps, each named by its equation in the paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

CueLoss = Callable[[Tensor, Tensor, Mapping[str, Tensor]], Tensor]
"""
A cue's loss: from (B, N, h, w) log softmax, the (B, N, h, w) bool masks of the classes and the batch (see
:class:`training.datasets.training_set.WholeFrames`) to a scalar.
"""


def log_sum_exp_scores(probabilities: Tensor, *, r: float = 5.0) -> Tensor:
    """
    Image-level class scores, between the mean (r -> 0) and the maximum (r -> inf) over pixels (BF eq. 3).

    :param probabilities: (B, N, H, W) softmax probabilities.
    :param r: sharpness; BF sets 5.
    :return: (B, N), each in [0, 1].
    """
    pixels = probabilities.shape[2] * probabilities.shape[3]
    return (torch.logsumexp(r * probabilities.flatten(2), 2) - torch.log(torch.tensor(float(pixels)))) / r


def tag_loss(probabilities: Tensor, present: Tensor, absent: Tensor | None = None, *, r: float = 5.0) -> Tensor:
    """
    Classes of the tags shall appear, the others shall not (BF eq. 2).

    :param probabilities: (B, N, H, W) softmax probabilities.
    :param present: (B, N) bool, the classes that each image shows.
    :param absent: (B, N) bool, the classes that it does not show; all others by default. A class in neither
        set is left alone.
    :param r: see :func:`log_sum_exp_scores`.
    :return: scalar, averaged over the batch. An empty set adds nothing.
    """
    scores = log_sum_exp_scores(probabilities, r=r).clamp(1e-6, 1 - 1e-6)
    shown = present.to(scores.dtype)
    hidden = (~present if absent is None else absent).to(scores.dtype)
    appear = -(shown * scores.log()).sum(1) / shown.sum(1).clamp(min=1)
    vanish = -(hidden * (1 - scores).log()).sum(1) / hidden.sum(1).clamp(min=1)
    return (appear + vanish).mean()


def heatmap_loss(log_probabilities: Tensor, masks: Tensor, tags: Tensor, *, area_power: float = 0.0) -> Tensor:
    """
    Each tagged class shall be likely inside its heatmap's binary mask (BF eq. 4).

    :param log_probabilities: (B, N, H, W) log softmax.
    :param masks: (B, N, H, W) bool, the binary masks B_k; masks of classes without a tag are ignored.
    :param tags: (B, N) bool.
    :param area_power: classes weigh by their mask's area to this power. 0 is BF's equation, where the mask of
        one pole counts as much as that of the sky, and one that is empty counts too, with nothing; 1 lets each pixel
        count alike.
    :return: scalar: the mean over each mask, over the image's |L| tagged classes, over the batch.
    """
    inside = (masks & tags[:, :, None, None]).to(log_probabilities.dtype)
    area = inside.sum((2, 3))
    per_class = -(log_probabilities * inside).sum((2, 3)) / area.clamp(min=1)
    weight = area**area_power if area_power else tags.to(area.dtype)
    return ((per_class * weight).sum(1) / weight.sum(1).clamp(min=1e-6)).mean()


def label_loss(log_probabilities: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """
    Each cell shall have its predicted label: the cross entropy of MC eq. 1.

    :param log_probabilities: (B, N, H, W) log softmax.
    :param labels: (B, H, W) int64 class ids, 255 for cells to leave alone.
    :param weights: (N,), see :func:`balance`.
    :return: scalar, the mean over the cells with a label.
    """
    total = F.nll_loss(log_probabilities, labels, weights.to(log_probabilities), ignore_index=255, reduction="sum")
    return total / (labels != 255).sum().clamp(min=1)


def balance(counts: Sequence[int], foreground: Sequence[int]) -> Tensor:
    """
    Weights by which rare objects count as much as frequent ones: the least frequent's number over the class's (MC 4.2).

    :param counts: of the training frames, those tagged with each class.
    :param foreground: ids of the classes that are objects; the others weigh 1, and so do objects without a frame.
    :return: (N,) float32.
    """
    weights = torch.ones(len(counts))
    shown = [index for index in foreground if counts[index]]
    for index in shown:
        weights[index] = min(counts[each] for each in shown) / counts[index]
    return weights


def log_sum_exp_inside(probabilities: Tensor, masks: Tensor, *, r: float = 5.0) -> Tensor:
    """
    Class scores between the mean and the maximum over each class's mask (BP eq. 13, 14, 16).

    :param probabilities: (B, N, H, W) softmax probabilities.
    :param masks: (B, N, H, W) bool.
    :param r: sharpness; BP sets 5.
    :return: (B, N), each in [0, 1]; 0 for an empty mask.
    """
    weights = (r * probabilities).masked_fill(~masks, -torch.inf).flatten(2)
    area = masks.flatten(2).sum(2)
    filled = area > 0
    # a mask without a pixel has no maximum, and must not have a gradient either
    scores = torch.logsumexp(torch.where(filled[..., None], weights, 0.0), 2) - area.clamp(min=1).log()
    return torch.where(filled, scores / r, 0.0)


def mask_loss(
    probabilities: Tensor, masks: Tensor, tags: Tensor, foreground: Tensor | None = None, *, r: float = 5.0
) -> Tensor:
    """
    Tagged classes shall appear in their masks, and the others nowhere (BP eq. 15, or eq. 12).

    :param probabilities: (B, N, H, W) softmax probabilities.
    :param masks: (B, N, H, W) bool: a class's own mask (eq. 15), or one that all objects share and one that all
        background classes share (eq. 12).
    :param tags: (B, N) bool, the classes that each image shows.
    :param foreground: (N,) bool, the classes that are objects: given, objects are averaged apart from the background,
        as in eq. 12, where its one class weighs as much as all objects. Several background classes are averaged.
    :return: scalar, averaged over the batch. A tagged class without a mask adds nothing.
    """
    scores = log_sum_exp_inside(probabilities, masks, r=r).clamp(1e-6, 1)
    asked = tags & masks.flatten(2).any(2)
    sides = [asked] if foreground is None else [asked & foreground, asked & ~foreground]
    appear = sum(-(side * scores.log()).sum(1) / side.sum(1).clamp(min=1) for side in sides)
    hidden = (~tags).to(probabilities.dtype)
    nowhere = -torch.log1p(-probabilities.clamp(max=1 - 1e-6)).mean((2, 3))
    vanish = (hidden * nowhere).sum(1) / hidden.sum(1).clamp(min=1)
    return (appear + vanish).mean()


def crf_loss(log_probabilities: Tensor, refined: Tensor) -> Tensor:
    """
    The network shall say what a fully-connected CRF makes of it: mean KL(CRF || network) (BF 3.2.1).

    :param log_probabilities: (B, N, H, W) log softmax.
    :param refined: (B, N, H, W) the CRF's marginals, see :class:`wsvs_ros.perception.crf.mean_field.DenseCrf`; a
        constant: there is no gradient through the CRF.
    :return: scalar, the mean over pixels and batch.
    """
    refined = refined.detach()
    return (torch.xlogy(refined, refined) - refined * log_probabilities).sum(1).mean()
