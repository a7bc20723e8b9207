"""Two runs of the same drive: which is better, by how much, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from wsvs_ros.errors import WsvsError
from wsvs_ros.evaluation.bootstrap import Interval, compare_counts
from wsvs_ros.evaluation.evaluation import Evaluation, apart
from wsvs_ros.evaluation.frames import EvaluatedFrame, Run
from wsvs_ros.perception.labels import LabelSet


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
        return compare_counts(self.first.counts, self.second.counts, seed=seed)

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
            else {
                "low": interval.low,
                "high": interval.high,
                "confidence": 0.95,
                "block_frames": interval.block,
                "reason": interval.reason,
            },
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


def _minus(later: float | None, earlier: float | None) -> float | None:
    return None if later is None or earlier is None else later - earlier
