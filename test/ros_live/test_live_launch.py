"""The launch files on a sourced ROS 2: what they say of themselves, and a node that they start."""

from __future__ import annotations

import array
import importlib.util
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import cv2
import pytest

if importlib.util.find_spec("launch_ros") is None or shutil.which("ros2") is None:
    pytest.skip("needs a sourced ROS 2 with launch_ros and the ros2 command", allow_module_level=True)

from wsvs_ros.perception import ModelBundle

LAUNCH = Path(__file__).resolve().parents[2] / "launch"


@pytest.mark.parametrize(
    ("file", "arguments"),
    [
        (
            "segment",
            ("image", "model", "engine", "precision", "device", "compressed", "params", "namespace", "autostart"),
        ),
        ("multi_camera", ("cameras", "params", "model", "large_images")),
        ("replay", ("bag", "image", "compressed", "output", "labels", "rate", "delay", "large_images")),
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


def make_bag(path: Path, *, compressed: bool) -> Path:
    """Thirty frames of a camera, and its CameraInfo."""
    rosbag2 = pytest.importorskip(
        "rosbags.rosbag2", reason="needs rosbags (pip install -c constraints-ros.txt rosbags)"
    )
    from node_checks import image
    from rclpy.serialization import serialize_message
    from rosbags.typesys import Stores, get_typestore
    from sensor_msgs.msg import CameraInfo, CompressedImage

    from wsvs_ros.images import to_bgr

    kind = "sensor_msgs/msg/CompressedImage" if compressed else "sensor_msgs/msg/Image"
    topic = "/camera/image_raw/compressed" if compressed else "/camera/image_raw"
    store = get_typestore(Stores.ROS2_HUMBLE)
    with rosbag2.Writer(path, version=8) as bag:
        camera = bag.add_connection(topic, kind, typestore=store)
        infos = bag.add_connection("/camera/camera_info", "sensor_msgs/msg/CameraInfo", typestore=store)
        for index in range(30):
            frame = image(index)
            stamp = frame.header.stamp.sec * 1_000_000_000 + frame.header.stamp.nanosec
            message = frame
            if compressed:
                data = cv2.imencode(".png", to_bgr(frame))[1].tobytes()
                message = CompressedImage(header=frame.header, format="png", data=array.array("B", data))
            bag.write(camera, stamp, serialize_message(message))
            bag.write(infos, stamp, serialize_message(CameraInfo(header=frame.header)))
    return path


def replay(*words: str) -> subprocess.CompletedProcess[str]:
    if not installed():
        pytest.skip("wsvs_ros is not installed in this workspace: colcon build, source install/setup.bash")
    command = ["ros2", "launch", "wsvs_ros", "replay.launch.py", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_bag_is_replayed_and_its_labels_measured(tmp_path: Path, tiny_bundle: ModelBundle, compressed: bool) -> None:
    bag = make_bag(tmp_path / "bag", compressed=compressed)
    first = replay(f"bag:={bag}", f"model:={tiny_bundle.path}")
    assert first.returncode == 0, first.stdout + first.stderr
    labels = tmp_path / "bag_labels"
    assert (labels / "metadata.yaml").is_file()
    second = replay(f"bag:={bag}", f"model:={tiny_bundle.path}", f"labels:={labels}", f"output:={tmp_path / 'again'}")
    assert second.returncode == 0, second.stdout + second.stderr
    assert (tmp_path / "again_report" / "index.html").is_file()


def test_what_fails_ends_the_replay_with_an_error(tmp_path: Path, tiny_bundle: ModelBundle) -> None:
    bag = make_bag(tmp_path / "bag", compressed=False)
    for words, says in (
        (["model:=/nowhere"], "the node has ended before the replay (exit code 2)"),
        (["image:=/front"], "its image topics: /camera/image_raw"),
        ([f"model:={tiny_bundle.path}", "rate:=no"], "the bag was not played to its end"),
        ([f"model:={tiny_bundle.path}", f"labels:={bag}", "labels_topic:=/no"], "the labels could not be measured"),
    ):
        done = replay(f"bag:={bag}", f"output:={tmp_path / says[:12].replace(' ', '_')}", *words)
        assert done.returncode == 1, says
        assert says in done.stdout + done.stderr
