"""Arrays in and out of an engine that computes on torch tensors."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.engines.interface import EngineError, Maps, check_inputs


class _OnTensors(Protocol):
    name: str
    device: torch.device
    bundle: ModelBundle

    def infer_tensors(self, image: Tensor, flow: Tensor) -> dict[str, Tensor]: ...


class TensorEngine:
    """What `Engine` asks for, of an engine that has `infer_tensors`."""

    def infer(self: _OnTensors, image: np.ndarray, flow: np.ndarray) -> np.ndarray:
        """Class scores of one frame; see `Engine`."""
        return _outputs(self, image, flow)["scores"][0].cpu().numpy().copy()

    def infer_maps(self: _OnTensors, image: np.ndarray, flow: np.ndarray) -> Maps:
        """Scores, labels and confidence of one frame; see `Engine`."""
        outputs = _outputs(self, image, flow)
        return Maps(*(outputs[name][0].cpu().numpy().copy() for name in Maps._fields))


def _outputs(engine: _OnTensors, image: np.ndarray, flow: np.ndarray) -> dict[str, Tensor]:
    check_inputs(engine.bundle, image, flow)
    # the window is a read-only view, which torch would warn of; nothing writes to it
    tensors = [torch.from_numpy(np.require(value[None], requirements=["C", "W"])) for value in (image, flow)]
    return engine.infer_tensors(*(tensor.to(engine.device) for tensor in tensors))


def check_tensors(bundle: ModelBundle, image: Tensor, flow: Tensor, device: torch.device) -> None:
    """
    Refuse tensors that cannot be handed to a network by their address.

    :raises EngineError: naming the tensor, what it is and what is expected.
    """
    for name, tensor in (("image", image), ("flow", flow)):
        shape, dtype = bundle.input_shapes[name], getattr(torch, bundle.inputs[name])
        fits = tuple(tensor.shape) == shape and tensor.dtype == dtype and tensor.device.type == device.type
        if not fits or not tensor.is_contiguous():
            raise EngineError(
                f"{name}: got {tuple(tensor.shape)} {tensor.dtype} on {tensor.device}"
                f"{'' if tensor.is_contiguous() else ', not contiguous'}, expected {shape} {dtype} on {device}"
            )
