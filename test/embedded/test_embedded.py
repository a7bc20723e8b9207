"""The embedded middleware: messages, names, and traffic between processes."""

from __future__ import annotations

import array
import importlib
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rosbags.typesys import Stores, get_typestore

from wsvs_ros.embedded import EmbeddedError
from wsvs_ros.embedded.messages import deserialize, message_class, serialize, typestore
from wsvs_ros.embedded.names import parse_arguments, resolve
from wsvs_ros.embedded.parameter_files import load_parameters

ROOT = Path(__file__).resolve().parents[2]
Image = message_class("sensor_msgs/msg/Image")


def test_messages_have_ros_defaults_and_keywords() -> None:
    image = Image(height=2, encoding="mono8")
    assert (image.height, image.width, image.encoding, image.header.frame_id) == (2, 0, "mono8", "")
    assert image.header is not Image().header
    with pytest.raises(TypeError, match="has no field heigth"):
        Image(heigth=2)
    assert message_class("rcl_interfaces/msg/ParameterType").PARAMETER_DOUBLE == 3


@pytest.mark.parametrize(
    "data", [b"\x01\x02\x03", bytearray(b"\x01\x02\x03"), array.array("B", [1, 2, 3]), [1, 2, 3], np.uint8([1, 2, 3])]
)
def test_any_bytes_travel(data: Any) -> None:
    image = Image(width=3, height=1, data=data)
    image.header.stamp.sec = 7
    found = deserialize(bytes(serialize(image)), Image)
    assert found.data.tolist() == [1, 2, 3]
    assert found.header.stamp.sec == 7
    assert isinstance(found, Image)


def test_cdr_is_that_of_rosbags() -> None:
    store = get_typestore(Stores.ROS2_JAZZY)
    types = store.types
    stamp = types["builtin_interfaces/msg/Time"](sec=1, nanosec=2)
    header = types["std_msgs/msg/Header"](stamp=stamp, frame_id="f")
    theirs = types["sensor_msgs/msg/Image"](header, 1, 2, "mono8", 0, 2, np.uint8([5, 6]))
    ours = Image(height=1, width=2, encoding="mono8", step=2, data=b"\x05\x06")
    ours.header.frame_id, ours.header.stamp.sec, ours.header.stamp.nanosec = "f", 1, 2
    assert bytes(serialize(ours)) == bytes(store.serialize_cdr(theirs, "sensor_msgs/msg/Image"))


@pytest.mark.parametrize(
    ("name", "begins"),  # as ROS 2's own rosidl_generator_type_description (Jazzy) makes them
    [
        ("sensor_msgs/msg/Image", "d31d41a9a4c4bc8e"),
        ("sensor_msgs/msg/CompressedImage", "1564077153157118"),
        ("sensor_msgs/msg/CameraInfo", "b3dfd68ff46c9d56"),
        ("vision_msgs/msg/LabelInfo", "3d37df4015cdf660"),
        (
            "diagnostic_msgs/msg/DiagnosticArray",
            "5a8a36efb05fb250",
        ),
        ("rcl_interfaces/msg/Log", "e28ce254ca8abc06"),
        (
            "rcl_interfaces/msg/ParameterEvent",
            "043e627780fcad87",
        ),
        (
            "rcl_interfaces/srv/SetParameters_Request",
            "130d46386b7e84ea",
        ),
        (
            "rcl_interfaces/srv/ListParameters_Response",
            "31b937b82de36124",
        ),
        (
            "lifecycle_msgs/msg/TransitionEvent",
            "d5f8873a2f014649",
        ),
        (
            "lifecycle_msgs/srv/GetState_Request",
            "77a9c844e7975f15",
        ),
        (
            "lifecycle_msgs/srv/GetAvailableTransitions_Response",
            "4711339461aadf02",
        ),
        (
            "rmw_dds_common/msg/ParticipantEntitiesInfo",
            "91a0593bacdcc50e",
        ),
        ("std_msgs/msg/String", "df668c740482bbd4"),
    ],
)
def test_type_hashes_are_those_of_ros(name: str, begins: str) -> None:
    assert typestore().hash_rihs01(name).startswith(f"RIHS01_{begins}")


@given(st.binary(max_size=200))
def test_garbage_is_a_message_or_an_embedded_error(data: bytes) -> None:
    try:
        deserialize(data, Image)
    except EmbeddedError as error:
        assert "no sensor_msgs/msg/Image" in str(error)


@pytest.mark.parametrize(
    ("name", "namespace", "full"),
    [
        ("image", "/", "/image"),
        ("image", "/front", "/front/image"),
        ("/image", "/front", "/image"),
        ("~/label", "/", "/seg/label"),
        ("~/label", "/front", "/front/seg/label"),
        ("~", "/front", "/front/seg"),
    ],
)
def test_names_resolve_as_in_ros(name: str, namespace: str, full: str) -> None:
    assert resolve(name, node="seg", namespace=namespace) == full


