"""What a node on a car has to survive, over the wire: the node is a process of its own."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from typing import Any

import pytest

from wsvs_ros.perception import ModelBundle


@pytest.fixture
def node(start: Any, ros: Any, tiny_bundle: ModelBundle) -> Any:
    """A node with the tiny bundle."""
    return start("run", "--model", tiny_bundle.path)


def stop(node: subprocess.Popen[str]) -> str:
    node.send_signal(signal.SIGINT)
    _, log = node.communicate(timeout=20)
    assert node.returncode == 0, log
    assert "Traceback" not in log
    return log


def test_a_camera_that_vanishes_and_returns_with_another_picture(node: Any) -> None:
    from node_checks import LABEL_TOPIC, Peer

    for turn, (size, encoding) in enumerate([((96, 72), "bgr8"), ((64, 48), "mono8"), ((96, 72), "rgb8")]):
        peer = Peer(LABEL_TOPIC)
        peer.wait_for_node()
        for index in range(3):
            label = peer.send_and_wait(1000 * turn + index, size=size, encoding=encoding)
            assert (label.width, label.height) == size
        peer.close()
        time.sleep(0.5)
    assert "2 resets" in stop(node)


def test_time_that_jumps_back_and_forward(node: Any) -> None:
    from node_checks import LABEL_TOPIC, Peer

    peer = Peer(LABEL_TOPIC)
    peer.wait_for_node()
    for index in (100, 101, 0, 1, 5000, 5001, 0):  # as a bag played in a loop, and a clock that is set
        peer.send_and_wait(index)
    peer.close()
    assert "4 resets" not in (log := stop(node))
    assert "3 resets" in log


def test_two_cameras_on_one_topic(node: Any) -> None:
    from node_checks import LABEL_TOPIC, Peer, image
    from rclpy.qos import QoSProfile
    from sensor_msgs.msg import Image

    peer = Peer(LABEL_TOPIC)
    second = peer.node.create_publisher(Image, "/camera/image_raw", QoSProfile(depth=5))
    peer.wait_for_node()
    for index in range(6):
        label = peer.send_and_wait(2 * index)
        assert label.header.frame_id == "front_camera"
        other = image(2 * index + 1, size=(64, 48))
        other.header.frame_id = "rear_camera"
        second.publish(other)
        assert peer.spin_until(
            lambda: any(m.header.frame_id == "rear_camera" and m.width == 64 for m in peer.received[LABEL_TOPIC][-3:])
        )
    peer.close()
    stop(node)


def test_a_flood_of_subscribers(node: Any) -> None:
    from node_checks import LABEL_TOPIC, Peer

    names = ("label", "overlay", "confidence", "vehicles")
    crowd = [Peer(*(f"/segmentation/{name}" for name in names)) for _ in range(6)]
    crowd[0].wait_for_node()
    for index in range(10):
        crowd[0].send_and_wait(index)
    for peer in crowd:
        assert peer.spin_until(lambda peer=peer: all(peer.received[f"/segmentation/{name}"] for name in names))
        peer.close()
    peer = Peer(LABEL_TOPIC)
    peer.wait_for_node()
    peer.send_and_wait(20)
    peer.close()
    stop(node)


def test_killed_and_started_again_into_a_running_stream(start: Any, ros: Any, tiny_bundle: ModelBundle) -> None:
    from node_checks import LABEL_TOPIC, Peer

    first = start("run", "--model", tiny_bundle.path)
    peer = Peer(LABEL_TOPIC)
    peer.wait_for_node()
    stopping, index = threading.Event(), [0]

    def stream() -> None:
        while not stopping.wait(0.05):
            peer.send(index[0])
            index[0] += 1

    camera = threading.Thread(target=stream)
    camera.start()
    try:
        assert peer.spin_until(lambda: len(peer.received[LABEL_TOPIC]) > 3)
        first.kill()
        first.wait()
        peer.spin_until(lambda: False, 0.5)
        peer.received[LABEL_TOPIC].clear()
        second = start("run", "--model", tiny_bundle.path)
        assert peer.spin_until(lambda: len(peer.received[LABEL_TOPIC]) > 3, 30.0), "it did not come back"
    finally:
        stopping.set()
        camera.join()
    peer.close()
    stop(second)
