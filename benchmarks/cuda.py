"""What the benchmarks need of a CUDA device, where there is one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch


def device_name() -> str | None:
    """Name of the CUDA device, or None where there is none."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def median_seconds(function: Callable[[], object], repeat: int = 50) -> float:
    """Median time of a call on the device, after ten that warm up."""
    for _ in range(10):
        function()
    times = []
    for _ in range(repeat):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        function()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) / 1e3)
    return float(np.median(times))


def copy_bandwidth() -> float:
    """Bytes a second that a large copy within the device's memory reads and writes."""
    source = torch.empty(1 << 28, dtype=torch.float32, device="cuda")
    target = torch.empty_like(source)
    return 2 * source.nbytes / median_seconds(lambda: target.copy_(source), 20)
