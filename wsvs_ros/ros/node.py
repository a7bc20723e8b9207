"""SegmentationNode: camera images in, semantic label images out.

Written on plain rclpy. Where ROS 2 is not installed the same file runs on the embedded middleware.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

from wsvs_ros.errors import WsvsError
from wsvs_ros.images import ImageError, to_bgr
from wsvs_ros.perception import VIDEO_CRF, Frame, ModelBundle, VideoSegmenter, default_bundle_path
from wsvs_ros.ros.log_bridge import LogBridge
from wsvs_ros.ros.outputs import Outputs
from wsvs_ros.ros.parameters import declare

_IDLE = 0.5  # seconds after which the worker looks for subscribers again
_THROTTLE = 5.0  # seconds between two log lines of the same trouble


class SegmentationNode(Node):
    """
    Subscribes `image` (or `image/compressed`), publishes under `~/`, see `Outputs`.

    The subscription takes every frame into the flow window at once; a worker thread infers the newest one. So
    a slow network skips frames but is never late, and motion stays true.

    :raises WsvsError: if the model cannot be loaded or a parameter does not fit it.
    """

    def __init__(self) -> None:
        super().__init__("segmentation")
        # rclpy's Node has attributes of its own, `_parameters` and `_publishers` among them: not these names here
        self._settings = declare(self)
        with LogBridge(self.get_logger()):  # a TensorRT engine may take minutes to build, and says how far it is
            self._segmenter = self._load_segmenter()
        self._outputs = Outputs(self, self._segmenter.bundle.labels, self._settings)
        self._received = self._refused = self._failed = 0
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._worker = threading.Thread(target=self._work, name="inference", daemon=True)
        self._worker.start()
        topic = "image/compressed" if self._settings.compressed else "image"
        kind = CompressedImage if self._settings.compressed else Image
        qos = QoSProfile(depth=self._settings.queue_depth, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._subscription = self.create_subscription(kind, topic, self._on_image, qos)
        bundle = self._segmenter.bundle
        self.get_logger().info(
            f"model {bundle.name} ({bundle.labels.name}, {bundle.working_size[0]}x{bundle.working_size[1]}, "
            f"{bundle.window_length} flow fields) on {self._segmenter.engine_name}; "
            f"{self.resolve_topic_name(topic)} -> {self.resolve_topic_name('~/label')}"
        )

    def close(self) -> None:
        """Stop the worker, free the engine, say what was done."""
        self._stopping.set()
        self._news.set()
        self._worker.join()
        stats = self._segmenter.stats
        self._segmenter.close()
        self.get_logger().info(
            f"frames: {self._received} received, {stats.received} entered the window, {stats.inferred} inferred, "
            f"{stats.skipped} skipped, {self._refused} refused, {self._failed} failed, {stats.resets} resets"
        )

    def _load_segmenter(self) -> VideoSegmenter:
        settings = self._settings
        bundle = ModelBundle.load(Path(settings.model) if settings.model else default_bundle_path())
        return VideoSegmenter(
            bundle,
            engine=settings.engine_options(),
            lookahead=None if settings.lookahead < 0 else settings.lookahead,
            max_gap=settings.max_gap,
            crf=VIDEO_CRF if settings.crf else None,
            device=settings.device,
            flow_prior=settings.flow_prior,
        )

    def _on_image(self, message: Any) -> None:
        """Take a frame into the window; a message that is no image is refused, never fatal."""
        self._received += 1
        header = message.header
        try:
            stamp = header.stamp.sec * 1_000_000_000 + header.stamp.nanosec
            frame = Frame(to_bgr(message), stamp, frame_id=header.frame_id, source=header)
            self._segmenter.observe(frame)
        except ImageError as error:
            self._refused += 1
            self.get_logger().warning(f"image refused: {error}", throttle_duration_sec=_THROTTLE)
        except Exception as error:
            self._failed += 1
            self.get_logger().error(f"frame failed: {error!r}", throttle_duration_sec=_THROTTLE)
        else:
            self._news.set()

    def _work(self) -> None:
        """Infer the newest frame and publish, as long as somebody listens."""
        while not self._stopping.is_set():
            self._news.wait(_IDLE)
            self._news.clear()
            if self._stopping.is_set() or not self._outputs.wanted():
                continue
            try:
                segmentation = self._segmenter.segment()
                if segmentation is not None:
                    self._outputs.publish(segmentation)
                    self._news.set()  # another frame may have come meanwhile
            except Exception as error:
                self._failed += 1
                self.get_logger().error(f"inference failed: {error!r}", throttle_duration_sec=_THROTTLE)


def main(args: Sequence[str] | None = None) -> int:
    """
    Run the node until SIGINT or SIGTERM.

    :return: 0, or 2 if the node cannot start; the reason is on standard error.
    """
    node = None
    try:
        rclpy.init(args=args)
        node = SegmentationNode()
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except (WsvsError, ParameterException) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    finally:
        if node is not None:
            node.close()
            node.destroy_node()
        rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
