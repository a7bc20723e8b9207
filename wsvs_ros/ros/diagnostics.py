"""The node's health on /diagnostics, once a second, under names that an aggregator can sort."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from wsvs_ros.perception import SegmenterStats
from wsvs_ros.ros.health import OK, Health
from wsvs_ros.ros.statistics import Summary

Values = Mapping[str, str]


class Diagnostics:
    """
    Publishes statuses `<node>: camera`, `<node>: inference` and `<node>: engine`.

    :param node: an rclpy node.
    :param hardware_id: what the statuses are of, e.g. the model's name.
    """

    def __init__(self, node: Node, hardware_id: str) -> None:
        self._node = node
        self._hardware_id = hardware_id
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)

    def publish(self, parts: Mapping[str, tuple[Health, Values]]) -> None:
        """Publish the health of some parts, by name, with their figures."""
        statuses = [self._status(part, health, values) for part, (health, values) in parts.items()]
        message = DiagnosticArray(status=statuses)
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)

    def close(self) -> None:
        """Destroy the publisher."""
        self._node.destroy_publisher(self._publisher)

    def _status(self, part: str, health: Health, values: Values) -> Any:
        status = DiagnosticStatus(
            name=f"{self._node.get_fully_qualified_name().lstrip('/')}: {part}",
            message=health.text,
            hardware_id=self._hardware_id,
            values=[KeyValue(key=key, value=value) for key, value in values.items()],
        )
        status.level = bytes([health.level])  # an octet
        return status


def camera_values(summary: Summary) -> Values:
    """Key and value of each figure of the camera."""
    return {
        "input rate, Hz": f"{summary.input_rate:.2f}",
        "seconds since the last frame": _number(summary.since_frame),
        "stamp age at arrival, s": _number(summary.stamp_age),
        "refused": str(summary.refused),
        "missing by gaps in stamps, %": f"{100 * summary.missing:.1f}",
    }


def inference_values(summary: Summary, stats: SegmenterStats, window_length: int) -> Values:
    """Key and value of each figure of the inference; the counts are from the activation on."""
    stages = {f"{name} p50 / p95, ms": f"{p50:.1f} / {p95:.1f}" for name, (p50, p95) in summary.milliseconds.items()}
    filled = "none yet" if summary.window_filled is None else f"{summary.window_filled} of {window_length}"
    return {
        "output rate, Hz": f"{summary.output_rate:.2f}",
        **stages,
        "window": filled,
        "received": str(stats.received),
        "inferred": str(stats.inferred),
        "skipped": str(stats.skipped),
        "resets": str(stats.resets),
        "last reset": stats.last_reset or "none yet",
        "failed": str(summary.failed),
    }


def engine_status(engine: str) -> tuple[Health, Values]:
    """What runs the network, and the memory of the GPU that it takes."""
    memory = gpu_memory_mb()
    return Health(OK, engine), {"engine": engine, **({} if memory is None else {"GPU memory, MB": f"{memory:.0f}"})}


def gpu_memory_mb() -> float | None:
    """Memory that this process's torch holds on the GPU; None where it computes on none."""
    torch = sys.modules.get("torch")
    if torch is None or getattr(torch.__spec__, "_initializing", False):
        return None  # another thread imports it just now
    if not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return None
    return float(torch.cuda.memory_reserved()) / 2**20


def _number(value: float | None) -> str:
    return "none yet" if value is None else f"{value:.3f}"
