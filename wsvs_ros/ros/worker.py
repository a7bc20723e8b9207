"""The thread that infers the newest frame and publishes what is found."""

from __future__ import annotations

import threading
import time
from typing import Any

from rclpy.node import Node

from wsvs_ros.perception import VideoSegmenter
from wsvs_ros.ros.outputs import Outputs
from wsvs_ros.ros.parameters import SegmentParameters
from wsvs_ros.ros.statistics import Statistics

_IDLE = 0.5  # seconds after which it looks for subscribers again
_THROTTLE = 5.0  # seconds between two log lines of the same trouble


class InferenceWorker:
    """
    Runs from its making to `stop`.

    :param node: an rclpy node, for clock and log.
    :param segmenter: holds the frames.
    :param outputs: takes the segmentations.
    :param statistics: counts them.
    :param settings: of now; may be replaced at any time.
    """

    def __init__(
        self,
        node: Node,
        segmenter: VideoSegmenter,
        outputs: Outputs,
        statistics: Statistics,
        settings: SegmentParameters,
    ) -> None:
        self.settings = settings
        self.camera_info: Any = None
        self._node, self._segmenter, self._outputs, self._statistics = node, segmenter, outputs, statistics
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._not_before = time.monotonic()
        self._thread = threading.Thread(target=self._work, name="inference", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """A frame came."""
        self._news.set()

    def stop(self) -> None:
        """Finish the frame at hand and end."""
        self._stopping.set()
        self._news.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._news.wait(_IDLE)
            self._news.clear()
            if self._stopping.wait(max(0.0, self._not_before - time.monotonic())) or not self._outputs.wanted():
                continue
            try:
                self._infer()
            except Exception as error:
                self._statistics.frame_failed()
                self._node.get_logger().error(f"inference failed: {error!r}", throttle_duration_sec=_THROTTLE)

    def _infer(self) -> None:
        settings = self.settings
        begin = time.monotonic()
        found = self._segmenter.segment()
        if found is None:
            return
        self._outputs.publish(found, settings, self.camera_info)
        latency = 1e-9 * (self._node.get_clock().now().nanoseconds - found.frame.stamp_ns)
        self._statistics.published(latency, found.seconds, found.window_filled)
        if settings.max_rate:
            self._not_before = max(self._not_before, begin) + 1 / settings.max_rate
        self._news.set()  # another frame may have come meanwhile
