"""CUDA graphs: the launches of a whole computation, recorded once and replayed as one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor

_WARM_UPS = 3  # calls before the capture, in which libraries allocate and choose kernels

capturing = threading.RLock()
"""Held by the one thread that captures: torch allows a process one capture at a time."""


class Graph(Protocol):
    """What was captured."""

    def replay(self) -> None:
        """Launch it again on the current stream: it reads and writes the memory that it did when it was captured."""


Capture = Callable[[Callable[[], Any], torch.device], tuple[Graph, Any]]
"""Records a computation on a device: gives the graph and what the computation returned."""


class CapturedFunction:
    """
    A function of CUDA tensors that is captured once for each combination of devices, shapes and dtypes, and replayed.

    The function must be free of host synchronisation and have static shapes. What it returns is overwritten by the
    next call with the same shapes. Not to be called from two threads at once; captures of several functions in
    several threads wait for each other.

    :param function: takes CUDA tensors, returns one or a tuple of them.
    :param capture: records it.
    """

    def __init__(self, function: Callable[..., Any], capture: Capture | None = None) -> None:
        self._function = function
        self._capture = capture or capture_graph
        self._captured: dict[tuple[object, ...], tuple[Graph, tuple[Tensor, ...], Any]] = {}

    def __call__(self, *inputs: Tensor) -> Any:
        """Copy the inputs to where the graph reads them, replay it, and return where it writes."""
        key = tuple((tensor.device, tensor.shape, tensor.dtype) for tensor in inputs)
        if key not in self._captured:
            places = tuple(tensor.clone() for tensor in inputs)
            with capturing:
                graph, result = self._capture(lambda: self._function(*places), inputs[0].device)
            self._captured[key] = graph, places, result
        graph, places, result = self._captured[key]
        for place, tensor in zip(places, inputs, strict=True):
            place.copy_(tensor)
        graph.replay()
        return result


def captured(function: Callable[..., Any], device: torch.device) -> Callable[..., Any]:
    """The function as a `CapturedFunction` on a GPU, as it is on a CPU."""
    return CapturedFunction(function) if device.type == "cuda" else function


@contextmanager
def full_float32() -> Iterator[None]:
    """
    Choose kernels that compute float32 in float32.

    By itself cuDNN takes TF32 for convolutions, which keeps 10 of float32's 23 bits. The setting is the process's, and
    matters where kernels are chosen: while a graph is captured, by one thread at a time.
    """
    cudnn: Any = torch.backends.cudnn
    convolutions = cudnn.conv
    before = convolutions.fp32_precision
    convolutions.fp32_precision = "ieee"
    try:
        yield
    finally:
        convolutions.fp32_precision = before


def capture_graph(function: Callable[[], Any], device: torch.device) -> tuple[Graph, Any]:
    """Record the launches of `function`, after a few calls that warm it up; see `Capture`."""
    with torch.cuda.device(device), full_float32():
        # of its own: the stream that torch would take lies on the device of the process's first capture
        side = torch.cuda.Stream(device)
        side.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(side):
            for _ in range(_WARM_UPS):
                function()
        torch.cuda.current_stream(device).wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        # another thread may use CUDA meanwhile
        with torch.cuda.graph(graph, stream=side, capture_error_mode="thread_local"):
            result = function()
    return graph, result
