"""Variational refinement of a flow field: robust data and smoothness terms (Brox 2004), in batched torch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from wsvs_ros.perception.flow.warp import warp

SQUARED_EPSILON = 1e-6  # of the penalty sqrt(s^2 + epsilon^2)
SQUARED_ZETA = 0.1  # keeps the normalised data term quiet where the image is flat
RELAXATION = 1.6  # of the successive over-relaxation


@dataclass(frozen=True)
class VariationalSettings:
    """
    The energy and how long it is minimised.

    :param smoothness: weight of the flow's total variation.
    :param brightness: weight of the constancy of gray values.
    :param gradient: weight of the constancy of their gradient.
    :param fixed_points: updates of the robust weights around one linearisation.
    :param relaxations: red-black SOR sweeps for each of them.
    """

    smoothness: float = 20.0
    brightness: float = 5.0
    gradient: float = 10.0
    fixed_points: int = 5
    relaxations: int = 5


def refine(previous: Tensor, current: Tensor, flow: Tensor, settings: VariationalSettings) -> Tensor:
    """
    Minimise the energy around a flow field, linearised there once.

    Data terms are normalised by the image gradient (Zimmer 2011), so that strong edges do not outweigh the rest.

    :param previous: (B, 1, H, W) float32 gray, 0 to 255.
    :param current: (B, 1, H, W), as well.
    :param flow: (B, 2, H, W) float32 pixels, where to begin.
    :return: (B, 2, H, W) float32.
    """
    constraints = _linearise(previous, current, flow, settings)
    red = _checkerboard(flow)
    start, result = flow, flow
    for _ in range(settings.fixed_points):
        matrix, right = _data_term(constraints, result - start)
        right = right + _apply(matrix, start)
        weights = _smoothness_weights(result, settings.smoothness)
        inverse = _inverse(matrix, weights.sum(1, keepdim=True))
        for _ in range(settings.relaxations):
            for colour in (red, ~red):
                solved = _apply(inverse, right + _neighbours(result, weights))
                result = torch.where(colour, torch.lerp(result, solved, RELAXATION), result)
    return result


@dataclass(frozen=True)
class _Constraint:
    """One linearised constancy: weight * sqrt(sum of (x du + y dv + z)^2); all of (B, K, H, W)."""

    weight: float
    x: Tensor
    y: Tensor
    z: Tensor


def _linearise(previous: Tensor, current: Tensor, flow: Tensor, settings: VariationalSettings) -> list[_Constraint]:
    warped = warp(current, flow, "bicubic")  # bilinear blurs more the farther between pixels, which biases the flow
    gradient_x, gradient_y = _derivatives(0.5 * (previous + warped))
    change = warped - previous
    change_x, change_y = _derivatives(change)
    xx, xy = _derivatives(gradient_x)
    _, yy = _derivatives(gradient_y)
    brightness = _normalised(settings.brightness, gradient_x, gradient_y, change)
    gradient = _normalised(
        settings.gradient, torch.cat([xx, xy], 1), torch.cat([xy, yy], 1), torch.cat([change_x, change_y], 1)
    )
    return [brightness, gradient]


def _normalised(weight: float, x: Tensor, y: Tensor, z: Tensor) -> _Constraint:
    scale = (x**2 + y**2 + SQUARED_ZETA).rsqrt()
    return _Constraint(weight, x * scale, y * scale, z * scale)


def _data_term(constraints: list[_Constraint], step: Tensor) -> tuple[Tensor, Tensor]:
    """Matrix (B, 3, H, W), a symmetric 2x2 one (uu, uv, vv) a pixel, and right side (B, 2, H, W) for the step."""
    matrix, right = torch.zeros_like(step[:, :1]).expand(-1, 3, -1, -1), torch.zeros_like(step)
    for item in constraints:
        residual = item.z + item.x * step[:, :1] + item.y * step[:, 1:]
        weight = item.weight * ((residual**2).sum(1, keepdim=True) + SQUARED_EPSILON).rsqrt()
        products = (item.x * item.x, item.x * item.y, item.y * item.y)
        matrix = matrix + weight * torch.cat([p.sum(1, keepdim=True) for p in products], 1)
        sides = (item.x * item.z, item.y * item.z)
        right = right - weight * torch.cat([s.sum(1, keepdim=True) for s in sides], 1)
    return matrix, right


def _smoothness_weights(flow: Tensor, smoothness: float) -> Tensor:
    """Weights (B, 4, H, W) of the neighbours left, right, above and below; zero beyond the border."""
    right = F.pad(flow[..., 1:] - flow[..., :-1], (0, 1))
    down = F.pad(flow[..., 1:, :] - flow[..., :-1, :], (0, 0, 0, 1))
    here = smoothness * ((right**2 + down**2).sum(1, keepdim=True) + SQUARED_EPSILON).rsqrt()
    across = F.pad(0.5 * (here[..., 1:] + here[..., :-1]), (1, 1))
    along = F.pad(0.5 * (here[..., 1:, :] + here[..., :-1, :]), (0, 0, 1, 1))
    return torch.cat([across[..., :-1], across[..., 1:], along[..., :-1, :], along[..., 1:, :]], 1)


def _neighbours(flow: Tensor, weights: Tensor) -> Tensor:
    around = F.pad(flow, (1, 1, 1, 1))
    return (
        weights[:, 0:1] * around[..., 1:-1, :-2]
        + weights[:, 1:2] * around[..., 1:-1, 2:]
        + weights[:, 2:3] * around[..., :-2, 1:-1]
        + weights[:, 3:4] * around[..., 2:, 1:-1]
    )


def _apply(matrix: Tensor, vectors: Tensor) -> Tensor:
    uu, uv, vv = matrix.split(1, 1)
    u, v = vectors.split(1, 1)
    return torch.cat([uu * u + uv * v, uv * u + vv * v], 1)


def _inverse(matrix: Tensor, diagonal: Tensor) -> Tensor:
    """Of the matrix plus a multiple of the identity; one pixel alone has no neighbours, hence the small number."""
    uu, uv, vv = matrix.split(1, 1)
    uu, vv = uu + diagonal + 1e-6, vv + diagonal + 1e-6
    return torch.cat([vv, -uv, uu], 1) / (uu * vv - uv * uv)


def _derivatives(image: Tensor) -> tuple[Tensor, Tensor]:
    """Along x and y, each (B, 1, H, W), by the five-point stencil; the image goes on as its border."""
    wide = F.pad(image, (2, 2, 0, 0), mode="replicate")
    high = F.pad(image, (0, 0, 2, 2), mode="replicate")
    x = (8 * (wide[..., 3:-1] - wide[..., 1:-3]) - (wide[..., 4:] - wide[..., :-4])) / 12
    y = (8 * (high[..., 3:-1, :] - high[..., 1:-3, :]) - (high[..., 4:, :] - high[..., :-4, :])) / 12
    return x, y


def _checkerboard(flow: Tensor) -> Tensor:
    rows = torch.arange(flow.shape[2], device=flow.device)[:, None]
    return (rows + torch.arange(flow.shape[3], device=flow.device)) % 2 == 0
