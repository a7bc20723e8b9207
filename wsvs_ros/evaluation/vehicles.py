"""How well vehicles are found: the mask's IoU, and whether the box is in the right place (CorLoc)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

Box = tuple[float, float, float, float]  # left, top, right, bottom; right and bottom are outside

_CORRECT = 0.5  # IoU of the boxes that CorLoc asks for (MC 4.1)


class VehicleMeasure:
    """
    Vehicle masks against the truth, over any number of frames.

    - `iou`: of all pixels together; `frame_iou`: the mean over the frames that have a vehicle in truth or
      prediction, as DAVIS counts.
    - `corloc`: share of the frames with a true vehicle in which the box of the largest predicted region overlaps
      that of one true region by an IoU of more than 0.5 (MC 4.1, 4.4).
    """

    def __init__(self) -> None:
        self._both = self._either = 0
        self._ious: list[float] = []
        self._located = self._located_of = 0

    def update(self, pred: np.ndarray, truth: np.ndarray) -> None:
        """
        Count one frame.

        :param pred: (H, W) bool, predicted vehicle.
        :param truth: (H, W) bool, true vehicle.
        """
        both, either = int((pred & truth).sum()), int((pred | truth).sum())
        self._both += both
        self._either += either
        if either:
            self._ious.append(both / either)
        if truth.any():
            self._located_of += 1
            self._located += is_located(region_boxes(pred)[:1], region_boxes(truth))

    def to_dict(self) -> dict[str, Any]:
        """`iou`, `frame_iou`, `corloc` (None where nothing was to be found) and `frames` with a true vehicle."""
        return {
            "iou": self._both / self._either if self._either else None,
            "frame_iou": float(np.mean(self._ious)) if self._ious else None,
            "corloc": self._located / self._located_of if self._located_of else None,
            "frames": self._located_of,
        }


def is_located(found: Sequence[Box], truth: Sequence[Box]) -> bool:
    """Whether one of the found boxes is where a true one is: an IoU of more than 0.5 (MC 4.1)."""
    return any(box_iou(one, other) > _CORRECT for one in found for other in truth)


def box_iou(first: Box, second: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    both = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return both / (sum(areas) - both)


def region_boxes(mask: np.ndarray) -> list[Box]:
    """Boxes of the 8-connected regions of an (H, W) bool mask, that of the largest region first."""
    stats = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)[2][1:]
    order = np.argsort(-stats[:, cv2.CC_STAT_AREA], kind="stable")
    return [(int(x), int(y), int(x + w), int(y + h)) for x, y, w, h, _ in stats[order]]
