"""Whether torch can run here."""

from __future__ import annotations

import importlib.util

from wsvs_ros.perception.cuda.driver import cuda_device_count

_INSTALL = "pip install torch"


def variant(provider: str, precision: str) -> str:
    """Which of a bundle's files it runs."""
    return "program"


def why_not(provider: str, precision: str = "float32") -> str | None:
    """Why torch cannot run on `provider` in `precision` here, or None if it can."""
    if provider not in ("cpu", "cuda"):
        return f"it does not run on {provider}, but on cuda and cpu"
    if precision == "int8" or (precision == "float16" and provider == "cpu"):
        return f"it does not compute in {precision} on {provider}"
    if importlib.util.find_spec("torch") is None:
        return f"the package torch is not installed; `{_INSTALL}`"
    if provider == "cpu":
        return None
    if not cuda_device_count():
        return "the driver shows no CUDA device"
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: a library that it needs is missing
        return f"the package torch cannot be loaded ({error}); `{_INSTALL}`"
    return None if torch.cuda.is_available() else f"torch {torch.__version__} finds no CUDA device"
