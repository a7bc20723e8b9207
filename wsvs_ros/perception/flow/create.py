"""Builds the flow that a bundle names."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from wsvs_ros.perception.bundle import FlowSettings
from wsvs_ros.perception.flow.interface import FlowAlgorithm, FlowError
from wsvs_ros.perception.flow.opencv_dis import OpenCvDis
from wsvs_ros.perception.flow.presets import dis_preset

if TYPE_CHECKING:
    import torch

    from wsvs_ros.perception.flow.torch_flow import TorchFlow

_LOG = logging.getLogger(__name__)


def create_flow(settings: FlowSettings, device: str = "cpu") -> FlowAlgorithm:
    """
    Build a flow algorithm.

    :param settings: as the bundle has them: algorithm `dis` (presets ultrafast, fast, balanced, fine) or `brox`
        (fast, balanced, fine), which takes a second a pair on a CPU.
    :param device: `cpu`, where DIS is OpenCV's, or `cuda`, where it is Triton's, or torch's without Triton.
    :raises FlowError: if there is no such algorithm or preset; the message names those there are.
    :raises DeviceError: if there is no such device.
    """
    if settings.algorithm == "dis" and device == "cpu":
        return OpenCvDis(settings.preset)
    return create_torch_flow(settings, device)


def create_torch_flow(settings: FlowSettings, device: str) -> TorchFlow:
    """
    Build a flow algorithm on torch's tensors, whatever the device.

    :raises FlowError: if there is no such algorithm or preset, or no torch.
    :raises DeviceError: if there is no such device.
    """
    if settings.algorithm not in ("dis", "brox"):
        raise FlowError(f"flow algorithm {settings.algorithm!r}: expected dis or brox")
    try:
        from wsvs_ros.perception.cuda.devices import torch_device
        from wsvs_ros.perception.flow.brox import brox_flow, brox_preset
        from wsvs_ros.perception.flow.torch_flow import TorchFlow
    except ImportError as error:
        raise FlowError(
            f"flow {settings.algorithm} on {device}: torch cannot be loaded ({error}); pip install torch, or use "
            "algorithm dis on device cpu"
        ) from error
    name = f"{settings.algorithm}-{settings.preset}"
    if settings.algorithm == "dis":
        backend, function = choose_dis(torch_device(device), settings.preset)
        return TorchFlow(name, function, device, backend)
    return TorchFlow(name, partial(brox_flow, preset=brox_preset(settings.preset)), device)


def choose_dis(device: torch.device, preset: str) -> tuple[str, Callable[..., torch.Tensor]]:
    """
    DIS in Triton on CUDA, if its kernels compile there and agree with torch's; else in torch, with a warning.

    :return: `triton` or `torch`, and the function.
    :raises FlowError: if there is no such preset.
    """
    from wsvs_ros.perception.flow.dis import dis_flow

    chosen = dis_preset(preset)
    if device.type == "cuda":
        try:
            from wsvs_ros.perception.flow.triton_dis import check_triton, triton_dis_flow

            check_triton(device, chosen)
            return "triton", partial(triton_dis_flow, preset=chosen)
        except Exception as error:  # whatever compilers, drivers and their absence raise: torch's flow needs none
            _LOG.warning(
                "optical flow on %s: Triton cannot be used (%s: %s); going on with torch's, which takes some hundred "
                "times as many launches. Triton comes with torch for CUDA on Linux (pip install triton) and needs a C "
                "compiler",
                device,
                type(error).__name__,
                error,
            )
    return "torch", partial(dis_flow, preset=chosen)
