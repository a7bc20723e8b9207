from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from wsvs_ros.perception.bundle import BundleError, ModelBundle, default_bundle_path
from wsvs_ros.perception.cuda.driver import cuda_device_count
from wsvs_ros.perception.cuda.graphs import CapturedFunction
from wsvs_ros.perception.engines import EngineError, EngineOptions, create_engine
from wsvs_ros.perception.engines.torch import create


@pytest.fixture(scope="module")
def bundle() -> ModelBundle:
    return ModelBundle.load(default_bundle_path())


def inputs(bundle: ModelBundle) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    image = random.integers(0, 256, bundle.input_shapes["image"][1:], np.uint8)
    return image, random.normal(0, 2, bundle.input_shapes["flow"][1:]).astype(np.float32)


def test_the_program_gives_what_the_onnx_file_gives(bundle: ModelBundle) -> None:
    image, flow = inputs(bundle)
    engine = create_engine(bundle, EngineOptions("torch", providers=("cpu",)))
    flow.setflags(write=False)  # as the window hands it out
    found = engine.infer(image, flow)
    assert (engine.name, engine.provider, engine.precision) == ("torch", "cpu", "float32")
    np.testing.assert_allclose(found, create_engine(bundle).infer(image, flow), atol=1e-4)
    kept = found.copy()
    engine.infer(image[:, ::-1].copy(), flow)
    np.testing.assert_array_equal(found, kept)
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.infer(image, flow)


def test_arrays_and_tensors_that_do_not_fit_are_refused(bundle: ModelBundle) -> None:
    image, flow = inputs(bundle)
    engine = create(bundle)
    with pytest.raises(EngineError, match=r"flow: got \(18, 360, 480\) float32, expected \(20, 360, 480\)"):
        engine.infer(image, flow[2:])
    tensor = torch.from_numpy(flow)[None]
    with pytest.raises(EngineError, match=r"image: got \(1, 3, 360, 480\) torch.float32 on cpu, expected"):
        engine.infer_tensors(torch.from_numpy(image)[None].float(), tensor)
    with pytest.raises(EngineError, match="flow: got .* not contiguous"):
        engine.infer_tensors(torch.from_numpy(image)[None], tensor.to(memory_format=torch.channels_last))


def test_a_program_of_another_network_is_refused(bundle: ModelBundle) -> None:
    with pytest.raises(
        BundleError, match=r"model.pt2: input image: got \[1, 3, 360, 480\], expected \[1, 3, 480, 640\]"
    ):
        create(replace(bundle, working_size=(640, 480)))


def test_a_truncated_program_names_its_file(bundle: ModelBundle, tmp_path: Path) -> None:
    program = bundle.models["program"]
    path = tmp_path / "model.pt2"
    path.write_bytes(program.path.read_bytes()[:100_000])
    short = replace(bundle, models={**bundle.models, "program": replace(program, path=path)})
    with pytest.raises(EngineError, match=r"model.pt2: is no program of torch.export: .*choose engine onnxruntime"):
        create(short)


@pytest.mark.parametrize(
    ("provider", "precision", "message"),
    [
        ("cpu", "int8", "does not compute in int8 on cpu"),
        ("cpu", "float16", "does not compute in float16 on cpu"),
        ("openvino", "float32", "does not run on openvino, but on cuda and cpu"),
    ],
)
def test_what_torch_does_not_do_is_refused(bundle: ModelBundle, provider: str, precision: str, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        create(bundle, provider=provider, precision=precision)


def test_without_cuda_it_says_so(bundle: ModelBundle) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is CUDA here")
    with pytest.raises(EngineError, match="the driver shows no CUDA device"):
        create(bundle, provider="cuda")


def test_looking_for_engines_loads_none_of_them() -> None:
    """A node on a CPU shall neither wait for torch nor carry it."""
    code = """if True:
        import sys
        from wsvs_ros.perception import ModelBundle, create_engine, default_bundle_path
        create_engine(ModelBundle.load(default_bundle_path()))
        print(*(name for name in ("torch", "tensorrt", "onnx") if name in sys.modules))
    """
    if cuda_device_count():
        pytest.skip("there is CUDA here")
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "onnx"} & set(found.stdout.split())


def test_a_missing_torch_names_the_package(bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsvs_ros.perception.engines.torch.probe.cuda_device_count", lambda: 1)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(EngineError, match="torch .*pip install torch"):
        create(bundle, provider="cuda")


@pytest.mark.parametrize("compile", [False, True])
def test_on_cuda_the_network_is_captured_once_compiled_or_not(
    bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch, compile: bool
) -> None:
    """With the CPU in the GPU's place, a recorder in the driver's, and the compiler left out."""
    module = importlib.import_module("wsvs_ros.perception.engines.torch.engine")
    asked: list[str] = []
    captures: list[torch.device] = []

    def device(name: str) -> torch.device:
        asked.append(name)
        return torch.device("cpu")

    def capture(function, device: torch.device):
        captures.append(device)
        result = function()

        def replay() -> None:
            for place, value in zip(result, function(), strict=True):
                place.copy_(value)

        return SimpleNamespace(replay=replay), result

    monkeypatch.setattr(module, "torch_device", device)
    monkeypatch.setattr(module, "CapturedFunction", lambda function: CapturedFunction(function, capture))
    monkeypatch.setattr(torch, "compile", lambda network: network)
    engine = module.TorchEngine(bundle, provider="cuda", precision="float32", threads=1, compile=compile, gpu=1)
    image, flow = inputs(bundle)
    expected = create_engine(bundle).infer(image, flow)
    for _ in range(2):
        np.testing.assert_allclose(engine.infer(image, flow), expected, atol=1e-4)
    assert asked == ["cuda:1"]
    assert len(captures) == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-3), ("float16", 0.3)])
def test_on_cuda_it_gives_the_same(bundle: ModelBundle, precision: str, tolerance: float) -> None:
    image, flow = inputs(bundle)
    engine = create(bundle, provider="cuda", precision=precision)
    for _ in range(3):  # the first call captures the graph
        found = engine.infer(image, flow)
    np.testing.assert_allclose(found, create_engine(bundle).infer(image, flow), atol=tolerance)
