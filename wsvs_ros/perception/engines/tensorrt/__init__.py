"""TensorRT, from 10 on: the engine of cars."""

from __future__ import annotations

from wsvs_ros.perception.engines.tensorrt.create import create
from wsvs_ros.perception.engines.tensorrt.probe import variant, why_not

__all__ = ["create", "variant", "why_not"]
