"""High-dimensional Gaussian filtering on the permutohedral lattice (Adams 2010), in batched torch."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F


class PermutohedralLattice:
    """
    Filters values at N points with a Gaussian of unit standard deviation over their D features.

    A point lies in a simplex of D + 1 vertices. `filter` spreads the points' values to these with barycentric
    weights, blurs along the lattice's D + 1 directions and gathers back: O(N), where the exact sum is O(N^2).

    Vertices are found by sorting a 64-bit hash of their coordinates that is linear, so that a neighbour's hash is
    the vertex's own plus a constant. All of it is array arithmetic, the same on CPU and CUDA. While a CUDA graph
    is captured no size can be read back: the table then has room for N (D + 1) vertices, unused ones staying zero.

    :param features: (N, D) float32, divided by the kernel's standard deviations.
    :param group: (N,) int64: points of different groups, e.g. images of a batch, do not see each other.
    """

    def __init__(self, features: Tensor, group: Tensor) -> None:
        corners, weights = _enclosing_simplex(features, group)
        count, vertices = corners.shape
        sorted_hashes, order = corners.flatten().sort()
        is_new = torch.ones_like(sorted_hashes, dtype=torch.bool)
        is_new[1:] = sorted_hashes[1:] != sorted_hashes[:-1]
        ids = is_new.cumsum(0) - 1
        size = count * vertices if is_capturing(features) else int(ids[-1]) + 1

        # hashes by vertex, ascending; in unused room the largest one, which nothing is found under
        hashes = torch.full((size,), torch.iinfo(torch.int64).max, device=features.device)
        hashes.scatter_(0, ids, sorted_hashes)

        # each vertex's points, vertex after vertex
        self._splat_points = torch.div(order.int(), vertices, rounding_mode="trunc")
        self._splat_starts = torch.searchsorted(sorted_hashes, hashes, out_int32=True)
        self._splat_weights = weights.flatten()[order]
        self._slice_vertices = torch.empty_like(ids, dtype=torch.int32).scatter_(0, order, ids.int()).view_as(corners)
        self._slice_weights = weights / (1 + 2.0 ** -(vertices - 1))
        self._neighbours = _neighbours(hashes, vertices)
        self._blur_weights = torch.full((size + 1, 3), 0.5, device=features.device)
        self._blur_weights[:, 1] = 1

    @property
    def size(self) -> int:
        """Number of vertices."""
        return len(self._splat_starts)

    def normalise(self) -> None:
        """Scale the kernel K symmetrically to D K D with D = 1 / sqrt(K 1), as dense CRFs have it."""
        ones = torch.ones(len(self._slice_weights), 1, device=self._slice_weights.device)
        scale = (self.filter(ones) + 1e-20).rsqrt()
        self._splat_weights = self._splat_weights * scale[self._splat_points, 0]
        self._slice_weights = self._slice_weights * scale

    def filter(self, values: Tensor) -> Tensor:
        """
        Sum the values of all points, weighted by the kernel.

        :param values: (N, C) float32.
        :return: (N, C) float32.
        """
        table = _gather(values, self._splat_points, self._splat_weights, self._splat_starts)
        table = F.pad(table, (0, 0, 0, 1))  # a row of zeros for neighbours that are not there
        for neighbours in self._neighbours:
            table = _gather(table, neighbours, self._blur_weights)
        return _gather(table, self._slice_vertices, self._slice_weights)


def is_capturing(tensor: Tensor) -> bool:
    """Whether a CUDA graph is being captured on the tensor's device."""
    return tensor.is_cuda and torch.cuda.is_current_stream_capturing()


def _gather(rows: Tensor, indices: Tensor, weights: Tensor, starts: Tensor | None = None) -> Tensor:
    """Weighted sums of rows: one a row of `indices`, or one a run of them, which begin at `starts`."""
    return F.embedding_bag(indices, rows, starts, mode="sum", per_sample_weights=weights)


