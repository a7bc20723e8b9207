"""Flow on the host, its window on a GPU: the third way, between `HostMotion` and `DeviceMotion`."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.compute.device_motion import DeviceMemory
from wsvs_ros.perception.compute.host_motion import HostMotion
from wsvs_ros.perception.flow import Flow
from wsvs_ros.perception.preprocess import split_rgb

_STAGES = 3  # copies that may be on their way at once


class UploadedMotion(DeviceMemory):
    """
    A `MotionCompute` whose images and fields are made on the host, and go up once.

    A frame sends the resized image and one field, 1.9 MB at 480x360, from pinned memory, in place of a window of ten
    fields. For GPUs whose flow is slower than the processor's, and to have OpenCV's flow, with which models are
    trained.

    :param bundle: working size and flow.
    :param motion: False leaves the flow out.
    :param device: where network and window are, see `DeviceMemory`.
    :raises FlowError: if the bundle's flow is not available on the host.
    """

    def __init__(self, bundle: ModelBundle, *, motion: bool, device: str) -> None:
        super().__init__(device)
        self.motion = motion
        self.way = f"flow on cpu, its window on {self.device}" if motion else f"no flow, frames on {self.device}"
        self._host = HostMotion(bundle, motion=motion)
        width, height = bundle.working_size
        self._images = PinnedStages((3, height, width), torch.uint8, self)
        self._fields = PinnedStages((2, height, width), torch.float32, self)
        self._last: Flow | None = None

    def prepare(self, image: np.ndarray) -> tuple[Tensor, np.ndarray | None]:
        """(1, 3, H, W) uint8 RGB at the working size on the GPU, (H, W) uint8 gray on the host."""
        resized, gray = self._host.prepare(image)
        planes = self._images.next()
        split_rgb(resized, planes)
        return self._images.send(torch.empty(planes.shape, dtype=torch.uint8, device=self.device))[None], gray

    def flow(self, previous: np.ndarray, current: np.ndarray, out: Tensor, initial: Tensor | None) -> Tensor:
        """
        The flow between two gray images on the host, into `out` on the GPU.

        :param initial: the field that the last call gave, or None; its values are still on the host.
        """
        guess = None if initial is None else self._last
        self._last = self._host.flow(previous, current, self._fields.next(), guess)
        return self._fields.send(out)


class PinnedStages:
    """
    Pinned memory through which arrays go to a GPU while nobody waits.

    :param shape: of the arrays.
    :param dtype: of the arrays.
    :param memory: where they go, by its stream.
    """

    def __init__(self, shape: tuple[int, ...], dtype: torch.dtype, memory: DeviceMemory) -> None:
        self._memory = memory
        pinned = memory.stream is not None
        self._stages = [torch.empty(shape, dtype=dtype, pin_memory=pinned) for _ in range(_STAGES)]
        self._sent: list[torch.cuda.Event | None] = [None] * _STAGES
        self._now = 0

    def next(self) -> np.ndarray:
        """Where to write the next array; the one before stays as it is. Waits if all are still on their way."""
        self._now = (self._now + 1) % _STAGES
        sent = self._sent[self._now]
        if sent is not None:
            sent.synchronize()
        return self._stages[self._now].numpy()

    def send(self, out: Tensor) -> Tensor:
        """Copy what was written to `next()` into `out`, when its turn has come on the stream."""
        out.copy_(self._stages[self._now], non_blocking=True)
        if self._memory.stream is not None:
            self._sent[self._now] = self._memory.stream.record_event()
        return out
