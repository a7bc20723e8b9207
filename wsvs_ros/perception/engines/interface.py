"""What an engine is to the rest of the package."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeGuard

import numpy as np

from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.bundle import ModelBundle

if TYPE_CHECKING:
    import torch
    from torch import Tensor

ENGINES = ("tensorrt", "onnxruntime", "torch")
PRECISIONS = ("float32", "float16", "int8")
PROVIDERS = ("cpu", "cuda", "openvino")


class EngineError(WsvsError):
    """An engine is unknown, not installed, or failed to run the network."""


@dataclass(frozen=True)
class EngineOptions:
    """
    What shall run the network, and how.

    :param engine: `auto` for the fastest that this machine can run, or `tensorrt`, `onnxruntime`, `torch`.
    :param precision: `auto` for float16 on a GPU and float32 else, or `float32`, `float16`, `int8`.
    :param providers: on what the engine may compute, the preferred one first; none for whatever is fastest.
        ONNX Runtime has `cuda`, `openvino` and `cpu`, torch `cuda` and `cpu`, TensorRT `cuda`.
    :param threads: processor threads for one inference; None for one a physical core.
    :param workspace_mb: memory that TensorRT may use while it builds an engine.
    :param compile: let torch.compile optimise the torch engine, which takes a minute at start.
    :param gpu: number of the CUDA device that engines on `cuda` run on.
    :param motion: False for networks that only ever see zero flow; an engine may leave out what follows from it.
    :raises EngineError: if a value is none of these.
    """

    engine: str = "auto"
    precision: str = "auto"
    providers: tuple[str, ...] = ()
    threads: int | None = None
    workspace_mb: int = 2048
    compile: bool = False
    gpu: int = 0
    motion: bool = True

    def __post_init__(self) -> None:
        if self.engine not in ("auto", *ENGINES):
            raise EngineError(f"engine {self.engine!r}: expected auto, {', '.join(ENGINES)}")
        if self.precision not in ("auto", *PRECISIONS):
            raise EngineError(f"precision {self.precision!r}: expected auto, {', '.join(PRECISIONS)}")
        for provider in self.providers:
            if provider == "tensorrt":
                raise EngineError("provider 'tensorrt': TensorRT is an engine of its own; ask for engine tensorrt")
            if provider not in PROVIDERS:
                raise EngineError(f"provider {provider!r}: expected one of {', '.join(PROVIDERS)}")
        if self.threads is not None and self.threads < 1:
            raise EngineError(f"threads: got {self.threads}, expected at least 1")
        if self.workspace_mb < 1:
            raise EngineError(f"workspace_mb: got {self.workspace_mb}, expected at least 1")
        if self.gpu < 0:
            raise EngineError(f"gpu: got {self.gpu}, expected the number of a CUDA device, from 0")


def parse_providers(text: str) -> tuple[str, ...]:
    """Providers as people write them: `cuda,cpu`; none in an empty text."""
    return tuple(provider for provider in text.replace(",", " ").split())


class Engine(Protocol):
    """Runs a bundle's network; one call at a time."""

    name: str
    provider: str
    precision: str

    def infer(self, image: np.ndarray, flow: np.ndarray) -> np.ndarray:
        """
        Class scores of one frame.

        :param image: (3, H, W) uint8 RGB at the bundle's working size.
        :param flow: (2L, H, W) float32, oldest field first, u before v, pixels per frame.
        :return: (N, h, w) float32 softmax probabilities, h <= H and w <= W; a new array at every call.
        :raises EngineError: if the network cannot be run.
        """

    def close(self) -> None:
        """Free what the engine holds; it cannot be used afterwards."""


class DeviceEngine(Engine, Protocol):
    """An engine that takes and gives torch tensors where they are."""

    device: torch.device

    def infer_tensors(self, image: Tensor, flow: Tensor) -> dict[str, Tensor]:
        """
        The graph's outputs, computed on the current stream; nothing waits for them.

        :param image: (1, 3, H, W) uint8, contiguous, on the engine's device.
        :param flow: (1, 2L, H, W) float32, likewise.
        :return: by name, with a batch dimension; the next call overwrites them.
        :raises EngineError: if the network cannot be run.
        """


class Runtime(Protocol):
    """A package that makes engines; it imports what they run on when it is asked to make one."""

    def variant(self, provider: str, precision: str) -> str:
        """Which of a bundle's files its engines run."""

    def why_not(self, provider: str, precision: str = ...) -> str | None:
        """Why it cannot run on `provider` in `precision` here, or None if it can."""

    def create(self, bundle: ModelBundle, *, provider: str, precision: str, options: EngineOptions) -> Engine:
        """
        Load a bundle's network.

        :param options: how it shall run; engine, precision and provider are chosen already.
        :raises EngineError: if it cannot run here, or not this network.
        :raises BundleError: if the network is not what the bundle says.
        """


def takes_tensors(engine: Engine) -> TypeGuard[DeviceEngine]:
    """Whether the engine computes on a GPU and takes torch tensors there."""
    return engine.provider == "cuda" and hasattr(engine, "infer_tensors")


def describe(engine: Engine) -> str:
    """
    An engine in words, for logs: `onnxruntime (cpu, float32)`.

    What a float16 network is computed in on a CPU is said too: these have float32's arithmetic only, but for Arm's.
    """
    widened = engine.provider == "cpu" and engine.precision == "float16" and platform.machine() != "aarch64"
    return f"{engine.name} ({engine.provider}, {engine.precision}{' computed in float32' if widened else ''})"


def check_inputs(bundle: ModelBundle, image: np.ndarray, flow: np.ndarray) -> None:
    """
    Refuse arrays that the bundle's network does not take.

    :raises EngineError: naming the input, what it is and what is expected.
    """
    for name, value in (("image", image), ("flow", flow)):
        shape, dtype = bundle.input_shapes[name][1:], bundle.inputs[name]
        if value.shape != shape or value.dtype != dtype:
            raise EngineError(f"{name}: got {value.shape} {value.dtype}, expected {shape} {dtype}")
