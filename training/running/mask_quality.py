"""How right the masks are that a network learns from (BP tables 4 and 5). Pixel labels are read here only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.datasets import Sample
from training.networks.marks import BACKGROUND, FOREGROUND
from wsvs_ros.errors import WsvsError
from wsvs_ros.evaluation.metrics import ConfusionMatrix
from wsvs_ros.perception.label_maps import read_label_map
from wsvs_ros.perception.labels import UNKNOWN, LabelClass, LabelSet

Truth = Callable[[Sample], "np.ndarray | None"]
"""The (H, W) uint8 label map of a sample, ids of the label set and others for none; None where it has no label map."""

_SIDES = LabelSet(
    "foreground and background", (LabelClass("background", (0, 0, 0)), LabelClass("foreground", (255, 255, 255)))
)


@dataclass(frozen=True)
class MaskQuality:
    """
    What masks are worth, counted in labelled pixels.

    :param classes: of masks that tell classes apart; a pixel outside of all masks is a miss (BP table 5).
    :param sides: objects against background, whatever their class (BP table 4); None where nothing says what an
        object is.
    :param frames: how many have a label map.
    """

    classes: ConfusionMatrix
    sides: ConfusionMatrix | None
    frames: int

    def to_dict(self) -> dict[str, Any]:
        """Shares of 1: `covered` by a class's mask, of that `right`, the classes' IoU and the two sides' mean IoU."""
        counts = self.classes.counts
        total, inside = counts.sum(), counts[:, :-1].sum()
        found = {
            "frames": self.frames,
            "covered": float(inside / total) if total else None,
            "right": float(np.trace(counts) / inside) if inside else None,
            **self.classes.to_dict(),
        }
        if self.sides is not None:
            found["foreground_background_miou"] = self.sides.miou
        return found


def measure_masks(
    masks: Path, samples: Sequence[Sample], truth: Truth, label_set: LabelSet, objects: Sequence[int] = ()
) -> MaskQuality:
    """
    Compare masks with the truth.

    :param masks: one ``<key>.npy`` a sample, (h, w) uint8 class ids and :mod:`training.networks.marks`.
    :param objects: ids of the classes that are objects; empty where the masks know no sides.
    :raises WsvsError: if no sample has both a mask and a label map.
    """
    classes, sides, frames = ConfusionMatrix(label_set), ConfusionMatrix(_SIDES) if objects else None, 0
    is_object = np.isin(np.arange(256), objects)
    for sample in samples:
        path = masks / f"{sample.key}.npy"
        labels = truth(sample) if path.is_file() else None
        if labels is None:
            continue
        frames += 1
        found = _enlarge(np.load(path), labels.shape)
        classes.update(found, labels)
        if sides is not None:
            known = labels < len(label_set)
            side = np.where(is_object[found] | (found == FOREGROUND), 1, 0)
            told = (found < len(label_set)) | (found == FOREGROUND) | (found == BACKGROUND)
            sides.update(
                np.where(told, side, UNKNOWN).astype(np.uint8),
                np.where(known, is_object[labels], UNKNOWN).astype(np.uint8),
            )
    if not frames:
        raise WsvsError(f"none of {len(samples)} samples has both a mask and a label map, by its name")
    return MaskQuality(classes, sides, frames)


def labels_beside(folder: Path) -> Truth:
    """Label PNGs that are named as the frames, whatever the recording."""

    def load(sample: Sample) -> np.ndarray | None:
        path = folder / f"{sample.key.rpartition('/')[2]}.png"
        return read_label_map(path) if path.is_file() else None

    return load


def _enlarge(labels: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Cells as squares of pixels, of which the last may reach over the end."""
    rows, columns = (
        (np.arange(pixels) // max(1, round(pixels / cells))).clip(max=cells - 1)
        for pixels, cells in zip(size, labels.shape, strict=True)
    )
    enlarged: np.ndarray = labels[rows][:, columns]
    return enlarged
