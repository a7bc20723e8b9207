"""Camera image to working size and flow, on arrays."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import numpy as np

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.flow import Flow, create_flow
from wsvs_ros.perception.preprocess import resize_image, to_gray
from wsvs_ros.perception.window import host_zeros


class HostMotion:
    """
    A `MotionCompute` on arrays.

    :param bundle: working size and flow.
    :param motion: False leaves the flow out.
    :param device: where the flow is computed, see `create_flow`.
    :raises FlowError: if the bundle's flow is not available on the device.
    :raises DeviceError: if there is no such device.
    """

    def __init__(self, bundle: ModelBundle, *, motion: bool = True, device: str = "cpu") -> None:
        self.motion = motion
        self._bundle = bundle
        self._flow = create_flow(bundle.flow, device) if motion else None

    def scope(self) -> AbstractContextManager[object]:
        """Nothing special."""
        return nullcontext()

    def prepare(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """(H, W, 3) uint8 BGR at the working size, and (H, W) uint8 gray if there is motion to find."""
        image = resize_image(image, self._bundle.working_size)
        return image, to_gray(image) if self.motion else None

    def flow(self, previous: np.ndarray, current: np.ndarray, out: Flow, initial: Flow | None) -> Flow:
        """The flow between two gray images, into `out`."""
        assert self._flow is not None
        return self._flow(previous, current, out=out, initial=initial)

    def zeros(self, shape: tuple[int, ...]) -> np.ndarray:
        """A float32 array of zeros."""
        return host_zeros(shape)
