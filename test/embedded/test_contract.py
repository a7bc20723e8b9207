"""What a node may rely on, of rclpy where ROS 2 is sourced and of the embedded middleware elsewhere."""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
_EMBEDDED = getattr(sys.modules.get("rclpy"), "__embedded__", False) or importlib.util.find_spec("rclpy") is None


@pytest.fixture
def ros(request: pytest.FixtureRequest) -> Iterator[Any]:
    """rclpy, started and stopped."""
    if _EMBEDDED:
        request.getfixturevalue("embedded_middleware")
    import rclpy

    rclpy.init(args=[])
    yield rclpy
    rclpy.try_shutdown()


@pytest.fixture
def node(ros: Any) -> Iterator[Any]:
    from rclpy.node import Node

    node = Node("contract")
    yield node
    node.destroy_node()


def spin_until(ros: Any, node: Any, done: Callable[[], bool], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not done() and time.monotonic() < until:
        ros.spin_once(node, timeout_sec=0.05)


def make_lifecycle_node(**answers: Any) -> Any:
    """A managed node that keeps the calls it gets and gives the answers it was given."""
    from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn

    class Managed(LifecycleNode):
        def __init__(self) -> None:
            self.calls: list[tuple[str, str]] = []
            super().__init__("managed")

        @property
        def state(self) -> str:
            return self._state_machine.current_state[1]

    def answer(name: str) -> Any:
        def callback(self: Any, state: Any) -> Any:
            self.calls.append((name, state.label))
            given = answers.get(name, TransitionCallbackReturn.SUCCESS)
            if isinstance(given, Exception):
                raise given
            return given

        return callback

    for name in ("on_configure", "on_activate", "on_deactivate", "on_cleanup", "on_shutdown", "on_error"):
        setattr(Managed, name, answer(name))
    return Managed()


def test_a_managed_node_goes_all_the_way(ros: Any) -> None:
    from rclpy.lifecycle import TransitionCallbackReturn

    node = make_lifecycle_node()
    states = [node.state]
    for trigger in ("configure", "activate", "deactivate", "cleanup", "shutdown"):
        assert getattr(node, f"trigger_{trigger}")() == TransitionCallbackReturn.SUCCESS
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


def test_failure_goes_back(ros: Any) -> None:
    from rclpy.lifecycle import TransitionCallbackReturn

    node = make_lifecycle_node(on_configure=TransitionCallbackReturn.FAILURE)
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert node.state == "unconfigured"
    assert node.calls == [("on_configure", "unconfigured")]
    node.destroy_node()


@pytest.mark.parametrize(("answer", "state"), [("SUCCESS", "unconfigured"), ("FAILURE", "finalized")])
def test_an_exception_goes_through_on_error(ros: Any, answer: str, state: str) -> None:
    from rclpy.lifecycle import TransitionCallbackReturn

    node = make_lifecycle_node(on_activate=RuntimeError("no"), on_error=getattr(TransitionCallbackReturn, answer))
    node.trigger_configure()
    assert node.trigger_activate() == TransitionCallbackReturn.ERROR
    assert node.state == state
    assert node.calls[1:] == [("on_activate", "inactive"), ("on_error", "inactive")]
    node.destroy_node()


def test_what_the_state_does_not_allow_is_refused(ros: Any) -> None:
    from rclpy.lifecycle import TransitionCallbackReturn

    node = make_lifecycle_node()
    try:
        result = node.trigger_activate()
    except RuntimeError:  # Humble's RCLError
        result = TransitionCallbackReturn.ERROR
    assert result == TransitionCallbackReturn.ERROR
    assert node.state == "unconfigured"
    assert node.calls == []
    node.destroy_node()


def declare_range(node: Any) -> None:
    from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

    half = FloatingPointRange(from_value=0.0, to_value=1.0, step=0.0)
    even = IntegerRange(from_value=0, to_value=10, step=2)
    node.declare_parameter("opacity", 0.5, ParameterDescriptor(floating_point_range=[half], description="of it"))
    node.declare_parameter("even", 2, ParameterDescriptor(integer_range=[even]))
    node.declare_parameter("model", "a", ParameterDescriptor(read_only=True, additional_constraints="a directory"))


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
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
    ],
)
def test_descriptors_are_kept(node: Any, name: str, value: Any, accepted: bool) -> None:
    from rclpy.parameter import Parameter

    declare_range(node)
    before = node.get_parameter(name).value
    (result,) = node.set_parameters([Parameter(name, value=value)])
    assert result.successful is accepted
    assert bool(result.reason) is not accepted
    assert node.get_parameter(name).value == (value if accepted else before)


