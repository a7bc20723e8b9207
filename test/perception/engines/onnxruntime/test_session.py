from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from wsvs_ros.perception.bundle import ModelBundle, default_bundle_path
from wsvs_ros.perception.engines import OnnxRuntimeEngine
from wsvs_ros.perception.engines.onnxruntime.session import provider_settings


def test_float32_on_cuda_is_not_tf32_and_the_gpu_is_the_one_asked_for() -> None:
    assert provider_settings("cuda", "float32", 2, 1) == {"device_id": "1", "use_tf32": "0"}
    assert provider_settings("cuda", "float16", 2, 0) == {"device_id": "0", "use_tf32": "1"}
    assert provider_settings("openvino", "float32", 3, 0)["precision"] == "FP32"
    assert provider_settings("cpu", "float32", 3, 0) == {}


def test_tensors_are_computed_where_they_are_and_the_outputs_are_overwritten(tiny_bundle: ModelBundle) -> None:
    torch = pytest.importorskip("torch")
    engine = OnnxRuntimeEngine(tiny_bundle)
    rng = np.random.default_rng(0)
    shapes = tiny_bundle.input_shapes
    images = rng.integers(0, 256, (2, *shapes["image"][1:]), np.uint8)
    flows = rng.normal(0, 2, (2, *shapes["flow"][1:])).astype(np.float32)
    found = []
    for image, flow in zip(images, flows, strict=True):
        scores = engine.infer_tensors(torch.from_numpy(image)[None], torch.from_numpy(flow)[None])["scores"]
        np.testing.assert_array_equal(scores[0].numpy(), engine.infer(image, flow))
        found.append(scores)
    assert found[0].data_ptr() == found[1].data_ptr()


def test_without_motion_the_motion_stream_is_a_constant(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    bundle = ModelBundle.load(default_bundle_path())
    bundle = replace(bundle, path=tmp_path)  # where the optimised graphs are kept
    image = np.random.default_rng(0).integers(0, 256, bundle.input_shapes["image"][1:], np.uint8)
    zeros = np.zeros(bundle.input_shapes["flow"][1:], np.float32)
    expected = OnnxRuntimeEngine(bundle).infer(image, zeros)
    for _ in range(2):  # built, and taken from the cache
        still = OnnxRuntimeEngine(bundle, motion=False)
        np.testing.assert_allclose(still.infer(image, zeros), expected, atol=1e-5)
    np.testing.assert_array_equal(OnnxRuntimeEngine(bundle).infer(image, zeros), expected)
    kept = {path.name.rsplit("-", 1)[0]: path for path in (tmp_path / ".engines").glob("*.bin")}
    assert set(kept) == {"onnxruntime-float32", "onnxruntime-still-float32"}, "one of them drove out the other"
    convolutions = {
        name: sum("Conv" in node.op_type for node in onnx.load(path).graph.node) for name, path in kept.items()
    }
    assert convolutions["onnxruntime-still-float32"] < 0.7 * convolutions["onnxruntime-float32"]


def test_without_the_package_onnx_zeros_go_through_the_motion_stream(
    tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    shapes = tiny_bundle.input_shapes
    image, zeros = np.zeros(shapes["image"][1:], np.uint8), np.zeros(shapes["flow"][1:], np.float32)
    found = OnnxRuntimeEngine(tiny_bundle, motion=False).infer(image, zeros)
    np.testing.assert_array_equal(found, OnnxRuntimeEngine(tiny_bundle).infer(image, zeros))
