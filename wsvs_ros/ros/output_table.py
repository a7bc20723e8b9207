"""What the node publishes, in one table."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from wsvs_ros.images import fill_image, fill_png
from wsvs_ros.perception import UNKNOWN, LabelSet, Segmentation
from wsvs_ros.perception.painting import overlay
from wsvs_ros.ros.parameters import SegmentParameters


@dataclass(frozen=True)
class Output:
    """
    One topic of which every frame has a message.

    :param name: below the node's own name.
    :param kind: the message's type.
    :param make: the message of a frame.
    """

    name: str
    kind: type[Any]
    make: Callable[[Segmentation, SegmentParameters], Any]


OUTPUTS = (
    Output("label", Image, lambda found, settings: _image(found, _labels(found, settings), "mono8")),
    Output(
        "label/compressed",
        CompressedImage,
        lambda found, settings: fill_png(CompressedImage(), _labels(found, settings), found.frame.source.header),
    ),
    Output("overlay", Image, lambda found, settings: _image(found, _overlay(found, settings), "bgr8")),
    Output("confidence", Image, lambda found, _: _image(found, found.confidence, "32FC1")),
    Output("vehicles", Image, lambda found, _: _image(found, found.vehicles, "mono8")),
)
"""What needs the network."""

CAMERA_INFO = "camera_info"
"""The camera's own CameraInfo with the header of the frame that was segmented."""


def frame_qos() -> QoSProfile:
    """Of every topic that has a message for each frame; a profile of its own each time, as rclpy writes into it."""
    return QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)


def latched_qos() -> QoSProfile:
    """Of `~/label_info`."""
    return QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def matching_camera_info(info: CameraInfo, header: Any) -> CameraInfo:
    """The camera's CameraInfo with another header."""
    matching = copy(info)
    matching.header = header
    return matching


def label_info(label_set: LabelSet, threshold: float, stamp: Any) -> Any:
    """The classes of `~/label`, as vision_msgs asks for."""
    from vision_msgs.msg import LabelInfo, VisionClass

    message = LabelInfo(threshold=float(threshold))
    message.header.stamp = stamp
    message.class_map = [VisionClass(class_id=index, class_name=name) for index, name in enumerate(label_set.names)]
    return message


def _image(found: Segmentation, image: np.ndarray, encoding: str) -> Any:
    return fill_image(Image(), image, encoding, found.frame.source.header)


def _labels(found: Segmentation, settings: SegmentParameters) -> np.ndarray:
    if settings.confidence_threshold <= 0:
        return found.labels
    return np.where(found.confidence < settings.confidence_threshold, np.uint8(UNKNOWN), found.labels)


def _overlay(found: Segmentation, settings: SegmentParameters) -> np.ndarray:
    return overlay(found.frame.image, _labels(found, settings), found.label_set, settings.overlay_opacity)
