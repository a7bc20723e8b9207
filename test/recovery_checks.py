"""What a node recovers from, on any middleware: shared by test/ros and test/ros_live. Each check gets a live node."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from node_checks import LABEL_TOPIC, Peer, same_header
from running_node import Running, levels

CAMERA, INFERENCE = "segmentation: camera", "segmentation: inference"


class Engine:
    """The running node's engine, of which each call does first what a test wants."""

    def __init__(self, running: Running) -> None:
        pipeline = running.node.pipeline
        assert pipeline is not None
        engine = pipeline.segmenter._compute.engine
        infer = engine.infer
        self.before: Callable[[], None] = lambda: None

        def infer_after(*arguments: Any) -> Any:
            self.before()
            return infer(*arguments)

        engine.infer = infer_after


class Watcher(Peer):
    """A peer that listens to the diagnostics, too."""

    def __init__(self, *topics: str) -> None:
        from diagnostic_msgs.msg import DiagnosticArray

        super().__init__(*topics)
        self.reports: list[Any] = []
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self.reports.append, 10)

    def level(self, part: str) -> int | None:
        return levels(self.reports[-1]).get(part) if self.reports else None

    def text(self, part: str) -> str:
        return next((s.message for s in self.reports[-1].status if s.name == part), "") if self.reports else ""

    def stream(self, done: Callable[[], bool], first: int, seconds: float = 15.0) -> bool:
        """Send 20 frames a second until something holds."""
        until, index = time.monotonic() + seconds, first
        while not done() and time.monotonic() < until:
            self.send(index)
            index += 1
            self.spin_until(lambda: False, 0.05)
        return done()


def check_an_inference_that_hangs_is_told_and_survived(running: Running) -> None:
    from rclpy.lifecycle import TransitionCallbackReturn

    assert running.set(stale_after=0.6).successful
    assert running.node.start()
    engine, back = Engine(running), threading.Event()
    peer = Watcher(LABEL_TOPIC)
    peer.wait_for_node()
    peer.send_and_wait(0)
    assert peer.stream(lambda: peer.level(INFERENCE) is not None, 1)
    assert peer.level(INFERENCE) != 2
    hung: list[int] = []

    def hang() -> None:
        hung.append(1)
        back.wait()

    engine.before = hang
    assert peer.stream(lambda: peer.level(INFERENCE) == 2, 100), "nobody was told"
    assert "an inference has been under way" in peer.text(INFERENCE)
    assert peer.level(CAMERA) == 0
    refused = running.set(crf=True)
    assert not refused.successful  # and does not wait for ever
    engine.before = lambda: None
    back.set()
    assert peer.stream(lambda: peer.level(INFERENCE) != 2, 200), "it stayed an error"
    engine.before, back = hang, threading.Event()
    peer.stream(lambda: len(hung) > 1, 300)
    assert running.node.trigger_deactivate() == TransitionCallbackReturn.ERROR
    assert "does not come back" in running.node.failure
    assert running.node.hung
    assert running.node.start(), "a new engine"
    peer.stream(lambda: same_header_came(peer, 400), 400)
    assert same_header_came(peer, 400)
    back.set()
    peer.close()


