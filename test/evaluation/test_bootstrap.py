"""Intervals of differences: they hold the truth, and claim nothing that the frames do not tell."""

from __future__ import annotations

import numpy as np
import pytest

from wsvs_ros.evaluation import measures
from wsvs_ros.evaluation.bootstrap import block_length, compare_counts


def counts(frames: int, share: float, seed: int) -> np.ndarray:
    """Confusion counts of two classes, with about a share of the pixels right."""
    random = np.random.default_rng(seed)
    found = np.zeros((frames, 2, 3), np.int64)
    for k in range(frames):
        right = random.binomial(100, np.clip(share + random.normal(0, 0.05), 0, 1), 2)
        found[k] = [[right[0], 100 - right[0], 0], [100 - right[1], right[1], 0]]
    return found


def test_equal_to_drawing_the_blocks_one_by_one() -> None:
    first, second = counts(60, 0.6, 0), counts(60, 0.7, 1)
    found = compare_counts(first, second, block=5, resamples=50, seed=3)
    random = np.random.default_rng(3)
    gains = []
    for _ in range(50):
        starts = random.integers(0, 56, 12)
        drawn = np.concatenate([np.arange(start, start + 5) for start in starts])
        gains.append(measures.mean_iou(second[drawn].sum(0)) - measures.mean_iou(first[drawn].sum(0)))
    assert (found.low, found.high) == pytest.approx(np.percentile(gains, (2.5, 97.5)))
    exact = measures.mean_iou(second.sum(0)) - measures.mean_iou(first.sum(0))
    assert found.difference == pytest.approx(float(exact))


def test_the_interval_holds_the_truth_and_knows_a_tie() -> None:
    first, better, equal = counts(200, 0.6, 0), counts(200, 0.7, 1), counts(200, 0.6, 2)
    gain = compare_counts(first, better, block=10)
    assert gain.low < gain.difference < gain.high
    assert gain.low > 0
    assert compare_counts(better, first, block=10).high < 0
    tie = compare_counts(first, equal, block=10)
    assert tie.low < 0 < tie.high


def test_one_frame_tells_nothing() -> None:
    found = compare_counts(counts(1, 0.6, 0), counts(1, 0.7, 1))
    assert found is not None
    assert (found.low, found.high) == (None, None)
    assert not found.is_better
    assert found.reason


def test_frames_that_all_differ_by_the_same_tell_nothing() -> None:
    one = counts(1, 0.6, 0)
    found = compare_counts(np.repeat(one, 100, 0), np.repeat(one[:, ::-1, [1, 0, 2]], 100, 0))
    assert found is not None
    assert (found.low, found.high) == (None, None)
    same = compare_counts(counts(100, 0.6, 0), counts(100, 0.6, 0))
    assert same is not None
    assert (same.difference, same.low, same.is_worse) == (0, None, False)


def test_frames_without_truth_are_not_drawn() -> None:
    first, second = counts(200, 0.6, 0), counts(200, 0.7, 1)
    gaps = np.zeros((3 * len(first), *first.shape[1:]), np.int64)
    sparse = []
    for one in (first, second):
        spread = gaps.copy()
        spread[::3] = one
        sparse.append(spread)
    assert compare_counts(*sparse) == compare_counts(first, second)


def ar(persistence: float, count: int) -> np.ndarray:
    """A series whose errors hold on."""
    noise, found = np.random.default_rng(1).standard_normal(count), np.zeros(count)
    for k in range(1, count):
        found[k] = persistence * found[k - 1] + noise[k]
    return found


# what the `arch` package (8.0.0, optimal_block_length, circular) gives for these series
@pytest.mark.parametrize(
    ("persistence", "count", "expected"),
    [(0.0, 600, 2.40), (0.5, 600, 11.02), (0.5, 5000, 23.27), (0.9, 600, 40.43), (0.97, 5000, 154.80)],
)
def test_blocks_are_as_long_as_errors_hold_on(persistence: float, count: int, expected: float) -> None:
    assert block_length(ar(persistence, count)) == pytest.approx(expected, rel=0.1)


def test_errors_that_hold_on_widen_the_interval() -> None:
    """Blocks of a second would claim three times too much; the interval of the chosen blocks covers zero."""
    random = np.random.default_rng(5)
    steps = np.repeat(random.normal(0, 0.15, 12), 50)  # scenes of 50 frames that favour one run or the other
    first, second = np.zeros((600, 2, 3), np.int64), np.zeros((600, 2, 3), np.int64)
    for k, step in enumerate(steps):
        for found, share in ((first, 0.6), (second, 0.6 + step)):
            right = random.binomial(1000, np.clip(share, 0, 1))
            found[k] = [[right, 1000 - right, 0], [1000 - right, right, 0]]
    chosen, short = compare_counts(first, second), compare_counts(first, second, block=1)
    assert chosen is not None
    assert short is not None
    assert chosen.block >= 20
    assert chosen.low is not None
    assert short.low is not None
    assert chosen.high is not None
    assert short.high is not None
    assert chosen.high - chosen.low > 2 * (short.high - short.low)
