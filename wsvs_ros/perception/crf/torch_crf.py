"""The CRF in torch, on CPU or CUDA, for arrays of one image."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from wsvs_ros.perception.crf.interface import check_inputs
from wsvs_ros.perception.crf.mean_field import DenseCrf
from wsvs_ros.perception.crf.settings import CrfSettings
from wsvs_ros.perception.cuda.devices import torch_device
from wsvs_ros.perception.cuda.graphs import CapturedFunction


class TorchCrf:
    """
    A `Crf` on `DenseCrf`. On CUDA one graph for each shape is captured at its first image and replayed for the next.

    :param settings: kernels and iterations.
    :param device: `cpu`, `cuda` or `cuda:1`.
    :raises DeviceError: if there is no such device.
    """

    def __init__(self, settings: CrfSettings = CrfSettings(), device: str = "cpu") -> None:
        self.name = f"torch-{device}"
        self._settings = settings
        self._device = torch_device(device)
        self._infer = CapturedFunction(self._build_and_infer) if self._device.type == "cuda" else self._build_and_infer

    def __call__(self, probabilities: np.ndarray, image: np.ndarray) -> np.ndarray:
        """Refine one image's probabilities; see `Crf`."""
        check_inputs(probabilities, image)
        scores = torch.from_numpy(probabilities)[None].to(self._device)
        colours = torch.from_numpy(image)[None].to(self._device).permute(0, 3, 1, 2)
        return self._infer(scores, colours)[0].cpu().numpy()

    def _build_and_infer(self, probabilities: Tensor, images: Tensor) -> Tensor:
        return DenseCrf(images, self._settings).infer(probabilities)
