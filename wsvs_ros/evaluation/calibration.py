"""Whether the confidence is what it says: a share p of the pixels of confidence p should be right."""

from __future__ import annotations

from typing import Any

import numpy as np


class Calibration:
    """
    Expected calibration error and the reliability curve (Guo 2017), over any number of frames.

    :param bins: of equal width over 0 to 1.
    """

    def __init__(self, bins: int = 15) -> None:
        self._edges = np.linspace(0, 1, bins + 1)
        self._count = np.zeros(bins)
        self._right = np.zeros(bins)
        self._confidence = np.zeros(bins)

    def update(self, confidence: np.ndarray, right: np.ndarray, counted: np.ndarray) -> None:
        """
        Count one frame.

        :param confidence: (H, W) uint8, 255 for certain, as `wsvs segment --confidence` writes it, or float 0 to 1.
        :param right: (H, W) bool, where the prediction is right.
        :param counted: (H, W) bool, where the truth has a class.
        """
        if confidence.dtype == np.uint8:
            values = np.arange(256) / 255
            seen = np.bincount(confidence[counted], minlength=256).astype(float)
            hits = np.bincount(confidence[counted & right], minlength=256).astype(float)
        else:
            values = confidence[counted].astype(np.float64)
            seen, hits = np.ones_like(values), right[counted].astype(float)
        bins = len(self._count)
        place = np.clip(np.searchsorted(self._edges, values, side="right") - 1, 0, bins - 1)
        self._count += np.bincount(place, seen, bins)
        self._right += np.bincount(place, hits, bins)
        self._confidence += np.bincount(place, seen * values, bins)

    @property
    def error(self) -> float | None:
        """Expected calibration error: mean gap of confidence and accuracy, weighted by pixels; None without any."""
        total = self._count.sum()
        return float(np.abs(self._right - self._confidence).sum() / total) if total else None

    def to_dict(self) -> dict[str, Any]:
        """`ece`, and by bin `confidence` and `accuracy` (None where it is empty) and its `share` of the pixels."""
        count = np.where(self._count, self._count, np.nan)

        def plain(values: np.ndarray) -> list[float | None]:
            return [None if np.isnan(value) else float(value) for value in values]

        return {
            "ece": self.error,
            "confidence": plain(self._confidence / count),
            "accuracy": plain(self._right / count),
            "share": plain(self._count / max(self._count.sum(), 1)),
        }
