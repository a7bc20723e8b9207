from __future__ import annotations

import importlib
import logging
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import make_tiny_bundle

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.engines import (
    Engine,
    EngineError,
    EngineOptions,
    OnnxRuntimeEngine,
    create_engine,
    describe,
    engine_statuses,
    parse_providers,
)
from wsvs_ros.perception.engines.create import first_that_serves
from wsvs_ros.perception.engines.onnxruntime import why_not as onnxruntime_why_not

create_module = importlib.import_module("wsvs_ros.perception.engines.create")


def zeros(bundle: ModelBundle) -> tuple[np.ndarray, np.ndarray]:
    shapes = bundle.input_shapes
    return np.zeros(shapes["image"][1:], np.uint8), np.zeros(shapes["flow"][1:], np.float32)


def test_every_engine_is_listed_with_the_reason_why_it_cannot_run(tiny_bundle: ModelBundle) -> None:
    statuses = {(status.engine, status.provider): status for status in engine_statuses(tiny_bundle)}
    assert next(iter(statuses)) == ("tensorrt", "cuda"), "the fastest is not tried first"
    assert list(statuses)[-1] == ("torch", "cpu")
    assert str(statuses["onnxruntime", "cpu"]) == "onnxruntime on cpu: yes"
    reason = statuses["torch", "cpu"].reason
    assert reason == "the bundle has no program network; `python -m training.export` makes it"
    for status in statuses.values():
        assert status.reason is None or len(status.reason) > 20


def test_options_leave_engines_out_and_providers_give_the_order() -> None:
    def listed(options: EngineOptions) -> list[tuple[str, str]]:
        return [(status.engine, status.provider) for status in engine_statuses(options=options)]

    assert listed(EngineOptions("torch")) == [("torch", "cuda"), ("torch", "cpu")]
    assert listed(EngineOptions("torch", providers=("cpu", "cuda"))) == [("torch", "cpu"), ("torch", "cuda")]
    assert listed(EngineOptions(providers=("openvino",))) == [("onnxruntime", "openvino")]
    with pytest.raises(EngineError, match="engine 'torch' does not run on openvino"):
        listed(EngineOptions("torch", providers=("openvino",)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "fp16"}, "precision 'fp16': expected auto, float32, float16, int8"),
        ({"providers": ("gpu",)}, "provider 'gpu': expected one of cpu, cuda, openvino"),
        ({"providers": ("tensorrt",)}, "ask for engine tensorrt"),
        ({"gpu": -1}, "gpu: got -1"),
        ({"threads": 0}, "threads: got 0"),
        ({"workspace_mb": 0}, "workspace_mb: got 0"),
    ],
)
def test_options_that_do_not_exist_are_refused(options, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        EngineOptions(**options)


def test_providers_are_written_with_commas_or_spaces() -> None:
    assert parse_providers("cuda, cpu") == ("cuda", "cpu")
    assert parse_providers("") == ()


def test_a_precision_that_the_bundle_lacks_is_named_with_what_makes_it(tiny_bundle: ModelBundle) -> None:
    with pytest.raises(EngineError, match="onnxruntime on cpu: no, the bundle has no int8 network; `wsvs export`"):
        create_engine(tiny_bundle, EngineOptions("onnxruntime", "int8", ("cpu",)))


def test_what_is_passed_over_is_logged(tiny_bundle: ModelBundle, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    engine = create_engine(tiny_bundle, EngineOptions(providers=("openvino", "cpu")))
    if engine.provider == "openvino":
        pytest.skip("this ONNX Runtime has OpenVINO")
    assert describe(engine) == "onnxruntime (cpu, float32)"
    assert "engine onnxruntime on openvino: no, onnxruntime" in caplog.text
    assert "engine: onnxruntime (cpu, float32)" in caplog.text


def test_an_engine_that_fails_is_followed_by_the_next_one(
    tmp_path: Path, tiny_bundle: ModelBundle, caplog: pytest.LogCaptureFixture
) -> None:
    bundle = make_tiny_bundle(tmp_path / "tiny")
    program = tmp_path / "model.pt2"
    program.write_bytes(b"PK\x03\x04 not much of a program")
    broken = replace(bundle, models={**bundle.models, "program": replace(bundle.models["float32"], path=program)})
    with pytest.raises(EngineError, match=r"torch on cpu: no, .*model.pt2: is no program of torch.export"):
        create_engine(broken, EngineOptions("torch", providers=("cpu",)))
    bundle.model_path.write_bytes(bundle.model_path.read_bytes()[:-100])  # after it was loaded and verified
    with pytest.raises(EngineError, match=r"onnxruntime on cpu: no, .*model.onnx: ONNX Runtime cannot load the model"):
        create_engine(broken)
    assert "engine onnxruntime on cpu: no" in caplog.text


class Broken:
    """An engine on a GPU that is there and fails, as drivers fail: by errors that are none of ours."""

    name, provider, precision = "torch", "cuda", "float16"

    def __init__(self, where: str) -> None:
        self.where = where
        self.closed = 0
        if where == "made":
            raise AttributeError("'NoneType' object has no attribute 'create_execution_context'")

    def infer(self, image: np.ndarray, flow: np.ndarray) -> np.ndarray:
        if self.where == "first frame":
            raise RuntimeError("CUDA error: operation not permitted when stream is capturing")
        return np.full((11, 2, 2), np.nan, np.float32)

    def close(self) -> None:
        self.closed += 1


class BrokenRuntime:
    def __init__(self, where: str) -> None:
        self.where = where
        self.made: list[Broken] = []

    def variant(self, provider: str, precision: str) -> str:
        return "float32"

    def why_not(self, provider: str, precision: str = "float32") -> str | None:
        return None if provider == "cuda" else "not here"

    def create(self, bundle: ModelBundle, **settings: object) -> Broken:
        self.made.append(Broken(self.where))
        return self.made[-1]


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("made", "AttributeError: 'NoneType' object"),
        ("first frame", "RuntimeError: CUDA error: operation not permitted"),
        ("scores", "the scores of a black frame are no numbers"),
    ],
)
def test_an_engine_that_fails_like_a_driver_is_freed_and_passed_over_loudly(
    tiny_bundle: ModelBundle,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    where: str,
    reason: str,
) -> None:
    runtime = BrokenRuntime(where)
    monkeypatch.setitem(create_module._RUNTIMES, "torch", runtime)
    engine = create_engine(tiny_bundle)
    assert engine.name == "onnxruntime"
    assert [made.closed for made in runtime.made] == ([] if where == "made" else [1])
    (record,) = [record for record in caplog.records if "torch on cuda" in record.message]
    assert record.levelname == "WARNING"
    assert reason in record.message
    with pytest.raises(EngineError, match=f"no engine can run tiny so: torch on cuda: no, .*{reason}"):
        create_engine(tiny_bundle, EngineOptions("torch", providers=("cuda",)))


