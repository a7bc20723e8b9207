"""What activating the node makes: its subscriptions, the inference's thread, the counts."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSPolicyKind, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from wsvs_ros.errors import WsvsError
from wsvs_ros.images import ImageError, to_bgr
from wsvs_ros.perception import Frame
from wsvs_ros.ros.diagnostics import Values, camera_values, engine_status, inference_values
from wsvs_ros.ros.health import Health, Inference, camera_health, inference_health
from wsvs_ros.ros.parameters import SegmentParameters
from wsvs_ros.ros.pipeline import Pipeline
from wsvs_ros.ros.statistics import Arrival, Statistics
from wsvs_ros.ros.steady_lifecycle import describe
from wsvs_ros.ros.worker import InferenceWorker

_THROTTLE = 5.0  # seconds between two log lines of the same trouble


class HungInference(WsvsError):
    """An inference does not come back."""


class Session:
    """
    The time from an activation to its end. Made as a whole or not at all, and closed as a whole.

    The subscription takes every frame into the flow window at once; the worker infers the newest one. So a slow network
    skips frames but is never late, and motion stays true.

    :param node: an rclpy node.
    :param pipeline: what it was configured with; the frames of an earlier session are forgotten.
    :param settings: the node's parameters.
    """

    def __init__(self, node: Node, pipeline: Pipeline, settings: SegmentParameters) -> None:
        self._node, self._pipeline, self._settings = node, pipeline, settings
        self._statistics = Statistics()
        self._camera_info: Any = None
        self._restarted = self._closed = False
        self._patience = 5.0  # seconds
        pipeline.segmenter.begin_anew()
        with ExitStack() as made:
            self._worker = self._start_worker()
            made.callback(self._stop_worker)
            self.topic = "image/compressed" if settings.compressed else "image"
            kind = CompressedImage if settings.compressed else Image
            # the depth is a parameter of the node's own, which can be changed: overrides are read once
            overridable = QoSOverridingOptions((QoSPolicyKind.HISTORY, QoSPolicyKind.RELIABILITY))
            self._subscribe(made, kind, self.topic, self._on_image, overridable)
            self._subscribe(made, CameraInfo, "camera_info", self._on_camera_info, None)
            self._closing = made.pop_all()

    def use(self, settings: SegmentParameters) -> None:
        """Go on with other parameters."""
        self._settings = settings
        self._worker.use(settings)

    def mend(self) -> str:
        """
        Start the worker once more if its thread died.

        :return: why the session cannot go on; empty if it can.
        """
        if self._worker.alive:
            return ""
        death = self._worker.death or "no reason known"
        if self._restarted:
            return f"the inference's thread ended for the second time: {death}"
        self._node.get_logger().error(f"the inference's thread ended and is started once more: {death}")
        self._statistics.frame_failed()
        self._restarted = True
        self._worker = self._start_worker()
        return ""

    def alarms(self) -> tuple[bool, bool]:
        """Whether the camera is silent and a label overdue; told of at once when it changes."""
        silent = self._statistics.silent_for() > self._settings.stale_after
        return silent, self._inference().overdue(self._settings)

    def health(self) -> dict[str, tuple[Health, Values]]:
        """The parts of the node with their figures; what was refused and failed counts from the last call on."""
        summary, settings, segmenter = self._statistics.summary(), self._settings, self._pipeline.segmenter
        stats = segmenter.stats
        return {
            "camera": (camera_health(summary, stats, settings), camera_values(summary)),
            "inference": (
                inference_health(summary, self._inference(), settings),
                inference_values(summary, stats, segmenter.bundle.window_length),
            ),
            "engine": engine_status(segmenter.engine_name),
        }

    def close(self, patience: float) -> None:
        """
        Leave the camera, finish the frame at hand, say what was done.

        :param patience: seconds for the inference under way.
        :raises HungInference: if it takes longer; all else is closed all the same.
        """
        self._closed = True
        self._patience = patience
        try:
            self._closing.close()
        finally:
            stats, counts = self._pipeline.segmenter.stats, self._statistics
            self._node.get_logger().info(
                f"frames: {counts.received} received, {stats.received} entered the window, {stats.inferred} inferred, "
                f"{stats.skipped} skipped, {counts.refused} refused, {counts.failed} failed, {stats.resets} resets"
            )

    def _inference(self) -> Inference:
        silent = self._statistics.silent_for() > self._settings.stale_after
        owed = 0.0 if silent else self._statistics.owed_for()
        return Inference(self._pipeline.outputs.wanted(), owed, self._worker.busy_for())

    def _start_worker(self) -> InferenceWorker:
        return InferenceWorker(self._infer, self._statistics.frame_failed, self._node.get_logger(), self._settings)

    def _stop_worker(self) -> None:
        if not self._worker.stop(self._patience):
            raise HungInference(
                f"an inference has been under way for {self._worker.busy_for():.1f} s and does not come back; "
                "its engine stays in memory until the process ends"
            )

    def _subscribe(self, made: ExitStack, kind: type[Any], topic: str, callback: Any, overridable: Any) -> None:
        qos = QoSProfile(depth=self._settings.queue_depth, reliability=ReliabilityPolicy.BEST_EFFORT)
        made_one = self._node.create_subscription(kind, topic, callback, qos, qos_overriding_options=overridable)
        made.callback(self._node.destroy_subscription, made_one)

    def _on_camera_info(self, message: Any) -> None:
        self._camera_info = message

    def _on_image(self, message: Any) -> None:
        """Take a frame into the window; a message that is no image is refused, never fatal."""
        header = message.header
        stamp = header.stamp.sec * 1_000_000_000 + header.stamp.nanosec
        arrival = Arrival(header, 1e-9 * (self._node.get_clock().now().nanoseconds - stamp))
        self._statistics.frame_arrived(arrival.stamp_age, stamp)
        try:
            image = to_bgr(message, self._settings.max_pixels)
            self._take(Frame(image, stamp, frame_id=header.frame_id, source=arrival))
        except ImageError as error:
            self._statistics.frame_refused()
            self._node.get_logger().warning(f"image refused: {error}", throttle_duration_sec=_THROTTLE)
        except Exception as error:
            self._statistics.frame_failed()
            self._node.get_logger().error(f"frame failed: {describe(error)}", throttle_duration_sec=_THROTTLE)

    def _take(self, frame: Frame) -> None:
        segmenter, outputs = self._pipeline.segmenter, self._pipeline.outputs
        resets = segmenter.stats.resets
        segmenter.observe(frame)
        stats, wanted = segmenter.stats, outputs.wanted()
        self._statistics.frame_taken(wanted=wanted, reset=stats.resets > resets)
        if stats.resets > resets:
            self._node.get_logger().warning(
                f"the flow window begins anew: {stats.last_reset}", throttle_duration_sec=_THROTTLE
            )
        if wanted:
            self._worker.wake()
        else:
            outputs.publish_camera_info(self._camera_info, frame.source.header)

    def _infer(self) -> None:
        """Label the newest frame, in the worker's thread."""
        found = self._pipeline.segmenter.segment()
        if found is None or self._closed:
            return
        self._pipeline.outputs.publish(found, self._settings, self._camera_info)
        self._statistics.published(found.frame.source.latency(), found.seconds, found.window_filled)
