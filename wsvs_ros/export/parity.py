"""Whether a network in another form gives the same labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.bundle import Parity
from wsvs_ros.perception.postprocess import label_scores

Infer = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Image (3, H, W) uint8 and flow (2L, H, W) float32 -> scores (N, h, w) float32."""

# largest accepted difference of a probability, smallest accepted share of pixels with the same label
BOUNDS = {
    "float32": (1e-3, 0.999),
    "program": (1e-3, 0.999),
    "float16": (0.5, 0.995),
    "int8": (1.0, 0.93),
    "int8-symmetric": (1.0, 0.93),
}


class ExportError(WsvsError):
    """A network cannot be brought into another form, or is not the same in it."""


def compare(
    variant: str,
    infer: Infer,
    reference: Infer,
    frames: Iterable[tuple[np.ndarray, np.ndarray]],
    working_size: tuple[int, int],
) -> Parity:
    """
    Run both on real frames.

    :param variant: name of the form, for the bounds.
    :param infer: runs the network in its new form.
    :param reference: runs the network that it was made from.
    :param working_size: width and height at which labels are compared.
    :raises ExportError: if they differ by more than this variant may, or a score is no number.
    """
    count, largest, same = 0, 0.0, 0.0
    for image, flow in frames:
        found, expected = infer(image, flow), reference(image, flow)
        if not np.isfinite(found).all():
            raise ExportError(f"the {variant} network gives scores that are no numbers on frame {count}")
        largest = max(largest, float(np.abs(found - expected).max()))
        labels, _ = label_scores(found, working_size)
        same += float((labels == label_scores(expected, working_size)[0]).mean())
        count += 1
    parity = Parity(count, round(largest, 6), round(same / count, 6))
    error, agreement = BOUNDS[variant]
    if parity.max_error > error or parity.agreement < agreement:
        raise ExportError(
            f"the {variant} network differs from the one it was made from: probabilities by up to "
            f"{parity.max_error:.2g} (at most {error:g} is accepted), the same label on {parity.agreement:.2%} of the "
            f"pixels (at least {agreement:.1%}), on {count} frames; nothing was written, leave {variant} out"
        )
    return parity
