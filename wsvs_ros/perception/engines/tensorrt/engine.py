"""TensorRtEngine; see `create`."""

from __future__ import annotations

import logging

import tensorrt as trt
import torch
from torch import Tensor

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.bundle_config import OUTPUTS
from wsvs_ros.perception.cuda.devices import fingerprint, torch_device
from wsvs_ros.perception.engines.cache import CacheKey, EngineCache, load_or_build
from wsvs_ros.perception.engines.graph_check import Port, check_graph
from wsvs_ros.perception.engines.interface import EngineError
from wsvs_ros.perception.engines.tensorrt.build import Log, build_engine, sides
from wsvs_ros.perception.engines.tensorrt.inspect import check_precision
from wsvs_ros.perception.engines.tensorrt.probe import variant
from wsvs_ros.perception.engines.tensors import AlignedInputs, TensorEngine, aligned_empty, check_tensors

_LOG = logging.getLogger(__name__)
_DTYPES = {
    trt.DataType.FLOAT: "float32",
    trt.DataType.HALF: "float16",
    trt.DataType.UINT8: "uint8",
    trt.DataType.INT8: "int8",
    trt.DataType.INT32: "int32",
}


class TensorRtEngine(TensorEngine):
    """Runs a bundle's network on TensorRT; see `create`, which also says what it raises."""

    name = "tensorrt"
    provider = "cuda"

    def __init__(self, bundle: ModelBundle, *, precision: str, workspace_mb: int, gpu: int = 0) -> None:
        self.bundle, self.precision = bundle, precision
        self.device = torch_device(f"cuda:{gpu}")
        self._model = bundle.model(variant("cuda", precision))
        self._log = Log()
        self._aligned = AlignedInputs()
        with torch.cuda.device(self.device):  # TensorRT builds for, loads to and runs on the current one
            self._runtime = trt.Runtime(self._log)
            self._engine: trt.ICudaEngine | None = self._cached_or_built(workspace_mb)
            self._context: trt.IExecutionContext | None = self._engine.create_execution_context()
            if self._context is None:
                raise EngineError(f"engine tensorrt: no memory to run in on {self.device}: {self._log.last}")
            self._outputs = self._bind(self._context)

    def _bind(self, context: trt.IExecutionContext) -> dict[str, Tensor]:
        """Fix the shapes of the inputs, and make the outputs where the engine writes them from now on."""
        for name, shape in self.bundle.input_shapes.items():
            if not context.set_input_shape(name, trt.Dims(list(shape))):
                raise EngineError(f"engine tensorrt: does not take {name} of {shape}: {self._log.last}")
        outputs = {}
        for name in OUTPUTS:
            shape = tuple(sides(context.get_tensor_shape(name)))
            outputs[name] = aligned_empty(shape, torch.float32, self.device)
            self._address(context, name, outputs[name])
        return outputs

    def infer_tensors(self, image: Tensor, flow: Tensor) -> dict[str, Tensor]:
        """All outputs of one frame; see `DeviceEngine`."""
        if self._context is None:
            raise EngineError("engine tensorrt: it is closed")
        check_tensors(self.bundle, image, flow, self.device)
        with torch.cuda.device(self.device):
            for name, tensor in (("image", image), ("flow", flow)):
                self._address(self._context, name, self._aligned(name, tensor))
            if not self._context.execute_async_v3(torch.cuda.current_stream(self.device).cuda_stream):
                raise EngineError(f"engine tensorrt: inference failed: {self._log.last}")
        return self._outputs

    def _address(self, context: trt.IExecutionContext, name: str, tensor: Tensor) -> None:
        if not context.set_tensor_address(name, tensor.data_ptr()):
            raise EngineError(f"engine tensorrt: does not take the address of {name}: {self._log.last}")

    def close(self) -> None:
        """Free the engine."""
        self._context = self._engine = None
        self._outputs = {}

    def _cached_or_built(self, workspace_mb: int) -> trt.ICudaEngine:
        key = CacheKey(
            runtime="tensorrt",
            version=trt.__version__,
            device=fingerprint(torch.cuda.get_device_properties(self.device)),
            precision=self.precision,
            model=self._model.sha256,
            settings=str(self.bundle.input_shapes),
        )
        cache = EngineCache(self.bundle)
        shapes = self.bundle.input_shapes
        return load_or_build(
            cache,
            key,
            self._deserialise,
            lambda: build_engine(self._model.path, cache, key, log=self._log, shapes=shapes, workspace_mb=workspace_mb),
        )

    def _deserialise(self, data: bytes) -> trt.ICudaEngine:
        """The engine, with the inputs, outputs and precision that were asked for."""
        engine = self._runtime.deserialize_cuda_engine(data)
        if engine is None:
            raise EngineError(f"TensorRT {trt.__version__} cannot load the engine: {self._log.last}")
        inputs: dict[str, Port] = {}
        outputs: dict[str, Port] = {}
        for index in range(engine.num_io_tensors):
            name = engine.get_tensor_name(index)
            dtype = engine.get_tensor_dtype(name)
            port = Port(_DTYPES.get(dtype, str(dtype)), sides(engine.get_tensor_shape(name)))
            (inputs if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT else outputs)[name] = port
        check_graph(self.bundle, self._model.path, inputs, outputs)
        layers = engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
        found = check_precision(layers, self.precision)
        if found is None:
            _LOG.warning("TensorRT does not tell in which precision its layers compute: %s unverified", self.precision)
        else:
            _LOG.info("TensorRT engine, multiplications by precision: %s", found)
        return engine
