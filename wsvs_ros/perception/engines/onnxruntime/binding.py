"""ONNX Runtime on torch's CUDA tensors, without copies to the host."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from wsvs_ros.perception.bundle import ModelBundle

_DTYPES = {torch.uint8: np.uint8, torch.float32: np.float32}


class TensorBinding:
    """
    Feeds a session from tensors and lets it write into tensors.

    ONNX Runtime computes on a stream of its own, so it waits for the current one before, and for itself after: with
    this engine alone the host waits in the middle of a frame.

    :param session: an `onnxruntime.InferenceSession` on CUDA.
    :param bundle: its model.
    """

    def __init__(self, session: Any, bundle: ModelBundle) -> None:
        width, height = bundle.working_size
        self._session = session
        shapes = {node.name: node.shape for node in session.get_outputs()}
        self._outputs = {"scores": torch.empty([1, *shapes["scores"][1:]], device="cuda")}
        if "labels" in bundle.outputs:
            self._outputs["labels"] = torch.empty((1, height, width), dtype=torch.uint8, device="cuda")
            self._outputs["confidence"] = torch.empty((1, height, width), device="cuda")

    def __call__(self, image: Tensor, flow: Tensor) -> dict[str, Tensor]:
        """Run the network on (1, 3, H, W) uint8 and (1, 2L, H, W) float32; the outputs are overwritten each time."""
        torch.cuda.current_stream().synchronize()
        binding = self._session.io_binding()
        for name, tensor in (("image", image), ("flow", flow)):
            binding.bind_input(name, "cuda", 0, _DTYPES[tensor.dtype], tuple(tensor.shape), tensor.data_ptr())
        for name, tensor in self._outputs.items():
            binding.bind_output(name, "cuda", 0, _DTYPES[tensor.dtype], tuple(tensor.shape), tensor.data_ptr())
        self._session.run_with_iobinding(binding)
        return self._outputs
