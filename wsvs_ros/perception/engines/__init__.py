"""What runs the network: one interface and its implementations."""

from __future__ import annotations

from wsvs_ros.perception.engines.create import available_engines, create_engine
from wsvs_ros.perception.engines.interface import Engine, EngineError
from wsvs_ros.perception.engines.onnx_runtime import OnnxRuntimeEngine

__all__ = ["Engine", "EngineError", "OnnxRuntimeEngine", "available_engines", "create_engine"]
