from __future__ import annotations

import numpy as np
import pytest

from wsvs_ros.perception.bundle import ModelBundle
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
