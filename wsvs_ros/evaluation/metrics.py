"""How well label maps agree with the truth: the confusion matrix and what is read from it."""

from __future__ import annotations

from typing import Any

import numpy as np

from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.labels import LabelSet


class MetricsError(WsvsError):
    """A predicted label map cannot be compared with its truth."""


class ConfusionMatrix:
    """
    Counts predictions against the truth over any number of label maps.

    Truth ids without a class (>= N, e.g. 255 or CamVid's 11) are ignored. A prediction without a class is
    wrong: it counts into the union of the true class, as a pixel that was missed.

    :param label_set: the N classes.
    """

    def __init__(self, label_set: LabelSet) -> None:
        self._label_set = label_set
        count = len(label_set)
        # one column more, for predictions without a class
        self._counts = np.zeros((count, count + 1), np.int64)

    @property
    def counts(self) -> np.ndarray:
        """(N, N + 1) int64 pixels: row the true id, column the predicted one, the last for none. A copy."""
        return self._counts.copy()

    def update(self, pred: np.ndarray, truth: np.ndarray) -> None:
        """
        Count one label map.

        :param pred: (H, W) uint8 predicted ids.
        :param truth: (H, W) uint8 true ids.
        :raises MetricsError: if the two differ in shape or are not uint8.
        """
        if pred.shape != truth.shape or pred.dtype != np.uint8 or truth.dtype != np.uint8:
            raise MetricsError(
                f"prediction is {pred.shape} {pred.dtype} and truth {truth.shape} {truth.dtype}, "
                "expected two uint8 label maps of the same shape"
            )
        rows, columns = self._counts.shape
        counted = truth < rows
        cells = truth[counted].astype(np.int64) * columns + np.minimum(pred[counted], columns - 1)
        self._counts += np.bincount(cells, minlength=rows * columns).reshape(rows, columns)

    @property
    def per_class(self) -> dict[str, float | None]:
        """Intersection over union by class name; None for a class that neither truth nor prediction has."""
        return {
            name: float(right / union) if union else None
            for name, right, union in zip(self._label_set.names, self._right, self._union, strict=True)
        }

    @property
    def miou(self) -> float | None:
        """Mean IoU over the classes that occur in truth or prediction; None without any."""
        return _mean([value for value in self.per_class.values() if value is not None])

    @property
    def class_accuracy(self) -> float | None:
        """Mean share of right pixels over the classes that occur in the truth; None without any."""
        true = self._counts.sum(1)
        return _mean([right / total for right, total in zip(self._right, true, strict=True) if total])

    @property
    def global_accuracy(self) -> float | None:
        """Share of right pixels; None without any."""
        total = self._counts.sum()
        return float(self._right.sum() / total) if total else None

    def to_dict(self) -> dict[str, Any]:
        """`miou`, `class_accuracy`, `global_accuracy` and `per_class`, shares of 1, as plain data."""
        return {
            "miou": self.miou,
            "class_accuracy": self.class_accuracy,
            "global_accuracy": self.global_accuracy,
            "per_class": self.per_class,
        }

    @property
    def _right(self) -> np.ndarray:
        return self._counts.diagonal()

    @property
    def _union(self) -> np.ndarray:
        predicted = self._counts.sum(0)[:-1]
        return self._counts.sum(1) + predicted - self._right


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None
