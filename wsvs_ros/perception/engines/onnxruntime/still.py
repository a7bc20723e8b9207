"""The network of a camera without motion: what its motion stream makes of zeros is a constant."""

from __future__ import annotations

import logging

_LOG = logging.getLogger(__name__)
_SHAPE = "flow_shape"


def without_motion(model: bytes, shape: tuple[int, ...]) -> bytes | None:
    """
    Put zeros in place of a graph's input `flow`; ONNX Runtime computes what follows from them once, at loading.

    :param model: the ONNX file.
    :param shape: of `flow`.
    :return: the file with the one input `image`; None without the package onnx, or of a file that is no such network.
    """
    try:
        import onnx
        from onnx import TensorProto, helper
    except ImportError as error:
        _LOG.info("without motion the motion stream is computed all the same: onnx cannot be loaded (%s)", error)
        return None
    try:
        graph = onnx.load_from_string(model)
    except Exception:  # of protobuf: the session says what is wrong
        return None
    inputs = [value for value in graph.graph.input if value.name != "flow"]
    if len(inputs) == len(graph.graph.input):
        return None
    del graph.graph.input[:]
    graph.graph.input.extend(inputs)
    graph.graph.initializer.append(helper.make_tensor(_SHAPE, TensorProto.INT64, [len(shape)], shape))
    nodes = [helper.make_node("ConstantOfShape", [_SHAPE], ["flow"], name="no_motion"), *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    return graph.SerializeToString()
