"""torch: runs the exported program of a bundle, on CUDA at speed, on the CPU as a reference."""

from __future__ import annotations

import importlib.util
from typing import Any

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.cores import usable_cores
from wsvs_ros.perception.engines.cuda_driver import cuda_device_count
from wsvs_ros.perception.engines.interface import EngineError

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


def create_torch_engine(
    bundle: ModelBundle,
    *,
    provider: str = "cpu",
    precision: str = "float32",
    threads: int | None = None,
    compile: bool = False,
) -> Any:
    """
    Load a bundle's program.

    On CUDA it computes in channels-last memory, in float16 where it is safe to if asked to (autocast), and replays
    one captured graph.

    :param provider: `cpu` or `cuda`.
    :param precision: `float32`, or on CUDA `float16`.
    :param threads: processor threads on a CPU, for all of torch; None for one a physical core.
    :param compile: let torch.compile optimise it.
    :return: a `DeviceEngine`.
    :raises EngineError: if torch is missing, or cannot load the program or run it so.
    :raises BundleError: if the bundle has no program, or its inputs or outputs are not what the bundle says.
    """
    problem = why_not(provider, precision)
    if problem is not None:
        raise EngineError(f"engine torch: {problem}")
    from wsvs_ros.perception.engines.torch_engine import TorchEngine

    threads = usable_cores() if threads is None else threads
    return TorchEngine(bundle, provider=provider, precision=precision, threads=threads, compile=compile)
