from __future__ import annotations

import json

import pytest

from wsvs_ros.perception.engines import EngineError
from wsvs_ros.perception.engines.tensorrt.inspect import check_precision, count_precisions


def layer(kind: str, takes: str, gives: str, key: str = "Format/Datatype", **more: object) -> dict[str, object]:
    return {"Name": "x", "LayerType": kind, "Inputs": [{key: takes}], "Outputs": [{key: gives}], **more}


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


def test_layers_are_counted_by_the_narrowest_type_that_they_compute_with() -> None:
    assert count_precisions(text([*VERSION_10])) == {"float16": 2, "int8": 1, "float32": 1}
    assert count_precisions(text([*VERSION_11])) == {"float16": 1, "int8": 1, "float32": 1, "bfloat16": 1}


def test_what_the_inspector_does_not_tell_is_not_counted() -> None:
    assert not count_precisions(text(["conv1", "conv2"]))
    assert not count_precisions('{"Layers": [{"Metadata": "a "quote""}]}')
    assert not count_precisions("[]")
    assert check_precision("", "float16") == "none known"


def test_an_engine_in_another_precision_than_asked_is_an_error() -> None:
    single = [layer("conv", "Float", "Float")]
    half = [layer("conv", "Half", "Half")]
    assert check_precision(text([*half, *single]), "float16") == "1 float16, 1 float32"
    assert check_precision(text([*single]), "float32") == "1 float32"
    with pytest.raises(EngineError, match="was to compute in float16, but its layers do in: 1 float32"):
        check_precision(text([*single]), "float16")
    with pytest.raises(EngineError, match="was to compute in int8, but its layers do in: 1 float16"):
        check_precision(text([*half]), "int8")
    with pytest.raises(EngineError, match="was to compute in float32"):
        check_precision(text([*half, *single]), "float32")
