"""Graph cuts against all labellings of small graphs."""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("maxflow", reason="graph cuts need PyMaxflow: pip install 'wsvs_ros[train]'")

from training.cues.motion.graph_cut import (
    Edges,
    GraphCutError,
    alpha_expansion,
    contrast_weights,
    grid_edges,
    grid_neighbours,
    min_cut,
    potts_energy,
)


def random_problem(seed: int, nodes: int, labels: int) -> tuple[np.ndarray, Edges]:
    rng = np.random.default_rng(seed)
    pairs = np.array(list(itertools.combinations(range(nodes), 2)), int).reshape(-1, 2)
    pairs = pairs[rng.random(len(pairs)) < 0.7]
    weight = rng.exponential(1.0, len(pairs)) * rng.choice([0, 1, 3], len(pairs))
    return rng.normal(0, 2, (labels, nodes)), Edges(pairs[:, 0], pairs[:, 1], weight)


def least_energy(unaries: np.ndarray, edges: Edges) -> float:
    labels, nodes = unaries.shape
    return min(potts_energy(np.array(each), unaries, edges) for each in itertools.product(range(labels), repeat=nodes))


def test_energies_are_those_by_hand() -> None:
    unaries = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0], [100.0, 200.0, 300.0]])
    edges = Edges(np.array([0, 1, 0]), np.array([1, 2, 2]), np.array([0.5, 0.25, 7.0]))
    assert potts_energy(np.array([0, 0, 0]), unaries, edges) == 6
    assert potts_energy(np.array([0, 1, 1]), unaries, edges) == 1 + 20 + 30 + 0.5 + 7
    assert potts_energy(np.array([2, 1, 0]), unaries, edges) == 100 + 20 + 3 + 0.5 + 0.25 + 7


def test_a_grid_has_each_of_eight_neighbours_once() -> None:
    first, second, distance = grid_neighbours((3, 4))
    pairs = set(map(frozenset, zip(first.tolist(), second.tolist(), strict=True)))
    assert len(pairs) == len(first) == 3 * 3 + 2 * 4 + 2 * (2 * 3)
    for one, other, far in zip(first, second, distance, strict=True):
        rows, columns = abs(one // 4 - other // 4), abs(one % 4 - other % 4)
        assert max(rows, columns) == 1
        assert far == pytest.approx(np.hypot(rows, columns))


def test_frames_are_not_linked() -> None:
    first, second, _ = grid_neighbours((2, 3, 4))
    assert len(first) == 2 * len(grid_neighbours((3, 4))[0])
    assert ((first < 12) == (second < 12)).all()


def test_the_weights_are_equation_3_with_differences_over_their_mean() -> None:
    colours = np.array([[[0, 0, 0], [3, 4, 0]], [[0, 0, 0], [0, 0, 12]]], np.uint8)
    edges = grid_edges(colours, smoothness=2.0, gamma=0.5)
    squared = {(0, 1): 25, (2, 3): 144, (0, 2): 0, (1, 3): 25 + 144, (0, 3): 144, (1, 2): 25}
    mean = sum(squared.values()) / 6
    found = {(a, b): w for a, b, w in zip(edges.first.tolist(), edges.second.tolist(), edges.weight, strict=True)}
    for (one, other), value in squared.items():
        distance = np.sqrt(2) if (one, other) in ((0, 3), (1, 2)) else 1
        assert found[one, other] == pytest.approx(2 * np.exp(-0.5 * value / mean) / distance)
    brighter = grid_edges(colours.astype(float) * 10, smoothness=2.0)
    np.testing.assert_allclose(brighter.weight, edges.weight)


def test_an_image_of_one_colour_has_plain_potts_weights() -> None:
    first, second, distance = grid_neighbours((2, 2))
    weight = contrast_weights(np.full((4, 3), 9), first, second, distance, smoothness=3)
    np.testing.assert_allclose(weight, 3 / distance)


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), nodes=st.integers(1, 9))
def test_a_cut_has_the_least_energy(seed: int, nodes: int) -> None:
    unaries, edges = random_problem(seed, nodes, 2)
    found = potts_energy(min_cut(unaries, edges), unaries, edges)
    assert found == pytest.approx(least_energy(unaries, edges), abs=1e-9)


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), nodes=st.integers(1, 6), labels=st.integers(1, 4), cycles=st.integers(0, 6))
def test_expansion_is_never_worse_than_the_start_and_near_the_best(
    seed: int, nodes: int, labels: int, cycles: int
) -> None:
    unaries, edges = random_problem(seed, nodes, labels)
    unaries -= unaries.min()  # the bound of two speaks of costs that are not negative
    start = np.random.default_rng(seed).integers(0, labels, nodes)
    found = alpha_expansion(unaries, edges, start, cycles)
    energy = potts_energy(found, unaries, edges)
    assert energy <= potts_energy(start, unaries, edges) + 1e-9
    best = least_energy(unaries, edges)
    if cycles >= 5:
        assert energy <= 2 * best + 1e-9
    if labels == 2 and cycles:
        assert energy == pytest.approx(best, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_after_expansion_no_label_can_spread(seed: int) -> None:
    """The move is the best one of all 2^M: what the single exact cut promises."""
    unaries, edges = random_problem(seed, 6, 3)
    labels = alpha_expansion(unaries, edges, np.zeros(6, int), cycles=20)
    energy = potts_energy(labels, unaries, edges)
    for alpha in range(3):
        for takes in itertools.product([False, True], repeat=6):
            moved = np.where(takes, alpha, labels)
            assert potts_energy(moved, unaries, edges) >= energy - 1e-7


def test_three_regions_of_a_noisy_picture_are_found() -> None:
    rng = np.random.default_rng(0)
    truth = np.zeros((20, 30), int)
    truth[:, 10:20], truth[:, 20:] = 1, 2
    picture = truth[..., None] * 60.0 + rng.normal(0, 4, (20, 30, 3))
    unaries = np.stack([(truth.ravel() != label) + rng.normal(0, 0.7, 600) for label in range(3)])
    assert (unaries.argmin(0) != truth.ravel()).mean() > 0.1
    labels = alpha_expansion(unaries, grid_edges(picture, smoothness=2.0), np.zeros(600, int))
    assert (labels != truth.ravel()).mean() < 0.01


@pytest.mark.parametrize(("unary", "weight"), [(np.inf, 1.0), (np.nan, 1.0), (0.0, -1.0), (0.0, np.nan)])
def test_what_no_cut_can_solve_is_refused(unary: float, weight: float) -> None:
    unaries = np.zeros((2, 2))
    unaries[1, 0] = unary
    edges = Edges(np.array([0]), np.array([1]), np.array([weight]))
    with pytest.raises(ValueError, match="graph cut"):
        min_cut(unaries, edges)
    with pytest.raises(ValueError, match="graph cut"):
        alpha_expansion(unaries, edges, np.zeros(2, int))


def test_a_missing_pymaxflow_names_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "maxflow", None)
    with pytest.raises(GraphCutError, match=r"wsvs_ros\[train\]"):
        min_cut(np.zeros((2, 1)), Edges(*np.zeros((3, 0), int)))
