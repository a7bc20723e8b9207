"""What a fully-connected CRF is to the rest of the package."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from wsvs_ros.perception.crf.settings import CrfError


class Crf(Protocol):
    """Refines the class probabilities of an image along its edges; not to be called from two threads at once."""

    name: str

    def __call__(self, probabilities: np.ndarray, image: np.ndarray) -> np.ndarray:
        """
        Mean-field marginals of the CRF whose unaries are the probabilities' negative logarithms.

        :param probabilities: (N, H, W) float32, 0 to 1.
        :param image: (H, W, 3) uint8, any order of the channels.
        :return: (N, H, W) float32, sums to 1 over the classes.
        :raises CrfError: if shapes or dtypes do not fit, or a probability is NaN.
        """


def check_inputs(probabilities: np.ndarray, image: np.ndarray) -> None:
    """
    Refuse what no CRF takes.

    :raises CrfError: naming the argument, what it is and what is accepted.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise CrfError(f"CRF: image is {image.shape} {image.dtype}, expected (H, W, 3) uint8, none of them 0")
    size = image.shape[:2]
    if probabilities.ndim != 3 or probabilities.shape[1:] != size or not len(probabilities):
        raise CrfError(
            f"CRF: probabilities are {probabilities.shape}, expected (N, {size[0]}, {size[1]}), the image's size; "
            "resize one of them"
        )
    if probabilities.dtype != np.float32:
        raise CrfError(f"CRF: probabilities are {probabilities.dtype}, expected float32; convert them by .astype")
    if not np.isfinite(probabilities).all():
        raise CrfError("CRF: probabilities have NaN or infinite values; find out where they come from")
