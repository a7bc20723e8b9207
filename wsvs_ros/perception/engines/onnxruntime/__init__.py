"""ONNX Runtime: the engine that runs everywhere, on the CPU or what else its build has."""

from __future__ import annotations

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.engines.interface import Engine, EngineOptions
from wsvs_ros.perception.engines.onnxruntime.engine import OnnxRuntimeEngine
from wsvs_ros.perception.engines.onnxruntime.probe import variant, why_not

__all__ = ["OnnxRuntimeEngine", "create", "variant", "why_not"]


def create(
    bundle: ModelBundle, *, provider: str = "cpu", precision: str = "float32", options: EngineOptions = EngineOptions()
) -> Engine:
    """Load a bundle's network into ONNX Runtime; see `OnnxRuntimeEngine`."""
    return OnnxRuntimeEngine(
        bundle,
        provider=provider,
        precision=precision,
        threads=options.threads,
        gpu=options.gpu,
        motion=options.motion,
    )
