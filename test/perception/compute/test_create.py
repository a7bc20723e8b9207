"""The choice between the ways to compute, with an engine that takes tensors where a GPU's memory is the CPU's."""

from __future__ import annotations

import importlib
import logging
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.compute import create_compute
from wsvs_ros.perception.compute.host import OnHost
from wsvs_ros.perception.crf import CrfError
from wsvs_ros.perception.engines import EngineOptions, OnnxRuntimeEngine

GPU = EngineOptions("torch", providers=("cuda",))
device_module = importlib.import_module("wsvs_ros.perception.compute.device")
motion_module = importlib.import_module("wsvs_ros.perception.compute.device_motion")


class TensorEngine:
    """Runs the real network on tensors; says that it is on a GPU."""

    name, provider, precision = "torch", "cuda", "float32"
    device = torch.device("cpu")

    def __init__(self, bundle: ModelBundle, gpu: int) -> None:
        self._engine = OnnxRuntimeEngine(bundle)
        self.infer, self.infer_tensors = self._engine.infer, self._engine.infer_tensors
        self.gpu, self.closed = gpu, False

    def close(self) -> None:
        self.closed = True
        self._engine.close()


class TensorRuntime:
    def __init__(self) -> None:
        self.made: list[TensorEngine] = []

    def variant(self, provider: str, precision: str) -> str:
        return "float32"

    def why_not(self, provider: str, precision: str = "float32") -> str | None:
        return None

    def create(self, bundle: ModelBundle, *, options: EngineOptions, **settings: Any) -> TensorEngine:
        self.made.append(TensorEngine(bundle, options.gpu))
        return self.made[-1]


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> TensorRuntime:
    runtime = TensorRuntime()
    engines = importlib.import_module("wsvs_ros.perception.engines.create")
    monkeypatch.setitem(engines._RUNTIMES, "torch", runtime)
    return runtime


def build(bundle: ModelBundle, device: str, *, motion: bool = True) -> Any:
    return create_compute(bundle, GPU, motion=motion, crf=None, device=device)


def broken(*arguments: object, **settings: object) -> Any:
    raise RuntimeError("CUDA error: operation not permitted when stream is capturing")


def test_with_the_flow_on_the_cpu_the_window_is_the_gpus(tiny_bundle: ModelBundle, runtime: TensorRuntime) -> None:
    assert build(tiny_bundle, "cpu").way == "flow on cpu, its window on cpu"  # the latter is the stand-in's
    assert "no flow" in build(tiny_bundle, "auto", motion=False).way


def test_auto_measures_both_ways_and_says_which_it_took(
    tiny_bundle: ModelBundle, runtime: TensorRuntime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    compute = build(tiny_bundle, "auto")
    measured = [record.message for record in caplog.records if record.message.startswith("measured:")]
    assert len(measured) == 2
    fastest = min(measured, key=lambda line: float(line.split()[1]))
    assert fastest.endswith(compute.way)
    assert f"computing: {compute.way}" in caplog.text
    assert not runtime.made[0].closed


def test_auto_without_a_gpu_is_the_host(tiny_bundle: ModelBundle) -> None:
    compute = create_compute(tiny_bundle, EngineOptions(providers=("cpu",)), motion=True, crf=None, device="auto")
    assert isinstance(compute, OnHost)


def test_a_way_that_fails_is_passed_over_loudly(
    tiny_bundle: ModelBundle,
    runtime: TensorRuntime,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(motion_module, "create_torch_flow", broken)
    assert build(tiny_bundle, "auto").way.startswith("flow on cpu")
    assert "DeviceMotion with torch: RuntimeError('CUDA error" in caplog.text


def test_when_both_ways_fail_the_hosts_is_tried_with_the_same_engine(
    tiny_bundle: ModelBundle, runtime: TensorRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_module.OnDevice, "_warm_up", broken)
    compute = build(tiny_bundle, "cpu")
    assert isinstance(compute, OnHost)
    assert [engine.closed for engine in runtime.made] == [False]
    planes, stack = np.zeros((3, 72, 96), np.uint8), np.zeros((20, 72, 96), np.float32)
    assert compute.engine.infer(planes, stack).shape == (11, 18, 24)


def test_an_engine_that_fails_in_every_way_is_freed_and_the_next_one_taken(
    tiny_bundle: ModelBundle, runtime: TensorRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TensorEngine, "__init__", _fails_to_infer)
    compute = create_compute(tiny_bundle, EngineOptions(), motion=True, crf=None, device="cpu")
    assert compute.engine.name == "onnxruntime"
    assert runtime.made[0].closed


def _fails_to_infer(engine: TensorEngine, bundle: ModelBundle, gpu: int) -> None:
    engine._engine = OnnxRuntimeEngine(bundle)
    engine.infer = engine.infer_tensors = broken
    engine.gpu, engine.closed = gpu, False


def test_an_error_that_no_other_engine_would_mend_is_raised_and_the_engine_freed(
    tiny_bundle: ModelBundle, runtime: TensorRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*arguments: object, **settings: object) -> Any:
        raise CrfError("CRF: not here")

    monkeypatch.setattr("wsvs_ros.perception.compute.host.OnHost.set_crf", unavailable)
    monkeypatch.setattr(device_module.OnDevice, "set_crf", unavailable)
    with pytest.raises(CrfError, match="not here"):
        build(tiny_bundle, "cpu")
    assert runtime.made[0].closed


def test_the_number_of_the_gpu_reaches_the_engine(
    tiny_bundle: ModelBundle, runtime: TensorRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = importlib.import_module("wsvs_ros.perception.compute.create")
    monkeypatch.setattr(create, "torch_device", lambda name: torch.device("cpu"))
    build(tiny_bundle, "cuda:1")
    assert [engine.gpu for engine in runtime.made] == [1]
