"""A segmentation node in this process, on any middleware: shared by test/ros and test/ros_live."""

from __future__ import annotations

import threading
from typing import Any


class Running:
    """A node whose callbacks run in a thread, as under `rclpy.spin`."""

    def __init__(self, ros: Any, *arguments: str) -> None:
        from rclpy.executors import SingleThreadedExecutor

        from wsvs_ros.ros.node import SegmentationNode

        ros.shutdown()
        remaps = ["-r", "image:=/camera/image_raw", "-r", "camera_info:=/camera/camera_info"]
        ros.init(args=["x", "--ros-args", *remaps, *arguments])
        self.node = SegmentationNode()
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._spin)
        self._thread.start()

    def set(self, **values: Any) -> Any:
        """Set parameters at once; the result."""
        from rclpy.parameter import Parameter

        return self.node.set_parameters_atomically([Parameter(name, value=value) for name, value in values.items()])

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self.node.close()
        self.node.destroy_node()

    def _spin(self) -> None:
        while not self._stop.is_set():
            self._executor.spin_once(timeout_sec=0.05)


def levels(message: Any) -> dict[str, int]:
    found = {}
    for status in message.status:
        level = status.level
        found[status.name] = level[0] if isinstance(level, bytes) else int(level)
    return found
