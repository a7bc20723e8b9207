"""Conversions of the real default network, run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from support import make_tiny_bundle, tiny_model

from wsvs_ros.drives.synthetic import SyntheticDrive
from wsvs_ros.errors import WsvsError
from wsvs_ros.export import ExportError, FrameStore, compare, derive, describe_files, frames_of_drive
from wsvs_ros.perception import ModelBundle, create_engine, default_bundle_path
from wsvs_ros.perception.postprocess import label_scores

STREET = (480, 360)


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images, for a video's frames depend on its codec."""
    folder = tmp_path_factory.mktemp("drive")
    for number, frame in enumerate(SyntheticDrive(STREET, frames=12, seed=7, fps=10)):
        cv2.imwrite(str(folder / f"{number:06d}.png"), frame.image)
    return folder


@pytest.fixture(scope="module")
def bundle() -> ModelBundle:
    return ModelBundle.load(default_bundle_path())


@pytest.fixture(scope="module")
def frames(bundle: ModelBundle, drive: Path) -> Iterator[FrameStore]:
    with frames_of_drive(bundle, drive, 4) as store:
        yield store


@pytest.fixture(scope="module")
def derived(bundle: ModelBundle, frames: FrameStore):
    return derive(bundle, ("float16", "int8"), frames)


def test_frames_are_spread_over_the_drive_and_bring_their_motion(frames: FrameStore, bundle: ModelBundle) -> None:
    found = list(frames)
    assert len(found) == len(frames) == 4
    for image, flow in found:
        assert image.shape == bundle.input_shapes["image"][1:]
        assert flow.shape == bundle.input_shapes["flow"][1:]
        assert (image.dtype, flow.dtype) == (np.uint8, np.float32)
    moving = [bool(flow.any()) for _, flow in found]
    assert moving == [False, True, True, True], "the first frame of the drive, and later ones with motion"


def test_every_precision_agrees_and_says_how_well(derived, bundle: ModelBundle) -> None:
    variants, parity = derived
    assert set(variants) == set(parity) == {"float16", "int8", "int8-symmetric"}
    assert parity["float16"].agreement >= 0.995
    assert min(parity[name].agreement for name in ("int8", "int8-symmetric")) >= 0.93
    assert all(found.frames == 4 and 0 < found.max_error < 1 for found in parity.values())
    size = bundle.model_path.stat().st_size
    assert len(variants["float16"]) < 0.55 * size
    assert len(variants["int8"]) < 0.7 * size


def test_half_precision_is_inside_the_graph_only(derived) -> None:
    graph = onnx.load_from_string(derived[0]["float16"]).graph
    kinds = {value.name: value.type.tensor_type.elem_type for value in [*graph.input, *graph.output]}
    names = {name: onnx.TensorProto.DataType.Name(kind) for name, kind in kinds.items()}
    assert names == {"image": "UINT8", "flow": "FLOAT", "scores": "FLOAT"}
    weights = [tensor for tensor in graph.initializer if len(tensor.dims) == 4]
    assert weights
    assert {tensor.data_type for tensor in weights} == {onnx.TensorProto.FLOAT16}


def test_the_symmetric_network_is_one_that_tensorrt_takes(derived) -> None:
    graph = onnx.load_from_string(derived[0]["int8-symmetric"]).graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    quantised = [node for node in graph.node if node.op_type in ("QuantizeLinear", "DequantizeLinear")]
    assert len(quantised) > 50
    for node in quantised:
        zero_point = constants[node.input[2]]
        assert zero_point.dtype == np.int8, f"{node.name}: TensorRT has no {zero_point.dtype}"
        assert not zero_point.any(), f"{node.name}: TensorRT has no zero points"


