"""The processor, and how many of its cores this process may use."""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path

_TELLING = ("model name", "flags", "CPU implementer", "CPU part", "Features")


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


def cpu_name() -> str:
    """
    The processor's model with a digest of what it can do.

    Two of one name may differ in their instructions, e.g. under another hypervisor.
    """
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    # x86 has "model name" and "flags", Arm "CPU part" and "Features"
    lines = [line for line in text.split("\n\n")[0].splitlines() if line.split(":")[0].strip() in _TELLING]
    name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{name} {hashlib.sha256('|'.join(lines).encode()).hexdigest()[:8]}"
