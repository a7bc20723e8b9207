"""Loads a graph into ONNX Runtime."""

from __future__ import annotations

import importlib.metadata
import platform
import tempfile
from pathlib import Path
from typing import Any

from wsvs_ros.cores import cpu_name
from wsvs_ros.perception.bundle import ModelBundle, ModelFile
from wsvs_ros.perception.engines.cache import CacheKey, EngineCache, load_or_build
from wsvs_ros.perception.engines.interface import EngineError
from wsvs_ros.perception.engines.onnxruntime.probe import PROVIDERS
from wsvs_ros.perception.engines.onnxruntime.still import without_motion

_QUIET = 3  # errors only: warnings about thread affinity in containers help nobody


def load_session(
    bundle: ModelBundle,
    model: ModelFile,
    *,
    provider: str,
    precision: str,
    threads: int,
    gpu: int = 0,
    motion: bool = True,
) -> Any:
    """
    Load a graph; on the CPU as an earlier start optimised it, if that is still there.

    :param gpu: number of the CUDA device, for provider `cuda`.
    :param motion: False puts zeros in place of the flow, on the CPU; see `without_motion`.
    :return: an `onnxruntime.InferenceSession`.
    :raises EngineError: if the provider does not start, or does not take the graph.
    """
    import onnxruntime

    content = model.path.read_bytes()
    if provider != "cpu":
        settings = provider_settings(provider, precision, threads, gpu)
        return _session(model.path, content, provider, _options(threads), settings)
    try:
        version = importlib.metadata.version("onnxruntime")
    except importlib.metadata.PackageNotFoundError:  # of another build, e.g. onnxruntime-openvino
        version = str(onnxruntime.__version__)
    still = None if motion else without_motion(content, bundle.input_shapes["flow"])
    runtime, content = ("onnxruntime", content) if still is None else ("onnxruntime-still", still)
    key = CacheKey(runtime, version, f"{cpu_name()} {platform.machine()}", precision, model.sha256)

    def load(graph: bytes) -> Any:
        options = _options(threads)
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        return _session(model.path, graph, provider, options, {})

    def optimise() -> bytes:
        options = _options(threads)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "optimised.onnx"
            options.optimized_model_filepath = str(path)
            _session(model.path, content, provider, options, {})
            return path.read_bytes()

    return load_or_build(EngineCache(bundle), key, load, optimise)


def _options(threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = _QUIET
    # Threads that spin while they wait gain 8 % on an idle machine; beside one other busy process they
    # were measured to double the time of an inference, and a car's computer is never idle.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def provider_settings(provider: str, precision: str, threads: int, gpu: int) -> dict[str, str]:
    """What ONNX Runtime's provider is told."""
    if provider == "openvino":
        # else it computes in bfloat16 where the processor has it, whatever the graph says
        return {"device_type": "CPU", "num_of_threads": str(threads), "precision": "FP32"}
    if provider == "cuda":
        # TF32, which it would use, keeps 10 of float32's 23 bits
        return {"device_id": str(gpu), "use_tf32": "0" if precision == "float32" else "1"}
    return {}


def _session(path: Path, content: bytes, provider: str, options: Any, settings: dict[str, str]) -> Any:
    import onnxruntime

    wanted = PROVIDERS[provider]
    try:
        session = onnxruntime.InferenceSession(
            content, options, providers=[(wanted, settings)] + [("CPUExecutionProvider", {})] * (provider != "cpu")
        )
    except Exception as error:  # onnxruntime's errors share no base class but Exception
        raise EngineError(f"{path}: ONNX Runtime cannot load the model: {error}") from error
    if session.get_providers()[0] != wanted:
        # onnxruntime says so in its log only, and would go on, many times slower
        raise EngineError(
            f"engine onnxruntime: {wanted} did not start, its libraries are missing or of another version; "
            "fix them, or choose provider cpu"
        )
    return session
