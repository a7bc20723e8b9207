"""Eight-bit integers as explicit Q/DQ nodes, calibrated on real frames."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx

_QUANTISED = ("Conv", "Add", "Concat", "Clip", "Relu", "MaxPool")
_BOUNDED = ("Clip", "Relu")


def to_int8(model: bytes, frames: Iterable[tuple[np.ndarray, np.ndarray]], *, symmetric: bool) -> bytes:
    """
    Quantise a float32 graph after the ranges that its tensors have on real frames.

    Weights are quantised by output channel, activations by tensor. In float32 stay the convolutions that no
    activation function bounds (linear bottlenecks, class scores), whose outliers were measured to cost the
    accuracy, and all behind the last quantised convolution.

    :param model: the ONNX file.
    :param frames: image (3, H, W) uint8 and flow (2L, H, W) float32 of each.
    :param symmetric: int8 activations without a zero point and float biases, as TensorRT takes them; else uint8
        ones, which CPUs compute with faster because the activation function costs nothing then.
    :return: the ONNX file, checked.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    options: dict[str, Any] = {}
    if symmetric:
        options = {"ActivationSymmetric": True, "QuantizeBias": False, "AddQDQPairToWeight": True}
    logging.getLogger("onnxruntime").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        source, prepared, target = (Path(folder) / name for name in ("model.onnx", "prepared.onnx", "int8.onnx"))
        source.write_bytes(model)
        # its optimisation would merge casts that TensorRT wants apart (uint8 is cast from float only)
        quant_pre_process(source, prepared, skip_symbolic_shape=True, skip_optimization=True)
        quantize_static(
            prepared,
            target,
            _reader(frames),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(_QUANTISED),
            nodes_to_exclude=_left_in_float(onnx.load(prepared).graph),
            per_channel=True,
            activation_type=QuantType.QInt8 if symmetric else QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options=options,
        )
        graph = onnx.load(target)
    onnx.checker.check_model(graph, full_check=True)
    return graph.SerializeToString()


def _left_in_float(graph: onnx.GraphProto) -> list[str]:
    """Names of the nodes that are not quantised; the nodes are in topological order."""
    users: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    left: list[str] = []
    before_a_convolution: set[str] = set()  # nodes with a quantised convolution behind them
    for node in reversed(graph.node):
        followers = [user for name in node.output for user in users.get(name, [])]
        bounded = bool(followers) and all(user.op_type in _BOUNDED for user in followers)
        useful = any(user.name in before_a_convolution for user in followers)
        if node.op_type == "Conv" and bounded:
            before_a_convolution.add(node.name)
        else:
            if useful:
                before_a_convolution.add(node.name)
            # an activation belongs to the convolution before it
            if node.op_type == "Conv" or not (useful or node.op_type in _BOUNDED):
                left.append(node.name)
    return left


def _reader(frames: Iterable[tuple[np.ndarray, np.ndarray]]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):
        """Hands the frames to the calibration, one at a time."""

        def __init__(self) -> None:
            self._frames: Iterator[tuple[np.ndarray, np.ndarray]] = iter(frames)

        def get_next(self) -> dict[str, np.ndarray] | None:
            """The next frame's inputs."""
            image, flow = next(self._frames, (None, None))
            return None if image is None or flow is None else {"image": image[None], "flow": flow[None]}

    return Reader()
