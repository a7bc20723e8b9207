"""What the node publishes; nothing is computed that nobody subscribes to."""

from __future__ import annotations

from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from wsvs_ros.evaluation.render import overlay
from wsvs_ros.images import fill_image
from wsvs_ros.perception import LabelSet, Segmentation
from wsvs_ros.perception.labels import UNKNOWN
from wsvs_ros.ros.parameters import SegmentParameters

_DEPTH = 5


class Outputs:
    """
    The publishers of a segmentation node, all reliable: `~/label` (mono8 class ids), `~/overlay` (bgr8),
    `~/confidence` (32FC1, 0 to 1), `~/vehicles` (mono8, 0 or 255), and, where vision_msgs is installed,
    `~/label_info` (latched).
    """

    def __init__(self, node: Node, label_set: LabelSet, parameters: SegmentParameters) -> None:
        self._parameters = parameters
        reliable = QoSProfile(depth=_DEPTH, reliability=ReliabilityPolicy.RELIABLE)
        names = ("label", "overlay", "confidence", "vehicles")
        self._publishers = {name: node.create_publisher(Image, f"~/{name}", reliable) for name in names}
        self._label_info = _publish_label_info(node, label_set, parameters.confidence_threshold)

    def wanted(self) -> bool:
        """Whether anybody subscribes to what needs inference."""
        return any(publisher.get_subscription_count() for publisher in self._publishers.values())

    def publish(self, segmentation: Segmentation) -> None:
        """Publish what is subscribed to, each with the header of the camera's message."""
        makers = {
            "label": lambda: (self._labels(segmentation), "mono8"),
            "overlay": lambda: (self._overlay(segmentation), "bgr8"),
            "confidence": lambda: (segmentation.confidence, "32FC1"),
            "vehicles": lambda: (segmentation.vehicles, "mono8"),
        }
        for name, publisher in self._publishers.items():
            if publisher.get_subscription_count():
                image, encoding = makers[name]()
                publisher.publish(fill_image(Image(), image, encoding, segmentation.frame.source))

    def _labels(self, segmentation: Segmentation) -> np.ndarray:
        threshold = self._parameters.confidence_threshold
        if threshold <= 0:
            return segmentation.labels
        return np.where(segmentation.confidence < threshold, np.uint8(UNKNOWN), segmentation.labels)

    def _overlay(self, segmentation: Segmentation) -> np.ndarray:
        opacity = self._parameters.overlay_opacity
        return overlay(segmentation.frame.image, self._labels(segmentation), segmentation.label_set, opacity)


def _publish_label_info(node: Node, label_set: LabelSet, threshold: float) -> Any:
    """The classes of `~/label`, latched beside it, as vision_msgs asks for; None without vision_msgs."""
    try:
        from vision_msgs.msg import LabelInfo, VisionClass
    except ImportError:
        node.get_logger().info("vision_msgs is not installed: no ~/label_info; apt install ros-$ROS_DISTRO-vision-msgs")
        return None
    latched = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    publisher = node.create_publisher(LabelInfo, "~/label_info", latched)
    message = LabelInfo(threshold=float(threshold))
    message.header.stamp = node.get_clock().now().to_msg()
    message.class_map = [VisionClass(class_id=i, class_name=name) for i, name in enumerate(label_set.names)]
    publisher.publish(message)
    return publisher