def test_what_can_not_be_used_is_closed_whatever_the_error(tiny_bundle: ModelBundle) -> None:
    closed = []

    def use(engine: Engine) -> None:
        monkey = engine.close
        engine.close = lambda: (closed.append(engine.name), monkey())  # type: ignore[method-assign]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        first_that_serves(tiny_bundle, EngineOptions(providers=("cpu",)), use)
    assert closed == ["onnxruntime"]


def test_the_name_tells_what_is_computed_in(tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    half = replace(tiny_bundle, models={**tiny_bundle.models, "float16": tiny_bundle.models["float32"]})
    engine = create_engine(half, EngineOptions("onnxruntime", "float16", ("cpu",)))
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert describe(engine) == "onnxruntime (cpu, float16 computed in float32)"
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert describe(engine) == "onnxruntime (cpu, float16)"
    for precision in ("float16", "int8"):
        reason = onnxruntime_why_not("openvino", precision)
        assert reason is not None
        assert f"does not claim to in {precision}" in reason


def test_onnx_runtimes_silent_fall_back_to_the_cpu_is_an_error(
    tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    with pytest.raises(EngineError, match=r"built without CUDAExecutionProvider; .*pip install onnxruntime-gpu"):
        OnnxRuntimeEngine(tiny_bundle, provider="cuda")
    # as a build with CUDA behaves whose libraries are missing: it offers the provider and then goes on without it
    offered = [*onnxruntime.get_available_providers(), "CUDAExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: offered)
    with pytest.raises(EngineError, match="CUDAExecutionProvider did not start"):
        OnnxRuntimeEngine(tiny_bundle, provider="cuda")


def test_the_optimised_graph_is_kept_and_taken_at_the_next_start(tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "tiny")
    first = create_engine(bundle).infer(*zeros(bundle))
    (kept,) = (bundle.path / ".engines").glob("onnxruntime-float32-*.bin")
    before = kept.stat().st_mtime_ns
    np.testing.assert_array_equal(create_engine(bundle).infer(*zeros(bundle)), first)
    assert kept.stat().st_mtime_ns == before
    kept.write_bytes(kept.read_bytes()[:-1])
    np.testing.assert_array_equal(create_engine(bundle).infer(*zeros(bundle)), first)
    assert kept.stat().st_mtime_ns != before


def test_another_model_does_not_get_the_kept_graph(tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "tiny")
    create_engine(bundle)
    kept = list((bundle.path / ".engines").glob("*.bin"))
    other = make_tiny_bundle(tmp_path / "other", length=4)
    (other.path / ".engines").mkdir()
    for path in (bundle.path / ".engines").iterdir():
        (other.path / ".engines" / path.name).write_bytes(path.read_bytes())
    assert create_engine(other).infer(*zeros(other)).shape == (11, 18, 24)
    assert not {path.name for path in kept} & {path.name for path in (other.path / ".engines").iterdir()}


def test_that_no_engine_can_run_is_said_once_a_reason(
    tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EngineError) as caught:
        create_engine(tiny_bundle, EngineOptions(engine="onnxruntime"))
    assert str(caught.value) == (
        "no engine can run tiny so: onnxruntime on cuda, openvino, cpu: no, the package onnxruntime cannot "
        "be imported (import of onnxruntime halted; None in sys.modules); `pip install onnxruntime`"
    )
    with pytest.raises(EngineError) as caught:
        create_engine(tiny_bundle, EngineOptions(engine="auto", providers=("cuda", "openvino")))
    lines = str(caught.value).splitlines()
    assert lines[0] == "no engine can run tiny so:"
    assert lines[1].split(":")[0] == "  tensorrt on cuda"
    assert any(line.startswith("  onnxruntime on cuda, openvino: no, ") for line in lines)
