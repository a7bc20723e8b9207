"""What the node publishes; nothing is computed that nobody subscribes to."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from wsvs_ros.images import fill_image, fill_png
from wsvs_ros.perception import LabelSet, Segmentation
from wsvs_ros.perception.labels import UNKNOWN
from wsvs_ros.perception.painting import overlay
from wsvs_ros.ros.parameters import SegmentParameters

_DEPTH = 5


class Outputs:
    """
    The publishers of a segmentation node, all reliable.

    `~/label` (mono8 class ids), `~/label/compressed` (the same as PNG, which loses nothing), `~/overlay` (bgr8),
    `~/confidence` (32FC1, 0 to 1), `~/vehicles` (mono8, 0 or 255), `~/camera_info` (the camera's, with the label's
    header) and, where vision_msgs is installed, `~/label_info` (latched).

    :param node: an rclpy node.
    :param label_set: the classes.
    :param threshold: the node's confidence threshold, for `~/label_info`.
    """

    def __init__(self, node: Node, label_set: LabelSet, threshold: float) -> None:
        self._node, self._label_set = node, label_set
        self._label_info = _label_info_publisher(node)
        self.publish_label_info(threshold)
        self._makers: dict[str, Callable[[Segmentation, SegmentParameters], Any]] = {
            "label": lambda found, settings: _image(found, _labels(found, settings), "mono8"),
            "label/compressed": lambda found, settings: fill_png(
                CompressedImage(), _labels(found, settings), found.frame.source
            ),
            "overlay": lambda found, settings: _image(found, _overlay(found, settings), "bgr8"),
            "confidence": lambda found, _: _image(found, found.confidence, "32FC1"),
            "vehicles": lambda found, _: _image(found, found.vehicles, "mono8"),
        }
        reliable = QoSProfile(depth=_DEPTH, reliability=ReliabilityPolicy.RELIABLE)
        kinds = {"label/compressed": CompressedImage}
        self._made = {
            name: node.create_publisher(
                kinds.get(name, Image),
                f"~/{name}",
                reliable,
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )
            for name in self._makers
        }
        self._camera_info = node.create_publisher(CameraInfo, "~/camera_info", reliable)

    def wanted(self) -> bool:
        """Whether anybody subscribes to what needs inference."""
        return any(publisher.get_subscription_count() for publisher in self._made.values())

    def publish(self, segmentation: Segmentation, settings: SegmentParameters, camera_info: Any | None) -> None:
        """
        Publish what is subscribed to, each with the header of the camera's message.

        :param settings: threshold and opacity of now.
        :param camera_info: the camera's last CameraInfo, or None.
        """
        for name, publisher in self._made.items():
            if publisher.get_subscription_count():
                publisher.publish(self._makers[name](segmentation, settings))
        if camera_info is not None and self._camera_info.get_subscription_count():
            matching = copy(camera_info)
            matching.header = segmentation.frame.source
            self._camera_info.publish(matching)

    def publish_label_info(self, threshold: float) -> None:
        """The classes of `~/label`, latched beside it, as vision_msgs asks for; nothing without vision_msgs."""
        if self._label_info is None:
            return
        from vision_msgs.msg import LabelInfo, VisionClass

        message = LabelInfo(threshold=float(threshold))
        message.header.stamp = self._node.get_clock().now().to_msg()
        names = enumerate(self._label_set.names)
        message.class_map = [VisionClass(class_id=index, class_name=name) for index, name in names]
        self._label_info.publish(message)

    def close(self) -> None:
        """Destroy the publishers."""
        for publisher in (*self._made.values(), self._camera_info, self._label_info):
            if publisher is not None:
                self._node.destroy_publisher(publisher)


def _image(found: Segmentation, image: np.ndarray, encoding: str) -> Any:
    return fill_image(Image(), image, encoding, found.frame.source)


def _labels(found: Segmentation, settings: SegmentParameters) -> np.ndarray:
    if settings.confidence_threshold <= 0:
        return found.labels
    return np.where(found.confidence < settings.confidence_threshold, np.uint8(UNKNOWN), found.labels)


def _overlay(found: Segmentation, settings: SegmentParameters) -> np.ndarray:
    return overlay(found.frame.image, _labels(found, settings), found.label_set, settings.overlay_opacity)


def _label_info_publisher(node: Node) -> Any:
    try:
        from vision_msgs.msg import LabelInfo
    except ImportError:
        node.get_logger().info("vision_msgs is not installed: no ~/label_info; apt install ros-$ROS_DISTRO-vision-msgs")
        return None
    latched = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    return node.create_publisher(LabelInfo, "~/label_info", latched)
