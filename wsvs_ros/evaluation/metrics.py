"""How well label maps agree with the truth: the confusion matrix and what is read from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wsvs_ros.errors import WsvsError
from wsvs_ros.evaluation import measures
from wsvs_ros.perception.labels import LabelClass, LabelSet


class MetricsError(WsvsError):
    """A predicted label map cannot be compared with its truth."""


class ConfusionMatrix:
    """
    Counts predictions against the truth over any number of label maps.

    Truth ids without a class (>= N, e.g. 255 or CamVid's 11) are counted as `unlabelled` and ignored. A prediction
    without a class is wrong: it counts into the union of the true class, as a pixel that was missed.

    :param label_set: the N classes.
    """

    def __init__(self, label_set: LabelSet) -> None:
        self.label_set = label_set
        count = len(label_set)
        # one column more, for predictions without a class
        self._counts = np.zeros((count, count + 1), np.int64)
        self.unlabelled = 0
        """Pixels whose truth has no class."""

    @property
    def counts(self) -> np.ndarray:
        """(N, N + 1) int64 pixels: row the true id, column the predicted one, the last for none. A copy."""
        return self._counts.copy()

    def update(self, pred: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """
        Count one label map.

        :param pred: (H, W) uint8 predicted ids.
        :param truth: (H, W) uint8 true ids.
        :return: (N, N + 1) int64, the counts of this map alone.
        :raises MetricsError: if the two differ in shape or are not uint8.
        """
        if pred.shape != truth.shape or pred.dtype != np.uint8 or truth.dtype != np.uint8:
            raise MetricsError(
                f"prediction is {pred.shape} {pred.dtype} and truth {truth.shape} {truth.dtype}, "
                "expected two uint8 label maps of the same shape"
            )
        rows, columns = self._counts.shape
        # all pairs of bytes first: without a mask, which would copy both maps
        pairs = np.bincount((truth.astype(np.uint16) * 256 + pred).ravel(), minlength=1 << 16).reshape(256, 256)
        counts = np.empty_like(self._counts)
        counts[:, : columns - 1] = pairs[:rows, : columns - 1]
        counts[:, columns - 1] = pairs[:rows, columns - 1 :].sum(1)
        self._counts += counts
        self.unlabelled += int(pairs[rows:].sum())
        return counts

    @property
    def per_class(self) -> dict[str, float | None]:
        """Intersection over union by class name; None for a class that neither truth nor prediction has."""
        return self._by_name(measures.iou(self._counts))

    @property
    def accuracy_per_class(self) -> dict[str, float | None]:
        """Share of right pixels by name of the true class; None for a class that the truth lacks."""
        return self._by_name(measures.class_accuracies(self._counts))

    @property
    def miou(self) -> float | None:
        """Mean IoU over the classes that occur in truth or prediction; None without any."""
        return known(measures.mean_iou(self._counts))

    @property
    def class_accuracy(self) -> float | None:
        """Mean share of right pixels over the classes that occur in the truth; None without any."""
        return known(measures.class_accuracy(self._counts))

    @property
    def global_accuracy(self) -> float | None:
        """Share of right pixels; None without any."""
        return known(measures.global_accuracy(self._counts))

    @property
    def frequency_weighted_iou(self) -> float | None:
        """IoU weighted by how many of the true pixels a class has; None without any."""
        return known(measures.frequency_weighted_iou(self._counts))

    @property
    def precision_per_class(self) -> dict[str, float | None]:
        """Share of right pixels by name of the predicted class; None for a class that was never predicted."""
        return self._by_name(measures.precisions(self._counts))

    @property
    def f1_per_class(self) -> dict[str, float | None]:
        """Harmonic mean of precision and recall by class name; None for a class that neither has."""
        return self._by_name(measures.f1_scores(self._counts))

    @property
    def precision(self) -> float | None:
        """Mean precision over the classes that were predicted; None without any."""
        return known(measures.mean_precision(self._counts))

    @property
    def f1(self) -> float | None:
        """Mean F1 over the classes that occur in truth or prediction; None without any."""
        return known(measures.mean_f1(self._counts))

    def grouped(self, groups: Mapping[str, Sequence[str]]) -> ConfusionMatrix:
        """
        The counts by groups of classes: a pixel is right whose class is of the true one's group.

        :param groups: name -> classes of the label set; pixels of a class in none of them are left out.
        """
        place = np.full(len(self.label_set) + 1, -1)
        for index, names in enumerate(groups.values()):
            place[[self.label_set.id_of(name) for name in names]] = index
        place[-1] = len(groups)  # no class is no group
        found = ConfusionMatrix(
            LabelSet(f"groups of {self.label_set.name}", tuple(LabelClass(name, (0, 0, 0)) for name in groups))
        )
        rows, columns = np.flatnonzero(place[:-1] >= 0), np.where(place < 0, len(groups), place)
        np.add.at(found._counts, (place[rows][:, None], columns[None]), self._counts[rows])
        found.unlabelled = self.unlabelled + int(self._counts[place[:-1] < 0].sum())
        return found

    def to_dict(self) -> dict[str, Any]:
        """The means and `per_class` IoU, shares of 1, as plain data."""
        return {
            "miou": self.miou,
            "class_accuracy": self.class_accuracy,
            "global_accuracy": self.global_accuracy,
            "frequency_weighted_iou": self.frequency_weighted_iou,
            "precision": self.precision,
            "f1": self.f1,
            "per_class": self.per_class,
        }

    def _by_name(self, values: np.ndarray) -> dict[str, float | None]:
        return {name: known(value) for name, value in zip(self.label_set.names, values, strict=True)}


def known(value: float | np.ndarray) -> float | None:
    """A figure as plain data: None instead of NaN."""
    number = float(value)
    return None if math.isnan(number) else number
