"""Settings of Cyclone DDS under which large images arrive."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

FILE = "cyclonedds_large_images.xml"
NEEDED = 4_000_000
"""Bytes that the kernel should keep for a socket."""

_LIMIT = Path("/proc/sys/net/core/rmem_max")


def cyclonedds_uri(config: Path, environment: Mapping[str, str] = os.environ) -> str:
    """
    A CYCLONEDDS_URI with the settings for large images; what the environment's own says comes later and wins.

    :param config: the folder of the package's configuration.
    """
    own = environment.get("CYCLONEDDS_URI", "")
    return f"file://{config.absolute() / FILE}" + (f",{own}" if own else "")


def kernel_warning(limit: Path = _LIMIT) -> str:
    """What is to be said about the kernel's own limit; empty where it is large enough, or unknown."""
    try:
        allowed = int(limit.read_text())
    except (OSError, ValueError):
        return ""
    if allowed >= NEEDED:
        return ""
    return (
        f"large_images: the kernel keeps {allowed} bytes for a socket, {NEEDED} are needed: "
        "sudo sysctl -w net.core.rmem_max=16777216"
    )


def rmw_warning(environment: Mapping[str, str] = os.environ) -> str:
    """What is to be said where another middleware than Cyclone DDS will not read these settings."""
    chosen = environment.get("RMW_IMPLEMENTATION", "")
    if chosen == "rmw_cyclonedds_cpp":
        return ""
    return f"large_images: RMW_IMPLEMENTATION is {chosen or 'not set'}; the settings are for rmw_cyclonedds_cpp"
