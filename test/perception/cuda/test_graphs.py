"""Captures, their keys and their order, with a recorder in the driver's place."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch")
import torch

from wsvs_ros.perception.cuda.graphs import CapturedFunction, full_float32


class Recorder:
    """What a CUDA graph does, on any device: replayed, it computes on the same memory and writes to the same."""

    def __init__(self) -> None:
        self.captures = self.replays = self.most = self._inside = 0
        self.wait = 0.0

    def __call__(self, function: Callable[[], Any], device: torch.device) -> tuple[Any, Any]:
        self.captures += 1
        self._inside += 1
        self.most = max(self.most, self._inside)
        time.sleep(self.wait)
        result = function()
        self._inside -= 1
        recorder = self

        class Graph:
            def replay(self) -> None:
                recorder.replays += 1
                result.copy_(function())

        return Graph(), result


def test_one_capture_serves_all_inputs_of_its_shape_and_dtype() -> None:
    recorder = Recorder()
    double = CapturedFunction(lambda tensor: tensor * 2, recorder)
    for value in (1.0, 2.0, 3.0):
        assert (double(torch.full((2, 3), value)) == 2 * value).all()
    assert (recorder.captures, recorder.replays) == (1, 3)
    double(torch.ones(3, 2))
    double(torch.ones(2, 3, dtype=torch.float64))
    assert recorder.captures == 3
    assert (double(torch.full((2, 3), 5.0)) == 10).all()
    assert recorder.captures == 3


def test_inputs_on_another_device_are_another_capture() -> None:
    recorder = Recorder()
    function = CapturedFunction(lambda tensor: tensor * 2, recorder)
    function(torch.ones(2))
    function(torch.ones(2, device="meta"))
    assert recorder.captures == 2


def test_an_initial_field_is_another_capture_than_none() -> None:
    recorder = Recorder()
    function = CapturedFunction(lambda first, second=None: first * 1 if second is None else first + second, recorder)
    assert function(torch.ones(2)).sum() == 2
    assert function(torch.ones(2), torch.ones(2)).sum() == 4
    assert recorder.captures == 2


def test_the_result_of_one_call_is_overwritten_by_the_next_and_the_inputs_stay() -> None:
    function = CapturedFunction(lambda tensor: tensor + 1, Recorder())
    given = torch.zeros(2)
    first = function(given)
    kept = first.clone()
    second = function(torch.ones(2))
    assert second.data_ptr() == first.data_ptr()
    assert (kept == 1).all()
    assert (given == 0).all()


def test_two_threads_never_capture_at_once() -> None:
    recorder = Recorder()
    recorder.wait = 0.02
    start = threading.Barrier(4)

    def work() -> None:
        function = CapturedFunction(lambda tensor: tensor + 1, recorder)
        start.wait()
        function(torch.zeros(3))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recorder.captures == 4
    assert recorder.most == 1, "torch allows a process one capture at a time"


def test_a_capture_that_fails_leaves_the_next_one_its_turn() -> None:
    def broken(function: Callable[[], Any], device: torch.device) -> tuple[Any, Any]:
        raise RuntimeError("operation not permitted when stream is capturing")

    function = CapturedFunction(lambda tensor: tensor, broken)
    with pytest.raises(RuntimeError, match="not permitted"):
        function(torch.zeros(2))
    done = threading.Thread(target=lambda: CapturedFunction(lambda tensor: tensor * 1, Recorder())(torch.zeros(2)))
    done.start()
    done.join(10)
    assert not done.is_alive()


def test_float32_is_computed_in_float32_while_kernels_are_chosen() -> None:
    cudnn: Any = torch.backends.cudnn
    before = cudnn.conv.fp32_precision
    with full_float32():
        assert cudnn.conv.fp32_precision == "ieee"
    assert cudnn.conv.fp32_precision == before
