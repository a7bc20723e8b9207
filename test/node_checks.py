"""What a segmentation node has to do, on any middleware: shared by test/ros and test/ros_live.

Each check talks to a node that runs in a process of its own, through the rclpy that is importable.
"""

from __future__ import annotations

import array
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

IMAGE_TOPIC = "/camera/image_raw"
LABEL_TOPIC = "/segmentation/label"


class Peer:
    """A camera, and a listener to what the node publishes."""

    def __init__(self, *topics: str) -> None:
        self.node = Node("peer")
        reliable = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)
        self.camera = self.node.create_publisher(Image, IMAGE_TOPIC, reliable)
        self.received: dict[str, list[Any]] = {topic: [] for topic in topics}
        for topic in topics:
            self.node.create_subscription(Image, topic, self.received[topic].append, reliable)

    def close(self) -> None:
        self.node.destroy_node()

    def spin_until(self, done: Callable[[], bool], seconds: float = 30.0) -> bool:
        until = time.monotonic() + seconds
        while not done() and time.monotonic() < until:
            rclpy.spin_once(self.node, timeout_sec=0.05)
        return done()

    def wait_for_node(self) -> None:
        """Until the node listens to the camera, and this peer to what the node publishes."""
        assert self.spin_until(lambda: self.camera.get_subscription_count() > 0), "the node does not subscribe"
        self.spin_until(lambda: False, 2.0)  # discovery goes both ways

    def send(self, index: int, **changes: Any) -> Any:
        message = image(index, **changes)
        self.camera.publish(message)
        return message

    def send_and_wait(self, index: int, topic: str = LABEL_TOPIC, **changes: Any) -> Any:
        """Send a frame and return what the node answers to it."""
        sent = self.send(index, **changes)
        answered = self.spin_until(lambda: any(same_header(m, sent) for m in self.received[topic]), 10.0)
        assert answered, f"no answer on {topic} to frame {index}"
        return next(m for m in self.received[topic] if same_header(m, sent))


def image(index: int, *, encoding: str = "bgr8", size: tuple[int, int] = (96, 72), **changes: Any) -> Image:
    """A camera frame: texture that slides, a stamp 50 ms after the one before."""
    width, height = size
    channels = {"bgr8": 3, "rgb8": 3, "bgra8": 4, "mono8": 1, "yuv422": 2}.get(encoding, 3)
    pixels = np.random.default_rng(index // 5).integers(0, 256, (height, width, channels), dtype=np.uint8)
    message = Image()
    message.header.stamp.sec = 1_000 + index // 20
    message.header.stamp.nanosec = index % 20 * 50_000_000 + 7
    message.header.frame_id = "front_camera"
    message.height, message.width = height, width
    message.encoding, message.step = encoding, width * channels
    message.data = array.array("B", np.roll(pixels, index, 1).tobytes())
    for name, value in changes.items():
        setattr(message, name, value)
    return message


def same_header(first: Any, second: Any) -> bool:
    one, two = first.header, second.header
    return (one.stamp.sec, one.stamp.nanosec, one.frame_id) == (two.stamp.sec, two.stamp.nanosec, two.frame_id)


def check_labels_bear_their_images_headers() -> None:
    peer = Peer(LABEL_TOPIC)
    peer.wait_for_node()
    for index in range(15):
        label = peer.send_and_wait(index)
        assert (label.encoding, label.width, label.height, label.step) == ("mono8", 96, 72, 96)
        assert len(label.data) == 96 * 72
        assert np.asarray(label.data).max() < 11
    peer.close()


def check_all_outputs() -> None:
    topics = {"label": "mono8", "overlay": "bgr8", "confidence": "32FC1", "vehicles": "mono8"}
    peer = Peer(*(f"/segmentation/{name}" for name in topics))
    peer.wait_for_node()
    for name, encoding in topics.items():
        found = peer.send_and_wait(list(topics).index(name), f"/segmentation/{name}")
        assert (found.encoding, found.width, found.height) == (encoding, 96, 72)
        values = np.frombuffer(bytes(found.data), np.float32 if encoding == "32FC1" else np.uint8)
        if name == "confidence":
            assert values.min() >= 1 / 11
            assert values.max() <= 1
        if name == "vehicles":
            assert set(np.unique(values)) <= {0, 255}
    peer.close()


def check_survives_bad_messages() -> None:
    peer = Peer(LABEL_TOPIC)
    peer.wait_for_node()
    peer.send_and_wait(0)
    for index, change in enumerate(
        [
            {"encoding": "from_mars"},
            {"encoding": ""},
            {"width": 0},
            {"height": 0, "width": 0},
            {"step": 1},
            {"data": array.array("B")},
            {"data": array.array("B", b"short")},
            {"height": 4_000_000_000, "width": 4_000_000_000, "step": 4_000_000_000},
        ],
        1,
    ):
        peer.send(index, **change)
    for index, encoding in enumerate(["rgb8", "bgra8", "mono8", "yuv422", "bgr8"], 20):
        peer.send_and_wait(index, encoding=encoding)
    peer.send_and_wait(30, size=(64, 48))
    peer.close()


def check_label_info_is_latched() -> None:
    from vision_msgs.msg import LabelInfo

    node, found = Node("late"), []
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    node.create_subscription(LabelInfo, "/segmentation/label_info", found.append, latched)
    until = time.monotonic() + 20
    while not found and time.monotonic() < until:
        rclpy.spin_once(node, timeout_sec=0.1)
    node.destroy_node()
    assert found, "a late subscriber got no LabelInfo"
    names = {item.class_id: item.class_name for item in found[0].class_map}
    assert names[0] == "sky"
    assert len(names) == 11
