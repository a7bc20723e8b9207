from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from support import tiny_model

from wsvs_ros.perception.bundle import BundleError, ModelBundle
from wsvs_ros.perception.engines import (
    EngineError,
    EngineOptions,
    OnnxRuntimeEngine,
    available_engines,
    create_engine,
)
from wsvs_ros.perception.labels import LabelSet

SIZE = (96, 72)


def bundle_of(path: Path, model: bytes) -> ModelBundle:
    labels = LabelSet.load("camvid11")
    return ModelBundle.write(path, model, name="odd", labels=labels, working_size=SIZE, window_length=10)


def inputs(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    image = random.integers(0, 256, (3, 72, 96), np.uint8)
    return image, random.normal(0, 2, (20, 72, 96)).astype(np.float32)


def pooled(planes: np.ndarray) -> np.ndarray:
    count, height, width = planes.shape
    return planes.astype(np.float64).reshape(count, height // 4, 4, width // 4, 4).mean((2, 4))


def test_scores_are_those_of_the_network(tiny_bundle: ModelBundle) -> None:
    image, flow = inputs()
    engine = create_engine(tiny_bundle)
    scores = engine.infer(image, flow)
    weights = {
        tensor.name: onnx.numpy_helper.to_array(tensor)
        for tensor in onnx.load(tiny_bundle.model_path).graph.initializer
    }
    logits = np.einsum("nchw,cyx->nyx", weights["image_weight"], pooled(image) - 127.5)
    logits += np.einsum("nchw,cyx->nyx", weights["flow_weight"], pooled(flow))
    logits += weights["bias"][:, None, None]
    truth = np.exp(logits - logits.max(0))
    truth /= truth.sum(0)
    assert scores.shape == (11, 18, 24)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, truth, atol=1e-4)


def test_scores_stay_when_the_next_frame_comes(tiny_bundle: ModelBundle) -> None:
    engine = create_engine(tiny_bundle)
    first = engine.infer(*inputs(0))
    kept = first.copy()
    assert not np.array_equal(engine.infer(*inputs(1)), kept)
    np.testing.assert_array_equal(first, kept)


def test_the_number_of_threads_does_not_change_the_scores(tiny_bundle: ModelBundle) -> None:
    one = create_engine(tiny_bundle, EngineOptions("onnxruntime", threads=1)).infer(*inputs())
    np.testing.assert_allclose(create_engine(tiny_bundle).infer(*inputs()), one, atol=1e-6)


def test_arrays_of_another_shape_or_type_are_refused(tiny_bundle: ModelBundle) -> None:
    engine = create_engine(tiny_bundle)
    image, flow = inputs()
    with pytest.raises(EngineError, match=r"flow: got \(18, 72, 96\) float32, expected \(20, 72, 96\)"):
        engine.infer(image, flow[2:])
    with pytest.raises(EngineError, match=r"image: got \(3, 72, 96\) float32, expected \(3, 72, 96\) uint8"):
        engine.infer(image.astype(np.float32), flow)


def test_a_closed_engine_says_so(tiny_bundle: ModelBundle) -> None:
    engine = create_engine(tiny_bundle)
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.infer(*inputs())


def test_an_engine_that_is_not_here_names_those_that_are(tiny_bundle: ModelBundle) -> None:
    with pytest.raises(EngineError, match="'abacus': expected auto, tensorrt, onnxruntime, torch"):
        create_engine(tiny_bundle, EngineOptions("abacus"))
    with pytest.raises(EngineError, match="threads: got 0, expected at least 1"):
        EngineOptions(threads=0)
    assert "onnxruntime" in available_engines()


def test_a_missing_onnxruntime_names_the_package(tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EngineError, match=r"package onnxruntime cannot .* `pip install onnxruntime`"):
        OnnxRuntimeEngine(tiny_bundle)


def test_a_file_that_is_no_network_is_refused_by_name(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path / "odd", b"this is no network")
    with pytest.raises(EngineError, match=r"odd/model.onnx: ONNX Runtime cannot load the model"):
        create_engine(bundle)


@pytest.mark.parametrize(
    ("classes", "size", "length", "message"),
    [
        (12, SIZE, 10, r"output scores: got \[1, 12, 18, 24\], expected \[1, 11, h <= 72, w <= 96\]"),
        (11, (64, 48), 10, r"input image: got \[1, 3, 48, 64\], expected \[1, 3, 72, 96\]"),
        (11, SIZE, 9, r"input flow: got \[1, 18, 72, 96\], expected \[1, 20, 72, 96\]"),
    ],
)
def test_a_network_at_odds_with_its_bundle_is_refused(
    tmp_path: Path, classes: int, size: tuple[int, int], length: int, message: str
) -> None:
    bundle = bundle_of(tmp_path / "odd", tiny_model(classes, size, length).SerializeToString())
    with pytest.raises(BundleError, match=message) as caught:
        create_engine(bundle)
    assert str(bundle.model_path) in str(caught.value)


def graph_with(names: tuple[str, str, str], image_type: int = TensorProto.UINT8) -> bytes:
    """A network whose inputs and output have these names; the scores are the pooled flow."""
    image, flow, scores = names
    nodes = [helper.make_node("AveragePool", [flow], [scores], kernel_shape=[4, 4], strides=[4, 4])]
    graph = helper.make_graph(
        nodes,
        "odd",
        [
            helper.make_tensor_value_info(image, image_type, [1, 3, 72, 96]),
            helper.make_tensor_value_info(flow, TensorProto.FLOAT, [1, 20, 72, 96]),
        ],
        [helper.make_tensor_value_info(scores, TensorProto.FLOAT, [1, 20, 18, 24])],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (graph_with(("picture", "flow", "scores")), "inputs: got picture, flow, expected image, flow"),
        (graph_with(("image", "flow", "logits")), "outputs: got logits, expected scores"),
        (
            graph_with(("image", "flow", "scores"), TensorProto.FLOAT),
            "input image: got float32",
        ),
    ],
)
def test_a_network_with_other_names_or_types_is_refused(tmp_path: Path, model: bytes, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        create_engine(bundle_of(tmp_path / "odd", model))
