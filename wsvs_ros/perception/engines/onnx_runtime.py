"""ONNX Runtime: the engine that runs everywhere, on the CPU or what else its build has."""

from __future__ import annotations

import importlib.metadata
import platform
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wsvs_ros.perception.bundle import ModelBundle, ModelFile
from wsvs_ros.perception.cores import cpu_name, usable_cores
from wsvs_ros.perception.engines.cache import CacheKey, EngineCache, load_or_build
from wsvs_ros.perception.engines.graph_check import Port, check_graph
from wsvs_ros.perception.engines.interface import EngineError, Maps, check_inputs

if TYPE_CHECKING:
    from torch import Tensor

_PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
_PACKAGES = {"cuda": "onnxruntime-gpu", "tensorrt": "onnxruntime-gpu", "openvino": "onnxruntime-openvino"}
_DTYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32", "tensor(float16)": "float16"}
_QUIET = 3  # errors only: warnings about thread affinity in containers help nobody


class OnnxRuntimeEngine:
    """
    Runs a bundle's network with ONNX Runtime.

    :param bundle: the model; its graph is checked against bundle.yaml.
    :param provider: `cpu`, `cuda`, `tensorrt` (ONNX Runtime's own use of it) or `openvino`.
    :param precision: `float32`, `float16` or `int8`, if the bundle has it.
    :param threads: threads for one inference; None for one a physical core.
    :raises EngineError: if onnxruntime or the provider is missing, or the model cannot be loaded.
    :raises BundleError: if the graph's inputs or outputs are not what the bundle says.
    """

    name = "onnxruntime"

    def __init__(
        self, bundle: ModelBundle, *, provider: str = "cpu", precision: str = "float32", threads: int | None = None
    ) -> None:
        problem = why_not(provider)
        if problem is not None:
            raise EngineError(f"engine onnxruntime: {problem}")
        self.provider, self.precision = provider, precision
        self._bundle = bundle
        model = bundle.model(variant(provider, precision))
        self._session = _load(bundle, model, provider, precision, usable_cores() if threads is None else threads)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        check_graph(bundle, model.path, _ports(inputs), _ports(outputs))
        self._binding: Any = None

    def infer(self, image: np.ndarray, flow: np.ndarray) -> np.ndarray:
        """Class scores of one frame; see `Engine`."""
        return self._run(["scores"], image, flow)[0]

    def infer_maps(self, image: np.ndarray, flow: np.ndarray) -> Maps:
        """Scores, labels and confidence of one frame; see `Engine`."""
        return Maps(*self._run(list(Maps._fields), image, flow))

    def infer_tensors(self, image: Tensor, flow: Tensor) -> dict[str, Tensor]:
        """All outputs of one frame on the GPU; see `DeviceEngine`."""
        self._check_open()
        if self._binding is None:
            from wsvs_ros.perception.engines.onnx_runtime_binding import TensorBinding

            self._binding = TensorBinding(self._session, self._bundle)
        try:
            return self._binding(image, flow)
        except Exception as error:  # as below
            raise EngineError(f"engine onnxruntime: inference failed: {error}") from error

    def close(self) -> None:
        """Free the network."""
        self._session = self._binding = None

    def _check_open(self) -> None:
        if self._session is None:
            raise EngineError("engine onnxruntime: it is closed")

    def _run(self, outputs: list[str], image: np.ndarray, flow: np.ndarray) -> list[np.ndarray]:
        self._check_open()
        check_inputs(self._bundle, image, flow)
        try:
            # bound buffers were measured to save nothing over this on the CPU
            found = self._session.run(outputs, {"image": image[None], "flow": flow[None]})
        except Exception as error:  # onnxruntime's errors share no base class but Exception
            raise EngineError(f"engine onnxruntime: inference failed: {error}") from error
        return [value[0] for value in found]


def variant(provider: str, precision: str) -> str:
    """Which of a bundle's files it runs."""
    return "int8-symmetric" if precision == "int8" and provider in ("cuda", "tensorrt") else precision


def why_not(provider: str, precision: str = "float32") -> str | None:
    """Why ONNX Runtime cannot run on `provider` here, or None if it can."""
    try:
        import onnxruntime
    except ImportError as error:
        return (
            f"the package onnxruntime cannot be imported ({error}); "
            "install it with `pip install onnxruntime` (wsvs_ros installs it by default)"
        )
    if provider not in _PROVIDERS:
        return f"it does not run on {provider}, but on {', '.join(_PROVIDERS)}"
    if _PROVIDERS[provider] not in onnxruntime.get_available_providers():
        return (
            f"onnxruntime {onnxruntime.__version__} was built without {_PROVIDERS[provider]}; "
            f"`pip uninstall onnxruntime; pip install {_PACKAGES[provider]}` brings it"
        )
    return None


def _load(bundle: ModelBundle, model: ModelFile, provider: str, precision: str, threads: int) -> Any:
    """The session; on the CPU from the graph as an earlier start optimised it, if it is still there."""
    import onnxruntime

    content = model.path.read_bytes()
    if provider != "cpu":
        return _session(model.path, content, provider, _options(threads), threads)
    try:
        version = importlib.metadata.version("onnxruntime")
    except importlib.metadata.PackageNotFoundError:  # of another build, e.g. onnxruntime-openvino
        version = str(onnxruntime.__version__)
    key = CacheKey("onnxruntime", version, f"{cpu_name()} {platform.machine()}", precision, model.sha256)

    def load(graph: bytes) -> Any:
        options = _options(threads)
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        return _session(model.path, graph, provider, options, threads)

    def optimise() -> bytes:
        options = _options(threads)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "optimised.onnx"
            options.optimized_model_filepath = str(path)
            _session(model.path, content, provider, options, threads)
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


def _session(path: Path, content: bytes, provider: str, options: Any, threads: int) -> Any:
    import onnxruntime

    wanted = _PROVIDERS[provider]
    settings: dict[str, str] = {}
    if provider == "openvino":
        # else it computes in bfloat16 where the processor has it, whatever the graph says
        settings = {"device_type": "CPU", "num_of_threads": str(threads), "precision": "FP32"}
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


def _ports(nodes: Any) -> dict[str, Port]:
    return {node.name: Port(_DTYPES.get(node.type, node.type), node.shape) for node in nodes}
