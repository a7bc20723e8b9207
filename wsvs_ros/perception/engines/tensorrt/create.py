"""Makes the TensorRT engine; neither TensorRT nor torch is imported before."""

from __future__ import annotations

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.engines.interface import DeviceEngine, EngineError, EngineOptions
from wsvs_ros.perception.engines.tensorrt.probe import why_not


def create(
    bundle: ModelBundle,
    *,
    provider: str = "cuda",
    precision: str = "float32",
    options: EngineOptions = EngineOptions(),
) -> DeviceEngine:
    """
    Load the engine that was built from a bundle's network for this GPU, or build it, which takes minutes.

    :param precision: `float32`, `float16` or `int8`, if the bundle has it.
    :param options: how much memory may be used while building, and the number of the GPU.
    :raises EngineError: if TensorRT, torch or a GPU is missing, or the engine cannot be built or run.
    :raises BundleError: if the bundle has no such network, or it is not what the bundle says.
    """
    problem = why_not(provider, precision)
    if problem is not None:
        raise EngineError(f"engine tensorrt: {problem}")
    from wsvs_ros.perception.engines.tensorrt.engine import TensorRtEngine

    return TensorRtEngine(bundle, precision=precision, workspace_mb=options.workspace_mb, gpu=options.gpu)