def same_header_came(peer: Peer, first: int) -> bool:
    return any(m.header.stamp.sec >= 1000 + first // 20 for m in peer.received[LABEL_TOPIC])


def check_a_worker_that_dies_is_started_once_and_then_given_up(running: Running) -> None:
    assert running.node.start()
    engine = Engine(running)
    peer = Watcher(LABEL_TOPIC)
    peer.wait_for_node()
    peer.send_and_wait(0)
    deaths = [0]

    def die() -> None:
        deaths[0] += 1
        engine.before = lambda: None
        raise SystemExit("a library ends its thread")

    engine.before = die
    peer.send(1)
    assert peer.spin_until(lambda: deaths[0] == 1)
    peer.spin_until(lambda: False, 0.5)
    peer.send_and_wait(2)
    engine.before = die
    peer.send(3)
    assert peer.spin_until(lambda: peer.level(INFERENCE) == 2 and "second time" in peer.text(INFERENCE))
    assert "SystemExit: a library ends its thread" in peer.text(INFERENCE)
    assert peer.spin_until(lambda: peer.camera.get_subscription_count() == 0), "it is still active"
    assert running.node.trigger_activate().name == "SUCCESS"
    peer.wait_for_node()
    peer.send_and_wait(4)
    peer.close()


def check_no_label_is_older_than_its_want(running: Running) -> None:
    assert running.node.start()
    camera = Peer()
    camera.wait_for_node()
    for index in range(3):
        camera.send(index)
        camera.spin_until(lambda: False, 0.05)
    late = Peer(LABEL_TOPIC)
    late.spin_until(lambda: False, 2.5)
    assert not late.received[LABEL_TOPIC], "a frame from before there was a subscriber"
    late.send_and_wait(3)
    running.set(max_rate=0.1)  # so that the next frame waits for its turn
    camera.send(4)
    camera.spin_until(lambda: False, 0.3)
    assert running.node.trigger_deactivate().name == "SUCCESS"
    assert running.set(max_rate=0.0).successful
    assert running.node.trigger_activate().name == "SUCCESS"
    late.spin_until(lambda: False, 2.0)
    assert len(late.received[LABEL_TOPIC]) == 1, "a frame from before the node was deactivated"
    camera.close()
    late.close()


def check_a_higher_rate_holds_at_once(running: Running) -> None:
    assert running.set(max_rate=0.02).successful
    assert running.node.start()
    peer = Peer(LABEL_TOPIC)
    peer.wait_for_node()
    peer.send_and_wait(0)
    peer.send(1)
    peer.spin_until(lambda: False, 0.3)
    assert len(peer.received[LABEL_TOPIC]) == 1
    assert running.set(max_rate=0.0).successful
    peer.send_and_wait(2)
    peer.close()


def check_parameters_change_together_or_not_at_all(running: Running) -> None:
    refused = running.set(engine="foo")
    assert not refused.successful
    assert refused.reason == "engine 'foo': expected auto, tensorrt, onnxruntime, torch"
    assert running.node.start()
    pipeline = running.node.pipeline
    assert pipeline is not None
    segmenter, before = pipeline.segmenter, running.node.settings

    def refuse(_: Any) -> None:
        raise RuntimeError("no such CRF")

    kept, segmenter.set_crf = segmenter.set_crf, refuse  # type: ignore[method-assign, assignment]
    result = running.set(lookahead=1, crf=True, overlay_opacity=0.1)
    assert not result.successful
    assert result.reason == "RuntimeError: no such CRF"
    segmenter.set_crf = kept  # type: ignore[method-assign]
    assert not running.set(crf=True, lookahead=30).successful
    assert segmenter._compute._refine is None
    assert running.node.settings == before
    assert segmenter._tracker._lookahead == 0
    assert running.set(lookahead=1, crf=True).successful
    assert segmenter._tracker._lookahead == 1


def check_a_node_that_fails_leaves_nothing_and_says_why(running: Running) -> None:
    topics = "/segmentation/label_info", "/segmentation/label", "/diagnostics"
    node = running.node

    def publishers() -> list[str]:
        return sorted(p.topic_name for p in node.publishers if p.topic_name.startswith(topics))

    create, made = node.create_publisher, [0]

    def sometimes(kind: Any, topic: str, *arguments: Any, **options: Any) -> Any:
        if topic == "~/vehicles":
            raise RuntimeError("Unexpected QoS override for policy `reliability`: `maybe`")
        return create(kind, topic, *arguments, **options)

    node.create_publisher = sometimes
    for _ in range(3):
        assert node.trigger_configure().name == "FAILURE"
        assert "QoS override for policy `reliability`: `maybe`" in node.failure
        made[0] += len(publishers())
    assert made == [0], publishers()
    node.create_publisher = create
    assert node.start()
    assert node.trigger_deactivate().name == "SUCCESS"
    subscribe = node.create_subscription

    def refuse(kind: Any, topic: str, *arguments: Any, **options: Any) -> Any:
        if topic == "camera_info":
            raise RuntimeError("no more memory")
        return subscribe(kind, topic, *arguments, **options)

    node.create_subscription = refuse
    before = threading.active_count()
    assert node.trigger_activate().name == "FAILURE"
    assert node.failure == "RuntimeError: no more memory"
    assert not [s for s in node.subscriptions if s.topic_name == "/camera/image_raw"]
    assert threading.active_count() == before
    node.create_subscription = subscribe
    assert node.trigger_activate().name == "SUCCESS"


def check_the_queues_depth_can_be_changed(running: Running) -> None:
    from rclpy.lifecycle import TransitionCallbackReturn

    def depth() -> int:
        return next(s.qos_profile.depth for s in running.node.subscriptions if s.topic_name == "/camera/image_raw")

    assert running.node.start()
    assert depth() == 10
    assert running.node.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
    assert running.set(queue_depth=3).successful
    assert running.node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    assert depth() == 3


def check_camera_info_alone_needs_no_inference(running: Running) -> None:
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import CameraInfo

    assert running.node.start()
    peer, infos = Peer(), []
    reliable = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
    peer.node.create_subscription(CameraInfo, "/segmentation/camera_info", infos.append, reliable)
    publisher = peer.node.create_publisher(CameraInfo, "/camera/camera_info", reliable)
    peer.wait_for_node()
    publisher.publish(CameraInfo(width=96, height=72))
    peer.spin_until(lambda: False, 0.5)
    sent = peer.send(0)
    assert peer.spin_until(lambda: bool(infos), 5.0)
    assert same_header(infos[0], sent)
    assert infos[0].width == 96
    pipeline = running.node.pipeline
    assert pipeline is not None
    assert pipeline.segmenter.stats.inferred == 0
    peer.close()


def check_a_stream_that_keeps_breaking_off_is_told(running: Running) -> None:
    assert running.node.start()
    peer = Watcher(LABEL_TOPIC)
    peer.wait_for_node()
    for index in range(8):  # two cameras on one topic, and a label for each of their frames
        sent = peer.send(index)
        if index % 2:
            sent.header.frame_id = "rear_camera"
            peer.camera.publish(sent)
        peer.spin_until(lambda: False, 0.1)
    assert peer.spin_until(lambda: peer.level(CAMERA) == 1, 5.0)
    assert "frame_id changed from" in peer.text(CAMERA)
    peer.close()
