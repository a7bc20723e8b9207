"""Camera image to working size and flow, on torch tensors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.compute.device_images import Resize, gray
from wsvs_ros.perception.cuda.devices import torch_device
from wsvs_ros.perception.flow.create import create_torch_flow

_SIZES = 4  # cameras' resolutions whose resizing is kept


class DeviceMemory:
    """
    Where the tensors of a camera lie, and the one stream that all is computed on.

    :param device: `cuda` or `cuda:<number>`; `cpu` computes the same, without a stream.
    :raises DeviceError: if there is no such device.
    """

    def __init__(self, device: str) -> None:
        self.device = torch_device(device)
        self.stream = torch.cuda.Stream(self.device) if self.device.type == "cuda" else None

    @contextmanager
    def scope(self) -> Iterator[None]:
        """The stream of all computations; torch makes its device the current one."""
        with torch.no_grad(), nullcontext() if self.stream is None else torch.cuda.stream(self.stream):
            yield

    def zeros(self, shape: tuple[int, ...]) -> Tensor:
        """A float32 tensor of zeros."""
        return torch.zeros(shape, device=self.device)


class DeviceMotion(DeviceMemory):
    """
    A `MotionCompute` on tensors: the camera's image goes up as it is, flow and window stay there.

    :param bundle: working size and flow.
    :param motion: False leaves the flow out.
    :param device: see `DeviceMemory`.
    :raises FlowError: if the bundle's flow is not available in torch.
    """

    def __init__(self, bundle: ModelBundle, *, motion: bool, device: str) -> None:
        super().__init__(device)
        self.motion = motion
        self.way = f"flow on {self.device}, as its window" if motion else f"no flow, frames on {self.device}"
        self._flow = create_torch_flow(bundle.flow, str(self.device)) if motion else None
        self._resize = lru_cache(_SIZES)(lambda size: Resize(size, bundle.working_size, self.device))

    def prepare(self, image: np.ndarray) -> tuple[Tensor, Tensor | None]:
        """(1, 3, H, W) uint8 RGB at the working size, and (1, 1, H, W) uint8 gray if there is motion to find."""
        size = (image.shape[1], image.shape[0])
        pixels = torch.from_numpy(np.ascontiguousarray(image))
        if self.stream is not None:
            pixels = pixels.pin_memory().to(self.device, non_blocking=True)
        resized = self._resize(size)(pixels.permute(2, 0, 1)[None]).flip(1).contiguous()
        return resized, gray(resized) if self.motion else None

    def flow(self, previous: Tensor, current: Tensor, out: Tensor, initial: Tensor | None) -> Tensor:
        """The flow between two gray images, into `out`."""
        assert self._flow is not None
        guess = [] if initial is None else [initial[None]]
        return out.copy_(self._flow.on_device(previous, current, *guess)[0])
