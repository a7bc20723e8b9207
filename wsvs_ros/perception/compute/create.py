"""Chooses where the segmenter computes."""

from __future__ import annotations

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.compute.interface import Compute
from wsvs_ros.perception.crf import CrfSettings
from wsvs_ros.perception.engines import EngineError, EngineOptions, create_engine, takes_tensors


def create_compute(
    bundle: ModelBundle, options: EngineOptions, *, motion: bool, crf: CrfSettings | None, device: str
) -> Compute:
    """
    All on the GPU if the device is one and so is the engine's; else on the host, with flow and CRF on `device`.

    :raises EngineError: if no engine can run the bundle so, or the device needs a package that is not there.
    :raises CrfError: if a CRF is wanted and not available here.
    :raises FlowError: if the bundle's flow is not available on the device.
    :raises DeviceError: if there is no such device.
    """
    if device != "cpu":
        try:
            from wsvs_ros.perception.cuda.devices import torch_device
        except ImportError as error:
            raise EngineError(f"device {device} needs torch: {error}; pip install torch, or use cpu") from None
        torch_device(device)
    engine = create_engine(bundle, options)
    if device != "cpu" and takes_tensors(engine):
        from wsvs_ros.perception.compute.device import OnDevice

        return OnDevice(bundle, engine, motion=motion, crf=crf, device=device)
    from wsvs_ros.perception.compute.host import OnHost

    return OnHost(bundle, engine, motion=motion, crf=crf, device=device)
