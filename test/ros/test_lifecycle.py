"""The node's states, its parameters while it runs, and its further topics: a node in this process, over real DDS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from running_node import Running, levels

from wsvs_ros.perception import ModelBundle


@pytest.fixture
def running(ros: Any, tiny_bundle: ModelBundle) -> Iterator[Running]:
    found = Running(ros, "-p", f"model:={tiny_bundle.path}")
    yield found
    found.close()


def test_states_follow_a_manager(running: Running) -> None:
    from node_checks import LABEL_TOPIC, Peer
    from rclpy.lifecycle import TransitionCallbackReturn

    done, node = TransitionCallbackReturn.SUCCESS, running.node
    peer = Peer(LABEL_TOPIC)
    peer.spin_until(lambda: False, 1.0)
    assert peer.camera.get_subscription_count() == 0, "an unconfigured node subscribes"
    assert node.trigger_configure() == done
    peer.spin_until(lambda: False, 1.0)
    assert peer.camera.get_subscription_count() == 0, "an inactive node subscribes"
    assert node.trigger_activate() == done
    peer.wait_for_node()
    peer.send_and_wait(0)
    assert node.trigger_deactivate() == done
    assert peer.spin_until(lambda: peer.camera.get_subscription_count() == 0), "a deactivated node stayed subscribed"
    before = len(peer.received[LABEL_TOPIC])
    peer.send(1)
    peer.spin_until(lambda: False, 0.5)
    assert len(peer.received[LABEL_TOPIC]) == before, "a deactivated node went on"
    assert node.trigger_activate() == done
    peer.wait_for_node()
    peer.send_and_wait(2)
    assert node.trigger_deactivate() == done
    assert node.trigger_cleanup() == done
    assert node.trigger_configure() == done
    assert node.trigger_activate() == done
    peer.wait_for_node()
    peer.send_and_wait(3)
    assert node.trigger_shutdown() == done
    peer.close()


def test_a_configuration_that_fails_can_be_mended(running: Running, tiny_bundle: ModelBundle) -> None:
    from rclpy.lifecycle import TransitionCallbackReturn

    assert running.set(model="/nowhere").successful
    assert running.node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert "/nowhere: is no directory" in running.node.failure
    assert running.set(model=str(tiny_bundle.path)).successful
    assert running.node.start()
    result = running.set(model="/nowhere")
    assert not result.successful
    assert "model cannot be changed while the node is active" in result.reason


def test_parameters_work_from_the_next_frame_on(running: Running) -> None:
    from node_checks import LABEL_TOPIC, Peer

    assert running.node.start()
    peer = Peer(LABEL_TOPIC)
    peer.wait_for_node()
    first = peer.send_and_wait(0)
    assert running.set(confidence_threshold=1.0).successful
    assert set(peer.send_and_wait(1).data) == {255}  # nothing is that certain
    assert running.set(confidence_threshold=0.0, crf=True).successful
    refined = peer.send_and_wait(2)
    assert 255 not in set(refined.data)
    assert running.set(crf=False, lookahead=1).successful
    sent = peer.send(3)
    assert not peer.spin_until(lambda: len(peer.received[LABEL_TOPIC]) > 3, 0.5), "a frame did not wait for its future"
    peer.send(4)
    assert peer.spin_until(lambda: len(peer.received[LABEL_TOPIC]) > 3)
    assert peer.received[LABEL_TOPIC][-1].header.stamp.nanosec == sent.header.stamp.nanosec
    for values, reason in [
        ({"lookahead": 6}, "lookahead: got 6, expected 0 to 5"),
        ({"overlay_opacity": 1.5}, "overlay_opacity"),
        ({"engine": "torch"}, "engine cannot be changed while the node is active"),
        ({"queue_depth": 3}, "queue_depth cannot be changed while the node is active"),
    ]:
        result = running.set(**values)
        assert not result.successful
        assert reason in result.reason
    assert running.node.settings.lookahead == 1
    assert len(first.data) == len(refined.data)
    peer.close()


def test_labels_a_second_are_limited(running: Running) -> None:
    from node_checks import LABEL_TOPIC, Peer

    assert running.set(max_rate=4.0).successful
    assert running.node.start()
    peer = Peer(LABEL_TOPIC)
    peer.wait_for_node()
    peer.received[LABEL_TOPIC].clear()
    for index in range(60):
        peer.send(index)
        peer.spin_until(lambda: False, 1 / 30)
    assert 4 <= len(peer.received[LABEL_TOPIC]) <= 14, "60 frames in some 2 to 3 seconds"
    newest = peer.received[LABEL_TOPIC][-1].header.stamp
    assert newest.sec * 20 + newest.nanosec // 50_000_000 - 20_000 > 40, "an old frame was inferred"
    assert running.node.pipeline.segmenter.stats.received == 60
    peer.close()


def test_png_labels_and_camera_info_match_the_label(running: Running) -> None:
    from node_checks import LABEL_TOPIC, Peer, same_header
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import CameraInfo, CompressedImage

    assert running.node.start()
    peer = Peer(LABEL_TOPIC)
    reliable = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
    images: list[Any] = []
    infos: list[Any] = []
    peer.node.create_subscription(CompressedImage, f"{LABEL_TOPIC}/compressed", images.append, reliable)
    peer.node.create_subscription(CameraInfo, "/segmentation/camera_info", infos.append, reliable)
    publisher = peer.node.create_publisher(CameraInfo, "/camera/camera_info", reliable)
    peer.wait_for_node()
    info = CameraInfo(width=96, height=72, distortion_model="plumb_bob")
    info.header.frame_id = "another"
    publisher.publish(info)
    peer.spin_until(lambda: False, 0.5)
    label = peer.send_and_wait(0)
    assert peer.spin_until(lambda: bool(images and infos))
    decoded = cv2.imdecode(np.frombuffer(bytes(images[0].data), np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(decoded.reshape(-1), np.asarray(label.data))
    assert same_header(images[0], label)
    assert same_header(infos[0], label)
    assert (infos[0].width, infos[0].distortion_model) == (96, "plumb_bob")
    peer.close()


def test_diagnostics_tell_of_a_silent_camera(running: Running) -> None:
    from diagnostic_msgs.msg import DiagnosticArray
    from node_checks import LABEL_TOPIC, Peer, image

    assert running.set(stale_after=1.0).successful
    assert running.node.start()
    peer = Peer(LABEL_TOPIC)
    found: list[Any] = []
    peer.node.create_subscription(DiagnosticArray, "/diagnostics", found.append, 10)
    assert peer.spin_until(lambda: bool(found))
    assert levels(found[0])["segmentation: camera"] == 0, "it had no time yet"
    assert peer.spin_until(lambda: levels(found[-1])["segmentation: camera"] == 2, 5.0)
    peer.wait_for_node()
    found.clear()
    index = 0
    while len(found) < 2 and index < 200:
        header = image(0).header
        now = peer.node.get_clock().now().to_msg()
        header.stamp.sec, header.stamp.nanosec = now.sec, now.nanosec
        peer.send(index, header=header)
        index += 1
        peer.spin_until(lambda: False, 0.05)
    good = found[-1]
    assert levels(good) == {"segmentation: camera": 0, "segmentation: inference": 0, "segmentation: engine": 0}
    values = {item.key: item.value for status in good.status for item in status.values}
    assert float(values["input rate, Hz"]) > 2
    assert values["engine"].startswith("onnxruntime (cpu")
    assert " / " in values["latency p50 / p95, ms"]
    found.clear()
    assert peer.spin_until(lambda: bool(found) and levels(found[-1])["segmentation: camera"] == 2, 10.0)
    assert "no frame for" in found[-1].status[0].message
    peer.close()


def test_an_engine_that_raises_once_is_logged_and_the_next_frame_is_fine(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diagnostic_msgs.msg import DiagnosticArray
    from node_checks import LABEL_TOPIC, Peer

    assert running.node.start()
    engine = running.node.pipeline.segmenter._compute.engine
    infer, broken = engine.infer, [1]

    def sometimes(*arguments: Any) -> Any:
        if broken[0]:
            broken[0] -= 1
            raise RuntimeError("cosmic ray")
        return infer(*arguments)

    monkeypatch.setattr(engine, "infer", sometimes)
    peer = Peer(LABEL_TOPIC)
    found: list[Any] = []
    peer.node.create_subscription(DiagnosticArray, "/diagnostics", found.append, 10)
    peer.wait_for_node()
    peer.send(0)
    peer.spin_until(lambda: False, 0.5)
    assert not peer.received[LABEL_TOPIC]
    peer.send_and_wait(1)
    broken[0] = 10**9  # and then on every frame
    found.clear()
    for index in range(2, 200):
        peer.send(index)
        peer.spin_until(lambda: False, 0.05)
        if found and levels(found[-1])["segmentation: inference"] == 2:
            break
    else:
        pytest.fail("an engine that always fails is no error in the diagnostics")
    broken[0] = 0
    peer.send_and_wait(300)
    peer.close()
