"""Accuracy near the true boundaries (BP fig. 10)."""

from __future__ import annotations

import cv2
import numpy as np

from wsvs_ros.evaluation.metrics import known

WIDTHS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48)


class TrimapAccuracy:
    """
    Share of right pixels in bands of growing width around the boundaries of the truth (Kohli 2009; BP fig. 10).

    A boundary runs wherever two neighbouring pixels differ in their true id, unlabelled ones included; a pixel
    beside it lies at distance 1. Unlabelled pixels are not counted.

    :param classes: ids from here on are unlabelled.
    :param widths: of the bands to either side, pixels, growing.
    """

    def __init__(self, classes: int, widths: tuple[int, ...] = WIDTHS) -> None:
        self.widths = widths
        self._classes = classes
        self._right = np.zeros(len(widths) + 1, np.int64)
        self._total = np.zeros(len(widths) + 1, np.int64)

    def update(self, pred: np.ndarray, truth: np.ndarray) -> None:
        """
        Count one label map.

        :param pred: (H, W) uint8 predicted ids.
        :param truth: (H, W) uint8 true ids.
        """
        inside = np.ones(truth.shape, np.uint8)
        across = truth[:, 1:] != truth[:, :-1]
        down = truth[1:] != truth[:-1]
        for first, second, edge in (
            (inside[:, 1:], inside[:, :-1], across),
            (inside[1:], inside[:-1], down),
        ):
            first[edge] = second[edge] = 0
        if inside.all():
            return
        # to the nearest pixel beside a boundary, which itself is at 1
        distance = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) + 1
        bands = np.searchsorted(np.array(self.widths, np.float32), distance.ravel())
        labelled = truth.ravel() < self._classes
        right = labelled & (pred == truth).ravel()
        bins = len(self._total)
        self._total += np.bincount(bands[labelled], minlength=bins)
        self._right += np.bincount(bands[right], minlength=bins)

    def to_dict(self) -> dict[str, list[float | None] | list[int]]:
        """`widths` in pixels and `accuracy` within each, None where no pixel was."""
        right, total = self._right[:-1].cumsum(), self._total[:-1].cumsum()
        accuracy = [known(r / t) if t else None for r, t in zip(right, total, strict=True)]
        return {"widths": list(self.widths), "accuracy": accuracy}
