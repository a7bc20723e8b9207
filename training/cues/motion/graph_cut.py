"""Labels of least energy on a graph: unaries and a Potts term whose weights follow the image's edges (MC eq. 2-3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wsvs_ros.errors import WsvsError

_ROUNDING = 1e-9  # share of the energy that is no gain but rounding


class GraphCutError(WsvsError):
    """What graph cuts need is not installed."""


@dataclass(frozen=True)
class Edges:
    """
    Pairs of nodes whose labels should agree.

    :param first, second: (E,) int64 node numbers.
    :param weight: (E,) float64, none negative: what it costs when a pair's labels differ.
    """

    first: np.ndarray
    second: np.ndarray
    weight: np.ndarray


def grid_neighbours(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    The pairs of 8-connected pixels.

    :param shape: (H, W), or (T, H, W) for frames whose pixels are not linked from one to the next.
    :return: node numbers ``first`` and ``second``, (E,) int64, in row-major order of ``shape``, and the (E,) float64
        Euclidean distance in pixels.
    """
    nodes = np.arange(np.prod(shape), dtype=np.int64).reshape(-1, *shape[-2:])
    pairs = [
        (nodes[:, :, :-1], nodes[:, :, 1:], 1.0),
        (nodes[:, :-1], nodes[:, 1:], 1.0),
        (nodes[:, :-1, :-1], nodes[:, 1:, 1:], np.sqrt(2)),
        (nodes[:, :-1, 1:], nodes[:, 1:, :-1], np.sqrt(2)),
    ]
    first = np.concatenate([one.ravel() for one, _, _ in pairs])
    second = np.concatenate([other.ravel() for _, other, _ in pairs])
    return first, second, np.concatenate([np.full(one.size, far) for one, _, far in pairs])


def contrast_weights(
    colours: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    distance: np.ndarray | float = 1.0,
    *,
    smoothness: float,
    gamma: float = 0.5,
) -> np.ndarray:
    """
    Weights that are small across edges of the image (MC eq. 3, without its Delta).

    Squared differences of colours are divided by their mean over all pairs, by which gamma does not depend on the
    scale or contrast of the colours: with gamma 0.5 that is GrabCut's beta, 1 / (2 <||z_i - z_j||^2>).

    :param colours: (M, C) of the nodes, any scale.
    :param first, second: (E,) node numbers.
    :param distance: (E,) between the nodes, pixels.
    :param smoothness: MC's lambda.
    :return: (E,) float64.
    """
    values = np.asarray(colours, np.float64)
    squared = np.square(values[first] - values[second]).sum(1)
    mean = squared.mean() if squared.size else 0.0
    weight: np.ndarray = smoothness * np.exp(-gamma * squared / (mean or 1.0)) / distance
    return weight


def grid_edges(colours: np.ndarray, *, smoothness: float, gamma: float = 0.5) -> Edges:
    """
    The edges of an image, or of frames that are not linked to each other.

    :param colours: (H, W, C) or (T, H, W, C).
    :param smoothness, gamma: see :func:`contrast_weights`.
    """
    first, second, distance = grid_neighbours(colours.shape[:-1])
    flat = colours.reshape(-1, colours.shape[-1])
    return Edges(first, second, contrast_weights(flat, first, second, distance, smoothness=smoothness, gamma=gamma))


def potts_energy(labels: np.ndarray, unaries: np.ndarray, edges: Edges) -> float:
    """
    The energy of a labelling (MC eq. 2).

    :param labels: (M,) int.
    :param unaries: (N, M) cost of each label at each node.
    """
    own = np.take_along_axis(unaries, labels[None], 0).sum()
    return float(own + edges.weight[labels[edges.first] != labels[edges.second]].sum())


def min_cut(unaries: np.ndarray, edges: Edges) -> np.ndarray:
    """
    The two-label labelling of least energy, exactly.

    :param unaries: (2, M) finite.
    :return: (M,) int64, 0 or 1.
    :raises GraphCutError: if PyMaxflow is missing.
    :raises ValueError: if a cost is not finite or a weight negative.
    """
    _check(unaries, edges)
    return _cut(unaries, edges.first, edges.second, edges.weight, edges.weight).astype(np.int64)


def alpha_expansion(unaries: np.ndarray, edges: Edges, start: np.ndarray, cycles: int = 5) -> np.ndarray:
    """
    A labelling of low energy: no single label can spread in it and lower the energy (Boykov et al., PAMI 2001).

    It costs at most twice the least energy once converged; two labels are solved exactly. Never worse than the start.

    :param unaries: (N, M) finite.
    :param start: (M,) int, the labels to go on from.
    :param cycles: most times that each label tries to spread.
    :return: (M,) int64.
    :raises GraphCutError: if PyMaxflow is missing.
    :raises ValueError: if a cost is not finite or a weight negative.
    """
    _check(unaries, edges)
    labels = start.astype(np.int64)
    energy = potts_energy(labels, unaries, edges)
    for _ in range(cycles):
        before = energy
        for alpha in range(len(unaries)):
            proposal = min_cut(unaries, edges) if len(unaries) == 2 else _expand(alpha, labels, unaries, edges)
            proposed = potts_energy(proposal, unaries, edges)
            if proposed < energy - _ROUNDING * abs(energy):
                labels, energy = proposal, proposed
        if energy == before:
            break
    return labels


def _expand(alpha: int, labels: np.ndarray, unaries: np.ndarray, edges: Edges) -> np.ndarray:
    """The best labelling in which each node keeps its label or takes ``alpha``: one exact cut."""
    first, second, weight = edges.first, edges.second, edges.weight
    both_keep = weight * (labels[first] != labels[second])
    second_takes = weight * (labels[first] != alpha)
    first_takes = weight * (labels[second] != alpha)
    binary = np.stack([np.take_along_axis(unaries, labels[None], 0)[0], unaries[alpha]])
    # a pair's cost is linear in who takes alpha, but for where the second alone does (Kolmogorov & Zabih, PAMI 2004)
    binary[1] += np.bincount(first, first_takes - both_keep, len(labels))
    binary[1] -= np.bincount(second, first_takes, len(labels))
    mixed = np.maximum(second_takes + first_takes - both_keep, 0)  # a triangle: below 0 by rounding alone
    takes = _cut(binary, first, second, mixed, np.zeros_like(mixed))
    return np.where(takes, alpha, labels)


def _cut(
    unaries: np.ndarray, first: np.ndarray, second: np.ndarray, forward: np.ndarray, backward: np.ndarray
) -> np.ndarray:
    """
    The nodes on the side of label 1.

    :param forward: cost where ``first`` has label 0 and ``second`` label 1; ``backward``: the other way round.
    """
    try:
        import maxflow
    except ImportError as error:
        raise GraphCutError(
            f"graph cuts: PyMaxflow cannot be loaded ({error}); pip install 'wsvs_ros[train]'"
        ) from error
    graph = maxflow.Graph[float](unaries.shape[1], len(first))
    nodes = graph.add_grid_nodes((unaries.shape[1],))
    graph.add_edges(first, second, forward, backward)
    costs = unaries.astype(np.float64) - unaries.min(0)
    graph.add_grid_tedges(nodes, costs[1], costs[0])
    graph.maxflow()
    side: np.ndarray = graph.get_grid_segments(nodes)
    return side


def _check(unaries: np.ndarray, edges: Edges) -> None:
    if not np.isfinite(unaries).all():
        raise ValueError("graph cut: a unary cost is not finite")
    if not (np.isfinite(edges.weight).all() and (edges.weight >= 0).all()):
        raise ValueError("graph cut: a weight is negative or not finite; no cut can tell its least energy")
