"""What tests of several folders share: `from support import ...` (see pyproject.toml)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from wsvs_ros.perception.bundle import FlowSettings, ModelBundle
from wsvs_ros.perception.labels import LabelSet

STRIDE = 4


def make_tiny_bundle(
    path: str | Path,
    *,
    labels: str = "camvid11",
    size: tuple[int, int] = (96, 72),
    length: int = 10,
    lookahead: int = 0,
    preset: str = "fast",
) -> ModelBundle:
    """
    Write a small but real bundle: pooled image and pooled flow, a 1x1 convolution each, their sum, softmax.

    The weights are fixed and differ for every class and every field of the window, so that scores tell which
    image and which fields went in, and in which order.

    :param path: the bundle's directory.
    :param labels: name of a built-in label set.
    :param size: working width and height.
    :param length: window length L.
    :param lookahead: the bundle's own lookahead.
    :param preset: the bundle's flow preset.
    :return: the bundle, loaded.
    """
    label_set = LabelSet.load(labels)
    return ModelBundle.write(
        path,
        tiny_model(len(label_set), size, length).SerializeToString(),
        name="tiny",
        labels=label_set,
        working_size=size,
        window_length=length,
        lookahead=lookahead,
        flow=FlowSettings("dis", preset),
        trained_on=["nothing"],
        metrics={"miou": 0.0},
    )


def tiny_model(classes: int, size: tuple[int, int], length: int) -> onnx.ModelProto:
    """The tiny bundle's ONNX graph; see `make_tiny_bundle`."""
    random = np.random.default_rng(7)
    width, height = size
    weights = {
        "image_weight": random.normal(0, 0.05, (classes, 3, 1, 1)),
        "flow_weight": random.normal(0, 0.5, (classes, 2 * length, 1, 1)),
        "bias": random.normal(0, 0.5, classes),
        "mean": np.full((1, 3, 1, 1), 127.5),
    }
    pool = {"kernel_shape": [STRIDE, STRIDE], "strides": [STRIDE, STRIDE]}
    nodes = [
        helper.make_node("Cast", ["image"], ["image_float"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["image_float", "mean"], ["image_centred"]),
        helper.make_node("AveragePool", ["image_centred"], ["image_pooled"], **pool),
        helper.make_node("AveragePool", ["flow"], ["flow_pooled"], **pool),
        helper.make_node("Conv", ["image_pooled", "image_weight", "bias"], ["image_logits"]),
        helper.make_node("Conv", ["flow_pooled", "flow_weight"], ["flow_logits"]),
        helper.make_node("Add", ["image_logits", "flow_logits"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["scores"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 3, height, width]),
            helper.make_tensor_value_info("flow", TensorProto.FLOAT, [1, 2 * length, height, width]),
        ],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, classes, height // STRIDE, width // STRIDE])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    # opset 17 and IR 8 are read by every ONNX Runtime that the package accepts
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
