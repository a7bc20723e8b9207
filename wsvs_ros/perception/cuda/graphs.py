"""CUDA graphs: the launches of a whole computation, recorded once and replayed as one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

_WARM_UPS = 3  # calls before the capture, in which libraries allocate and choose kernels


class CapturedFunction:
    """
    A function of CUDA tensors that is captured once for each combination of shapes and dtypes, and then replayed.

    The function must be free of host synchronisation and have static shapes. What it returns is overwritten by the
    next call with the same shapes.

    :param function: takes CUDA tensors, returns one or a tuple of them.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._captured: dict[tuple[object, ...], tuple[torch.cuda.CUDAGraph, tuple[Tensor, ...], Any]] = {}

    def __call__(self, *inputs: Tensor) -> Any:
        """Copy the inputs to where the graph reads them, replay it, and return where it writes."""
        key = tuple((tensor.shape, tensor.dtype) for tensor in inputs)
        if key not in self._captured:
            self._captured[key] = self._capture(inputs)
        graph, places, result = self._captured[key]
        for place, tensor in zip(places, inputs, strict=True):
            place.copy_(tensor)
        graph.replay()
        return result

    def _capture(self, inputs: tuple[Tensor, ...]) -> tuple[torch.cuda.CUDAGraph, tuple[Tensor, ...], Any]:
        places = tuple(tensor.clone() for tensor in inputs)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UPS):
                self._function(*places)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        # another thread may use CUDA meanwhile
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            result = self._function(*places)
        return graph, places, result