@pytest.mark.parametrize("name", ["", "1image", "a b", "a//b", "a/", "a-b"])
def test_illegal_names_are_refused(name: str) -> None:
    with pytest.raises(EmbeddedError, match="topic name"):
        resolve(name, node="seg", namespace="/")


def test_ros_arguments() -> None:
    found = parse_arguments(
        ["x", "-r", "no", "--ros-args", "-r", "a:=b", "-p", "n:=3", "-p", "s:=on the road", "--", "-p"]
    )
    assert found.remaps == [("a", "b")]
    assert found.parameters == {"n": 3, "s": "on the road"}
    for words, says in [(["-r"], "needs a value"), (["-p", "n"], "name:=value"), (["--enclave", "/x"], "not part of")]:
        with pytest.raises(EmbeddedError, match=says):
            parse_arguments(["--ros-args", *words])


def test_parameter_files_by_node(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(
        "/**: {ros__parameters: {a: 1, b: 1}}\n/front/seg: {ros__parameters: {b: 2}}\nx: {ros__parameters: {b: 3}}"
    )
    assert load_parameters([file], node="seg", namespace="/front") == {"a": 1, "b": 2}
    file.write_text(
        "/**/seg: {ros__parameters: {a: {x: 1, y: {z: 2}}}}\n/*/seg: {ros__parameters: {b: 1}}\n"
        "/*/*/seg: {ros__parameters: {c: 1}}\nfront: {seg: {ros__parameters: {d: 1}}, x: {ros__parameters: {d: 2}}}"
    )
    assert load_parameters([file], node="seg", namespace="/front") == {"a.x": 1, "a.y.z": 2, "b": 1, "d": 1}
    file.write_text("seg: {parameters: {}}")
    with pytest.raises(EmbeddedError, match=r"p.yaml: seg: ros__parameters is missing"):
        load_parameters([file], node="seg", namespace="/")


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, [1, "a"], {"a": 1}, [2**63]])
def test_what_is_no_parameter_is_refused(ros: Any, value: Any) -> None:
    from rclpy.parameter import Parameter

    with pytest.raises((TypeError, ValueError)):
        Parameter("a", value=value)


def test_what_is_left_out_says_so(ros: Any) -> None:
    import rclpy
    from rclpy.executors import MultiThreadedExecutor
    from rclpy.node import Node
    from rclpy.qos import QoSPolicyKind
    from rclpy.qos_overriding_options import QoSOverridingOptions

    node = Node("n")
    for attempt, what in (
        (lambda: node.create_service(object, "s", print), "create_service"),
        (lambda: node.create_client(object, "s"), "create_client"),
        (lambda: node.create_rate(1.0), "create_rate"),
        (lambda: node.create_publisher(object, "a", 1, event_callbacks=None), "the option event_callbacks"),
        (lambda: node.get_topic_names_and_types(), "get_topic_names_and_types"),
        (lambda: node.create_guard_condition(print), "create_guard_condition"),
        (MultiThreadedExecutor, "MultiThreadedExecutor"),
        (lambda: rclpy.spin_until_future_complete(node, None), "spin_until_future_complete"),
        (lambda: Node("m", allow_undeclared_parameters=True), "the option allow_undeclared_parameters"),
        (
            lambda: Node("m", parameter_overrides=[rclpy.parameter.Parameter("use_sim_time", value=True)]),
            "use_sim_time",
        ),
        (lambda: QoSOverridingOptions([QoSPolicyKind.DEADLINE]), "the QoS policy DEADLINE"),
    ):
        with pytest.raises(EmbeddedError, match=f"{what}.* not part of the embedded middleware.*source a ROS 2"):
            attempt()
    for name in ("rclpy.action", "tf2_ros"):
        with pytest.raises(ModuleNotFoundError, match=f"{name} is not part of the embedded middleware"):
            importlib.import_module(name)
    with pytest.raises(AttributeError, match=r"rclpy.node.Rate is not part of the embedded middleware"):
        _ = rclpy.node.Rate
    assert not hasattr(rclpy, "create_client")
    assert not hasattr(node, "create_client")
    assert not hasattr(node, "my_own_attribute")
    node.destroy_node()


CAMERA = """
    import array, sys, time
    from wsvs_ros import embedded
    embedded.install()
    import rclpy
    from rclpy.node import Node
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import Image
    rclpy.init(args=[])
    node = Node("camera")
    qos = QoSProfile(depth=5, reliability=ReliabilityPolicy[sys.argv[1]])
    publisher = node.create_publisher(Image, "image", qos)
    while not publisher.get_subscription_count():
        time.sleep(0.02)
    time.sleep(0.2)
    data = array.array("B", bytes(range(256)) * 2025)
    for index in range(60):
        message = Image(height=360, width=480, encoding="bgr8", step=1440, data=data)
        message.header.stamp.sec = index
        publisher.publish(message)
        time.sleep(1 / 30)
    time.sleep(0.5)
    rclpy.shutdown()
"""


