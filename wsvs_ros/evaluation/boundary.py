"""How well the outlines of the classes agree (Csurka et al. 2013)."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from wsvs_ros.evaluation.metrics import known
from wsvs_ros.perception.labels import LabelSet

_TOLERANCE = 0.0075  # of the image's diagonal, by which an outline may lie beside the true one
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


class BoundaryF1:
    """
    Boundary F1: for each class and image, how many points of the predicted outline lie near the true one, and the
    other way round; their harmonic mean, averaged over the images that show the class, then over the classes.

    An image's border is no outline, and where the truth has no class nothing is measured.

    :param label_set: the classes.
    """

    def __init__(self, label_set: LabelSet) -> None:
        self._label_set = label_set
        self._sums, self._images = np.zeros(len(label_set)), np.zeros(len(label_set), np.int64)

    def update(self, pred: np.ndarray, truth: np.ndarray) -> None:
        """
        Measure one label map.

        :param pred: (H, W) uint8 ids.
        :param truth: (H, W) uint8 true ids.
        """
        labelled = truth < len(self._label_set)
        radius = max(1, round(_TOLERANCE * float(np.hypot(*truth.shape))))
        near = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        for label in np.union1d(np.unique(pred[labelled]), np.unique(truth[labelled])):
            if label >= len(self._label_set):
                continue
            found, true = (_outline(ids == label, labelled) for ids in (pred, truth))
            if not found.any() and not true.any():  # it fills the image, or what is measured of it
                score = float(np.array_equal(pred[labelled] == label, truth[labelled] == label))
            else:
                precision, recall = _share(found, true, near), _share(true, found, near)
                score = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
            self._sums[label] += score
            self._images[label] += 1

    def to_dict(self) -> dict[str, Any]:
        """`mean` over the classes and `per_class`, shares of 1; None for what no image shows."""
        scores = np.divide(self._sums, self._images, out=np.full(len(self._sums), np.nan), where=self._images > 0)
        there = scores[~np.isnan(scores)]
        return {
            "mean": float(there.mean()) if len(there) else None,
            "per_class": {name: known(score) for name, score in zip(self._label_set.names, scores, strict=True)},
        }


def _outline(mask: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """The class's points beside another class; what is unlabelled is none."""
    inner = cv2.erode((mask | ~labelled).astype(np.uint8), _CROSS)
    return mask & labelled & (inner == 0)


def _share(points: np.ndarray, outline: np.ndarray, near: np.ndarray) -> float:
    """Of the points, those that lie near the outline."""
    if not points.any():
        return 0.0
    return float((cv2.dilate(outline.astype(np.uint8), near)[points] > 0).mean())
