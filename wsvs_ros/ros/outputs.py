"""The node's publishers; nothing is computed that nobody subscribes to."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo

from wsvs_ros.perception import LabelSet, Segmentation
from wsvs_ros.ros.output_table import (
    CAMERA_INFO,
    OUTPUTS,
    frame_qos,
    label_info,
    latched_qos,
    matching_camera_info,
)
from wsvs_ros.ros.parameters import SegmentParameters


class Outputs:
    """
    The publishers of a segmentation node, all reliable: those of the table, `~/camera_info` and, where vision_msgs is
    installed, `~/label_info` (latched). Either all of them are made, or none is left.

    :param node: an rclpy node.
    :param label_set: the classes.
    :param threshold: the node's confidence threshold, for `~/label_info`.
    """

    def __init__(self, node: Node, label_set: LabelSet, threshold: float) -> None:
        self._node, self._label_set = node, label_set
        with ExitStack() as made:
            self._made = [(output, self._publisher(made, output.kind, output.name, frame_qos())) for output in OUTPUTS]
            self._camera_info = self._publisher(made, CameraInfo, CAMERA_INFO, frame_qos(), overridable=False)
            self._label_info = self._label_info_publisher(made)
            self.publish_label_info(threshold)
            self._closing = made.pop_all()

    def wanted(self) -> bool:
        """Whether anybody subscribes to what needs inference."""
        return any(publisher.get_subscription_count() for _, publisher in self._made)

    def publish(self, segmentation: Segmentation, settings: SegmentParameters, camera_info: Any | None) -> None:
        """
        Publish what is subscribed to, each with the header of the camera's message.

        :param settings: threshold and opacity of now.
        :param camera_info: the camera's last CameraInfo, or None.
        """
        for output, publisher in self._made:
            if publisher.get_subscription_count():
                publisher.publish(output.make(segmentation, settings))
        self.publish_camera_info(camera_info, segmentation.frame.source.header)

    def publish_camera_info(self, camera_info: Any | None, header: Any) -> None:
        """
        Publish `~/camera_info` of one frame, which needs no inference, if anybody subscribes to it.

        :param camera_info: the camera's last CameraInfo, or None.
        :param header: the frame's.
        """
        if camera_info is not None and self._camera_info.get_subscription_count():
            self._camera_info.publish(matching_camera_info(camera_info, header))

    def publish_label_info(self, threshold: float) -> None:
        """The classes of `~/label`, latched beside it; nothing without vision_msgs."""
        if self._label_info is not None:
            stamp = self._node.get_clock().now().to_msg()
            self._label_info.publish(label_info(self._label_set, threshold, stamp))

    def close(self) -> None:
        """Destroy the publishers."""
        self._closing.close()

    def _publisher(
        self, made: ExitStack, kind: type[Any], name: str, qos: QoSProfile, *, overridable: bool = True
    ) -> Any:
        overriding = QoSOverridingOptions.with_default_policies() if overridable else None
        publisher = self._node.create_publisher(kind, f"~/{name}", qos, qos_overriding_options=overriding)
        made.callback(self._node.destroy_publisher, publisher)
        return publisher

    def _label_info_publisher(self, made: ExitStack) -> Any:
        try:
            from vision_msgs.msg import LabelInfo
        except ImportError:
            self._node.get_logger().info(
                "vision_msgs is not installed: no ~/label_info; apt install ros-$ROS_DISTRO-vision-msgs"
            )
            return None
        return self._publisher(made, LabelInfo, "label_info", latched_qos(), overridable=False)