def receive_from_camera(ros: Any, reliability: str) -> list[Any]:
    """What a sensor-data subscription gets of 60 images of 518 kB at 30 Hz from another process."""
    from rclpy.node import Node
    from rclpy.qos import qos_profile_sensor_data

    node, found = Node("listener"), []
    node.create_subscription(Image, "/image", found.append, qos_profile_sensor_data)
    camera = subprocess.Popen([sys.executable, "-c", textwrap.dedent(CAMERA), reliability], cwd=ROOT)
    until = time.monotonic() + 30
    while camera.poll() is None and time.monotonic() < until:
        ros.spin_once(node, timeout_sec=0.05)
    node.destroy_node()
    assert camera.wait(10) == 0
    assert all(m.data[:256].tolist() == list(range(256)) for m in found)
    return [m.header.stamp.sec for m in found]


@pytest.fixture
def small_sockets(monkeypatch: pytest.MonkeyPatch, ros: Any) -> None:
    """The middleware as on a machine whose kernel keeps 208 kB for a socket, as Ubuntu's does."""
    from wsvs_ros.embedded import discovery

    limit = "<Internal><SocketReceiveBufferSize max='208kB'/>"
    uri = discovery.LOOPBACK_URI.replace("<Internal>", limit)
    assert limit in uri
    monkeypatch.setattr(discovery, "LOOPBACK_URI", uri)
    monkeypatch.setenv("CYCLONEDDS_URI", uri)
    ros.shutdown()
    ros.init(args=[])


def test_no_image_of_a_reliable_camera_is_lost_in_a_small_socket(small_sockets: None, ros: Any) -> None:
    assert receive_from_camera(ros, "RELIABLE") == list(range(60))


def test_images_of_a_best_effort_camera_arrive(ros: Any) -> None:
    stamps = receive_from_camera(ros, "BEST_EFFORT")
    assert len(stamps) >= 40  # none is lost on an idle machine with large sockets
    assert stamps == sorted(set(stamps))


def test_latched_message_reaches_a_late_subscriber_and_volatile_does_not(ros: Any) -> None:
    from rclpy.node import Node
    from rclpy.qos import DurabilityPolicy, QoSProfile
    from std_msgs.msg import String

    node = Node("n")
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    for topic, qos in (("kept", latched), ("lost", QoSProfile(depth=1))):
        node.create_publisher(String, topic, qos).publish(String(data=topic))
    found: list[str] = []
    for topic, qos in (("kept", latched), ("lost", QoSProfile(depth=1))):
        node.create_subscription(String, topic, lambda m: found.append(m.data), qos)
    until = time.monotonic() + 2
    while time.monotonic() < until:
        ros.spin_once(node, timeout_sec=0.1)
    node.destroy_node()
    assert found == ["kept"]


def test_timers_keep_their_period(ros: Any) -> None:
    from rclpy.node import Node

    node, ticks = Node("n"), []
    timer = node.create_timer(0.05, lambda: ticks.append(time.monotonic()))
    until = time.monotonic() + 1.02
    while time.monotonic() < until:
        ros.spin_once(node, timeout_sec=0.02)
    timer.cancel()
    count = len(ticks)
    ros.spin_once(node, timeout_sec=0.2)
    node.destroy_node()
    assert 12 <= count <= 20
    assert len(ticks) == count


def test_remaps_and_private_names_on_the_wire(ros: Any) -> None:
    from rclpy.node import Node
    from std_msgs.msg import String

    ros.shutdown()
    ros.init(args=["--ros-args", "-r", "image:=/camera/raw", "-r", "__node:=seg", "-r", "__ns:=/front"])
    node = Node("segmentation")
    assert node.get_fully_qualified_name() == "/front/seg"
    assert node.create_subscription(String, "image", print, 1).topic_name == "/camera/raw"
    assert node.create_publisher(String, "~/label", 1).topic_name == "/front/seg/label"
    node.destroy_node()


def test_other_threads_may_make_and_destroy_endpoints_while_one_spins(ros: Any) -> None:
    from rclpy.node import Node
    from std_msgs.msg import String

    node, found, errors = Node("n"), [], []
    publisher = node.create_publisher(String, "a", 10)
    node.create_timer(0.001, lambda: publisher.publish(String(data="x")))
    stop = threading.Event()

    def change() -> None:
        try:
            while not stop.is_set():
                subscription = node.create_subscription(String, "a", found.append, 10)
                time.sleep(0.005)
                node.destroy_publisher(node.create_publisher(String, "b", 1))
                node.destroy_subscription(subscription)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=change) for _ in range(2)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 3.0
    while time.monotonic() < until:
        ros.spin_once(node, timeout_sec=0.05)
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert found
    node.destroy_node()
