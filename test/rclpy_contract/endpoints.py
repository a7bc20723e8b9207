"""Publishers, subscriptions, their QoS, and timers."""

from __future__ import annotations

import time
from typing import Any

import pytest

from rclpy_contract.cases import a_node, case, restarted, spin_until


@case()
def qos_from_parameters(ros: Any) -> None:
    from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
    from rclpy.qos_overriding_options import QoSOverridingOptions
    from std_msgs.msg import String

    reliability = "qos_overrides./a.publisher.reliability:=best_effort"
    restarted(ros, "-p", reliability, "-p", "qos_overrides./a.publisher.depth:=3")
    options = QoSOverridingOptions.with_default_policies()
    with a_node() as node:
        for _ in range(2):  # an endpoint that comes back gets the same
            publisher = node.create_publisher(String, "a", QoSProfile(depth=10), qos_overriding_options=options)
            subscription = node.create_subscription(String, "a", print, 10, qos_overriding_options=options)
            assert publisher.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT
            assert (publisher.qos_profile.depth, publisher.qos_profile.history) == (3, HistoryPolicy.KEEP_LAST)
            assert subscription.qos_profile.reliability == ReliabilityPolicy.RELIABLE
            assert (publisher.topic_name, subscription.topic_name) == ("/a", "/a")
            assert publisher.msg_type is subscription.msg_type is String
            assert node.destroy_publisher(publisher)
            assert node.destroy_subscription(subscription)
        assert node.get_parameter("qos_overrides./a.subscription.reliability").value == "reliable"
        assert node.describe_parameters(["qos_overrides./a.publisher.depth"])[0].read_only


@case()
def the_policies_that_may_be_overridden_are_chosen(ros: Any) -> None:
    from rclpy.qos import QoSPolicyKind, QoSProfile
    from rclpy.qos_overriding_options import QoSOverridingOptions
    from std_msgs.msg import String

    restarted(ros, "-p", "qos_overrides./a.publisher.depth:=3")
    chosen = QoSOverridingOptions((QoSPolicyKind.HISTORY, QoSPolicyKind.RELIABILITY))
    with a_node() as node:
        publisher = node.create_publisher(String, "a", QoSProfile(depth=7), qos_overriding_options=chosen)
        assert publisher.qos_profile.depth == 7
        assert node.get_parameter("qos_overrides./a.publisher.history").value == "keep_last"


@case()
def a_latched_message_reaches_a_late_subscriber_and_a_volatile_one_does_not(ros: Any) -> None:
    from rclpy.qos import DurabilityPolicy, QoSProfile
    from std_msgs.msg import String

    found: list[str] = []
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    topics = (("kept", latched), ("lost", QoSProfile(depth=1)))
    with a_node() as node:
        for topic, qos in topics:
            node.create_publisher(String, topic, qos).publish(String(data=topic))
        for topic, qos in topics:
            node.create_subscription(String, topic, lambda m: found.append(m.data), qos)
        spin_until(ros, node, lambda: bool(found))
        spin_until(ros, node, lambda: False, 0.3)
        assert found == ["kept"]


@case()
def destroyed_subscriptions_are_silent(ros: Any) -> None:
    from std_msgs.msg import String

    found: list[str] = []
    with a_node() as node:
        publisher = node.create_publisher(String, "a", 10)
        subscription = node.create_subscription(String, "a", lambda m: found.append(m.data), 10)
        spin_until(ros, node, lambda: publisher.get_subscription_count() > 0)
        publisher.publish(String(data="one"))
        spin_until(ros, node, lambda: bool(found))
        publisher.publish(String(data="two"))
        time.sleep(0.1)  # it has arrived, and nobody has taken it
        assert node.destroy_subscription(subscription)
        assert not node.destroy_subscription(subscription)
        spin_until(ros, node, lambda: False, 0.1)
        assert found == ["one"]


@case()
def a_destroyed_publisher_raises(ros: Any) -> None:
    from rclpy.exceptions import InvalidHandle
    from std_msgs.msg import String

    with a_node() as node:
        publisher = node.create_publisher(String, "a", 10)
        assert node.destroy_publisher(publisher)
        assert not node.destroy_publisher(publisher)
        with pytest.raises(InvalidHandle):
            publisher.publish(String(data="late"))
        with pytest.raises(InvalidHandle):
            publisher.get_subscription_count()


@case()
def a_publisher_takes_its_type_or_cdr(ros: Any) -> None:
    from std_msgs.msg import Header, String

    found: list[Any] = []
    with a_node() as node:
        publisher = node.create_publisher(String, "a", 10)
        node.create_subscription(String, "a", found.append, 10)
        node.create_subscription(String, "a", found.append, 10, raw=True)
        with pytest.raises(TypeError):
            publisher.publish(Header())
        spin_until(ros, node, lambda: publisher.get_subscription_count() == 2)
        cdr = b"\x00\x01\x00\x00\x04\x00\x00\x00one\x00"
        publisher.publish(cdr)
        spin_until(ros, node, lambda: len(found) == 2)
        assert {item if isinstance(item, bytes) else item.data for item in found} == {"one", cdr}


@case()
def timers_stop_start_and_go(ros: Any) -> None:
    ticks: list[int] = []
    with a_node() as node:
        timer = node.create_timer(0.01, lambda: ticks.append(1))
        spin_until(ros, node, lambda: len(ticks) >= 3)
        timer.cancel()
        assert timer.is_canceled()
        count = len(ticks)
        spin_until(ros, node, lambda: False, 0.1)
        assert len(ticks) == count >= 3
        timer.reset()
        spin_until(ros, node, lambda: len(ticks) > count)
        assert node.destroy_timer(timer)
        assert not node.destroy_timer(timer)
        count = len(ticks)
        spin_until(ros, node, lambda: False, 0.1)
        assert len(ticks) == count


@case(("ROS_TIME",), ("SYSTEM_TIME",), ("STEADY_TIME",))
def a_timer_is_of_the_clock_that_it_was_given(ros: Any, kind: str) -> None:
    from rclpy.clock import Clock, ClockType

    ticks: list[int] = []
    clock = Clock(clock_type=ClockType[kind])
    with a_node() as node:
        timer = node.create_timer(0.01, lambda: ticks.append(1), clock=clock)
        assert timer.clock is clock
        assert node.create_timer(1.0, print).clock is node.get_clock()
        spin_until(ros, node, lambda: bool(ticks))
        assert ticks
        with pytest.raises((TypeError, AttributeError)):
            node.create_timer(1.0, print, clock="wall")
