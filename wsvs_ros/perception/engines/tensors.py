"""Arrays in and out of an engine that computes on torch tensors."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.engines.interface import EngineError, check_inputs

ALIGNMENT = 256
"""Bytes that TensorRT wants the address of an input or output to be a multiple of."""


class _OnTensors(Protocol):
    name: str
    device: torch.device
    bundle: ModelBundle

    def infer_tensors(self, image: Tensor, flow: Tensor) -> dict[str, Tensor]: ...


class TensorEngine:
    """What `Engine` asks for, of an engine that has `infer_tensors`."""

    def infer(self: _OnTensors, image: np.ndarray, flow: np.ndarray) -> np.ndarray:
        """Class scores of one frame; see `Engine`."""
        check_inputs(self.bundle, image, flow)
        # the window is a read-only view, which torch would warn of; nothing writes to it
        tensors = [torch.from_numpy(np.require(value[None], requirements=["C", "W"])) for value in (image, flow)]
        outputs = self.infer_tensors(*(tensor.to(self.device) for tensor in tensors))
        return outputs["scores"][0].cpu().numpy().copy()


def aligned_empty(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """An uninitialised tensor whose address is a multiple of `ALIGNMENT`."""
    size = math.prod(shape) * dtype.itemsize
    memory = torch.empty(size + ALIGNMENT, dtype=torch.uint8, device=device)
    begin = -memory.data_ptr() % ALIGNMENT
    return memory[begin : begin + size].view(dtype).view(shape)


class AlignedInputs:
    """
    Gives tensors an address that TensorRT takes.

    A window of the ring begins at a multiple of a field's size, which 256 does not divide at, say, 500x375: such a
    stack is copied where it may lie, by the GPU, into memory that is kept for it.
    """

    def __init__(self) -> None:
        self._spare: dict[str, Tensor] = {}

    def __call__(self, name: str, tensor: Tensor) -> Tensor:
        """The tensor itself if it lies right, else its copy, which the next call with this name overwrites."""
        if tensor.data_ptr() % ALIGNMENT == 0:
            return tensor
        if name not in self._spare:
            self._spare[name] = aligned_empty(tuple(tensor.shape), tensor.dtype, tensor.device)
        return self._spare[name].copy_(tensor)


def check_tensors(bundle: ModelBundle, image: Tensor, flow: Tensor, device: torch.device) -> None:
    """
    Refuse tensors that cannot be handed to a network by their address.

    :raises EngineError: naming the tensor, what it is and what is expected.
    """
    for name, tensor in (("image", image), ("flow", flow)):
        shape, dtype = bundle.input_shapes[name], getattr(torch, bundle.inputs[name])
        fits = tuple(tensor.shape) == shape and tensor.dtype == dtype and tensor.device == device
        if not fits or not tensor.is_contiguous():
            raise EngineError(
                f"{name}: got {tuple(tensor.shape)} {tensor.dtype} on {tensor.device}"
                f"{'' if tensor.is_contiguous() else ', not contiguous'}, expected {shape} {dtype} on {device}"
            )