def test_unbounded_convolutions_stay_in_float(derived, bundle: ModelBundle) -> None:
    original = onnx.load(bundle.model_path).graph
    users = {name: node for node in original.node for name in node.input}
    activated = {node.name for node in original.node if users.get(node.output[0], node).op_type in ("Clip", "Relu")}
    graph = onnx.load_from_string(derived[0]["int8"]).graph
    makers = {name: node for node in graph.node for name in node.output}
    quantised = in_float = 0
    for node in graph.node:
        if node.op_type == "Conv":
            bounded = node.name in activated
            weights = makers.get(node.input[1])
            assert (weights is not None and weights.op_type == "DequantizeLinear") == bounded, node.name
            quantised, in_float = quantised + bounded, in_float + (not bounded)
    assert quantised > 50
    assert in_float > 20
    assert not [
        node.name for node in graph.node if node.op_type == "Softmax" and "Quantize" in makers[node.input[0]].op_type
    ]


def test_a_network_out_of_bounds_is_an_error(bundle: ModelBundle, frames: FrameStore) -> None:
    infer = create_engine(bundle).infer
    good = compare("float16", infer, infer, frames, STREET, bundle.labels)
    assert (good.frames, good.max_error, good.agreement) == (4, 0.0, 1.0)
    with pytest.raises(ExportError, match=r"the int8 network differs .* on \d+\.\d+% of the pixels \(at least 93"):
        compare("int8", lambda image, flow: np.roll(infer(image, flow), 1, 0), infer, frames, STREET, bundle.labels)
    with pytest.raises(ExportError, match="scores that are no numbers"):
        compare(
            "float16", lambda image, flow: infer(image, flow) * np.float32(np.nan), infer, frames, STREET, bundle.labels
        )


def test_a_rare_class_that_dies_is_an_error_though_few_pixels_change(bundle: ModelBundle, frames: FrameStore) -> None:
    infer = create_engine(bundle).infer
    ids = np.concatenate([label_scores(infer(image, flow), STREET)[0].ravel() for image, flow in frames])
    shares = np.bincount(ids, minlength=11) / ids.size
    rare = int(np.flatnonzero(shares >= 0.002)[shares[shares >= 0.002].argmin()])
    assert shares[rare] < 0.05, "the drive shows no rare class"

    def without(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
        scores = infer(image, flow)
        scores[rare] = 0
        return scores

    name = bundle.labels.classes[rare].name
    with pytest.raises(ExportError, match=f"int8 network differs .* on 0.0% of the pixels of {name} ") as caught:
        compare("int8", without, infer, frames, STREET, bundle.labels)
    assert "the same label" not in str(caught.value), "the share of all pixels does not show it"


def test_a_reference_of_ones_own_is_what_the_float32_network_is_compared_with(tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "tiny")
    with FrameStore() as store:
        random = np.random.default_rng(0)
        for _ in range(2):
            image = random.integers(0, 256, (3, 72, 96), np.uint8)
            store.add(image, random.normal(0, 2, (20, 72, 96)).astype(np.float32))
        engine = create_engine(bundle)
        variants, parity = derive(bundle, ("float32",), store, engine.infer)
        assert not variants
        assert parity["float32"].agreement == 1
        other = make_tiny_bundle(tmp_path / "other")
        content = bytearray(tiny_model(11, (96, 72), 10).SerializeToString())
        assert len(content) == other.model_path.stat().st_size
        with pytest.raises(ExportError, match="the float32 network differs"):
            derive(bundle, ("float32",), store, lambda image, flow: 1 - engine.infer(image, flow))


def test_drives_that_give_no_frame_are_refused(bundle: ModelBundle, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(WsvsError, match="empty"):
        frames_of_drive(bundle, tmp_path / "empty", 4)


def test_files_are_described(bundle: ModelBundle) -> None:
    text = describe_files(bundle)
    assert "float16: model-float16.onnx, 4.5 MB, the same label on 99." in text
    without = replace(bundle, models={"float32": replace(bundle.models["float32"], parity=None)})
    assert describe_files(without).splitlines()[1] == "  float32: model.onnx, 9.0 MB"
