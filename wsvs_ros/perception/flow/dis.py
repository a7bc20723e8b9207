"""Dense Inverse Search (Kroeger 2016) in batched torch: the flow for CUDA where Triton is missing."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from wsvs_ros.perception.flow.presets import PATCH, DisPreset, padding, patch_grid, patch_hops, pyramid_sizes
from wsvs_ros.perception.flow.variational import VariationalSettings, refine
from wsvs_ros.perception.flow.warp import resize_flow, sample, shrink

DAMPING = 60.0  # added to the Hessian (squared gray values), so that patches without structure stay where they are
BETTER = 0.7  # of the own misfit: what a neighbour's vector must reach, else noise would spread over what is flat


def dis_flow(previous: Tensor, current: Tensor, initial: Tensor | None = None, *, preset: DisPreset) -> Tensor:
    """
    Optical flow from coarse to fine, with static shapes and without a look at any value.

    It differs from OpenCV's in that all patches search at once: good vectors spread not from patch to patch but
    over distances that halve, and each step is a whole Gauss-Newton one that is kept where it fits better. And a
    patch that fits badly as a whole counts less where patches are averaged.

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
    sizes = pyramid_sizes(height, width, preset.finest_scale)
    first, second = (_pyramid(images, sizes) for images in (previous, current))
    flow = previous.new_zeros(len(previous), 2, *sizes[max(sizes)])
    for level in reversed(sizes):
        flow = resize_flow(flow, sizes[level])
        guess = None if initial is None else resize_flow(initial, sizes[level])
        flow = _search(first[level], second[level], flow, guess, preset.stride, top=level == max(sizes))
        if preset.refinements:
            flow = refine(first[level], second[level], flow, VariationalSettings(fixed_points=preset.refinements))
    return resize_flow(flow, (height, width))


def _pyramid(images: Tensor, sizes: dict[int, tuple[int, int]]) -> dict[int, Tensor]:
    levels = {}
    for level, size in sizes.items():
        levels[level] = images = shrink(images, size)
    return levels


def _search(previous: Tensor, current: Tensor, flow: Tensor, guess: Tensor | None, stride: int, *, top: bool) -> Tensor:
    """One level: find each patch of a regular grid in the later image, average the patches' vectors by fit."""
    patches = _Patches(previous, current, stride)
    vectors = patches.centres(flow)
    cost = patches.misfit(vectors)
    if guess is not None:
        vectors, cost = patches.choose(vectors, cost, [patches.centres(guess)], better=1.0)
    vectors, cost = patches.step(vectors, cost)
    for hop in patch_hops(*patches.grid, top=top):
        vectors, cost = patches.choose(vectors, cost, patches.neighbours(vectors, hop), better=BETTER)
        vectors, cost = patches.step(vectors, cost)
    return patches.densify(vectors)


class _Patches:
    """A regular grid of patches of the earlier image, and where in the later image they fit best."""

    def __init__(self, previous: Tensor, current: Tensor, stride: int) -> None:
        self._height, self._width = previous.shape[2:]
        self._current, self._stride = current, stride
        self.grid = patch_grid(self._height, self._width, stride)
        self._padded = tuple((count - 1) * stride + PATCH for count in self.grid)
        bottom, right = self._padded[0] - self._height, self._padded[1] - self._width
        around = F.pad(previous, (1, right + 1, 1, bottom + 1), mode="replicate")
        self._template = self._unfold(around[..., 1:-1, 1:-1])
        # without their means, so that neither a change of brightness nor its correction moves a patch
        self._x, self._y = (g - g.mean(1, keepdim=True) for g in map(self._unfold, _sobel(around)))
        xx, xy, yy = ((a * b).sum(1) for a, b in ((self._x, self._x), (self._x, self._y), (self._y, self._y)))
        xx, yy = xx + DAMPING, yy + DAMPING
        self._inverse = torch.stack([yy, -xy, xx]) / (xx * yy - xy * xy)
        inside = torch.arange(PATCH, device=previous.device)
        left = stride * torch.arange(self.grid[1], device=previous.device)
        top = stride * torch.arange(self.grid[0], device=previous.device)
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
        rows, columns = (slice(half, half + (count - 1) * self._stride + 1, self._stride) for count in self.grid)
        return flow[:, :, rows, columns].flatten(2)

    def neighbours(self, vectors: Tensor, hop: int) -> list[Tensor]:
        """The vectors of the patches on the left, on the right, above and below, `hop` patches away."""
        grid = F.pad(vectors.unflatten(2, self.grid), (hop,) * 4, mode="replicate")
        near, far = slice(hop, -hop), 2 * hop
        around = (grid[..., near, :-far], grid[..., near, far:], grid[..., :-far, near], grid[..., far:, near])
        return [moved.flatten(2) for moved in around]

    def _residual(self, vectors: Tensor) -> Tensor:
        """(B, 64, P): gray values in the later image minus those of the patch."""
        x, y = self._place_x + vectors[:, :1], self._place_y + vectors[:, 1:]
        return sample(self._current, x, y)[:, 0] - self._template

    def misfit(self, vectors: Tensor) -> Tensor:
        """(B, P): the mean squared residual, brightness apart."""
        return self._residual(vectors).var(1, correction=0)

    def choose(self, vectors: Tensor, cost: Tensor, candidates: list[Tensor], better: float) -> tuple[Tensor, Tensor]:
        """Of several vectors for each patch the one that fits best, if it is that much better than the own."""
        least, best, found = better * cost, vectors, cost
        for candidate in candidates:
            misfit = self.misfit(candidate)
            take = misfit < least
            best = torch.where(take[:, None], candidate, best)
            least, found = torch.minimum(misfit, least), torch.where(take, misfit, found)
        return best, found

    def step(self, vectors: Tensor, cost: Tensor) -> tuple[Tensor, Tensor]:
        """A Gauss-Newton step with the patch's own gradients and Hessian, where that fits better."""
        residual = self._residual(vectors)
        x, y = (self._x * residual).sum(1), (self._y * residual).sum(1)
        uu, uv, vv = self._inverse
        change = torch.stack([uu * x + uv * y, uv * x + vv * y], 1)
        misfit = self.misfit(vectors - change)
        take = (misfit < cost) & (change.norm(dim=1) <= PATCH)
        return torch.where(take[:, None], vectors - change, vectors), torch.where(take, misfit, cost)

    def densify(self, vectors: Tensor) -> Tensor:
        """(B, 2, H, W): the mean of the vectors of all patches over a pixel, by how well each fits there."""
        residual = self._residual(vectors)
        variance = residual.var(1, correction=0, keepdim=True)
        weights = 1 / (residual.abs().clamp(min=1) * variance.clamp(min=1))
        layers = torch.cat([weights * vectors[:, :1], weights * vectors[:, 1:], weights], 1)
        u, v, total = F.fold(layers, self._padded, PATCH, stride=self._stride).split(1, 1)
        return (torch.cat([u, v], 1) / total)[:, :, : self._height, : self._width]


def _sobel(around: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients along x and y of an image that comes with one pixel around it."""
    rows = around[..., :-2, :] + 2 * around[..., 1:-1, :] + around[..., 2:, :]
    columns = around[..., :-2] + 2 * around[..., 1:-1] + around[..., 2:]
    return (rows[..., 2:] - rows[..., :-2]) / 8, (columns[..., 2:, :] - columns[..., :-2, :]) / 8
