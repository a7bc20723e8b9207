"""Dense Inverse Search (Kroeger 2016) in batched torch: the flow for CUDA."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from wsvs_ros.perception.flow.presets import PATCH, DisPreset, padding
from wsvs_ros.perception.flow.variational import VariationalSettings, refine
from wsvs_ros.perception.flow.warp import resize_flow, sample

_STEP = 0.3  # of a Gauss-Newton step; whole ones overshoot where a patch lies across the edge of a motion
_DAMPING = 5.0  # added to the Hessian (squared gray values), so that patches without structure stay where they are
_DISTANCES = (4, 2, 1)  # over which a patch looks for better vectors, in patches
_ROUNDS_AT_TOP = 4  # of search and spreading on the coarsest level, where large motions are found or never


def dis_flow(previous: Tensor, current: Tensor, initial: Tensor | None = None, *, preset: DisPreset) -> Tensor:
    """
    Optical flow from coarse to fine, with static shapes and without a look at any value.

    It differs from OpenCV's in that all patches search at once: good vectors spread not from patch to patch but
    over 4, 2 and 1 patches in all directions, half-way through the search. And a patch that fits badly as a whole
    counts less where patches are averaged.

    :param previous: (B, 1, H, W) float32 gray, 0 to 255.
    :param current: (B, 1, H, W), as well.
    :param initial: (B, 2, H, W) float32 pixels, one more vector for each patch to try, e.g. the last pair's flow.
    :return: (B, 2, H, W) float32 pixels.
    """
    height, width = previous.shape[2:]
    bottom, right = padding(height, width, preset.finest_scale)
    if bottom or right:  # too small for the pyramid
        edges = (0, right, 0, bottom)
        initial = None if initial is None else F.pad(initial, edges, mode="replicate")
        previous, current = (F.pad(images, edges, mode="replicate") for images in (previous, current))
        return dis_flow(previous, current, initial, preset=preset)[:, :, :height, :width]
    levels = range(preset.finest_scale, _coarsest_scale(height, width) + 1)
    sizes = {level: (height >> level, width >> level) for level in levels}
    first, second = (_pyramid(images, sizes) for images in (previous, current))
    flow = previous.new_zeros(len(previous), 2, *sizes[levels[-1]])
    for level in reversed(levels):
        flow = resize_flow(flow, sizes[level])
        guess = None if initial is None else resize_flow(initial, sizes[level])
        rounds = _ROUNDS_AT_TOP if level == levels[-1] else 1
        flow = _search(first[level], second[level], flow, guess, preset, rounds)
        if preset.refinements:
            flow = refine(first[level], second[level], flow, VariationalSettings(fixed_points=preset.refinements))
    return resize_flow(flow, (height, width))


def _coarsest_scale(height: int, width: int) -> int:
    """The highest pyramid level: about four patches along the longer side, at least one along the shorter."""
    long = math.floor(math.log2(max(height, width) / (4 * PATCH)) + 0.5)
    return min(long, math.floor(math.log2(min(height, width) / PATCH)))


def _pyramid(images: Tensor, sizes: dict[int, tuple[int, int]]) -> dict[int, Tensor]:
    levels = {}
    for level, size in sizes.items():
        images = F.interpolate(images, size=size, mode="area")
        levels[level] = images
    return levels


def _search(
    previous: Tensor, current: Tensor, flow: Tensor, guess: Tensor | None, preset: DisPreset, rounds: int
) -> Tensor:
    """One level: find each patch of a regular grid in the later image, average the patches' vectors by fit."""
    patches = _Patches(previous, current, preset.stride)
    vectors = patches.centres(flow)
    if guess is not None:
        vectors = patches.choose([vectors, patches.centres(guess)])
    half = -(-preset.iterations // 2)
    for _ in range(rounds):
        vectors = patches.descend(vectors, half)
        for distance in _DISTANCES:
            vectors = patches.choose([vectors, *patches.neighbours(vectors, distance)])
    return patches.densify(patches.descend(vectors, preset.iterations - half))


class _Patches:
    """A regular grid of patches of the earlier image, and where in the later image they fit best."""

    def __init__(self, previous: Tensor, current: Tensor, stride: int) -> None:
        self._height, self._width = previous.shape[2:]
        self._current, self._stride = current, stride
        # patches shall cover the last rows and columns too: the image goes on as its border where they do not fit
        bottom, right = (-(side - PATCH) % stride for side in (self._height, self._width))
        padded = F.pad(previous, (0, right, 0, bottom), mode="replicate")
        self._padded = padded.shape[2:]
        self._rows, self._columns = ((side - PATCH) // stride + 1 for side in self._padded)
        self._template = self._unfold(padded)
        wide, high = (F.pad(padded, pad, mode="replicate") for pad in ((1, 1, 0, 0), (0, 0, 1, 1)))
        gradients = (0.5 * (wide[..., 2:] - wide[..., :-2]), 0.5 * (high[..., 2:, :] - high[..., :-2, :]))
        # without their means, so that neither a change of brightness nor its correction moves a patch
        self._x, self._y = (g - g.mean(1, keepdim=True) for g in map(self._unfold, gradients))
        xx, xy, yy = ((a * b).sum(1) for a, b in ((self._x, self._x), (self._x, self._y), (self._y, self._y)))
        xx, yy = xx + _DAMPING, yy + _DAMPING
        self._inverse = torch.stack([yy, -xy, xx]) / (xx * yy - xy * xy)
        inside = torch.arange(PATCH, device=previous.device)
        left = stride * torch.arange(self._columns, device=previous.device)
        top = stride * torch.arange(self._rows, device=previous.device)
        y, x = torch.meshgrid(top, left, indexing="ij")
        self._place_x = (x.reshape(-1) + inside.repeat(PATCH)[:, None]).float()
        self._place_y = (y.reshape(-1) + inside.repeat_interleave(PATCH)[:, None]).float()

    def _unfold(self, images: Tensor) -> Tensor:
        """(B, 64, P)."""
        return F.unfold(images, PATCH, stride=self._stride)

    def centres(self, flow: Tensor) -> Tensor:
        """Vectors (B, 2, P) of a field at the patches' centres."""
        half = PATCH // 2
        bottom, right = self._padded[0] - self._height, self._padded[1] - self._width
        flow = F.pad(flow, (0, right, 0, bottom), mode="replicate")
        rows = slice(half, half + (self._rows - 1) * self._stride + 1, self._stride)
        columns = slice(half, half + (self._columns - 1) * self._stride + 1, self._stride)
        return flow[:, :, rows, columns].flatten(2)

    def neighbours(self, vectors: Tensor, distance: int) -> list[Tensor]:
        """The vectors of the patches on the left, on the right, above and below, `distance` patches away."""
        grid = F.pad(vectors.unflatten(2, (self._rows, self._columns)), (distance,) * 4, mode="replicate")
        near, far = slice(distance, -distance), 2 * distance
        around = (grid[..., near, :-far], grid[..., near, far:], grid[..., :-far, near], grid[..., far:, near])
        return [moved.flatten(2) for moved in around]

    def _residual(self, vectors: Tensor) -> Tensor:
        """(B, 64, P): gray values in the later image minus those of the patch."""
        x, y = self._place_x + vectors[:, :1], self._place_y + vectors[:, 1:]
        return sample(self._current, x, y)[:, 0] - self._template

    def choose(self, candidates: list[Tensor]) -> Tensor:
        """Of several vectors for each patch the one with the least squared residual, brightness apart."""
        best = candidates[0]
        least = self._residual(best).var(1, correction=0)
        for candidate in candidates[1:]:
            cost = self._residual(candidate).var(1, correction=0)
            best = torch.where((cost < least)[:, None], candidate, best)
            least = torch.minimum(cost, least)
        return best

    def descend(self, start: Tensor, iterations: int) -> Tensor:
        """The best vector on a Gauss-Newton descent, with the patch's own gradients and Hessian all the way."""
        vectors = best = start
        least = torch.full_like(start[:, 0], math.inf)
        for _ in range(iterations):
            residual = self._residual(vectors)
            cost = residual.var(1, correction=0)
            better = (cost < least) & ((vectors - start).norm(dim=1) <= PATCH)
            best = torch.where(better[:, None], vectors, best)
            least = torch.where(better, cost, least)
            x, y = (self._x * residual).sum(1), (self._y * residual).sum(1)
            uu, uv, vv = self._inverse
            vectors = vectors - _STEP * torch.stack([uu * x + uv * y, uv * x + vv * y], 1)
        return best

    def densify(self, vectors: Tensor) -> Tensor:
        """(B, 2, H, W): the mean of the vectors of all patches over a pixel, by how well each fits there."""
        residual = self._residual(vectors)
        residual = residual - residual.mean(1, keepdim=True)
        variance = residual.square().mean(1, keepdim=True)
        weights = 1 / (residual.abs().clamp(min=1) * variance.clamp(min=1))
        layers = torch.cat([weights * vectors[:, :1], weights * vectors[:, 1:], weights], 1)
        u, v, total = F.fold(layers, self._padded, PATCH, stride=self._stride).split(1, 1)
        return (torch.cat([u, v], 1) / total)[:, :, : self._height, : self._width]
