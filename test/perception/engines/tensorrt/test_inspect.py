from __future__ import annotations

import json

import pytest

from wsvs_ros.perception.engines import EngineError
from wsvs_ros.perception.engines.tensorrt.inspect import check_precision, count_multiplications


def layer(kind: str, takes: str, gives: str, key: str = "Format/Datatype", **more: object) -> dict[str, object]:
    return {"Name": "x", "LayerType": kind, "Inputs": [{key: takes}], "Outputs": [{key: gives}], **more}


def convolution(precision: str, weights: int, side: int) -> dict[str, object]:
    """As TensorRT 10 tells of one: its weights, and the size of what it gives."""
    tensor = {"Format/Datatype": f"Row major linear {precision}", "Dimensions": [1, 8, side, side]}
    weight = {"Type": precision, "Count": weights}
    return {"LayerType": "CaskConvolution", "Inputs": [tensor], "Outputs": [tensor], "Weights": weight}


VERSION_10 = [
    layer("Reformat", "Row major linear FP32", "Row major linear FP16 format"),
    layer("gemm", "Half", "Half"),
    layer("CaskConvolution", "Thirty-two wide channel vectorized row major Int8 format", "Float"),
    layer("CaskConvolution", "Float", "Float", Weights={"Type": "Half", "Count": 3}),
    layer("PointWise", "Row major linear FP32", "Row major linear FP32"),
    layer("NoOp", "Float", "Float"),
]
VERSION_11 = [
    layer("kgen", "Half", "Half", "Datatype", Format="Row major linear FP32"),
    layer("conv", "Float", "Float", "Datatype", Constants=[{"Datatype": "Int8"}]),
    layer("softmax", "Float", "Float", "Datatype"),
    layer("cast", "UInt8", "Float", "Datatype"),
    layer("conv", "BFloat16", "BFloat16", "Datatype"),
]


def text(layers: list[object]) -> str:
    return json.dumps({"Layers": layers, "Bindings": ["image"]})


def test_layers_without_sizes_count_one_by_the_narrowest_type_that_they_compute_with() -> None:
    assert count_multiplications(text([*VERSION_10])) == {"float16": 2, "int8": 1, "float32": 1}
    assert count_multiplications(text([*VERSION_11])) == {"float16": 1, "int8": 1, "float32": 1, "bfloat16": 1}


def test_a_convolution_counts_its_weights_at_every_place() -> None:
    assert count_multiplications(text([convolution("FP16", 72, 10), convolution("FP32", 72, 5)])) == {
        "float16": 72 * 100,
        "float32": 72 * 25,
    }


def test_what_the_inspector_does_not_tell_is_not_verified() -> None:
    assert not count_multiplications(text(["conv1", "conv2"]))
    assert not count_multiplications('{"Layers": [{"Metadata": "a "quote""}]}')
    assert not count_multiplications("[]")
    assert check_precision("", "float16") is None


@pytest.mark.parametrize(("precision", "kind"), [("float16", "FP16"), ("int8", "Int8")])
def test_one_layer_in_the_precision_does_not_make_an_engine_of_it(precision: str, kind: str) -> None:
    layers = [convolution(kind, 72, 4), *[convolution("FP32", 9216, 60)] * 20]
    with pytest.raises(EngineError, match=rf"to compute in {precision}, but its multiplications are: 100.0% float32"):
        check_precision(text(layers), precision)


def test_what_is_left_in_float32_may_be_no_more_than_its_share() -> None:
    mostly = [convolution("FP16", 9500, 10), convolution("FP32", 500, 10)]
    assert check_precision(text([*mostly]), "float16") == "95.0% float16, 5.0% float32"
    half = [convolution("Int8", 5600, 10), convolution("FP32", 4400, 10)]
    assert check_precision(text([*half]), "int8") == "56.0% int8, 44.0% float32"
    assert check_precision(text([convolution("FP32", 1, 1)]), "float32") == "100.0% float32"
    with pytest.raises(EngineError, match="was to compute in float32"):
        check_precision(text([*mostly]), "float32")
    with pytest.raises(EngineError, match="at least 90% are expected"):
        check_precision(text([*half]), "float16")
