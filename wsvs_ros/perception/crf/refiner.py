"""ScoreRefiner: the CRF as a step of the segmenter."""

from __future__ import annotations

import cv2
import numpy as np

from wsvs_ros.perception.crf.create import create_crf
from wsvs_ros.perception.crf.settings import CrfSettings


class ScoreRefiner:
    """
    Refines a network's coarse scores along the edges of the image.

    :param settings: of the CRF at the working size; its widths shrink with the image.
    :param working_size: width and height of the network's input.
    :param reduction: the CRF works on the image reduced by this factor. At 2 it costs a third and is as accurate,
        the network's own scores being coarser than that.
    :param implementation: see `create_crf`.
    :param device: see `create_crf`.
    :raises CrfError: if the CRF is not available here.
    """

    def __init__(
        self,
        settings: CrfSettings,
        working_size: tuple[int, int],
        *,
        reduction: int = 2,
        implementation: str = "auto",
        device: str = "cpu",
    ) -> None:
        self._size = (-(-working_size[0] // reduction), -(-working_size[1] // reduction))
        self._crf = create_crf(settings.scaled(1 / reduction), implementation, device)

    def __call__(self, scores: np.ndarray, image: np.ndarray) -> np.ndarray:
        """
        Refine the scores of a frame.

        :param scores: (N, h, w) float32 softmax probabilities at the network's own resolution.
        :param image: (H, W, 3) uint8 BGR at the working size.
        :return: (N, H / reduction, W / reduction) float32.
        """
        width, height = self._size
        if (width, height) != image.shape[1::-1]:
            image = cv2.resize(image, self._size, interpolation=cv2.INTER_AREA)
        enlarged = np.empty((len(scores), height, width), np.float32)
        for plane, out in zip(scores, enlarged, strict=True):
            cv2.resize(plane, self._size, dst=out, interpolation=cv2.INTER_LINEAR)
        return self._crf(enlarged, image)
