"""Two runs of the same drive: which is better, by how much, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from wsvs_ros.errors import WsvsError
from wsvs_ros.evaluation import measures
from wsvs_ros.evaluation.evaluation import Evaluation, apart
from wsvs_ros.evaluation.frames import EvaluatedFrame, Run
from wsvs_ros.evaluation.metrics import known
from wsvs_ros.perception.labels import LabelSet

_RESAMPLES = 2000
_BLOCK_SECONDS = 1.0
_FALLBACK_BLOCK = 10  # frames, where stamps are not known


@dataclass(frozen=True)
class Interval:
    """
    A difference of mIoU, second run minus first, with its 95 % interval.

    :param block: frames that were drawn together, because neighbouring frames show the same.
    """

    difference: float
    low: float
    high: float
    block: int


class Comparison:
    """
    Measures two runs frame by frame, side by side.

    :param label_set: of both, after any mapping.
    """

    def __init__(self, label_set: LabelSet) -> None:
        self.label_set = label_set
        self.first, self.second = Evaluation(label_set), Evaluation(label_set)
        self.differing: list[float] = []
        """Share of the pixels that the two label differently, by frame."""

    def update(self, first: EvaluatedFrame, second: EvaluatedFrame) -> None:
        """
        Measure one frame of both.

        :raises WsvsError: if the label maps differ in size.
        """
        if first.pred.shape != second.pred.shape:
            raise WsvsError(
                f"frame {first.name}: the label maps are {first.pred.shape[1]}x{first.pred.shape[0]} and "
                f"{second.pred.shape[1]}x{second.pred.shape[0]} pixels; compare runs of the same drive"
            )
        self.first.update(first)
        self.second.update(second)
        self.differing.append(float((first.pred != second.pred).mean()))

    def gains(self) -> list[float | None]:
        """mIoU of the second run minus that of the first, by frame; None without truth."""
        return [
            None if a.miou is None or b.miou is None else b.miou - a.miou
            for a, b in zip(self.first.frames, self.second.frames, strict=True)
        ]

    def most_different(self, count: int) -> list[int]:
        """Places of frames that differ most, some way apart: by their mIoU, without truth by how many pixels."""
        gains = self.gains()
        size = np.array([-1.0 if gain is None else abs(gain) for gain in gains])
        if (size < 0).all():
            size = np.array(self.differing)
        order = [int(k) for k in np.argsort(-size, kind="stable") if size[k] >= 0]
        return apart(order, len(gains), count)

    def interval(self, *, seed: int = 0) -> Interval | None:
        """The mIoU's difference and its interval; None without truth."""
        if not self.first.truths:
            return None
        block = _block([frame.stamp_ns for frame in self.first.frames])
        return bootstrap(self.first.counts, self.second.counts, block=block, seed=seed)

    def to_dict(self) -> dict[str, Any]:
        """All figures of both as plain data, with the differences (second minus first)."""
        a, b, interval = self.first.to_dict(), self.second.to_dict(), self.interval()
        return {
            "first": a,
            "second": b,
            "difference": {
                key: _minus(b[key], a[key])
                for key in ("miou", "class_accuracy", "global_accuracy", "frequency_weighted_iou")
            },
            "per_class_difference": {
                name: _minus(b["per_class"][name], a["per_class"][name]) for name in self.label_set.names
            },
            "miou_interval": None
            if interval is None
            else {"low": interval.low, "high": interval.high, "confidence": 0.95, "block_frames": interval.block},
            "differing_pixels": float(np.mean(self.differing)) if self.differing else None,
            "per_frame": [
                {"name": frame.name, "miou_difference": gain, "differing_pixels": share}
                for frame, gain, share in zip(self.first.frames, self.gains(), self.differing, strict=True)
            ],
        }


def read_pairs(
    first: Run, second: Run, names: set[str] | None = None
) -> Iterator[tuple[EvaluatedFrame, EvaluatedFrame]]:
    """
    The frames that both runs have, in order.

    :raises WsvsError: if a frame of the first is not in the second: then they are not of the same drive.
    """
    others = second.read(names)
    for frame in first.read(names):
        other = next(others, None)
        if other is None or other.name != frame.name:
            got = "ends before" if other is None else f"has {other.name} instead of"
            raise WsvsError(f"{second.path}: {got} frame {frame.name} of {first.path}; compare runs of the same drive")
        yield frame, other
    if next(others, None) is not None:
        raise WsvsError(f"{first.path}: has fewer frames than {second.path}; compare runs of the same drive")


def bootstrap(
    first: np.ndarray, second: np.ndarray, *, block: int, resamples: int = _RESAMPLES, seed: int = 0
) -> Interval:
    """
    Paired moving-block bootstrap of the difference in mIoU (Künsch 1989).

    Both runs are drawn at the same frames, so what makes a frame hard for both falls out of the difference.

    :param first: (frames, N, N + 1) confusion counts by frame.
    :param second: likewise, of the same frames.
    :param block: frames in a row that are drawn together.
    """
    frames = len(first)
    block = min(max(block, 1), frames)
    starts = frames - block + 1
    draws = -(-frames // block)
    random = np.random.default_rng(seed)
    often = np.zeros((resamples, starts))
    for row in often:  # how often each block is drawn: sums become one product of matrices
        row += np.bincount(random.integers(0, starts, draws), minlength=starts)
    differences = []
    for counts in (first, second):
        total = np.concatenate([np.zeros((1, *counts.shape[1:])), np.cumsum(counts, 0, dtype=float)])
        blocks = total[block:] - total[:-block]
        summed = (often @ blocks.reshape(starts, -1)).reshape(resamples, *counts.shape[1:])
        differences.append(measures.mean_iou(summed))
    gains = differences[1] - differences[0]
    low, high = np.nanpercentile(gains, (2.5, 97.5))
    exact = measures.mean_iou(second.sum(0, dtype=float)) - measures.mean_iou(first.sum(0, dtype=float))
    return Interval(known(exact) or 0.0, float(low), float(high), block)


def _block(stamps: list[int | None]) -> int:
    """Frames in a second, at least ten blocks to draw from."""
    times = [stamp for stamp in stamps if stamp is not None]
    seconds = (times[-1] - times[0]) * 1e-9 if len(times) > 1 else 0.0
    block = round(len(times) / seconds * _BLOCK_SECONDS) if seconds > 0 else _FALLBACK_BLOCK
    return max(1, min(block, len(stamps) // 10))


def _minus(later: float | None, earlier: float | None) -> float | None:
    return None if later is None or earlier is None else later - earlier
