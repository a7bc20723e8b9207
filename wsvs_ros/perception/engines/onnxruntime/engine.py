"""OnnxRuntimeEngine: a bundle's network on ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wsvs_ros.cores import usable_cores
from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.engines.graph_check import Port, check_graph
from wsvs_ros.perception.engines.interface import EngineError, check_inputs
from wsvs_ros.perception.engines.onnxruntime.probe import variant, why_not
from wsvs_ros.perception.engines.onnxruntime.session import load_session

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_DTYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32", "tensor(float16)": "float16"}


class OnnxRuntimeEngine:
    """
    Runs a bundle's network with ONNX Runtime.

    :param bundle: the model; its graph is checked against bundle.yaml.
    :param provider: `cpu`, `cuda` or `openvino`.
    :param precision: `float32`, `float16` or `int8`, if the bundle has it.
    :param threads: threads for one inference; None for one a physical core.
    :param gpu: number of the CUDA device.
    :param motion: False for a flow that is always zero: on the CPU the motion stream is then computed once, at loading.
    :raises EngineError: if onnxruntime or the provider is missing, or the model cannot be loaded.
    :raises BundleError: if the graph's inputs or outputs are not what the bundle says.
    """

    name = "onnxruntime"

    def __init__(
        self,
        bundle: ModelBundle,
        *,
        provider: str = "cpu",
        precision: str = "float32",
        threads: int | None = None,
        gpu: int = 0,
        motion: bool = True,
    ) -> None:
        problem = why_not(provider, precision)
        if problem is not None:
            raise EngineError(f"engine onnxruntime: {problem}")
        self.provider, self.precision = provider, precision
        self._bundle = bundle
        self._gpu = gpu
        model = bundle.model(variant(provider, precision))
        threads = usable_cores() if threads is None else threads
        self._session = load_session(
            bundle, model, provider=provider, precision=precision, threads=threads, gpu=gpu, motion=motion
        )
        inputs, outputs = _ports(self._session.get_inputs()), _ports(self._session.get_outputs())
        self._still = not motion and "flow" not in inputs
        if self._still:  # it was replaced by zeros of the bundle's shape
            inputs["flow"] = Port(bundle.inputs["flow"], bundle.input_shapes["flow"])
        check_graph(bundle, model.path, inputs, outputs)
        self._binding: Any = None

    def infer(self, image: np.ndarray, flow: np.ndarray) -> np.ndarray:
        """Class scores of one frame; see `Engine`."""
        self._check_open()
        check_inputs(self._bundle, image, flow)
        try:
            # bound buffers were measured to save nothing over this on the CPU
            inputs = {"image": image[None]} if self._still else {"image": image[None], "flow": flow[None]}
            (scores,) = self._session.run(["scores"], inputs)
        except Exception as error:  # onnxruntime's errors share no base class but Exception
            raise EngineError(f"engine onnxruntime: inference failed: {error}") from error
        return scores[0]

    @property
    def device(self) -> torch.device:
        """Where `infer_tensors` has its tensors."""
        import torch

        return torch.device("cuda", self._gpu) if self.provider == "cuda" else torch.device("cpu")

    def infer_tensors(self, image: Tensor, flow: Tensor) -> dict[str, Tensor]:
        """All outputs of one frame on the GPU; see `DeviceEngine`."""
        self._check_open()
        if self._binding is None:
            from wsvs_ros.perception.engines.onnxruntime.binding import TensorBinding

            self._binding = TensorBinding(self._session, self._bundle, self.device)
        try:
            return self._binding(image, flow)
        except EngineError:
            raise
        except Exception as error:  # as above
            raise EngineError(f"engine onnxruntime: inference failed: {error}") from error

    def close(self) -> None:
        """Free the network."""
        self._session = self._binding = None

    def _check_open(self) -> None:
        if self._session is None:
            raise EngineError("engine onnxruntime: it is closed")


def _ports(nodes: Any) -> dict[str, Port]:
    return {node.name: Port(_DTYPES.get(node.type, node.type), node.shape) for node in nodes}
