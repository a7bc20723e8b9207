"""The embedded middleware: messages, names, and traffic between processes."""

from __future__ import annotations

import array
import importlib
import os
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
    with pytest.raises(AttributeError, match="has no field heigth"):
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
    assert found.remaps == [("", "a", "b")]
    assert load_parameters(found.parameters, node="x", namespace="/") == {"n": 3, "s": "on the road"}
    for words, says in [
        (["-r"], "needs a value"),
        (["-p", "n"], "name:=value"),
        (["-p", "a:b:n:=1"], "a:b:n:=1: write name:=value, or node:name:=value"),
        (["-p", "n:=[1"], r"-p n:=\[1: line 1, column 3"),
        (["--enclave", "/x"], "not part of"),
    ]:
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
    for text, says in (("a: &x 1\nb: *x", "line 2, column 4: ROS 2 takes no aliases"), ("a:", "no value is given")):
        file.write_text(text)
        with pytest.raises(EmbeddedError, match=f"p.yaml: cannot be read as a parameter file: .*{says}"):
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
    from rclpy.qos import HistoryPolicy, QoSProfile
    from std_msgs.msg import String

    node = Node("n")
    for attempt, what in (
        (lambda: node.create_service(object, "s", print), "create_service"),
        (lambda: node.create_client(object, "s"), "create_client"),
        (lambda: node.create_rate(1.0), "create_rate"),
        (lambda: node.create_publisher(object, "a", 1, event_callbacks=None), "the option event_callbacks"),
        (lambda: node.create_timer(1.0, print, callback_group=None), "the option callback_group"),
        (lambda: node.get_topic_names_and_types(), "get_topic_names_and_types"),
        (lambda: node.create_guard_condition(print), "create_guard_condition"),
        (MultiThreadedExecutor, "MultiThreadedExecutor"),
        (lambda: rclpy.spin_until_future_complete(node, None), "spin_until_future_complete"),
        (lambda: Node("m", allow_undeclared_parameters=True), "the option allow_undeclared_parameters"),
        (lambda: node.create_publisher(String, "a", QoSProfile(history=HistoryPolicy.KEEP_ALL)), "KEEP_ALL"),
        (lambda: parse_arguments(["--ros-args", "-r", "/a/*:=/b"]), "a pattern"),
    ):
        with pytest.raises(EmbeddedError, match=f"{what}.* not part of the embedded middleware.*source a ROS 2"):
            attempt()
    ros.shutdown()
    ros.init(args=["x", "--ros-args", "-p", "use_sim_time:=true"])
    with pytest.raises(EmbeddedError, match="use_sim_time.* not part of the embedded middleware"):
        Node("m")
    for name in ("rclpy.action", "rclpy.callback_groups", "tf2_ros"):
        with pytest.raises(ModuleNotFoundError, match=f"{name} is not part of the embedded middleware"):
            importlib.import_module(name)
    with pytest.raises(AttributeError, match=r"rclpy.node.Rate is not part of the embedded middleware"):
        _ = rclpy.node.Rate
    assert not hasattr(rclpy, "create_client")
    assert not hasattr(node, "create_client")
    assert not hasattr(node, "my_own_attribute")


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
    from rclpy.qos import QoSProfile, ReliabilityPolicy

    node, found = Node("listener"), []
    qos = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
    node.create_subscription(Image, "/image", found.append, qos)
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


def test_of_large_messages_fewer_wait_and_of_too_large_ones_none(
    ros: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from rclpy.node import Node

    from wsvs_ros.embedded import publisher, subscription

    monkeypatch.setattr(subscription, "READER_BYTES", 30_000)
    monkeypatch.setattr(publisher, "LARGEST", 100_000)
    node, found = Node("n"), []
    camera = node.create_publisher(Image, "a", 20)
    kept = node.create_subscription(Image, "a", lambda m: found.append(m.width), 20)
    until = time.monotonic() + 10

    def spin(done: Any) -> None:
        while not done() and time.monotonic() < until:
            ros.spin_once(node, timeout_sec=0.05)

    spin(lambda: camera.get_subscription_count() > 0)
    camera.publish(Image(width=1, data=bytes(9_000)))
    spin(lambda: found == [1])
    gone = [kept.gids]  # the subscription has another reader now: wait for the publisher to know it
    spin(lambda: camera.get_subscription_count() == 1 and kept.gids == gone[0])
    time.sleep(0.5)
    for width in range(2, 12):
        camera.publish(Image(width=width, data=bytes(9_000)))
    time.sleep(0.5)  # they have arrived, and nobody has taken one
    spin(lambda: found[-1:] == [11])
    assert found == [1, 9, 10, 11]
    assert "/a: of messages of 9" in (said := capsys.readouterr().err)
    assert "3 may wait, not 20: 30000 bytes are the most" in said
    with pytest.raises(EmbeddedError, match=r"/a: a message of 2\d+ bytes, 100000 are the most that is sent"):
        camera.publish(Image(data=bytes(200_000)))
    node.destroy_node()


@pytest.mark.parametrize("uri", ["", "user's"])
def test_dds_is_told_of_the_largest_message_unless_the_user_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    """A peer sends a message that is too large, then many that are not; the bound goes beside what the user said."""
    code = """
        import sys, time
        from wsvs_ros import embedded
        from wsvs_ros.embedded import discovery
        discovery.BOUND = discovery.BOUND.replace(str(discovery.LARGEST), "1000000")
        embedded.install()
        import rclpy
        from rclpy.node import Node
        from sensor_msgs.msg import Image
        rclpy.init(args=[])
        node, found = Node("n"), []
        node.create_subscription(Image, "/large", lambda m: found.append(len(m.data)), 10)
        print("ready", flush=True)
        until = time.monotonic() + 20
        while 100 not in found and time.monotonic() < until:
            rclpy.spin_once(node, timeout_sec=0.1)
        print(max(found))
        rclpy.shutdown()
    """
    from wsvs_ros.embedded import loopback_uri

    own = loopback_uri()
    if uri:
        own += ",<CycloneDDS><Domain><Internal><MaxSampleSize>9MB</MaxSampleSize></Internal></Domain></CycloneDDS>"
    monkeypatch.setenv("CYCLONEDDS_URI", loopback_uri())
    import rclpy
    from rclpy.node import Node

    rclpy.init(args=[])
    node = Node("peer")
    camera = node.create_publisher(Image, "/large", 2)
    words = [sys.executable, "-c", textwrap.dedent(code)]
    child = subprocess.Popen(
        words,
        env={**os.environ, "CYCLONEDDS_URI": own},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert child.stdout is not None
    child.stdout.readline()
    until = time.monotonic() + 10
    while not camera.get_subscription_count() and time.monotonic() < until:
        time.sleep(0.05)
    camera.publish(Image(data=bytes(3_000_000)))
    time.sleep(0.5)
    while child.poll() is None and time.monotonic() < until + 20:
        camera.publish(Image(data=bytes(100)))
        time.sleep(0.05)
    output, said = child.communicate()
    rclpy.shutdown()
    assert output == ("3000000\n" if uri else "100\n")
    assert ("dropping oversize" in said) is not bool(uri)
