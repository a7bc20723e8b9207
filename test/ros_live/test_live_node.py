"""The node on a sourced ROS 2: the same checks as on the embedded middleware."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

if importlib.util.find_spec("rclpy") is None:
    pytest.skip("needs a sourced ROS 2 (source /opt/ros/<distro>/setup.bash)", allow_module_level=True)

from wsvs_ros.perception import ModelBundle

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def node(tiny_bundle: ModelBundle) -> Iterator[Any]:
    """The installed node, as `ros2 run` starts it, and an rclpy of this process's own."""
    import rclpy

    os.environ.setdefault("ROS_DOMAIN_ID", "94")
    words = [sys.executable, "-m", "wsvs_ros.ros.main", "--ros-args", "-r", "image:=/camera/image_raw"]
    words += ["-p", f"model:={tiny_bundle.path}"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    child = subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True)
    rclpy.init()
    yield child
    rclpy.try_shutdown()
    if child.poll() is None:
        child.kill()
    child.communicate()


def test_labels_bear_their_images_headers(node: Any) -> None:
    from node_checks import check_labels_bear_their_images_headers

    check_labels_bear_their_images_headers()
    node.send_signal(signal.SIGINT)
    _, log = node.communicate(timeout=20)
    assert "15 received, 15 entered the window" in log


def test_all_outputs(node: Any) -> None:
    from node_checks import check_all_outputs

    check_all_outputs()
    assert node.poll() is None


def test_survives_bad_messages(node: Any) -> None:
    from node_checks import check_survives_bad_messages

    check_survives_bad_messages()
    assert node.poll() is None


def test_label_info_is_latched(node: Any) -> None:
    pytest.importorskip("vision_msgs", reason="needs ros-<distro>-vision-msgs")
    from node_checks import check_label_info_is_latched

    check_label_info_is_latched()
    assert node.poll() is None
