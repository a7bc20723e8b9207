"""Whether a difference between two runs is more than chance: a bootstrap over blocks of frames."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from wsvs_ros.evaluation import measures

_RESAMPLES = 2000
_FEWEST_BLOCKS = 10


@dataclass(frozen=True)
class Interval:
    """
    A difference of mIoU, second run minus first, with its 95 % interval.

    :param low: and `high`: None where the frames do not tell; `reason` says why.
    :param block: frames that are drawn together, because errors hold on for about that long.
    """

    difference: float
    low: float | None
    high: float | None
    block: int
    reason: str = ""

    @property
    def is_worse(self) -> bool:
        """Whether the second run is worse beyond chance."""
        return self.high is not None and self.high < 0

    @property
    def is_better(self) -> bool:
        """Whether it is better beyond chance."""
        return self.low is not None and self.low > 0


def compare_counts(
    first: np.ndarray, second: np.ndarray, *, resamples: int = _RESAMPLES, seed: int = 0, block: int | None = None
) -> Interval | None:
    """
    Paired moving-block bootstrap of the difference in mIoU (Künsch 1989).

    Both runs are drawn at the same frames, so what makes a frame hard for both falls out of the difference. Frames
    without truth are left out.

    :param first: (frames, N, N + 1) confusion counts by frame; zero where there is no truth.
    :param second: likewise, of the same frames.
    :param block: frames that are drawn together; by default as long as the differences hold on.
    :return: None without any truth. An interval without bounds if there are fewer than ten blocks to draw from, or
        if all frames differ by the same, which tells nothing about chance.
    """
    there = first.any((1, 2)) | second.any((1, 2))
    first, second = first[there], second[there]
    if not len(first):
        return None
    exact = float(measures.mean_iou(second.sum(0, dtype=float)) - measures.mean_iou(first.sum(0, dtype=float)))
    gains = measures.mean_iou(second) - measures.mean_iou(first)
    gains = np.where(np.isnan(gains), 0.0, gains)
    length = block or math.ceil(block_length(gains))
    if np.ptp(gains) == 0:
        return Interval(exact, None, None, length, "all frames differ by the same, which tells nothing about chance")
    if len(gains) < _FEWEST_BLOCKS * length:
        reason = f"{len(gains)} frames with truth are fewer than {_FEWEST_BLOCKS} blocks of {length}"
        return Interval(exact, None, None, length, reason)
    drawn = _draw([first, second], length, resamples, np.random.default_rng(seed))
    low, high = np.nanpercentile(drawn[1] - drawn[0], (2.5, 97.5))
    return Interval(exact, float(low), float(high), length)


def block_length(values: np.ndarray) -> float:
    """
    How many neighbours have to be drawn together for a mean's spread to be right: Politis and White (2004), with the
    correction of Patton, Politis and White (2009), for blocks of fixed length.

    :param values: (n,) a series, e.g. a figure by frame.
    :return: frames, at least 1; at most 3 sqrt(n) or n / 3.
    """
    count = len(values)
    if count < 4 or np.ptp(values) == 0:
        return 1.0
    centred = values - values.mean()
    run = max(5, int(math.log10(count)))  # of correlations in a row that have to be negligible
    farthest = min(math.ceil(math.sqrt(count)) + run, count - 1)
    products = np.array([centred[lag:] @ centred[: count - lag] for lag in range(farthest + 1)])
    norms = [
        math.sqrt((centred[lag:] @ centred[lag:]) * (centred[: count - lag] @ centred[: count - lag])) or 1.0
        for lag in range(farthest + 1)
    ]
    negligible = np.abs(products / norms) < 2 * math.sqrt(math.log10(count) / count)
    ends = (lag for lag in range(1, farthest - run + 2) if negligible[lag : lag + run].all())
    last = next(ends, None)  # the first lag that is negligible
    window = farthest if last is None else min(2 * max(last - 1, 1), farthest)
    lags = np.arange(1, window + 1)
    weights = np.minimum(1.0, 2 * (1 - lags / window))  # flat top
    covariances = products / count
    spread = covariances[0] + 2 * (weights * covariances[1 : window + 1]).sum()
    slope = 2 * (weights * lags * covariances[1 : window + 1]).sum()
    length = (1.5 * (slope / spread) ** 2 * count) ** (1 / 3) if spread > 0 else math.inf
    return float(np.clip(length, 1.0, math.ceil(min(3 * math.sqrt(count), count / 3))))


def _draw(counts: list[np.ndarray], block: int, resamples: int, random: np.random.Generator) -> list[np.ndarray]:
    """mIoU of each resample, for each of the runs; memory grows by the frames, not by the resamples."""
    frames = len(counts[0])
    sums = [np.cumsum(np.concatenate([np.zeros_like(one[:1]), one]), 0, dtype=np.int64) for one in counts]
    found = [np.empty(resamples) for _ in counts]
    for turn in range(resamples):
        starts = random.integers(0, frames - block + 1, -(-frames // block))
        for result, total in zip(found, sums, strict=True):
            result[turn] = measures.mean_iou((total[starts + block] - total[starts]).sum(0))
    return found