def test_descriptors_are_told(node: Any) -> None:
    from rclpy.parameter import Parameter

    declare_range(node)
    opacity, model = node.describe_parameters(["opacity", "model"])
    assert (opacity.name, opacity.type, opacity.description) == ("opacity", Parameter.Type.DOUBLE.value, "of it")
    assert opacity.floating_point_range[0].to_value == 1.0
    assert model.read_only
    assert model.additional_constraints == "a directory"


def test_a_callback_may_refuse_and_sees_all_that_are_set_together(node: Any) -> None:
    from rcl_interfaces.msg import SetParametersResult
    from rclpy.parameter import Parameter

    node.declare_parameter("a", 1)
    node.declare_parameter("b", 1)
    seen = []

    def check(parameters: list[Any]) -> Any:
        seen.append([(p.name, p.value) for p in parameters])
        return SetParametersResult(successful=parameters[0].value < 5, reason="too large")

    node.add_on_set_parameters_callback(check)
    both = [Parameter("a", value=2), Parameter("b", value=3)]
    assert node.set_parameters_atomically(both).successful
    assert [r.successful for r in node.set_parameters([Parameter("a", value=7), Parameter("b", value=4)])] == [
        False,
        True,
    ]
    refused = node.set_parameters_atomically([Parameter("a", value=7), Parameter("b", value=8)])
    assert (refused.successful, refused.reason) == (False, "too large")
    assert [p.value for p in node.get_parameters(["a", "b"])] == [2, 4]
    assert seen[0] == [("a", 2), ("b", 3)]
    node.remove_on_set_parameters_callback(check)
    assert node.set_parameters([Parameter("a", value=7)])[0].successful


def test_undeclared_and_doubly_declared_parameters_raise(node: Any) -> None:
    from rclpy.exceptions import ParameterAlreadyDeclaredException, ParameterNotDeclaredException
    from rclpy.parameter import Parameter

    for action in (
        lambda: node.get_parameter("x"),
        lambda: node.describe_parameter("x"),
        lambda: node.set_parameters([Parameter("x", value=1)]),
    ):
        with pytest.raises(ParameterNotDeclaredException):
            action()
    assert not node.has_parameter("x")
    node.declare_parameter("x", 1)
    with pytest.raises(ParameterAlreadyDeclaredException):
        node.declare_parameter("x", 1)


def test_parameters_travel_as_messages(node: Any) -> None:
    from rclpy.parameter import Parameter

    for value in (True, 3, 0.5, "text", [True, False], [1, 2], [0.5], ["a", "b"]):
        parameter = Parameter("p", value=value)
        back = Parameter.from_parameter_msg(parameter.to_parameter_msg())
        assert (back.name, back.type_, list(back.value) if isinstance(value, list) else back.value) == (
            "p",
            parameter.type_,
            value,
        )


def test_qos_from_parameters(ros: Any) -> None:
    from rclpy.node import Node
    from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
    from rclpy.qos_overriding_options import QoSOverridingOptions
    from std_msgs.msg import String

    ros.shutdown()
    words = ["-p", "qos_overrides./a.publisher.reliability:=best_effort", "-p", "qos_overrides./a.publisher.depth:=3"]
    ros.init(args=["x", "--ros-args", *words])
    node = Node("n")
    options = QoSOverridingOptions.with_default_policies()
    for _ in range(2):  # an endpoint that comes back gets the same
        publisher = node.create_publisher(String, "a", QoSProfile(depth=10), qos_overriding_options=options)
        subscription = node.create_subscription(String, "a", print, 10, qos_overriding_options=options)
        assert publisher.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT
        assert (publisher.qos_profile.depth, publisher.qos_profile.history) == (3, HistoryPolicy.KEEP_LAST)
        assert subscription.qos_profile.reliability == ReliabilityPolicy.RELIABLE
        assert node.destroy_publisher(publisher)
        assert node.destroy_subscription(subscription)
    assert node.get_parameter("qos_overrides./a.subscription.reliability").value == "reliable"
    assert node.describe_parameter("qos_overrides./a.publisher.depth").read_only
    node.destroy_node()


