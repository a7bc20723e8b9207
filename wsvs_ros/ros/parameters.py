"""Every parameter of the node, declared once."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from wsvs_ros.perception.engines import EngineOptions, parse_providers


def _parameter(default: Any, description: str, *, low: float | None = None, high: float | None = None) -> Any:
    return field(default=default, metadata={"description": description, "low": low, "high": high})


@dataclass(frozen=True)
class SegmentParameters:
    """The node's parameters; all are read once, at start. config/segment.yaml documents the same list."""

    model: str = _parameter("", "directory of the model bundle; empty for the one that comes with the package")
    engine: str = _parameter("auto", "what runs the network: auto, tensorrt, onnxruntime, torch")
    precision: str = _parameter("auto", "of the network: auto, float32, float16, int8; the bundle must have it")
    providers: str = _parameter(
        "", "on what the engine may compute, the preferred one first: cuda, tensorrt, openvino, cpu; empty for any"
    )
    threads: int = _parameter(0, "processor threads of the engine; 0 for one a physical core", low=0, high=256)
    workspace_mb: int = _parameter(
        2048, "megabytes that TensorRT may use while it builds an engine", low=1, high=1 << 20
    )
    lookahead: int = _parameter(
        -1, "frames of future that a frame waits for; -1 for what the model was trained with", low=-1, high=32
    )
    max_gap: float = _parameter(
        0.5, "seconds between two frames after which the flow window begins anew", low=0.01, high=60.0
    )
    device: str = _parameter(
        "cpu", "where flow and CRF are computed: cpu, or cuda, which needs torch; with an engine on cuda, everything"
    )
    flow_prior: bool = _parameter(False, "begin each flow with that of the frame before: finds large motions better")
    crf: bool = _parameter(False, "refine the labels along the image's edges by a fully-connected CRF; needs torch")
    confidence_threshold: float = _parameter(
        0.0, "pixels of a lower confidence get the label 255 (unknown)", low=0.0, high=1.0
    )
    overlay_opacity: float = _parameter(0.5, "opacity of the colours in the overlay", low=0.0, high=1.0)
    compressed: bool = _parameter(False, "subscribe to image/compressed (CompressedImage) instead of image")
    queue_depth: int = _parameter(
        10, "camera frames that may wait; all of them enter the flow window, in their order", low=1, high=100
    )

    def engine_options(self) -> EngineOptions:
        """
        What the engine's parameters ask for.

        :raises EngineError: if a value is not among those there are.
        """
        return EngineOptions(
            engine=self.engine,
            precision=self.precision,
            providers=parse_providers(self.providers),
            threads=self.threads or None,
            workspace_mb=self.workspace_mb,
        )


def declare(node: Any) -> SegmentParameters:
    """
    Declare the parameters on a node and read their values.

    :param node: an rclpy node.
    """
    from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

    values = {}
    for item in fields(SegmentParameters):
        low, high = item.metadata["low"], item.metadata["high"]
        descriptor = ParameterDescriptor(name=item.name, description=item.metadata["description"], read_only=True)
        if isinstance(item.default, float):
            descriptor.floating_point_range = [FloatingPointRange(from_value=low, to_value=high, step=0.0)]
        elif low is not None:
            descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high), step=1)]
        values[item.name] = node.declare_parameter(item.name, item.default, descriptor).value
    return SegmentParameters(**values)
