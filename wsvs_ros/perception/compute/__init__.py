"""Where a frame is computed: on the host, or on a device."""

from __future__ import annotations

from wsvs_ros.perception.compute.create import create_compute
from wsvs_ros.perception.compute.interface import Compute

__all__ = ["Compute", "create_compute"]
