"""The TensorRT engine from bundle to scores, with a stand-in for TensorRT and CUDA beneath it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from fake_tensorrt import Fake
from support import make_tiny_bundle

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.engines import EngineError, create_engine
from wsvs_ros.perception.window import FlowWindow

PACKAGE = "wsvs_ros.perception.engines.tensorrt"


@pytest.fixture
def trt(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    """The stand-in, with a GPU whose memory is the CPU's."""
    fake = Fake()
    monkeypatch.setitem(sys.modules, "tensorrt", fake)
    for module in ("build", "engine"):
        monkeypatch.delitem(sys.modules, f"{PACKAGE}.{module}", raising=False)
    engine = importlib.import_module(f"{PACKAGE}.engine")
    monkeypatch.setattr(engine, "torch_device", lambda name: torch.device("cpu"))
    properties = SimpleNamespace(name="Orin", major=8, minor=7, multi_processor_count=16, total_memory=61 << 30)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device=None: SimpleNamespace(cuda_stream=7))
    yield fake
    for module in ("build", "engine"):  # made of the stand-in
        sys.modules.pop(f"{PACKAGE}.{module}", None)


def load(bundle: ModelBundle, precision: str = "float32") -> Any:
    module = importlib.import_module(f"{PACKAGE}.engine")
    return module.TensorRtEngine(bundle, precision=precision, workspace_mb=64)


@pytest.mark.parametrize("size", [(96, 72), (84, 60)])
def test_every_frame_is_computed_from_its_own_window_of_the_ring(
    trt: Fake, tmp_path: Path, size: tuple[int, int]
) -> None:
    bundle = make_tiny_bundle(tmp_path / "tiny", size=size)
    reference, engine = create_engine(bundle), load(bundle)
    rng = np.random.default_rng(0)
    window = FlowWindow(bundle.window_length, size, lambda shape: torch.zeros(shape))
    for _ in range(12):
        image = torch.from_numpy(rng.integers(0, 256, bundle.input_shapes["image"], np.uint8))
        window.push(torch.from_numpy(rng.normal(0, 2, (2, size[1], size[0])).astype(np.float32)))
        stack = window.stack()
        found = engine.infer_tensors(image, stack[None])["scores"]
        np.testing.assert_array_equal(found[0].numpy(), reference.infer(image[0].numpy(), stack.numpy()))
    np.testing.assert_array_equal(engine.infer(image[0].numpy(), stack.numpy()), found[0].numpy())
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.infer_tensors(image, stack[None])


def test_an_engine_is_built_once_and_then_taken_from_the_cache(trt: Fake, tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "tiny")
    load(bundle)
    load(bundle)
    assert trt.builds == 1
    assert trt.cleared == ["TF32"]


def test_timings_of_another_machine_are_refused_and_the_build_goes_on(
    trt: Fake, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bundle = make_tiny_bundle(tmp_path / "tiny")
    load(bundle)
    trt.machine = b"after an update of the driver"
    for path in (bundle.path / ".engines").glob("tensorrt-float32-*"):
        path.unlink()
    load(bundle)
    assert trt.builds == 2
    assert trt.given_caches == [b"", b"this machine timings", b""]
    assert "TensorRT refuses the kept kernel timings" in caplog.text


def test_timings_that_cannot_be_kept_do_not_lose_the_build(
    trt: Fake, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trt.serialises_timings = False
    bundle = make_tiny_bundle(tmp_path / "tiny")
    load(bundle)
    load(bundle)
    assert trt.builds == 1
    assert "TensorRT gives no kernel timings to keep" in caplog.text


def test_an_engine_in_another_precision_is_refused_and_not_kept(trt: Fake, tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "tiny")
    trt.layers = "FP16"
    with pytest.raises(EngineError, match="to compute in float32, but its multiplications are: 100.0% float16"):
        load(bundle)
    trt.layers = "FP32"
    load(bundle)
    assert trt.builds == 2


@pytest.mark.parametrize(("fails", "message"), [("context", "no memory to run in"), ("inference", "inference failed")])
def test_what_tensorrt_refuses_is_an_error_of_ours(trt: Fake, tmp_path: Path, fails: str, message: str) -> None:
    bundle = make_tiny_bundle(tmp_path / "tiny")
    trt.fails = fails
    with pytest.raises(EngineError, match=message):
        load(bundle).infer(*(np.zeros(bundle.input_shapes[n][1:], bundle.inputs[n]) for n in ("image", "flow")))
