"""TorchEngine; see `create`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.export.passes import move_to_device_pass

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.bundle_config import OUTPUTS
from wsvs_ros.perception.cuda.devices import torch_device
from wsvs_ros.perception.cuda.graphs import CapturedFunction
from wsvs_ros.perception.engines.graph_check import Port, check_graph
from wsvs_ros.perception.engines.interface import EngineError
from wsvs_ros.perception.engines.tensors import TensorEngine, check_tensors
from wsvs_ros.perception.engines.torch.archive import check_program, written_by


class TorchEngine(TensorEngine):
    """Runs a bundle's program; see `create`, which also says what it raises."""

    name = "torch"

    def __init__(
        self, bundle: ModelBundle, *, provider: str, precision: str, threads: int, compile: bool, gpu: int = 0
    ) -> None:
        self.bundle = bundle
        self.provider, self.precision = provider, precision
        self.device = torch_device(f"cuda:{gpu}" if provider == "cuda" else provider)
        path = bundle.model("program").path
        check_program(path)
        try:
            program = torch.export.load(path)
            if provider == "cuda":
                program = move_to_device_pass(program, self.device)
        except Exception as error:  # of zip, JSON, its schema or CUDA
            raise EngineError(
                f"{path}: torch {torch.__version__} cannot load the program, which torch {written_by(path)} wrote: "
                f"{error}; export the model again with this version of torch, or choose engine onnxruntime"
            ) from error
        check_graph(bundle, path, *_ports(program))
        if provider == "cpu":
            torch.set_num_threads(threads)
        module: Any = program.module()
        module = module.to(memory_format=torch.channels_last)
        self._network: Any = torch.compile(module) if compile else module
        self._run: Callable[..., tuple[Tensor, ...]] = self._compute
        if provider == "cuda":  # also of what torch.compile made: by itself that is launched kernel by kernel
            self._run = CapturedFunction(self._compute)

    @torch.no_grad()
    def infer_tensors(self, image: Tensor, flow: Tensor) -> dict[str, Tensor]:
        """All outputs of one frame; see `DeviceEngine`."""
        if self._network is None:
            raise EngineError("engine torch: it is closed")
        check_tensors(self.bundle, image, flow, self.device)
        try:
            found = self._run(image, flow)
        except torch.OutOfMemoryError as error:
            raise EngineError(
                f"engine torch: {self.device} has too little memory ({error}); close what else uses it, or choose "
                "provider cpu"
            ) from error
        except RuntimeError as error:
            raise EngineError(f"engine torch: inference failed: {error}") from error
        return dict(zip(OUTPUTS, found, strict=True))

    def close(self) -> None:
        """Free the network."""
        self._network = None
        self._run = self._compute

    def _compute(self, image: Tensor, flow: Tensor) -> tuple[Tensor, ...]:
        with torch.autocast(self.device.type, torch.float16, enabled=self.precision == "float16"):
            found = self._network(image, flow)
        outputs = (found,) if isinstance(found, Tensor) else found
        return tuple(value.float() for value in outputs)


def _ports(program: torch.export.ExportedProgram) -> tuple[dict[str, Port], dict[str, Port]]:
    """What the program takes and gives; its outputs have no names, only an order."""
    values = {node.name: node.meta.get("val") for node in program.graph.nodes}
    signature = program.graph_signature
    inputs = {name: _port(values[name]) for name in signature.user_inputs if isinstance(name, str)}
    outputs = [_port(values[name]) for name in signature.user_outputs if isinstance(name, str)]
    names = OUTPUTS if len(outputs) == len(OUTPUTS) else tuple(str(i) for i in range(len(outputs)))
    return inputs, dict(zip(names, outputs, strict=True))


def _port(value: Any) -> Port:
    sides = [side if isinstance(side, int) else str(side) for side in value.shape]
    return Port(str(value.dtype).removeprefix("torch."), sides)
