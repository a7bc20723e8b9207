"""ONNX Runtime on the CPU: the engine that runs everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from wsvs_ros.perception.bundle import BundleError, ModelBundle
from wsvs_ros.perception.cores import usable_cores
from wsvs_ros.perception.engines.interface import EngineError

_DTYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}
_QUIET = 3  # errors only: warnings about thread affinity in containers help nobody


class OnnxRuntimeEngine:
    """
    Runs a bundle's network with ONNX Runtime's CPU provider.

    :param bundle: the model; its graph is checked against bundle.yaml.
    :param threads: threads for one inference; None for one a physical core.
    :raises EngineError: if onnxruntime is missing or cannot load the model.
    :raises BundleError: if the graph's inputs or output are not what the bundle says.
    """

    name = "onnxruntime"

    def __init__(self, bundle: ModelBundle, threads: int | None = None) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise EngineError(
                f"engine onnxruntime: the package onnxruntime cannot be imported ({error}); "
                "install it with `pip install onnxruntime` (wsvs_ros installs it by default)"
            ) from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = usable_cores() if threads is None else threads
        options.log_severity_level = _QUIET
        # Threads that spin while they wait gain 8 % on an idle machine; beside one other busy process they
        # were measured to double the time of an inference, and a car's computer is never idle.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(
                str(bundle.model_path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's errors share no base class but Exception
            raise EngineError(f"{bundle.model_path}: ONNX Runtime cannot load the model: {error}") from error
        _check_graph(self._session, bundle)
        self._shapes = _input_shapes(bundle)
        self._dtypes = bundle.inputs

    def infer(self, image: np.ndarray, flow: np.ndarray) -> np.ndarray:
        """Class scores of one frame; see `Engine`."""
        if self._session is None:
            raise EngineError("engine onnxruntime: it is closed")
        for name, value in (("image", image), ("flow", flow)):
            shape, dtype = self._shapes[name][1:], self._dtypes[name]
            if value.shape != shape or value.dtype != dtype:
                raise EngineError(f"{name}: got {value.shape} {value.dtype}, expected {shape} {dtype}")
        try:
            # bound buffers were measured to save nothing over this on the CPU
            return self._session.run(["scores"], {"image": image[None], "flow": flow[None]})[0][0]
        except Exception as error:  # as above
            raise EngineError(f"engine onnxruntime: inference failed: {error}") from error

    def close(self) -> None:
        """Free the network."""
        self._session = None


def _input_shapes(bundle: ModelBundle) -> dict[str, tuple[int, ...]]:
    width, height = bundle.working_size
    return {"image": (1, 3, height, width), "flow": (1, 2 * bundle.window_length, height, width)}


def _check_graph(session: Any, bundle: ModelBundle) -> None:
    """Refuse a graph that does not take or give what the bundle says."""
    shapes = _input_shapes(bundle)
    inputs = {node.name: node for node in session.get_inputs()}
    if set(inputs) != set(shapes):
        _refuse(bundle, "inputs", ", ".join(inputs) or "none", ", ".join(shapes))
    for name, shape in shapes.items():
        dtype = _DTYPES.get(inputs[name].type, inputs[name].type)
        if dtype != bundle.inputs[name]:
            _refuse(bundle, f"input {name}", dtype, bundle.inputs[name])
        if not _fits(inputs[name].shape, shape):
            _refuse(bundle, f"input {name}", str(inputs[name].shape), str(list(shape)))
    outputs = {node.name: node for node in session.get_outputs()}
    if set(outputs) != {"scores"}:
        _refuse(bundle, "outputs", ", ".join(outputs), "scores")
    scores = outputs["scores"]
    dtype = _DTYPES.get(scores.type, scores.type)
    if dtype != "float32":
        _refuse(bundle, "output scores", dtype, "float32")
    width, height = bundle.working_size
    classes = len(bundle.labels)
    # the strides of the two axes are the network's own affair: at most the working size
    sides = scores.shape[2:] if len(scores.shape) == 4 else []
    largest = zip(sides, (height, width), strict=False)
    small = all(side <= limit for side, limit in largest if isinstance(side, int))
    if not sides or not _fits(scores.shape[:2], (1, classes)) or not small:
        expected = f"[1, {classes}, h <= {height}, w <= {width}]"
        _refuse(bundle, "output scores", str(scores.shape), expected)


def _fits(declared: list[int | str | None], shape: tuple[int, ...]) -> bool:
    """Whether an array of `shape` can be fed; a free axis is a name or None."""
    if len(declared) != len(shape):
        return False
    return all(not isinstance(axis, int) or axis == size for axis, size in zip(declared, shape, strict=True))


def _refuse(bundle: ModelBundle, what: str, got: str, expected: str) -> None:
    raise BundleError(
        f"{bundle.model_path}: {what}: got {got}, expected {expected} by the bundle's bundle.yaml; "
        "export the model again"
    )
