"""Chooses the engine for a bundle."""

from __future__ import annotations

import importlib.util

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.engines.interface import Engine, EngineError
from wsvs_ros.perception.engines.onnx_runtime import OnnxRuntimeEngine

# by name: the class and the package it cannot do without; the first that is installed is `auto`
_ENGINES = {OnnxRuntimeEngine.name: (OnnxRuntimeEngine, "onnxruntime")}


def available_engines() -> tuple[str, ...]:
    """Names of the engines that this machine can run, the preferred one first."""
    return tuple(name for name, (_, package) in _ENGINES.items() if importlib.util.find_spec(package) is not None)


def create_engine(bundle: ModelBundle, engine: str = "auto", threads: int | None = None) -> Engine:
    """
    Load a bundle's network.

    :param bundle: the model.
    :param engine: `auto` for the best engine here, or an engine's name.
    :param threads: processor threads for one inference; None for one a physical core.
    :raises EngineError: if there is no such engine here; the message names those there are.
    :raises BundleError: if the network is not what the bundle says.
    """
    if threads is not None and threads < 1:
        raise EngineError(f"threads: got {threads}, expected at least 1")
    if engine == "auto":
        # without any, the first one's own error names what to install
        engine = next(iter(available_engines() or _ENGINES))
    if engine not in _ENGINES:
        here = ", ".join(["auto", *available_engines()])
        raise EngineError(f"engine {engine!r}: not available; the engines here are: {here}")
    return _ENGINES[engine][0](bundle, threads)
