"""Builds the flow that a bundle names."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from wsvs_ros.perception.bundle import FlowSettings
from wsvs_ros.perception.flow.interface import FlowAlgorithm, FlowError
from wsvs_ros.perception.flow.opencv_dis import OpenCvDis
from wsvs_ros.perception.flow.presets import dis_preset

if TYPE_CHECKING:
    from wsvs_ros.perception.flow.torch_flow import TorchFlow


def create_flow(settings: FlowSettings, device: str = "cpu") -> FlowAlgorithm:
    """
    Build a flow algorithm.

    :param settings: as the bundle has them: algorithm `dis` (presets ultrafast, fast, balanced, fine) or `brox`
        (fast, balanced, fine), which takes a second a pair on a CPU.
    :param device: `cpu`, where DIS is OpenCV's, or `cuda`, where it is torch's.
    :raises FlowError: if there is no such algorithm or preset; the message names those there are.
    :raises DeviceError: if there is no such device.
    """
    if settings.algorithm == "dis" and device == "cpu":
        return OpenCvDis(settings.preset)
    return create_torch_flow(settings, device)


def create_torch_flow(settings: FlowSettings, device: str) -> TorchFlow:
    """
    Build a flow algorithm in torch, whatever the device.

    :raises FlowError: if there is no such algorithm or preset, or no torch.
    :raises DeviceError: if there is no such device.
    """
    if settings.algorithm not in ("dis", "brox"):
        raise FlowError(f"flow algorithm {settings.algorithm!r}: expected dis or brox")
    try:
        from wsvs_ros.perception.flow.brox import brox_flow, brox_preset
        from wsvs_ros.perception.flow.dis import dis_flow
        from wsvs_ros.perception.flow.torch_flow import TorchFlow
    except ImportError as error:
        raise FlowError(
            f"flow {settings.algorithm} on {device}: torch cannot be loaded ({error}); pip install torch, or use "
            "algorithm dis on device cpu"
        ) from error
    name = f"{settings.algorithm}-{settings.preset}"
    if settings.algorithm == "dis":
        return TorchFlow(name, partial(dis_flow, preset=dis_preset(settings.preset)), device)
    return TorchFlow(name, partial(brox_flow, preset=brox_preset(settings.preset)), device)
