"""A flow computed in torch, on CPU or CUDA, for arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from wsvs_ros.perception.cuda.devices import torch_device
from wsvs_ros.perception.cuda.graphs import CapturedFunction
from wsvs_ros.perception.flow.interface import Flow, check_pair

_PAIRS_AT_ONCE = {"cpu": 4, "cuda": 16}  # of a batch; more would not be faster, and take memory


class TorchFlow:
    """
    A `FlowAlgorithm` on a batched torch function. On CUDA one graph for each size is captured and replayed.

    :param name: of the algorithm and preset.
    :param function: of gray images (B, 1, H, W) and (B, 1, H, W), float32 of 0 to 255, and an initial field
        (B, 2, H, W) or nothing; gives (B, 2, H, W).
    :param device: `cpu`, `cuda` or `cuda:1`.
    :param backend: what the function is written in, for the name.
    :raises DeviceError: if there is no such device.
    """

    def __init__(self, name: str, function: Callable[..., Tensor], device: str = "cpu", backend: str = "torch") -> None:
        self._device = torch_device(device)
        self.name = f"{name}-{backend}-{device}"
        self._function = function
        self._captured = CapturedFunction(self._compute) if self._device.type == "cuda" else self._compute

    def __call__(
        self, previous: np.ndarray, current: np.ndarray, out: Flow | None = None, initial: Flow | None = None
    ) -> Flow:
        """Compute where each pixel of `previous` went; see `FlowAlgorithm`."""
        check_pair(previous, current, out, initial)
        inputs = [self._upload(image)[None, None] for image in (previous, current)]
        if initial is not None:
            inputs.append(self._upload(initial)[None])
        field = self.on_device(*inputs)[0].cpu().numpy()
        if out is None:
            return field
        out[...] = field
        return out

    @torch.no_grad()
    def on_device(self, previous: Tensor, current: Tensor, *initial: Tensor) -> Tensor:
        """
        Compute the flow of images that are on the device.

        :param previous: (B, 1, H, W) uint8, the earlier frames in gray.
        :param current: (B, 1, H, W) uint8, the later ones.
        :param initial: (B, 2, H, W) float32, or nothing.
        :return: (B, 2, H, W) float32; on CUDA overwritten by the next call with this size.
        """
        return self._captured(previous, current, *initial)

    def batch(self, previous: np.ndarray, current: np.ndarray) -> np.ndarray:
        """Compute the flow of many pairs, some at a time; see `FlowAlgorithm`."""
        check_pair(previous, current, batched=True)
        flows = np.empty((len(previous), 2, *previous.shape[1:]), np.float32)
        step = _PAIRS_AT_ONCE[self._device.type]
        with torch.no_grad():
            for first in range(0, len(flows), step):
                pairs = (self._upload(images[first : first + step])[:, None] for images in (previous, current))
                flows[first : first + step] = self._compute(*pairs).cpu().numpy()
        return flows

    def _upload(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)

    def _compute(self, previous: Tensor, current: Tensor, initial: Tensor | None = None) -> Tensor:
        return self._function(previous.float(), current.float(), initial)
