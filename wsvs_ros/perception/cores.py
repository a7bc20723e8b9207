"""How many processor cores this process may use."""

from __future__ import annotations

import os
from pathlib import Path


def usable_cores() -> int:
    """
    Physical cores that this process may run on, at least 1.

    Two hyper-threads share one core's arithmetic, so a network runs no faster on both. Counted are the cores
    of the process's affinity mask, at most as many as the container's CPU quota pays for.
    """
    cpus = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    cores = {_siblings(cpu) for cpu in cpus}
    quota = _cgroup_quota()
    return max(1, min(len(cores), int(quota)) if quota else len(cores))


def _siblings(cpu: int) -> str:
    """Name of the physical core that `cpu` is a thread of."""
    try:
        return Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text().strip()
    except OSError:
        return str(cpu)


def _cgroup_quota() -> float | None:
    """The CPU quota of the container in cores (cgroup v2), or None where there is none."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return int(quota) / int(period)
    except (OSError, ValueError):
        return None
