"""All that can be said of a run, gathered frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from wsvs_ros.evaluation import measures
from wsvs_ros.evaluation.boundary import BoundaryF1
from wsvs_ros.evaluation.calibration import Calibration
from wsvs_ros.evaluation.frames import EvaluatedFrame
from wsvs_ros.evaluation.metrics import ConfusionMatrix, known
from wsvs_ros.evaluation.temporal import TemporalConsistency
from wsvs_ros.evaluation.trimap import TrimapAccuracy
from wsvs_ros.evaluation.vehicles import VehicleMeasure
from wsvs_ros.perception.labels import LabelSet

_LONGEST_GAP = 1.0  # seconds between frames that still show the same scene


@dataclass(frozen=True)
class FrameFigures:
    """
    One frame's figures; None for what could not be measured.

    :param consistency: share of the pixels followed from the frame before whose label stayed.
    """

    name: str
    stamp_ns: int | None
    miou: float | None
    accuracy: float | None
    consistency: float | None
    latency_ms: float | None


class Evaluation:
    """
    Measures a run; memory grows by a line of figures and a confusion matrix a frame.

    :param label_set: of predictions and truth, after any mapping.
    :param latency_ms: percentiles of the run, where its frames do not tell.
    """

    def __init__(self, label_set: LabelSet, latency_ms: dict[str, float] | None = None) -> None:
        self.label_set = label_set
        self._latency_ms = latency_ms
        self.matrix = ConfusionMatrix(label_set)
        self.frames: list[FrameFigures] = []
        self.truths = 0
        self._counts: list[np.ndarray] = []
        self._shares: list[np.ndarray] = []
        self._trimap = TrimapAccuracy(len(label_set))
        self._boundary = BoundaryF1(label_set)
        self._vehicles = VehicleMeasure()
        self._calibration = Calibration()
        self._confidences: list[float] = []
        self._temporal = TemporalConsistency(label_set)
        self._vehicle = np.zeros(256, bool)
        self._vehicle[list(label_set.vehicle_ids)] = True
        self._last_stamp: int | None = None

    @property
    def counts(self) -> np.ndarray:
        """(frames, N, N + 1) int32, the confusion counts of each frame; zero without truth."""
        return np.stack(self._counts)

    @property
    def shares(self) -> np.ndarray:
        """(frames, N + 1) float32, the share of each class in what was predicted, the last for none."""
        return np.stack(self._shares)

    def update(self, frame: EvaluatedFrame) -> None:
        """Measure one frame; the run's frames come in their order."""
        size = len(self.label_set)
        ids = np.bincount(frame.pred.ravel(), minlength=256)
        self._shares.append(np.append(ids[:size], ids[size:].sum()).astype(np.float32) / frame.pred.size)
        if frame.confidence is not None:
            self._confidences.append(float(frame.confidence.mean()) / 255)
        counts = np.zeros((size, size + 1), np.int32)
        if frame.truth is not None:
            self.truths += 1
            counts = self._compare(frame, frame.truth).astype(np.int32)
        self._counts.append(counts)
        self.frames.append(
            FrameFigures(
                name=frame.name,
                stamp_ns=frame.stamp_ns,
                miou=known(measures.mean_iou(counts)),
                accuracy=known(measures.global_accuracy(counts)),
                consistency=self._follow(frame),
                latency_ms=frame.latency_ms,
            )
        )

    def to_dict(self) -> dict[str, Any]:
        """The figures of the whole run as plain data; shares of 1, None where there is nothing to measure by."""
        labelled = int(self.matrix.counts.sum())
        return {
            "frames": len(self.frames),
            "frames_with_truth": self.truths,
            "label_set": self.label_set.name,
            **self.matrix.to_dict(),
            "accuracy_per_class": self.matrix.accuracy_per_class,
            "precision_per_class": self.matrix.precision_per_class,
            "f1_per_class": self.matrix.f1_per_class,
            "boundary_f1": self._boundary.to_dict(),
            "seen_per_class": dict(zip(self.label_set.names, map(float, self._mean_shares()), strict=False)),
            "pixels": {"labelled": labelled, "unlabelled": self.matrix.unlabelled},
            "confusion": self.matrix.counts.tolist(),
            "trimap": self._trimap.to_dict(),
            "vehicles": self._vehicles.to_dict() if self.label_set.vehicle_ids else None,
            "calibration": self._calibration.to_dict(),
            "uncertainty": 1 - float(np.mean(self._confidences)) if self._confidences else None,
            "temporal": self._temporal.to_dict(),
            "latency_ms": _percentiles([frame.latency_ms for frame in self.frames if frame.latency_ms is not None])
            or self._latency_ms,
        }

    def per_frame(self) -> list[dict[str, Any]]:
        """The figures of each frame as plain data."""
        return [asdict(frame) for frame in self.frames]

    def _compare(self, frame: EvaluatedFrame, truth: np.ndarray) -> np.ndarray:
        counts = self.matrix.update(frame.pred, truth)
        self._trimap.update(frame.pred, truth)
        self._boundary.update(frame.pred, truth)
        labelled = truth < len(self.label_set)
        if self.label_set.vehicle_ids:
            self._vehicles.update(self._vehicle[frame.pred] & labelled, self._vehicle[truth])
        if frame.confidence is not None:
            self._calibration.update(frame.confidence, frame.pred == truth, labelled)
        return counts

    def _follow(self, frame: EvaluatedFrame) -> float | None:
        last, self._last_stamp = self._last_stamp, frame.stamp_ns
        if last is not None and frame.stamp_ns is not None and not 0 < frame.stamp_ns - last < _LONGEST_GAP * 1e9:
            self._temporal.cut()
        if frame.image is None:
            self._temporal.cut()
            return None
        return self._temporal.update(frame.image, frame.pred, frame.truth)

    def _mean_shares(self) -> np.ndarray:
        return self.shares.mean(0) if self._shares else np.zeros(0)


def apart(order: Sequence[int], frames: int, count: int) -> list[int]:
    """
    The first few of some places that do not lie close together, because neighbouring frames show the same.

    :param order: places of frames, the most wanted first.
    :param frames: of the run; a fortieth of it is close.
    """
    chosen: list[int] = []
    for place in order:
        if len(chosen) == count:
            break
        if all(abs(place - other) > frames / 40 for other in chosen):
            chosen.append(place)
    return chosen


def _percentiles(values: list[float]) -> dict[str, float] | None:
    if not values:
        return None
    found = np.percentile(values, (50, 95, 99))
    return {name: float(value) for name, value in zip(("p50", "p95", "p99"), found, strict=True)}
