"""Whether a network in another form gives the same labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.bundle import Parity
from wsvs_ros.perception.labels import LabelSet
from wsvs_ros.perception.postprocess import label_scores

Infer = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Image (3, H, W) uint8 and flow (2L, H, W) float32 -> scores (N, h, w) float32."""

_SEEN = 0.001  # share of the pixels that a class needs to be judged by itself


class Bounds(NamedTuple):
    """
    What a network in another form has to keep.

    :param max_error: largest accepted difference of a probability; None where outliers are the form's nature.
    :param agreement: smallest accepted share of pixels with the same label.
    :param class_agreement: smallest accepted share of any class's pixels that keep it. A rare class that dies does not
        show among all pixels.
    """

    max_error: float | None
    agreement: float
    class_agreement: float


BOUNDS = {
    "float32": Bounds(1e-3, 0.999, 0.99),
    "program": Bounds(1e-3, 0.999, 0.99),
    "float16": Bounds(0.5, 0.995, 0.9),
    "int8": Bounds(None, 0.93, 0.5),
    "int8-symmetric": Bounds(None, 0.93, 0.5),
}


class ExportError(WsvsError):
    """A network cannot be brought into another form, or is not the same in it."""


def compare(
    variant: str,
    infer: Infer,
    reference: Infer,
    frames: Iterable[tuple[np.ndarray, np.ndarray]],
    working_size: tuple[int, int],
    labels: LabelSet,
) -> Parity:
    """
    Run both on real frames.

    :param variant: name of the form, for the bounds.
    :param infer: runs the network in its new form.
    :param reference: runs the network that it was made from.
    :param working_size: width and height at which labels are compared.
    :param labels: the classes.
    :raises ExportError: if they differ by more than this variant may, or a score is no number.
    """
    count, largest = 0, 0.0
    classes = len(labels)
    confusion = np.zeros((classes, classes), np.int64)  # by the reference's class, then by the other one's
    for image, flow in frames:
        found, expected = infer(image, flow), reference(image, flow)
        if not np.isfinite(found).all():
            raise ExportError(f"the {variant} network gives scores that are no numbers on frame {count}")
        largest = max(largest, float(np.abs(found - expected).max()))
        ids, _ = label_scores(found, working_size)
        expected_ids, _ = label_scores(expected, working_size)
        pairs = expected_ids.astype(np.int64) * classes + ids
        confusion += np.bincount(pairs.ravel(), minlength=classes**2).reshape(classes, classes)
        count += 1
    worst, least = _worst_class(confusion)
    same = float(np.trace(confusion) / confusion.sum())
    parity = Parity(count, round(largest, 6), round(same, 6), round(least, 6), labels.classes[worst].name)
    _check(variant, parity)
    return parity


def _worst_class(confusion: np.ndarray) -> tuple[int, float]:
    """The class, of those that are seen, of which the least share of pixels keeps it, and that share."""
    pixels = confusion.sum(1)
    seen = np.flatnonzero(pixels >= _SEEN * pixels.sum())
    kept = np.diag(confusion)[seen] / pixels[seen]
    return int(seen[kept.argmin()]), float(kept.min())


def _check(variant: str, parity: Parity) -> None:
    bounds = BOUNDS[variant]
    problems = []
    if bounds.max_error is not None and parity.max_error > bounds.max_error:
        problems.append(f"probabilities by up to {parity.max_error:.2g} (at most {bounds.max_error:g} is accepted)")
    if parity.agreement < bounds.agreement:
        problems.append(f"the same label on {parity.agreement:.2%} of the pixels (at least {bounds.agreement:.1%})")
    if parity.class_agreement is not None and parity.class_agreement < bounds.class_agreement:
        problems.append(
            f"the same on {parity.class_agreement:.1%} of the pixels of {parity.worst_class} "
            f"(at least {bounds.class_agreement:.0%})"
        )
    if problems:
        raise ExportError(
            f"the {variant} network differs from the one it was made from: {', '.join(problems)}, on {parity.frames} "
            f"frames; nothing was written, leave {variant} out"
        )
