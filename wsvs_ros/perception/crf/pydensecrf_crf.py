"""The CRF of pydensecrf, the C++ reference implementation (PyPI: pydensecrf2)."""

from __future__ import annotations

import numpy as np

from wsvs_ros.perception.crf.interface import check_inputs
from wsvs_ros.perception.crf.settings import CrfError, CrfSettings

_LEAST_PROBABILITY = 1e-5


class PyDenseCrf:
    """
    A `Crf` on pydensecrf, on one processor core.

    :param settings: kernels and iterations.
    :raises CrfError: if pydensecrf is not installed.
    """

    name = "pydensecrf"

    def __init__(self, settings: CrfSettings = CrfSettings()) -> None:
        try:
            from pydensecrf.densecrf import DenseCRF2D
        except ImportError as error:
            raise CrfError(f"CRF: pydensecrf cannot be loaded ({error}); pip install 'wsvs_ros[crf]'") from error
        self._build = DenseCRF2D
        self._settings = settings

    def __call__(self, probabilities: np.ndarray, image: np.ndarray) -> np.ndarray:
        """Refine one image's probabilities; see `Crf`."""
        check_inputs(probabilities, image)
        classes, height, width = probabilities.shape
        settings = self._settings
        crf = self._build(width, height, classes)
        crf.setUnaryEnergy(-np.log(probabilities.clip(_LEAST_PROBABILITY, 1)).reshape(classes, -1))
        if settings.gaussian_compat:
            crf.addPairwiseGaussian(sxy=settings.gaussian_sxy, compat=settings.gaussian_compat)
        if settings.bilateral_compat:
            crf.addPairwiseBilateral(
                sxy=settings.bilateral_sxy,
                srgb=settings.bilateral_srgb,
                rgbim=np.ascontiguousarray(image),
                compat=settings.bilateral_compat,
            )
        return np.array(crf.inference(settings.iterations), np.float32).reshape(probabilities.shape)
