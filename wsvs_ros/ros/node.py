"""SegmentationNode: camera images in, semantic label images out.

Written on plain rclpy. Where ROS 2 is not installed the same file runs on the embedded middleware.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rclpy
from rcl_interfaces.msg import SetParametersResult
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from wsvs_ros.errors import WsvsError
from wsvs_ros.images import ImageError, to_bgr
from wsvs_ros.perception import VIDEO_CRF, Frame, ModelBundle, VideoSegmenter, default_bundle_path
from wsvs_ros.ros.diagnostics import Diagnostics
from wsvs_ros.ros.log_bridge import LogBridge
from wsvs_ros.ros.outputs import Outputs
from wsvs_ros.ros.parameters import SegmentParameters, declare
from wsvs_ros.ros.statistics import Statistics
from wsvs_ros.ros.worker import InferenceWorker

_THROTTLE = 5.0  # seconds between two log lines of the same trouble


class SegmentationNode(LifecycleNode):
    """
    Subscribes `image` (or `image/compressed`) and `camera_info`, publishes under `~/`, see `Outputs`.

    Configured, it holds the model and its engine; active, it is subscribed. The subscription takes every frame into
    the flow window at once; a worker infers the newest one. So a slow network skips frames but is never late, and
    motion stays true.
    """

    def __init__(self) -> None:
        super().__init__("segmentation")
        # rclpy's nodes have attributes of their own, `_parameters` and `_logger` among them: not these names here
        self._settings = declare(self)
        self._stage = "unconfigured"
        self._failure = ""
        self._statistics = Statistics()
        self._segmenter: VideoSegmenter | None = None
        self._outputs: Outputs | None = None
        self._health: Diagnostics | None = None
        self._health_timer: Any = None
        self._worker: InferenceWorker | None = None
        self._inputs: list[Any] = []
        self.add_on_set_parameters_callback(self._on_parameters)

    @property
    def settings(self) -> SegmentParameters:
        """The parameters of now."""
        return self._settings

    @property
    def failure(self) -> str:
        """Why the last configuration failed."""
        return self._failure

    def start(self) -> bool:
        """Configure and activate; whether both succeeded."""
        done = TransitionCallbackReturn.SUCCESS
        return self.trigger_configure() == done and self.trigger_activate() == done

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model and its engine; a TensorRT engine may take minutes to build, and says how far it is."""
        try:
            with LogBridge(self.get_logger()):
                self._segmenter = self._load_segmenter()
        except WsvsError as error:
            self._failure = str(error)
            self.get_logger().error(f"cannot be configured: {error}")
            return TransitionCallbackReturn.FAILURE
        bundle = self._segmenter.bundle
        self._outputs = Outputs(self, bundle.labels, self._settings.confidence_threshold)
        self._health = Diagnostics(self, bundle.name)
        self._health_timer = self.create_timer(1.0, self._on_health)
        self._stage = "inactive"
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe to the camera and begin to infer."""
        assert self._segmenter is not None
        assert self._outputs is not None
        self._statistics = Statistics()
        self._worker = InferenceWorker(self, self._segmenter, self._outputs, self._statistics, self._settings)
        topic = "image/compressed" if self._settings.compressed else "image"
        kind = CompressedImage if self._settings.compressed else Image
        qos = QoSProfile(depth=self._settings.queue_depth, reliability=ReliabilityPolicy.BEST_EFFORT)
        overriding = QoSOverridingOptions.with_default_policies()
        self._inputs = [
            self.create_subscription(kind, topic, self._on_image, qos, qos_overriding_options=overriding),
            self.create_subscription(CameraInfo, "camera_info", self._on_camera_info, qos),
        ]
        self._stage = "active"
        bundle = self._segmenter.bundle
        self.get_logger().info(
            f"model {bundle.name} ({bundle.labels.name}, {bundle.working_size[0]}x{bundle.working_size[1]}, "
            f"{bundle.window_length} flow fields) on {self._segmenter.engine_name}; "
            f"{self.resolve_topic_name(topic)} -> {self.resolve_topic_name('~/label')}"
        )
        return TransitionCallbackReturn.SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Leave the camera: a subscription that stayed would go on firing."""
        self._stop()
        return TransitionCallbackReturn.SUCCESS

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the engine and its memory."""
        self.close()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything, whatever the state."""
        self.close()
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """After an exception in one of the above: free everything, so that it can be configured anew."""
        self.close()
        return TransitionCallbackReturn.SUCCESS

    def close(self) -> None:
        """Stop, free the engine, say what was done."""
        self._stop()
        if self._health_timer is not None:
            self.destroy_timer(self._health_timer)
            self._health_timer = None
        for part in (self._health, self._outputs):
            if part is not None:
                part.close()
        self._health = self._outputs = None
        if self._segmenter is not None:
            stats, counts = self._segmenter.stats, self._statistics
            self._segmenter.close()
            self._segmenter = None
            self.get_logger().info(
                f"frames: {counts.received} received, {stats.received} entered the window, {stats.inferred} inferred, "
                f"{stats.skipped} skipped, {counts.refused} refused, {counts.failed} failed, {stats.resets} resets"
            )
        self._stage = "unconfigured"

    def _stop(self) -> None:
        for subscription in self._inputs:
            self.destroy_subscription(subscription)
        self._inputs = []
        if self._worker is not None:
            self._worker.stop()
            self._worker = None
        self._stage = "inactive"

    def _load_segmenter(self) -> VideoSegmenter:
        settings = self._settings
        return VideoSegmenter(
            ModelBundle.load(Path(settings.model) if settings.model else default_bundle_path()),
            engine=settings.engine_options(),
            lookahead=_lookahead(settings),
            max_gap=settings.max_gap,
            crf=VIDEO_CRF if settings.crf else None,
            device=settings.device,
            flow_prior=settings.flow_prior,
        )

    def _on_image(self, message: Any) -> None:
        """Take a frame into the window; a message that is no image is refused, never fatal."""
        header = message.header
        stamp = header.stamp.sec * 1_000_000_000 + header.stamp.nanosec
        self._statistics.frame_arrived(1e-9 * (self.get_clock().now().nanoseconds - stamp))
        if self._segmenter is None or self._worker is None:
            return  # it came while the node was deactivated
        try:
            self._segmenter.observe(Frame(to_bgr(message), stamp, frame_id=header.frame_id, source=header))
        except ImageError as error:
            self._statistics.frame_refused()
            self.get_logger().warning(f"image refused: {error}", throttle_duration_sec=_THROTTLE)
        except Exception as error:
            self._statistics.frame_failed()
            self.get_logger().error(f"frame failed: {error!r}", throttle_duration_sec=_THROTTLE)
        else:
            self._worker.wake()

    def _on_camera_info(self, message: Any) -> None:
        if self._worker is not None:
            self._worker.camera_info = message

    def _on_health(self) -> None:
        if self._health is None or self._segmenter is None or self._outputs is None or self._stage != "active":
            return
        self._health.publish(
            self._statistics.summary(),
            self._segmenter.stats,
            self._settings,
            engine=self._segmenter.engine_name,
            window_length=self._segmenter.bundle.window_length,
            wanted=self._outputs.wanted(),
        )

    def _on_parameters(self, parameters: Sequence[Any]) -> SetParametersResult:
        """Take new values at once, or refuse all of them with a reason."""
        try:
            settings = self._settings.changed({item.name: item.value for item in parameters}, self._stage)
            if self._segmenter is not None:
                if settings.lookahead != self._settings.lookahead:
                    self._segmenter.set_lookahead(_lookahead(settings))
                if settings.crf != self._settings.crf:
                    self._segmenter.set_crf(VIDEO_CRF if settings.crf else None)
        except WsvsError as error:
            return SetParametersResult(successful=False, reason=str(error))
        if self._outputs is not None and settings.confidence_threshold != self._settings.confidence_threshold:
            self._outputs.publish_label_info(settings.confidence_threshold)
        self._settings = settings
        if self._worker is not None:
            self._worker.settings = settings
        return SetParametersResult(successful=True)


def _lookahead(settings: SegmentParameters) -> int | None:
    return None if settings.lookahead < 0 else settings.lookahead


def main(args: Sequence[str] | None = None) -> int:
    """
    Run the node until SIGINT or SIGTERM.

    :return: 0, or 2 if the node cannot start; the reason is on standard error.
    """
    node = None
    try:
        rclpy.init(args=args)
        node = SegmentationNode()
        if node.settings.autostart and not node.start():
            print(f"error: {node.failure}", file=sys.stderr)
            return 2
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except (WsvsError, ParameterException) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except RuntimeError:  # rclpy's RCLError, when a signal ends the context in the midst of a call
        if rclpy.ok():
            raise
    finally:
        if node is not None:
            node.close()
            node.destroy_node()
        rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
