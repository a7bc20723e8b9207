"""What runs the network: one interface and its implementations."""

from __future__ import annotations

from wsvs_ros.perception.engines.create import (
    EngineStatus,
    available_engines,
    create_engine,
    engine_statuses,
    first_that_serves,
    prove,
)
from wsvs_ros.perception.engines.interface import (
    DeviceEngine,
    Engine,
    EngineError,
    EngineOptions,
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
    "OnnxRuntimeEngine",
    "available_engines",
    "create_engine",
    "describe",
    "engine_statuses",
    "first_that_serves",
    "parse_providers",
    "prove",
    "takes_tensors",
]
