"""
What the node and the command line rely on, of rclpy and of the embedded middleware alike: one list of cases.

test/embedded runs them on the embedded middleware, test/ros_live on a sourced ROS 2. A case gets rclpy, initialised,
and what its decorator gives it; it makes and destroys its nodes. What it needs of rclpy is in `surface.py`.
"""

from __future__ import annotations

import array
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Case:
    """Something that holds on both; `arguments` tell apart cases of one kind."""

    check: Callable[..., None]
    arguments: tuple[Any, ...]

    def __str__(self) -> str:
        words = [self.check.__name__.strip("_"), *map(str, self.arguments)]
        return "-".join(words)

    def run(self) -> None:
        """Run the case in a context of its own."""
        import rclpy

        rclpy.init(args=[])
        try:
            self.check(rclpy, *self.arguments)
        finally:
            rclpy.try_shutdown()


CASES: list[Case] = []


def case(*arguments: tuple[Any, ...]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add a case, or one for each of `arguments`."""

    def add(check: Callable[..., None]) -> Callable[..., None]:
        CASES.extend(Case(check, given) for given in arguments or ((),))
        return check

    return add


@contextmanager
def a_node(**options: Any) -> Iterator[Any]:
    """A node, destroyed at the end."""
    from rclpy.node import Node

    node = Node("contract", **options)
    try:
        yield node
    finally:
        node.destroy_node()


def a_file(text: str) -> Any:
    """A file of parameters, gone when it is closed."""
    file = tempfile.NamedTemporaryFile("w", suffix=".yaml")  # noqa: SIM115 - whoever asked closes it
    file.write(text)
    file.flush()
    return file


def restarted(ros: Any, *words: str) -> None:
    """Begin anew with other ROS arguments."""
    ros.shutdown()
    ros.init(args=["x", "--ros-args", *words])


def spin_until(ros: Any, node: Any, done: Callable[[], bool], seconds: float = 10.0) -> None:
    """Spin until something holds; the caller asserts on it."""
    until = time.monotonic() + seconds
    while not done() and time.monotonic() < until:
        ros.spin_once(node, timeout_sec=0.05)


# --- managed nodes


def managed_node(**answers: Any) -> Any:
    """A managed node that keeps the calls it gets and gives the answers it was given."""
    from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

    class Managed(LifecycleNode):
        def __init__(self) -> None:
            self.calls: list[tuple[str, str]] = []
            super().__init__("managed")

        @property
        def state(self) -> str:
            return self._state_machine.current_state[1]

    def answer(name: str) -> Any:
        def callback(self: Any, state: Any) -> Any:
            assert isinstance(state, LifecycleState)
            self.calls.append((name, state.label))
            given = answers.get(name, TransitionCallbackReturn.SUCCESS)
            if isinstance(given, Exception):
                raise given
            return given

        return callback

    for name in ("on_configure", "on_activate", "on_deactivate", "on_cleanup", "on_shutdown", "on_error"):
        setattr(Managed, name, answer(name))
    return Managed()


@case()
def a_managed_node_goes_all_the_way(ros: Any) -> None:
    from rclpy.lifecycle import TransitionCallbackReturn

    node = managed_node()
    states = [node.state]
    for trigger in (
        node.trigger_configure,
        node.trigger_activate,
        node.trigger_deactivate,
        node.trigger_cleanup,
        node.trigger_shutdown,
    ):
        assert trigger() == TransitionCallbackReturn.SUCCESS
        states.append(node.state)
    assert states == ["unconfigured", "inactive", "active", "inactive", "unconfigured", "finalized"]
    assert node.calls == [
        ("on_configure", "unconfigured"),
        ("on_activate", "inactive"),
        ("on_deactivate", "active"),
        ("on_cleanup", "inactive"),
        ("on_shutdown", "unconfigured"),
    ]
    with pytest.raises(RuntimeError):
        node.trigger_shutdown()
    node.destroy_node()


@case()
def failure_goes_back(ros: Any) -> None:
    from rclpy.lifecycle import TransitionCallbackReturn

    node = managed_node(on_configure=TransitionCallbackReturn.FAILURE)
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert node.state == "unconfigured"
    assert node.calls == [("on_configure", "unconfigured")]
    node.destroy_node()


@case(("SUCCESS", "unconfigured"), ("FAILURE", "finalized"))
def an_exception_goes_through_on_error(ros: Any, answer: str, state: str) -> None:
    from rclpy.lifecycle import TransitionCallbackReturn

    node = managed_node(on_activate=RuntimeError("no"), on_error=getattr(TransitionCallbackReturn, answer))
    node.trigger_configure()
    assert node.trigger_activate() == TransitionCallbackReturn.ERROR
    assert node.state == state
    assert node.calls[1:] == [("on_activate", "inactive"), ("on_error", "inactive")]
    node.destroy_node()


@case()
def a_transition_that_the_state_does_not_allow_is_refused(ros: Any) -> None:
    from rclpy.lifecycle import TransitionCallbackReturn

    node = managed_node()
    try:
        result = node.trigger_activate()
    except RuntimeError:  # Humble's RCLError
        result = TransitionCallbackReturn.ERROR
    assert result == TransitionCallbackReturn.ERROR
    assert node.state == "unconfigured"
    assert node.calls == []
    node.destroy_node()


# --- parameters


def declare_ranges(node: Any) -> None:
    from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

    half = FloatingPointRange(from_value=0.0, to_value=1.0, step=0.0)
    even = IntegerRange(from_value=0, to_value=10, step=2)
    node.declare_parameter("opacity", 0.5, ParameterDescriptor(floating_point_range=[half], description="of it"))
    node.declare_parameter("even", 2, ParameterDescriptor(integer_range=[even]))
    node.declare_parameter("model", "a", ParameterDescriptor(read_only=True, additional_constraints="a directory"))


@case(
    ("opacity", 1.0, True),
    ("opacity", 0.25, True),
    ("opacity", 1.5, False),
    ("opacity", float("nan"), False),
    ("opacity", 1, False),
    ("opacity", "0.5", False),
    ("even", 10, True),
    ("even", 4, True),
    ("even", 3, False),
    ("even", 12, False),
    ("even", 4.0, False),
    ("model", "b", False),
)
def descriptors_are_kept(ros: Any, name: str, value: Any, accepted: bool) -> None:
    from rclpy.parameter import Parameter

    with a_node() as node:
        declare_ranges(node)
        before = node.get_parameter(name).value
        (result,) = node.set_parameters([Parameter(name, value=value)])
        assert result.successful is accepted
        assert bool(result.reason) is not accepted
        assert node.get_parameter(name).value == (value if accepted else before)


@case()
def descriptors_are_told(ros: Any) -> None:
    from rclpy.parameter import Parameter

    with a_node() as node:
        declare_ranges(node)
        opacity, model = node.describe_parameters(["opacity", "model"])
        assert (opacity.name, opacity.type, opacity.description) == ("opacity", Parameter.Type.DOUBLE.value, "of it")
        assert opacity.floating_point_range[0].to_value == 1.0
        assert model.read_only
        assert model.additional_constraints == "a directory"
        if hasattr(node, "list_parameters"):  # not on Humble
            assert "even" in node.list_parameters([], 0).names
        assert list(node.get_parameter_types(["even"])) == [Parameter.Type.INTEGER]


@case()
def a_callback_may_refuse_and_sees_all_that_are_set_together(ros: Any) -> None:
    from rcl_interfaces.msg import SetParametersResult
    from rclpy.parameter import Parameter

    seen = []

    def check(parameters: list[Any]) -> Any:
        seen.append([(p.name, p.value) for p in parameters])
        return SetParametersResult(successful=parameters[0].value < 5, reason="too large")

    with a_node() as node:
        node.declare_parameter("a", 1)
        node.declare_parameter("b", 1)
        node.add_on_set_parameters_callback(check)
        both = [Parameter("a", value=2), Parameter("b", value=3)]
        assert node.set_parameters_atomically(both).successful
        one_by_one = node.set_parameters([Parameter("a", value=7), Parameter("b", value=4)])
        assert [result.successful for result in one_by_one] == [False, True]
        refused = node.set_parameters_atomically([Parameter("a", value=7), Parameter("b", value=8)])
        assert (refused.successful, refused.reason) == (False, "too large")
        assert [p.value for p in node.get_parameters(["a", "b"])] == [2, 4]
        assert seen[0] == [("a", 2), ("b", 3)]


@case()
def undeclared_and_doubly_declared_parameters_raise(ros: Any) -> None:
    from rclpy.exceptions import ParameterAlreadyDeclaredException, ParameterException, ParameterNotDeclaredException
    from rclpy.parameter import Parameter

    with a_node() as node:
        for action in (
            lambda: node.get_parameter("x"),
            lambda: node.describe_parameters(["x"]),
            lambda: node.set_parameters([Parameter("x", value=1)]),
        ):
            with pytest.raises(ParameterNotDeclaredException) as raised:
                action()
            assert isinstance(raised.value, ParameterException)
        node.declare_parameter("x", 1)
        with pytest.raises(ParameterAlreadyDeclaredException):
            node.declare_parameter("x", 1)


@case()
def a_parameter_without_a_value_says_so(ros: Any) -> None:
    from rclpy.exceptions import InvalidParameterException, ParameterUninitializedException
    from rclpy.parameter import Parameter

    with a_node() as node:
        node.declare_parameter("a", Parameter.Type.INTEGER)
        with pytest.raises(ParameterUninitializedException):
            node.get_parameter("a")
        with pytest.raises(InvalidParameterException):
            node.declare_parameter("", 1)


@case()
def parameters_travel_as_messages(ros: Any) -> None:
    from rclpy.parameter import Parameter

    for value in (True, 3, 0.5, "text", [True, False], [1, 2], [0.5], ["a", "b"]):
        parameter = Parameter("p", value=value)
        assert parameter.get_parameter_value().type == parameter.type_.value
        back = Parameter.from_parameter_msg(parameter.to_parameter_msg())
        found = list(back.value) if isinstance(value, list) else back.value
        assert (back.name, back.type_, found) == ("p", parameter.type_, value)


@case(
    ("1e1", 10.0),
    (".5", 0.5),
    ("1.", 1.0),
    ("inf", float("inf")),
    ("-.inf", float("-inf")),
    ("0x10", 16),
    ("010", 8),
    ("+5", 5),
    ("9223372036854775808", 9223372036854775808.0),
    ("yes", True),
    ("off", False),
    ("1_000", "1_000"),
    ("1:30", "1:30"),
    ("2020-01-01", "2020-01-01"),
    ("null", "null"),
    ("on the road", "on the road"),
    ("'5'", "5"),
    ("!!str 5", "5"),
    ("[1, 2]", [1, 2]),
)
def values_are_read_as_rcl_reads_them(ros: Any, text: str, value: Any) -> None:
    file = a_file(f"/**:\n  ros__parameters:\n    b: {text}\n")
    restarted(ros, "-p", f"a:={text}", "--params-file", file.name)
    with file, a_node() as node:
        for name in ("a", "b"):
            found = node.declare_parameter(name, value).value
            found = list(found) if isinstance(value, list) else found
            assert (found, type(found)) == (value, type(value))


@case()
def an_argument_may_be_for_one_node(ros: Any) -> None:
    from std_msgs.msg import String

    restarted(
        ros, "-p", "a:=1", "-p", "contract:a:=2", "-p", "other:a:=3", "-r", "other:__ns:=/no", "-r", "contract:t:=/u",
        "-r", "other:s:=/no", "-r", "contract:__ns:=/front",
    )  # fmt: skip
    with a_node() as node:
        assert node.declare_parameter("a", 0).value == 2
        assert node.get_namespace() == "/front"
        assert node.resolve_topic_name("t") == "/u"
        assert node.resolve_topic_name("s") == "/front/s"
        assert node.create_publisher(String, "~/x", 1).topic_name == "/front/contract/x"


@case()
def a_node_may_be_renamed(ros: Any) -> None:
    restarted(ros, "-r", "__node:=seg", "-r", "__ns:=/front", "-r", "~/a:=b")
    with a_node() as node:
        assert (node.get_name(), node.get_fully_qualified_name()) == ("seg", "/front/seg")
        assert node.resolve_topic_name("~/a") == "/front/b"


@case()
def files_of_parameters_load_by_node(ros: Any) -> None:
    file = a_file(
        "/**:\n  ros__parameters: {a: 1, b: 1, group: {inner: [1.5, 2.5]}}\n"
        "/front/contract:\n  ros__parameters: {b: 2}\n/other:\n  ros__parameters: {a: 3}\n"
    )
    restarted(ros, "--params-file", file.name, "-p", "c:=true", "-r", "__ns:=/front")
    with file, a_node() as node:
        for name, default in (("a", 0), ("b", 0), ("c", False), ("group.inner", [0.0]), ("d", "default")):
            node.declare_parameter(name, default)
        found = {name: node.get_parameter(name).value for name in ("a", "b", "c", "d")}
        assert found == {"a": 1, "b": 2, "c": True, "d": "default"}
        assert list(node.get_parameter("group.inner").value) == [1.5, 2.5]


@case()
def a_value_of_another_type_is_refused(ros: Any) -> None:
    from rclpy.exceptions import InvalidParameterTypeException

    restarted(ros, "-p", "a:=word")
    with a_node() as node, pytest.raises(InvalidParameterTypeException, match="a"):
        node.declare_parameter("a", 1)


@case()
def a_value_out_of_range_is_refused(ros: Any) -> None:
    from rclpy.exceptions import InvalidParameterValueException

    restarted(ros, "-p", "opacity:=7.0")
    with a_node() as node, pytest.raises(InvalidParameterValueException, match="opacity"):
        declare_ranges(node)


# --- endpoints


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


# --- the log, time and messages


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
        for say in (logger.info, logger.error, logger.fatal):
            say("often")
        spin_until(ros, node, lambda: len(found) >= 4)
        assert [(line.name, line.msg, line.level) for line in found] == [
            (logger.name, "seldom", 30),
            (logger.name, "often", 20),
            (logger.name, "often", 40),
            (logger.name, "often", 50),
        ]


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


# --- spinning


@case()
def signals_may_be_left_to_the_program(ros: Any) -> None:
    from rclpy.signals import SignalHandlerOptions

    ros.shutdown()
    before = signal.getsignal(signal.SIGTERM)
    ros.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    assert ros.ok()
    assert signal.getsignal(signal.SIGTERM) is before
    ros.shutdown()
    assert not ros.ok()


@case()
def an_executor_spins_what_it_was_given(ros: Any) -> None:
    from rclpy.executors import SingleThreadedExecutor

    ticks: list[int] = []
    executor = SingleThreadedExecutor()
    with a_node() as node:
        executor.add_node(node)
        node.create_timer(0.01, lambda: ticks.append(1))
        until = time.monotonic() + 10
        while not ticks and time.monotonic() < until:
            executor.spin_once(timeout_sec=0.05)
        assert ticks
        executor.remove_node(node)
    executor.shutdown()


SPINNER = """
    import sys
    if sys.argv[1] == "embedded":
        from wsvs_ros import embedded
        embedded.install()
    import rclpy
    from rclpy.executors import ExternalShutdownException
    from rclpy.node import Node
    rclpy.init(args=[])
    node = Node("spinner")
    timer = node.create_timer(0.05, lambda: print("tick", flush=True))
    try:
        rclpy.spin(node)
        print("shut down")  # rclpy returns if the context goes between two callbacks
    except KeyboardInterrupt:
        print("interrupted")
    except ExternalShutdownException:
        print("shut down")
    except RuntimeError:  # rclpy's wait set may be made just after the context has gone
        if rclpy.ok():
            raise
        print("shut down")
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
    print("end")
"""


@case((signal.SIGINT, ("interrupted", "shut down")), (signal.SIGTERM, ("shut down",)))  # rclpy's SIGINT may be either
def signals_end_spinning(ros: Any, number: signal.Signals, says: tuple[str, ...]) -> None:
    middleware = "embedded" if getattr(ros, "__embedded__", False) else "rclpy"
    words = [sys.executable, "-c", textwrap.dedent(SPINNER), middleware]
    child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert child.stdout is not None
    assert child.stdout.readline() == "tick\n"
    child.send_signal(number)
    output, _ = child.communicate(timeout=20)
    assert child.returncode == 0
    *_, said, end = output.splitlines()
    assert said in says
    assert end == "end"
