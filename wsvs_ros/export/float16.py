"""Half precision inside the graph: float32 goes in and comes out."""

from __future__ import annotations

import onnx


def to_float16(model: bytes) -> bytes:
    """
    Convert a float32 graph; its weights are halved, its inputs and outputs keep their types.

    :param model: the ONNX file.
    :return: the ONNX file in float16, checked.
    """
    from onnxruntime.quantization.onnx_model import ONNXModel
    from onnxruntime.transformers.float16 import convert_float_to_float16

    graph = convert_float_to_float16(onnx.load_from_string(model), keep_io_types=True)
    ONNXModel(graph).topological_sort()  # the casts of the inputs are appended at the end
    onnx.checker.check_model(graph, full_check=True)
    return graph.SerializeToString()
