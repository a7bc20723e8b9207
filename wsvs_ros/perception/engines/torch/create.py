"""Makes the torch engine; torch is not imported before."""

from __future__ import annotations

from wsvs_ros.cores import usable_cores
from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.engines.interface import DeviceEngine, EngineError, EngineOptions
from wsvs_ros.perception.engines.torch.probe import why_not


def create(
    bundle: ModelBundle,
    *,
    provider: str = "cpu",
    precision: str = "float32",
    options: EngineOptions = EngineOptions(),
) -> DeviceEngine:
    """
    Load a bundle's program.

    On CUDA it computes in channels-last memory, in float16 where it is safe to if asked to (autocast), and replays
    one captured graph.

    :param provider: `cpu` or `cuda`.
    :param precision: `float32`, or on CUDA `float16`.
    :param options: processor threads on a CPU, for all of torch; whether torch.compile optimises the program; the
        number of the GPU.
    :raises EngineError: if torch is missing, or cannot load the program or run it so.
    :raises BundleError: if the bundle has no program, or its inputs or outputs are not what the bundle says.
    """
    problem = why_not(provider, precision)
    if problem is not None:
        raise EngineError(f"engine torch: {problem}")
    from wsvs_ros.perception.engines.torch.engine import TorchEngine

    threads = usable_cores() if options.threads is None else options.threads
    return TorchEngine(
        bundle, provider=provider, precision=precision, threads=threads, compile=options.compile, gpu=options.gpu
    )
