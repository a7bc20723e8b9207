"""Where the segmenter computes: what it needs, and who does it."""

from __future__ import annotations

from typing import Any, Protocol

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.crf import CrfSettings
from wsvs_ros.perception.engines import EngineOptions, create_engine, takes_tensors
from wsvs_ros.perception.segmentation import NetworkOutput
from wsvs_ros.perception.tracker import MotionCompute, TrackedFrame


class Compute(MotionCompute, Protocol):
    """The whole way from a camera image to a label map, on one kind of memory."""

    engine: Any

    def set_crf(self, crf: CrfSettings | None) -> None:
        """
        Refine the scores of the next frames by this CRF, or leave them.

        :raises CrfError: if it is not available here; all stays as it was.
        """

    def infer(self, tracked: TrackedFrame) -> tuple[NetworkOutput, dict[str, float]]:
        """
        Run the network on a frame with its window, and the CRF if there is one.

        :return: what it found, and the seconds of the stages `resize`, `engine` and, with a CRF, `crf`.
        """

    def close(self) -> None:
        """Free the engine."""


def create_compute(
    bundle: ModelBundle, options: EngineOptions, *, motion: bool, crf: CrfSettings | None, device: str
) -> Compute:
    """
    All on the GPU if the device is one and so is the engine's; else on the host, with flow and CRF on `device`.

    :raises EngineError: if no engine can run the bundle so.
    :raises CrfError: if a CRF is wanted and not available here.
    :raises FlowError: if the bundle's flow is not available on the device.
    :raises DeviceError: if there is no such device.
    """
    if device != "cpu":
        from wsvs_ros.perception.devices import torch_device

        torch_device(device)
    engine = create_engine(bundle, options)
    if device != "cpu" and takes_tensors(engine):
        from wsvs_ros.perception.on_device import OnDevice

        return OnDevice(bundle, engine, motion=motion, crf=crf, device=device)
    from wsvs_ros.perception.on_host import OnHost

    return OnHost(bundle, engine, motion=motion, crf=crf, device=device)
