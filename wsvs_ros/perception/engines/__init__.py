"""What runs the network: one interface and its implementations."""

from __future__ import annotations

from wsvs_ros.perception.engines.create import EngineStatus, available_engines, create_engine, engine_statuses
from wsvs_ros.perception.engines.interface import (
    DeviceEngine,
    Engine,
    EngineError,
    EngineOptions,
    Maps,
    describe,
    parse_providers,
    takes_tensors,
)
from wsvs_ros.perception.engines.onnxruntime import OnnxRuntimeEngine

__all__ = [
    "DeviceEngine",
    "Engine",
    "EngineError",
    "EngineOptions",
    "EngineStatus",
    "Maps",
    "OnnxRuntimeEngine",
    "available_engines",
    "create_engine",
    "describe",
    "engine_statuses",
    "parse_providers",
    "takes_tensors",
]
