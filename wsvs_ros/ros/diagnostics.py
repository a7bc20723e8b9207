"""The node's health on /diagnostics, once a second, under names that an aggregator can sort."""

from __future__ import annotations

import sys
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from wsvs_ros.perception import SegmenterStats
from wsvs_ros.ros.parameters import SegmentParameters
from wsvs_ros.ros.statistics import Summary

# as DiagnosticStatus has them, where they are bytes in rclpy
OK, WARN, ERROR = 0, 1, 2


class Diagnostics:
    """
    Publishes three statuses: `<node>: camera`, `<node>: inference` and `<node>: engine`.

    :param node: an rclpy node.
    :param hardware_id: what the statuses are of, e.g. the model's name.
    """

    def __init__(self, node: Node, hardware_id: str) -> None:
        self._node = node
        self._hardware_id = hardware_id
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)

    def publish(
        self,
        summary: Summary,
        stats: SegmenterStats,
        settings: SegmentParameters,
        *,
        engine: str,
        window_length: int,
        wanted: bool,
    ) -> None:
        """
        Publish the health of the last seconds.

        :param wanted: whether anybody subscribes to what needs inference.
        """
        memory = gpu_memory_mb()
        statuses = [
            self._status("camera", *camera_health(summary, settings), camera_values(summary)),
            self._status(
                "inference",
                *inference_health(summary, settings, wanted=wanted),
                inference_values(summary, stats, window_length),
            ),
            self._status(
                "engine",
                OK,
                engine,
                {"engine": engine, **({} if memory is None else {"GPU memory, MB": f"{memory:.0f}"})},
            ),
        ]
        message = DiagnosticArray(status=statuses)
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)

    def close(self) -> None:
        """Destroy the publisher."""
        self._node.destroy_publisher(self._publisher)

    def _status(self, part: str, level: int, text: str, values: dict[str, str]) -> Any:
        status = DiagnosticStatus(
            name=f"{self._node.get_fully_qualified_name().lstrip('/')}: {part}",
            message=text,
            hardware_id=self._hardware_id,
            values=[KeyValue(key=key, value=value) for key, value in values.items()],
        )
        # an octet: bytes in rclpy, a number where messages are plain dataclasses
        status.level = bytes([level]) if isinstance(DiagnosticStatus.OK, bytes) else level
        return status


def camera_health(summary: Summary, settings: SegmentParameters) -> tuple[int, str]:
    """Level and message of the camera: silence is an error."""
    if summary.since_frame is None:
        return ERROR, "no frame yet: is the camera running, and `image` remapped to its topic?"
    if summary.since_frame > settings.stale_after:
        return ERROR, f"no frame for {summary.since_frame:.1f} s"
    if summary.refused:
        return WARN, f"{summary.refused} messages refused, the log says why"
    return OK, f"{summary.input_rate:.1f} frames a second"


def inference_health(summary: Summary, settings: SegmentParameters, *, wanted: bool) -> tuple[int, str]:
    """Level and message of what is made of the frames."""
    if summary.failed:
        level = WARN if summary.output_rate else ERROR
        return level, f"{summary.failed} frames failed, the log says why"
    if not wanted:
        return OK, "nobody subscribes, so nothing is inferred"
    latency = summary.milliseconds.get("latency")
    if latency is not None and latency[1] > 1e3 * settings.warn_latency:
        return WARN, f"labels come {latency[1]:.0f} ms after their frames"
    if summary.output_rate < settings.warn_rate:
        return WARN, f"{summary.output_rate:.1f} label images a second, fewer than {settings.warn_rate:g}"
    return OK, f"{summary.output_rate:.1f} label images a second"


def camera_values(summary: Summary) -> dict[str, str]:
    """Key and value of each figure of the camera."""
    return {
        "input rate, Hz": f"{summary.input_rate:.2f}",
        "seconds since the last frame": _number(summary.since_frame),
        "stamp age at arrival, s": _number(summary.stamp_age),
        "refused": str(summary.refused),
    }


def inference_values(summary: Summary, stats: SegmenterStats, window_length: int) -> dict[str, str]:
    """Key and value of each figure of the inference."""
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
        "failed": str(summary.failed),
    }


def gpu_memory_mb() -> float | None:
    """Memory that this process's torch holds on the GPU; None where it computes on none."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return None
    return float(torch.cuda.memory_reserved()) / 2**20


def _number(value: float | None) -> str:
    return "none yet" if value is None else f"{value:.3f}"
