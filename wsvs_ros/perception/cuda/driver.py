"""Whether there is a CUDA device, without loading what is made for it: torch alone takes seconds and 200 MB."""

from __future__ import annotations

import ctypes
from functools import cache


@cache
def cuda_device_count() -> int:
    """CUDA devices that the driver shows this process; 0 without a driver."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value