def test_timers_stop_start_and_go(ros: Any, node: Any) -> None:
    ticks: list[int] = []
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


def test_destroyed_subscriptions_are_silent(ros: Any, node: Any) -> None:
    from std_msgs.msg import String

    found: list[str] = []
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
    assert node.destroy_publisher(publisher)


def test_callback_groups_are_taken(ros: Any, node: Any) -> None:
    from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
    from std_msgs.msg import String

    ticks: list[int] = []
    node.create_timer(0.01, lambda: ticks.append(1), callback_group=MutuallyExclusiveCallbackGroup())
    node.create_subscription(String, "a", print, 1, callback_group=ReentrantCallbackGroup())
    spin_until(ros, node, lambda: bool(ticks))
    assert ticks


def test_time_is_the_clocks(node: Any) -> None:
    from rclpy.time import Time

    now = node.get_clock().now()
    assert abs(now.nanoseconds - time.time_ns()) < 1_000_000_000
    assert Time.from_msg(now.to_msg()).nanoseconds == now.nanoseconds
    assert (node.get_clock().now() - now).nanoseconds >= 0


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


@pytest.mark.parametrize(
    ("number", "says"),
    [(signal.SIGINT, {"interrupted", "shut down"}), (signal.SIGTERM, {"shut down"})],  # rclpy's SIGINT may be either
)
def test_signals_end_spinning(ros: Any, number: signal.Signals, says: set[str]) -> None:
    words = [sys.executable, "-c", textwrap.dedent(SPINNER), "embedded" if _EMBEDDED else "rclpy"]
    child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert child.stdout is not None
    assert child.stdout.readline() == "tick\n"
    child.send_signal(number)
    output, _ = child.communicate(timeout=20)
    assert child.returncode == 0
    *_, said, end = output.splitlines()
    assert said in says
    assert end == "end"


def test_a_file_that_tells_all_parameters_loads(ros: Any, tmp_path: Path) -> None:
    from rclpy.node import Node

    file = tmp_path / "p.yaml"
    file.write_text(
        "/**:\n  ros__parameters: {a: 1, b: 1, group: {inner: [1.5, 2.5]}}\n"
        "/front/contract:\n  ros__parameters: {b: 2}\n/other:\n  ros__parameters: {a: 3}\n"
    )
    ros.shutdown()
    ros.init(args=["x", "--ros-args", "--params-file", str(file), "-p", "c:=true", "-r", "__ns:=/front"])
    node = Node("contract")
    for name, default in (("a", 0), ("b", 0), ("c", False), ("group.inner", [0.0]), ("d", "default")):
        node.declare_parameter(name, default)
    found = {name: node.get_parameter(name).value for name in ("a", "b", "c", "d")}
    assert found == {"a": 1, "b": 2, "c": True, "d": "default"}
    assert list(node.get_parameter("group.inner").value) == [1.5, 2.5]
    assert node.get_parameters_by_prefix("group").keys() == {"inner"}
    assert node.get_parameter_or("nothing").value is None
    node.destroy_node()


def test_a_file_with_a_value_of_another_type_is_refused(ros: Any) -> None:
    from rclpy.exceptions import InvalidParameterTypeException
    from rclpy.node import Node

    ros.shutdown()
    ros.init(args=["x", "--ros-args", "-p", "a:=word"])
    node = Node("contract")
    with pytest.raises(InvalidParameterTypeException, match="a"):
        node.declare_parameter("a", 1)
    node.destroy_node()
