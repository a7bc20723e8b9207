"""The launch files on a sourced ROS 2: what they say of themselves, and a node that they start."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

if importlib.util.find_spec("launch_ros") is None or shutil.which("ros2") is None:
    pytest.skip("needs a sourced ROS 2 with launch_ros and the ros2 command", allow_module_level=True)

LAUNCH = Path(__file__).resolve().parents[2] / "launch"


@pytest.mark.parametrize(
    ("file", "arguments"),
    [
        (
            "segment",
            ("image", "model", "engine", "precision", "device", "compressed", "params", "namespace", "autostart"),
        ),
        ("multi_camera", ("cameras", "params", "model")),
        ("replay", ("bag", "image", "output", "labels", "rate")),
    ],
)
def test_arguments_are_shown(file: str, arguments: tuple[str, ...]) -> None:
    path = str(LAUNCH / f"{file}.launch.py")
    done = subprocess.run(["ros2", "launch", path, "--show-args"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for argument in arguments:
        assert f"'{argument}'" in done.stdout


def installed() -> bool:
    done = subprocess.run(["ros2", "pkg", "prefix", "wsvs_ros"], capture_output=True, text=True, timeout=60)
    return done.returncode == 0


def topics() -> str:
    return subprocess.run(["ros2", "topic", "list"], capture_output=True, text=True, timeout=60).stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["segment.launch.py", "image:=/front/image_raw", "namespace:=front"], ["/front/segmentation/label"]),
        (["multi_camera.launch.py"], ["/front/segmentation/label", "/rear/segmentation/label"]),
    ],
)
def test_a_launched_node_publishes(words: list[str], expected: list[str]) -> None:
    if not installed():
        pytest.skip("wsvs_ros is not installed in this workspace: colcon build, source install/setup.bash")
    child = subprocess.Popen(["ros2", "launch", "wsvs_ros", *words], start_new_session=True)
    try:
        until = time.monotonic() + 40
        while not all(topic in topics() for topic in expected) and time.monotonic() < until:
            time.sleep(0.5)
        assert all(topic in topics() for topic in expected)
        assert child.poll() is None
    finally:
        os.killpg(child.pid, signal.SIGINT)
        assert child.wait(timeout=30) == 0


def test_a_bag_that_is_not_there_is_named() -> None:
    words = ["ros2", "launch", str(LAUNCH / "replay.launch.py"), "bag:=/nowhere"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert "bag:=/nowhere: there is no such bag" in done.stdout + done.stderr