def _enclosing_simplex(features: Tensor, group: Tensor) -> tuple[Tensor, Tensor]:
    """Hashes (N, D + 1) int64 of the vertices around each point and their barycentric weights, float32."""
    dimension = features.shape[1]
    vertices = dimension + 1
    elevated = features @ _elevation(dimension, features.device)
    # the nearest point of the lattice whose coordinates are multiples of D + 1
    base = (elevated / vertices).round()
    excess = base.sum(1).long()  # it shall lie in the plane of sum zero
    offsets, by_size = (elevated - base * vertices).sort(dim=1, descending=True, stable=True)
    # so raise the `-excess` coordinates of largest offset by a step, or lower the `excess` of smallest offset
    steps, turns = _corrections(vertices, features.device)
    step, turned = steps[excess + vertices], turns[excess + vertices]
    offsets = (offsets - step * vertices).gather(1, turned)
    base.scatter_add_(1, by_size, step)
    by_size = by_size.gather(1, turned)
    first = 1 + (offsets[:, -1:] - offsets[:, :1]) / vertices
    weights = torch.cat([first, (offsets[:, :-1] - offsets[:, 1:]).flip(1) / vertices], 1)

    codes, group_code = _codes(vertices, features.device)
    hashes = (base.long() * (vertices * codes)).sum(1, keepdim=True) + (group * group_code)[:, None]
    # vertex k + 1 is vertex k plus one in every coordinate, minus D + 1 in the one of the k-th smallest offset
    moves = codes.sum() - vertices * codes[by_size.flip(1)[:, :-1]]
    return torch.cat([hashes, hashes + moves.cumsum(1)], 1), weights


def _neighbours(hashes: Tensor, vertices: int) -> list[Tensor]:
    """
    The neighbours of each vertex along each of the lattice's directions.

    :param hashes: (M,) int64, ascending.
    :return: a direction an item, (M + 1, 3) int32: the neighbour before, the vertex, the neighbour after. M stands
        for one that is not there, and has itself for neighbours.
    """
    size = len(hashes)
    codes, _ = _codes(vertices, hashes.device)
    own = torch.arange(size, device=hashes.device)
    directions = []
    for axis in range(vertices):
        step = vertices * codes[axis] - codes.sum()
        neighbours = [own]
        for sought in (hashes - step, hashes + step):
            ids = torch.searchsorted(hashes, sought).clamp_(max=size - 1)
            neighbours.append(torch.where(hashes[ids] == sought, ids, size))
        own, before, after = neighbours
        directions.append(F.pad(torch.stack([before, own, after], 1), (0, 0, 0, 1), value=size).int())
    return directions


@lru_cache
def _elevation(dimension: int, device: torch.device) -> Tensor:
    """(D, D + 1) float32: embeds features into the plane of sum zero, where the lattice's blur has unit deviation."""
    matrix = torch.zeros(dimension, dimension + 1)
    for axis in range(1, dimension + 1):
        scale = math.sqrt(2 / 3) * (dimension + 1) / math.sqrt(axis * (axis + 1))
        matrix[axis - 1, :axis] = scale
        matrix[axis - 1, axis] = -axis * scale
    return matrix.to(device)


@lru_cache
def _corrections(vertices: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """
    How a point that is off the plane of sum zero gets onto it, in its coordinates by falling offset.

    :return: (2V + 1, V): row e + V says what an excess e adds to each coordinate, float32, and which of the old
        places each new place takes then, int64.
    """
    excess = torch.arange(-vertices, vertices + 1)[:, None]
    place = torch.arange(vertices)
    steps = (place < -excess).float() - (place >= vertices - excess).float()
    return steps.to(device), ((place - excess) % vertices).to(device)


@lru_cache
def _codes(vertices: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Random factors of the linear hash: one a coordinate and one for the group; int64, which wraps around."""
    limits = torch.iinfo(torch.int64)
    codes = torch.randint(limits.min, limits.max, (vertices + 1,), generator=torch.Generator().manual_seed(vertices))
    return codes[:-1].to(device), codes[-1].to(device)
