"""The node under a fuzz, on any middleware: shared by test/ros and test/ros_live.

A few hundred messages here; WSVS_FUZZ_MESSAGES=20000 sends as many.
"""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from fuzz_messages import Fuzz
from node_checks import LABEL_TOPIC, Peer, image, same_header
from node_process import node_process
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage

MESSAGES = int(os.environ.get("WSVS_FUZZ_MESSAGES", "400"))
_BETWEEN = 40  # messages between two good frames
_GROWTH = 200.0  # megabytes


class FuzzingPeer(Peer):
    """A camera that sends messages of all kinds, and good frames."""

    def __init__(self, *, compressed: bool) -> None:
        super().__init__(LABEL_TOPIC)
        qos = QoSProfile(depth=50)
        self.compressed = compressed
        self.jpegs = self.node.create_publisher(CompressedImage, "/camera/image_raw/compressed", qos)
        self.infos = self.node.create_publisher(CameraInfo, "/camera/camera_info", qos)

    def wait_for_node(self) -> None:
        camera = self.jpegs if self.compressed else self.camera
        assert self.spin_until(lambda: camera.get_subscription_count() > 0), "the node does not subscribe"
        self.spin_until(lambda: False, 2.0)

    def send_good(self, index: int) -> Any:
        message = image(index)
        if not self.compressed:
            self.camera.publish(message)
            return message
        jpeg = CompressedImage(format="jpeg", header=message.header)
        pixels = bytes(message.data)
        jpeg.data = cv2.imencode(".jpg", _pixels(pixels, message.width, message.height))[1].reshape(-1).tobytes()
        self.jpegs.publish(jpeg)
        return message

    def send_good_and_wait(self, index: int) -> None:
        """The label of a good frame; best effort may lose a few on the way."""
        del self.received[LABEL_TOPIC][:]
        for turn in range(8):
            sent = self.send_good(10 * index + turn)
            if self.spin_until(lambda sent=sent: any(same_header(m, sent) for m in self.received[LABEL_TOPIC]), 4.0):
                return
        raise AssertionError(f"no label of the good frames after {index * _BETWEEN} others")


def check_fuzz(model: Path, *, compressed: bool, messages: int = MESSAGES) -> str:
    """The node lives, its memory stays, good frames in between are labelled, refusals are named and throttled."""
    remaps = ["-r", "image/compressed:=/camera/image_raw/compressed", "-r", "camera_info:=/camera/camera_info"]
    given = ["-p", f"model:={model}", "-p", f"compressed:={str(compressed).lower()}"]
    fuzz = Fuzz(seed=int(compressed))
    with node_process("none", *given, *remaps) as running:
        running.wait_for("-> /segmentation/label")
        peer = FuzzingPeer(compressed=compressed)
        peer.wait_for_node()
        peer.send_good_and_wait(0)
        begin, first = time.monotonic(), _resident_mb(running.child.pid)
        largest = first
        for index in range(1, messages + 1):
            if index % 10 == 0:
                peer.infos.publish(fuzz.camera_info())
            elif compressed:
                peer.jpegs.publish(fuzz.compressed())
            else:
                peer.camera.publish(fuzz.image())
            time.sleep(0.002)  # best effort: what comes faster than it is taken is lost
            if index % _BETWEEN == 0:
                assert running.child.poll() is None, running.log
                largest = max(largest, _resident_mb(running.child.pid))
                peer.send_good_and_wait(index // _BETWEEN)
        seconds = time.monotonic() - begin
        running.child.send_signal(signal.SIGINT)
        assert running.end() == 0, running.log[-3000:]
        peer.close()
    lines = running.log.splitlines()
    found = re.search(r"(\d+) received, .* (\d+) refused, (\d+) failed", running.log)
    assert found, running.log[-2000:]
    received, refused, failed = map(int, found.groups())
    told = (
        f"{messages} sent, {received} images received, {refused} refused; "
        f"memory {first:.0f} MB at first, {largest:.0f} MB at most"
    )
    assert received > 0.5 * messages, told
    assert refused > 0.2 * received, told
    assert failed == 0, running.log
    assert largest - first < _GROWTH, told
    assert "image refused: " in running.log
    for name in ("image refused", "begins anew"):
        assert sum(name in line for line in lines) <= 3 + seconds / 5, "not throttled"
    assert len(lines) < 40 + seconds, running.log[-3000:]
    assert max(map(len, lines)) < 1_000
    assert "Traceback" not in running.log
    return told


def _pixels(data: bytes, width: int, height: int) -> Any:
    return np.frombuffer(data, np.uint8).reshape(height, width, 3)


def _resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
