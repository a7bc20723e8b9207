"""The log, time, and what messages hold."""

from __future__ import annotations

import array
import time
from typing import Any

import pytest

from rclpy_contract.cases import a_node, case, spin_until


@case()
def lines_are_logged_by_severity_and_throttled(ros: Any) -> None:
    from rcl_interfaces.msg import Log
    from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

    found: list[Any] = []
    qos = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    with a_node() as node:
        node.create_subscription(Log, "/rosout", found.append, qos)
        logger = node.get_logger()
        for _ in range(3):
            logger.warning("seldom", throttle_duration_sec=60.0)
        logger.debug("not this")
        logger.info("often")
        logger.error("often")
        logger.fatal("often")
        spin_until(ros, node, lambda: len(found) >= 4)
        assert [(line.name, line.msg, line.level) for line in found] == [
            (logger.name, "seldom", 30),
            (logger.name, "often", 20),
            (logger.name, "often", 40),
            (logger.name, "often", 50),
        ]


@case()
def a_call_that_logs_keeps_severity_and_filters(ros: Any) -> None:
    with a_node() as node:
        logger = node.get_logger()

        def say(what: str, **filters: Any) -> bool:
            return getattr(logger, what)("a line", **filters)

        assert say("debug") is False  # what is not enabled decides nothing
        assert say("warning", once=True) is True
        assert say("warning", once=True) is False
        for what, filters in (("error", {"once": True}), ("warning", {}), ("warning", {"skip_first": True})):
            with pytest.raises(ValueError, match="cannot be changed between calls"):
                say(what, **filters)


@case()
def time_is_the_clocks(ros: Any) -> None:
    from rclpy.clock import Clock, ClockType

    with a_node() as node:
        now = node.get_clock().now()
        assert abs(now.nanoseconds - time.time_ns()) < 1_000_000_000
        stamp = now.to_msg()
        assert stamp.sec * 1_000_000_000 + stamp.nanosec == now.nanoseconds
        assert (node.get_clock().now() - now).nanoseconds >= 0
        assert node.get_clock().now() >= now
        assert node.get_clock().clock_type == now.clock_type == ClockType.ROS_TIME
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        assert steady.now() <= steady.now()
        for compare in (lambda: now - steady.now(), lambda: now < steady.now(), lambda: now == steady.now()):
            with pytest.raises(TypeError):
                compare()
        assert Clock().clock_type == ClockType.SYSTEM_TIME
        with pytest.raises(TypeError):
            Clock(clock_type="wall")


@case()
def messages_are_equal_by_their_fields(ros: Any) -> None:
    from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
    from sensor_msgs.msg import CameraInfo, Image

    assert Image() == Image()
    assert Image(width=1) != Image()
    assert Image(data=array.array("B", [1, 2])) == Image(data=array.array("B", [1, 2]))
    assert Image(data=array.array("B", [1, 2])) != Image(data=array.array("B", [1, 3]))
    assert Image(data=array.array("B", [1, 2])) != Image(data=array.array("B", [1]))
    assert CameraInfo(width=3) == CameraInfo(width=3)
    assert Image() != CameraInfo()
    pairs = [[KeyValue(key="a", value=value)] for value in ("1", "1", "2")]
    assert DiagnosticStatus(values=pairs[0]) == DiagnosticStatus(values=pairs[1])
    assert DiagnosticStatus(values=pairs[0]) != DiagnosticStatus(values=pairs[2])


@case(
    ("Image", "width", -1),
    ("Image", "width", 1 << 32),
    ("Image", "width", 1.0),
    ("Image", "is_bigendian", 256),
    ("Image", "encoding", 1),
    ("Image", "header", None),
    ("Image", "data", [256]),
    ("Image", "data", "abc"),
    ("CameraInfo", "k", [1.0]),
    ("CameraInfo", "k", [1] * 9),
    ("CameraInfo", "d", array.array("f", [1.0])),
)
def a_field_refuses_what_it_cannot_hold(ros: Any, kind: str, field: str, value: Any) -> None:
    import sensor_msgs.msg

    try:
        message = getattr(sensor_msgs.msg, kind)(check_fields=True)
    except (AttributeError, AssertionError):  # the embedded middleware's messages, and Humble's, check always
        message = getattr(sensor_msgs.msg, kind)()
    before = getattr(message, field)
    with pytest.raises((AssertionError, OverflowError)):
        setattr(message, field, value)
    assert getattr(message, field) is before


@case()
def what_is_no_field_cannot_be_set(ros: Any) -> None:
    from sensor_msgs.msg import Image

    with pytest.raises(AttributeError):
        Image().heigth = 1  # codespell:ignore


@case()
def a_level_is_an_octet(ros: Any) -> None:
    from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

    found: list[Any] = []
    with a_node() as node:
        publisher = node.create_publisher(DiagnosticArray, "a", 10)
        node.create_subscription(DiagnosticArray, "a", found.append, 10)
        spin_until(ros, node, lambda: publisher.get_subscription_count() > 0)
        sent = DiagnosticArray(status=[DiagnosticStatus(level=DiagnosticStatus.WARN), DiagnosticStatus(level=b"\x02")])
        publisher.publish(sent)
        spin_until(ros, node, lambda: bool(found))
        assert found == [sent]
        assert [status.level for status in found[0].status] == [b"\x01", DiagnosticStatus.ERROR]
