"""ONNX Runtime on torch's tensors where they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.engines.tensors import check_tensors

_DTYPES = {torch.uint8: np.uint8, torch.float32: np.float32}


class TensorBinding:
    """
    Feeds a session from tensors and lets it write into tensors.

    ONNX Runtime computes on a stream of its own, so it waits for the current one before, and for itself after: with
    this engine alone the host waits in the middle of a frame.

    :param session: an `onnxruntime.InferenceSession`.
    :param bundle: its model.
    :param device: the one that the session runs on.
    """

    def __init__(self, session: Any, bundle: ModelBundle, device: torch.device) -> None:
        self._session, self._bundle, self._device = session, bundle, device
        shapes = {node.name: node.shape for node in session.get_outputs()}
        self._outputs = {"scores": torch.empty([1, *shapes["scores"][1:]], device=device)}

    def __call__(self, image: Tensor, flow: Tensor) -> dict[str, Tensor]:
        """Run the network on (1, 3, H, W) uint8 and (1, 2L, H, W) float32; the outputs are overwritten each time."""
        check_tensors(self._bundle, image, flow, self._device)
        if self._device.type == "cuda":
            torch.cuda.current_stream(self._device).synchronize()
        kind, number = self._device.type, self._device.index or 0
        binding = self._session.io_binding()
        for name, tensor in (("image", image), ("flow", flow)):
            binding.bind_input(name, kind, number, _DTYPES[tensor.dtype], tuple(tensor.shape), tensor.data_ptr())
        for name, tensor in self._outputs.items():
            binding.bind_output(name, kind, number, _DTYPES[tensor.dtype], tuple(tensor.shape), tensor.data_ptr())
        self._session.run_with_iobinding(binding)
        return self._outputs
