"""Every parameter of the node, declared once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from wsvs_ros.errors import WsvsError, quoted
from wsvs_ros.images import MAX_PIXELS
from wsvs_ros.perception.engines import EngineOptions, parse_providers

ALWAYS = "always"
INACTIVE = "inactive"
UNCONFIGURED = "unconfigured"
_WAYS = {
    INACTIVE: "deactivate the node first: ros2 lifecycle set NODE deactivate",
    UNCONFIGURED: "clean the node up first: ros2 lifecycle set NODE deactivate, then cleanup",
}


def _parameter(
    default: Any, description: str, *, low: float | None = None, high: float | None = None, change: str = ALWAYS
) -> Any:
    metadata = {"description": description, "low": low, "high": high, "change": change}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class SegmentParameters:
    """
    The node's parameters; config/segment.yaml documents the same list.

    :raises WsvsError: if a value is not among those there are.
    """

    autostart: bool = _parameter(
        True, "configure and activate at start; false leaves that to a lifecycle manager", change=UNCONFIGURED
    )
    model: str = _parameter(
        "", "directory of the model bundle; empty for the one that comes with the package", change=UNCONFIGURED
    )
    engine: str = _parameter("auto", "what runs the network: auto, tensorrt, onnxruntime, torch", change=UNCONFIGURED)
    precision: str = _parameter(
        "auto", "of the network: auto, float32, float16, int8; the bundle must have it", change=UNCONFIGURED
    )
    providers: str = _parameter(
        "",
        "on what the engine may compute, the preferred one first: cuda, openvino, cpu; empty for any",
        change=UNCONFIGURED,
    )
    threads: int = _parameter(
        0, "processor threads of the engine; 0 for one a physical core", low=0, high=256, change=UNCONFIGURED
    )
    workspace_mb: int = _parameter(
        2048, "megabytes that TensorRT may use while it builds an engine", low=1, high=1 << 20, change=UNCONFIGURED
    )
    device: str = _parameter(
        "auto",
        "where the flow is computed: cpu, cuda or cuda:<number> (with torch), or auto, which with an engine on a GPU "
        "measures both and takes the faster one; the rest is computed where the engine is",
        change=UNCONFIGURED,
    )
    flow_prior: bool = _parameter(
        False, "begin each flow with that of the frame before: finds large motions better", change=UNCONFIGURED
    )
    max_gap: float = _parameter(
        0.5,
        "seconds between two frames after which the flow window begins anew",
        low=0.01,
        high=60.0,
        change=UNCONFIGURED,
    )
    lookahead: int = _parameter(
        -1, "frames of future that a frame waits for; -1 for what the model was trained with", low=-1, high=32
    )
    crf: bool = _parameter(False, "refine the labels along the image's edges by a fully-connected CRF; needs torch")
    confidence_threshold: float = _parameter(
        0.0, "pixels of a lower confidence get the label 255 (unknown)", low=0.0, high=1.0
    )
    overlay_opacity: float = _parameter(0.5, "opacity of the colours in the overlay", low=0.0, high=1.0)
    max_rate: float = _parameter(0.0, "label images a second at most; 0 for as many as there are", low=0.0, high=1000.0)
    compressed: bool = _parameter(
        False, "subscribe to image/compressed (CompressedImage) instead of image", change=INACTIVE
    )
    queue_depth: int = _parameter(
        10,
        "camera frames that may wait; all of them enter the flow window, in their order",
        low=1,
        high=100,
        change=INACTIVE,
    )
    max_pixels: int = _parameter(
        MAX_PIXELS,
        "width times height of an image, at most; a larger one is refused before memory is taken for it",
        low=1,
        high=2**31 - 1,
    )
    stale_after: float = _parameter(
        1.0,
        "diagnostics: seconds without a camera frame, or without a label that is wanted, that are an error",
        low=0.05,
        high=3600.0,
    )
    warn_latency: float = _parameter(
        0.5, "diagnostics: seconds from stamp to published label that are a warning, at the 95th percentile", low=0.0
    )
    warn_rate: float = _parameter(
        0.0, "diagnostics: label images a second below which there is a warning; 0 for never", low=0.0
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

    def changed(self, values: Mapping[str, Any], state: str) -> SegmentParameters:
        """
        These parameters with other values.

        :param values: by name; other nodes' and middlewares' names are passed over.
        :param state: of the node: `unconfigured`, `inactive` or `active`.
        :raises ParameterError: if one cannot be changed in this state; the message says in which it can.
        :raises WsvsError: if a value is not among those there are.
        """
        known = {item.name: item for item in fields(self) if item.name in values}
        for name, item in known.items():
            change = item.metadata["change"]
            if values[name] == getattr(self, name) or change == ALWAYS or state == UNCONFIGURED:
                continue
            if state == "active" or change == UNCONFIGURED:
                raise ParameterError(f"{name} cannot be changed while the node is {state}; {_WAYS[change]}")
        return replace(self, **{name: values[name] for name in known})

    def __post_init__(self) -> None:
        self.engine_options()  # refuses what there is not
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", self.device):
            raise ParameterError(f"device {quoted(self.device)}: expected auto, cpu, cuda or cuda:<number>")


class ParameterError(WsvsError):
    """A parameter cannot be changed now."""


def declare(node: Any) -> SegmentParameters:
    """
    Declare the parameters on a node and read their values.

    :param node: an rclpy node.
    :raises WsvsError: if a value is not among those there are.
    """
    from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

    values = {}
    for item in fields(SegmentParameters):
        low, high, change = (item.metadata[key] for key in ("low", "high", "change"))
        descriptor = ParameterDescriptor(name=item.name, description=item.metadata["description"])
        if change != ALWAYS:
            descriptor.additional_constraints = f"can be changed while the node is {_states(change)}"
        if isinstance(item.default, float):
            to = 1e9 if high is None else high
            descriptor.floating_point_range = [FloatingPointRange(from_value=low, to_value=to, step=0.0)]
        elif low is not None:
            descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high), step=1)]
        values[item.name] = node.declare_parameter(item.name, item.default, descriptor).value
    return SegmentParameters(**values)


def _states(change: str) -> str:
    return "unconfigured" if change == UNCONFIGURED else "unconfigured or inactive"
