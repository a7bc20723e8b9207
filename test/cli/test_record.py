"""`wsvs record`: what it keeps of real traffic, and what it refuses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_support import command, environment

from wsvs_ros.drives import open_drive
from wsvs_ros.runs.domains import free_domain

# a camera and its node: three images with a label each; the second image's encoding is none,
# the third label comes before its image
PUBLISHER = """
import argparse, sys, time
import numpy as np
from wsvs_ros.cli import middleware
middleware.prepare(argparse.Namespace(domain=int(sys.argv[1]), localhost=True))
import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from builtin_interfaces.msg import Time
from wsvs_ros.images import fill_image
rclpy.init(args=[])
node = Node("publisher")
qos = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
topics = [node.create_publisher(Image, name, qos) for name in ("/camera/image_raw", "/segmentation/label")]
until = time.monotonic() + 20
while time.monotonic() < until and not all(topic.get_subscription_count() for topic in topics):
    time.sleep(0.05)
for index in range(3):
    stamp = time.time_ns()
    sent = list(zip(topics, ((48, 64, 3), (48, 64)), ("bgr8", "mono8")))
    for topic, shape, encoding in sent if index < 2 else sent[::-1]:
        header = Header(stamp=Time(sec=stamp // 10**9, nanosec=stamp % 10**9), frame_id="front")
        message = fill_image(Image(), np.full(shape, 3, np.uint8), encoding, header)
        if index == 1 and encoding == "bgr8":
            message.encoding = "odd32"
        topic.publish(message)
        time.sleep(0.1)
time.sleep(0.5)
"""


@pytest.fixture
def domain() -> str:
    """One that nobody else on this machine uses, another run of these tests included."""
    return str(free_domain())


@pytest.fixture
def recorder(tmp_path: Path, domain: str) -> Iterator[subprocess.Popen[str]]:
    words = command("record", "-o", tmp_path / "out", "--localhost", "--domain", domain)
    child = subprocess.Popen(
        words, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    )
    yield child
    child.kill()
    child.communicate()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_everything_received_is_kept_and_odd_images_do_no_harm(
    tmp_path: Path, recorder: subprocess.Popen[str], domain: str, stop: int
) -> None:
    assert recorder.stdout is not None
    assert "-> " in recorder.stdout.readline()
    subprocess.run([sys.executable, "-c", PUBLISHER, domain], env=environment(), check=True, timeout=60)
    recorder.send_signal(stop)
    _, errors = recorder.communicate(timeout=30)
    assert recorder.returncode == 0, errors
    record = json.loads((tmp_path / "out" / "record.json").read_text())
    assert (record["images"], record["labels"], record["unreadable"]) == (3, 3, 1)
    assert record["labels_without_image"] == 0
    assert 0 < record["latency_ms"]["p50"] < 5000
    with open_drive(tmp_path / "out" / "overlay.mp4") as video:
        assert len(list(video)) >= 2
    with open_drive(tmp_path / "out" / "bag", topic="/camera/image_raw") as drive:
        assert len(list(drive)) == 2
        assert "odd32" in drive.refused[0]  # type: ignore[attr-defined]
    with open_drive(tmp_path / "out" / "bag", topic="/segmentation/label") as drive:
        assert len(list(drive)) == 3


@pytest.mark.parametrize("name", ["overlay.mp4", "record.json", "bag"])
def test_earlier_recordings_are_not_touched(tmp_path: Path, wsvs: Any, name: str) -> None:
    (tmp_path / name).write_text("mine")
    done = wsvs("record", "-o", tmp_path, "--localhost", "--domain", free_domain(), "--idle", "1")
    assert done.returncode == 2
    assert f"{tmp_path / name}: exists already" in done.stderr
    assert (tmp_path / name).read_text() == "mine"


def test_nothing_received_is_no_error(tmp_path: Path, recorder: subprocess.Popen[str]) -> None:
    assert recorder.stdout is not None
    recorder.stdout.readline()
    time.sleep(0.3)
    recorder.send_signal(signal.SIGINT)
    recorder.communicate(timeout=30)
    assert recorder.returncode == 0
    assert json.loads((tmp_path / "out" / "record.json").read_text())["latency_ms"] is None
