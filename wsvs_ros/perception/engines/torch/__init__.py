"""torch: runs the exported program of a bundle, on CUDA at speed, on the CPU as a reference."""

from __future__ import annotations

from wsvs_ros.perception.engines.torch.create import create
from wsvs_ros.perception.engines.torch.probe import variant, why_not

__all__ = ["create", "variant", "why_not"]
