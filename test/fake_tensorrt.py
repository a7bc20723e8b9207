"""
TensorRT's side of the calls that the engine makes, computed by ONNX Runtime on the CPU.

It stands for the driver, not for our own logic: it demands what TensorRT demands (aligned addresses, a context of the
engine's own device, a timing cache of this machine) and computes from the addresses that it was given.
"""

from __future__ import annotations

import ctypes
import json
import math
from enum import Enum, IntEnum
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime

DTYPES = {1: "FLOAT", 2: "UINT8", 10: "HALF"}


class DataType(Enum):
    FLOAT, HALF, UINT8, INT8, INT32 = range(5)


class TensorIOMode(Enum):
    INPUT, OUTPUT = range(2)


class Severity(IntEnum):
    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)


class ILogger:
    Severity = Severity

    def __init__(self) -> None: ...


class IProgressMonitor:
    def __init__(self) -> None: ...


class TimingCache:
    def __init__(self, machine: bytes, serialises: bool) -> None:
        self.machine, self.serialises = machine, serialises

    def serialize(self) -> bytes | None:
        return self.machine + b" timings" if self.serialises else None


class Fake(ModuleType):
    """The module `tensorrt`; its attributes say how the machine behaves, and what was done."""

    def __init__(self, version: str = "10.13.0") -> None:
        super().__init__("tensorrt")
        self.__version__ = version
        self.machine = b"this machine"
        self.serialises_timings = True
        self.layers = "FP32"
        self.given_caches: list[bytes] = []
        self.cleared: list[str] = []
        self.builds = 0
        self.fails: str | None = None
        for item in (DataType, TensorIOMode, ILogger, IProgressMonitor):
            setattr(self, item.__name__, item)
        self.Dims = list
        self.MemoryPoolType = SimpleNamespace(WORKSPACE=0)
        self.ProfilingVerbosity = SimpleNamespace(DETAILED=2)
        self.BuilderFlag = SimpleNamespace(TF32="TF32")
        self.NetworkDefinitionCreationFlag = SimpleNamespace(STRONGLY_TYPED=1)
        self.LayerInformationFormat = SimpleNamespace(JSON=1)
        self.Builder = lambda log: Builder(self)
        self.Runtime = lambda log: SimpleNamespace(deserialize_cuda_engine=lambda data: CudaEngine(self, bytes(data)))
        self.OnnxParser = lambda network, log: SimpleNamespace(parse=network.parse, num_errors=0)


class Network:
    model = b""
    num_inputs = 2

    def parse(self, model: bytes) -> bool:
        self.model = model
        self._inputs = onnx.load_from_string(model).graph.input
        return True

    def get_input(self, index: int) -> Any:
        dims = self._inputs[index].type.tensor_type.shape.dim
        return SimpleNamespace(shape=[dim.dim_value or -1 for dim in dims])


class Config:
    progress_monitor: Any = None
    profiling_verbosity = 0
    _cache: TimingCache | None = None

    def __init__(self, trt: Fake) -> None:
        self._trt = trt

    def set_memory_pool_limit(self, pool: object, size: int) -> None: ...

    def clear_flag(self, flag: str) -> None:
        self._trt.cleared.append(flag)

    def create_timing_cache(self, content: bytes) -> TimingCache:
        self._trt.given_caches.append(content)
        machine = content.removesuffix(b" timings") or self._trt.machine
        return TimingCache(machine, self._trt.serialises_timings)

    def set_timing_cache(self, cache: TimingCache, ignore_mismatch: bool) -> bool:
        if cache.machine != self._trt.machine and not ignore_mismatch:
            return False
        self._cache = cache
        return True

    def get_timing_cache(self) -> TimingCache | None:
        return self._cache


class Builder:
    def __init__(self, trt: Fake) -> None:
        self._trt = trt

    def create_network(self, flags: int) -> Network:
        return Network()

    def create_builder_config(self) -> Config:
        return Config(self._trt)

    def build_serialized_network(self, network: Network, config: Config) -> bytes | None:
        self._trt.builds += 1
        return network.model


class CudaEngine:
    def __init__(self, trt: Fake, model: bytes) -> None:
        self._trt, self.model = trt, model
        graph = onnx.load_from_string(model).graph
        self._tensors = {value.name: value for value in (*graph.input, *graph.output)}
        self._inputs = {value.name for value in graph.input}
        self.num_io_tensors = len(self._tensors)

    def get_tensor_name(self, index: int) -> str:
        return list(self._tensors)[index]

    def get_tensor_dtype(self, name: str) -> DataType:
        return DataType[DTYPES[self._tensors[name].type.tensor_type.elem_type]]

    def get_tensor_shape(self, name: str) -> list[int]:
        return [dim.dim_value for dim in self._tensors[name].type.tensor_type.shape.dim]

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        return TensorIOMode.INPUT if name in self._inputs else TensorIOMode.OUTPUT

    def create_engine_inspector(self) -> Any:
        tensor = {"Format/Datatype": f"Row major linear {self._trt.layers}"}
        layers = [{"LayerType": "gemm", "Inputs": [tensor], "Outputs": [tensor]}]
        return SimpleNamespace(get_engine_information=lambda form: json.dumps({"Layers": layers}))

    def create_execution_context(self) -> Context | None:
        if self._trt.fails == "context":
            return None
        return Context(self._trt, self)


class Context:
    def __init__(self, trt: Fake, engine: CudaEngine) -> None:
        self._trt, self._engine = trt, engine
        self._addresses: dict[str, int] = {}
        self._session = onnxruntime.InferenceSession(engine.model, providers=["CPUExecutionProvider"])

    def set_input_shape(self, name: str, shape: list[int]) -> bool:
        return list(shape) == self.get_tensor_shape(name)

    def get_tensor_shape(self, name: str) -> list[int]:
        return self._engine.get_tensor_shape(name)

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return address % 256 == 0

    def execute_async_v3(self, stream: int) -> bool:
        if self._trt.fails == "inference":
            return False
        inputs = {node.name: self._memory(node.name) for node in self._session.get_inputs()}
        outputs = [node.name for node in self._session.get_outputs()]
        for name, value in zip(outputs, self._session.run(outputs, inputs), strict=True):
            self._memory(name)[...] = value
        return True

    def _memory(self, name: str) -> np.ndarray:
        dtype = np.uint8 if self._engine.get_tensor_dtype(name) == DataType.UINT8 else np.float32
        shape = self.get_tensor_shape(name)
        size = math.prod(shape) * np.dtype(dtype).itemsize
        return np.frombuffer((ctypes.c_uint8 * size).from_address(self._addresses[name]), dtype).reshape(shape)
