"""Gaussian mixtures of colours, many at once: the appearance of what moves and of what stands (MC 3.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

FLOOR = 4.0
"""Least variance of a component in any direction, squared colour levels: two levels are a camera's noise."""
_GREY = 127.5  # colours are centred here; mixtures without any pixel stay here
_BROAD = 255.0**2 / 12  # the variance of colours that are spread evenly
_PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))  # products of channels that a quadratic form has


@dataclass(frozen=True)
class ColourMixtures:
    """
    G mixtures of K Gaussians over RGB, 0..255. All float64.

    :param weights: (G, K), each row adds up to 1.
    :param means: (G, K, 3).
    :param covariances: (G, K, 3, 3), none narrower than :data:`FLOOR`.
    """

    weights: Tensor
    means: Tensor
    covariances: Tensor

    def log_likelihood(self, colours: Tensor) -> Tensor:
        """(G, M, 3) colours, or (1, M, 3) for all mixtures alike -> (G, M) float64 log densities."""
        return self._joint(_products(colours)).logsumexp(1)

    def where(self, chosen: Tensor, other: ColourMixtures) -> ColourMixtures:
        """These mixtures where ``chosen``, (G,) bool, the other ones elsewhere."""
        return ColourMixtures(
            torch.where(chosen[:, None], self.weights, other.weights),
            torch.where(chosen[:, None, None], self.means, other.means),
            torch.where(chosen[:, None, None, None], self.covariances, other.covariances),
        )

    def _joint(self, products: Tensor) -> Tensor:
        """(G, M, 10) products -> (G, K, M) log of weight times density; each is linear in the products."""
        precision = torch.linalg.inv(self.covariances)
        centred = self.means - _GREY
        linear = (precision @ centred[..., None])[..., 0]
        halves = [(0.5 if i == j else 1.0) * precision[..., i, j] for i, j in _PAIRS]
        constant = (
            self.weights.log()
            - 0.5 * torch.logdet(self.covariances)
            - 0.5 * (linear * centred).sum(-1)
            - 1.5 * math.log(2 * math.pi)
        )
        terms = torch.cat([constant[..., None], linear, -torch.stack(halves, -1)], -1)
        return terms @ products.transpose(1, 2)


def fit_mixtures(
    colours: Tensor,
    weights: Tensor,
    *,
    components: int = 5,
    iterations: int = 5,
    start: ColourMixtures | None = None,
) -> ColourMixtures:
    """
    Fit mixtures by expectation maximisation.

    No iteration lowers a mixture's weighted log likelihood: a covariance whose eigenvalues are raised to
    :data:`FLOOR` is the likeliest of those that are no narrower. A component without pixels stays what it was.

    :param colours: (G, M, 3) any dtype, 0..255; (1, M, 3) where all mixtures see the same pixels.
    :param weights: (G, M), how much a pixel counts, none negative.
    :param components: K; of no account when ``start`` is given.
    :param iterations: each one expectation and one maximisation; 0 returns the start.
    :param start: what to go on from. Without it, each mixture's pixels are cut into K equal parts along the
        principal axis of their colours. Where no pixel counts, that is one broad, grey Gaussian, K times.
    :return: G mixtures.
    """
    weights = weights.double()
    products = _products(colours).expand(len(weights), -1, -1)
    found = start if start is not None else _start(products, weights, components)
    for _ in range(iterations):
        shares = found._joint(products).softmax(1)
        found = _maximise(products, weights[:, None] * shares, found)
    return found


def _products(colours: Tensor) -> Tensor:
    """(G, M, 3) -> (G, M, 10) float64: one, the centred channels and their products."""
    centred = colours.double() - _GREY
    pairs = [centred[..., i] * centred[..., j] for i, j in _PAIRS]
    return torch.cat([torch.ones_like(centred[..., :1]), centred, torch.stack(pairs, -1)], -1)


def _maximise(products: Tensor, shares: Tensor, before: ColourMixtures) -> ColourMixtures:
    """The likeliest mixtures when each pixel belongs to the components by ``shares``, (G, K, M)."""
    sums = shares @ products
    mass = sums[..., 0]
    total = mass.sum(1, keepdim=True)
    filled = mass > 1e-12 * total
    moments = sums / torch.where(filled, mass, 1.0)[..., None]
    mean = moments[..., 1:4]
    second = torch.empty(*mass.shape, 3, 3, dtype=mass.dtype, device=mass.device)
    for index, (i, j) in enumerate(_PAIRS, 4):
        second[..., i, j] = second[..., j, i] = moments[..., index]
    scatter = second - mean[..., None] * mean[..., None, :]
    # what no pixel belongs to must not disturb the decomposition of the others
    values, axes = torch.linalg.eigh(torch.where(filled[..., None, None], scatter, before.covariances))
    covariance = axes @ torch.diag_embed(values.clamp(min=FLOOR)) @ axes.transpose(-1, -2)
    return ColourMixtures(
        torch.where(total > 0, mass / torch.where(total > 0, total, 1.0), before.weights),
        torch.where(filled[..., None], mean + _GREY, before.means),
        torch.where(filled[..., None, None], covariance, before.covariances),
    )


def _start(products: Tensor, weights: Tensor, components: int) -> ColourMixtures:
    """Parts of equal weight along the principal axis, by which mixtures do not depend on chance."""
    groups = len(weights)
    broad = ColourMixtures(
        weights.new_full((groups, components), 1 / components),
        weights.new_full((groups, components, 3), _GREY),
        torch.diag_embed(weights.new_full((groups, components, 3), _BROAD)),
    )
    whole = ColourMixtures(broad.weights.sum(1, keepdim=True), broad.means[:, :1], broad.covariances[:, :1])
    whole = _maximise(products, weights[:, None], whole)
    axis = torch.linalg.eigh(whole.covariances[:, 0])[1][..., -1]
    axis = axis * axis.gather(1, axis.abs().argmax(1, keepdim=True)).sign()  # an axis has no direction of its own
    order = (products[..., 1:4] @ axis[..., None])[..., 0].argsort(dim=1, stable=True)
    ordered = weights.gather(1, order)
    below = ordered.cumsum(1)
    middle = torch.empty_like(below).scatter_(1, order, below - ordered / 2)
    part = (middle / below[:, -1:].clamp(min=1e-300) * components).long().clamp(0, components - 1)
    parts = torch.stack([part == index for index in range(components)], 1)
    return _maximise(products, weights[:, None] * parts, broad)
