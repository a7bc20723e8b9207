"""What another machine sees of a node and asks it: services, graph, log and events, over real DDS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CLIENT = Path(__file__).with_name("rmw_client.py")


def spin_until(ros: Any, node: Any, done: Callable[[], bool], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not done() and time.monotonic() < until:
        ros.spin_once(node, timeout_sec=0.05)


def ask(ros: Any, node: Any, *words: str) -> list[Any]:
    """What the client of another process prints while the node spins."""
    client = subprocess.Popen([sys.executable, str(CLIENT), *words], stdout=subprocess.PIPE, text=True)
    spin_until(ros, node, lambda: client.poll() is not None, 40.0)
    output, _ = client.communicate(timeout=5)
    assert client.returncode == 0
    return [json.loads(line) for line in output.splitlines()]


def call(ros: Any, node: Any, *requests: Any) -> list[Any]:
    """Service names and requests, by turns; the responses."""
    words = [word if isinstance(word, str) else json.dumps(word) for word in requests]
    return ask(ros, node, node.get_fully_qualified_name(), *words)


@pytest.fixture
def node(ros: Any) -> Iterator[Any]:
    from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
    from rclpy.node import Node

    node = Node("seg", namespace="front")
    percent = FloatingPointRange(from_value=0.0, to_value=1.0, step=0.25)
    few = IntegerRange(from_value=1, to_value=9, step=1)
    node.declare_parameter("opacity", 0.5, ParameterDescriptor(floating_point_range=[percent], description="of it"))
    node.declare_parameter("depth", 3, ParameterDescriptor(integer_range=[few], additional_constraints="odd"))
    node.declare_parameter("model", "a", ParameterDescriptor(read_only=True))
    node.declare_parameter("stages.names", ["flow", "net"])
    node.declare_parameter("stages.on", [True, False])
    node.declare_parameter("stages.limits", [0.5, 1.5])
    yield node
    node.destroy_node()


def given(name: str, type_: int, **value: Any) -> dict[str, Any]:
    return {"name": name, "value": {"type": type_, **value}}


def test_parameters_are_read_from_another_process(ros: Any, node: Any) -> None:
    names = ["opacity", "depth", "model", "stages.names", "stages.on", "stages.limits"]
    values, types, unknown, every, below, described = call(
        ros, node,
        "get_parameters", {"names": names},
        "get_parameter_types", {"names": names},
        "get_parameters", {"names": ["depth", "nothing"]},
        "list_parameters", {"prefixes": [], "depth": 0},
        "list_parameters", {"prefixes": ["stages"], "depth": 1},
        "describe_parameters", {"names": ["opacity", "depth", "model"]},
    )  # fmt: skip
    opacity, depth, model, stages, on, limits = values["values"]
    assert (opacity["type"], opacity["double_value"]) == (3, 0.5)
    assert (depth["type"], depth["integer_value"]) == (2, 3)
    assert (model["type"], model["string_value"]) == (4, "a")
    assert (stages["type"], stages["string_array_value"]) == (9, ["flow", "net"])
    assert (on["type"], on["bool_array_value"]) == (6, [True, False])
    assert (limits["type"], limits["double_array_value"]) == (8, [0.5, 1.5])
    assert types["types"] == [3, 2, 4, 9, 6, 8]
    assert unknown == {"values": []}
    assert every["result"] == {"names": ["use_sim_time", *names], "prefixes": ["stages"]}
    assert below["result"] == {"names": names[3:], "prefixes": ["stages"]}
    opacity, depth, model = described["descriptors"]
    assert opacity["floating_point_range"] == [{"from_value": 0.0, "to_value": 1.0, "step": 0.25}]
    assert (opacity["name"], opacity["type"], opacity["description"]) == ("opacity", 3, "of it")
    assert depth["integer_range"] == [{"from_value": 1, "to_value": 9, "step": 1}]
    assert depth["additional_constraints"] == "odd"
    assert model["read_only"]


def test_parameters_are_set_from_another_process(ros: Any, node: Any) -> None:
    events: list[Any] = []
    event = next(p for p in node.publishers if p.topic_name == "/parameter_events")
    node.create_subscription(event.msg_type, "/parameter_events", events.append, 10)
    wishes = [
        given("depth", 2, integer_value=5),
        given("depth", 2, integer_value=10),
        given("depth", 4, string_value="5"),
        given("opacity", 3, double_value=0.3),
        given("model", 4, string_value="b"),
        given("nothing", 2, integer_value=5),
        given("depth", 77),
    ]
    pair = [given("depth", 2, integer_value=7), given("opacity", 3, double_value=2.0)]
    good = [given("depth", 2, integer_value=9), given("opacity", 3, double_value=0.75)]
    one_by_one, none, both = call(
        ros, node,
        "set_parameters", {"parameters": wishes},
        "set_parameters_atomically", {"parameters": pair},
        "set_parameters_atomically", {"parameters": good},
    )  # fmt: skip
    results = one_by_one["results"]
    assert [result["successful"] for result in results] == [True] + [False] * 6
    for result, why in zip(
        results[1:], ["outside 1 to 9", "INTEGER needed", "no step", "read-only", "not declared", "77"], strict=True
    ):
        assert why in result["reason"]
    assert not none["result"]["successful"]
    assert both["result"] == {"successful": True, "reason": ""}
    assert [p.value for p in node.get_parameters(["depth", "opacity", "model"])] == [9, 0.75, "a"]
    spin_until(ros, node, lambda: len(events) >= 2)
    assert [e.node for e in events] == ["/front/seg"] * 2
    assert [(p.name, p.value.integer_value) for p in events[0].changed_parameters] == [("depth", 5)]
    assert [p.name for p in events[1].changed_parameters] == ["depth", "opacity"]


def test_a_node_is_managed_from_another_process(ros: Any) -> None:
    from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn

    class Managed(LifecycleNode):
        def on_activate(self, state: Any) -> Any:
            return TransitionCallbackReturn.FAILURE

    node, seen = Managed("seg"), []
    event = next(p for p in node.publishers if p.topic_name == "/seg/transition_event")
    node.create_subscription(event.msg_type, "/seg/transition_event", seen.append, 10)
    configure, activate, wrong = ({"transition": {"id": number, "label": ""}} for number in (1, 3, 4))
    shutdown = {"transition": {"id": 0, "label": "shutdown"}}
    before, states, graph, done, after, possible, failed, refused, gone, end = call(
        ros, node,
        "get_state", {},
        "get_available_states", {},
        "get_transition_graph", {},
        "change_state", configure,
        "get_state", {},
        "get_available_transitions", {},
        "change_state", activate,
        "change_state", wrong,
        "change_state", shutdown,
        "get_state", {},
    )  # fmt: skip
    assert before == {"current_state": {"id": 1, "label": "unconfigured"}}
    assert len(states["available_states"]) == 11
    arrows = graph["available_transitions"]
    assert len(arrows) == 25
    assert arrows[0] == {
        "transition": {"id": 1, "label": "configure"},
        "start_state": {"id": 1, "label": "unconfigured"},
        "goal_state": {"id": 10, "label": "configuring"},
    }
    assert len({arrow["transition"]["id"] for arrow in arrows}) == 25
    assert done == {"success": True}
    assert after["current_state"]["label"] == "inactive"
    assert [arrow["transition"]["label"] for arrow in possible["available_transitions"]] == [
        "cleanup",
        "activate",
        "shutdown",
    ]
    assert (failed, refused, gone) == ({"success": False}, {"success": False}, {"success": True})
    assert end["current_state"] == {"id": 4, "label": "finalized"}
    spin_until(ros, node, lambda: len(seen) >= 6)
    assert [(event.start_state.label, event.goal_state.label) for event in seen] == [
        ("unconfigured", "configuring"),
        ("configuring", "inactive"),
        ("inactive", "activating"),
        ("activating", "inactive"),
        ("inactive", "shuttingdown"),
        ("shuttingdown", "finalized"),
    ]
    node.destroy_node()


def test_the_graph_shows_nodes_and_whose_their_endpoints_are(ros: Any, node: Any) -> None:
    from rclpy.node import Node
    from std_msgs.msg import String

    other = Node("other", enable_rosout=False, start_parameter_services=False)
    publisher = other.create_publisher(String, "a", 1)
    subscription = other.create_subscription(String, "a", print, 1)
    gone = other.create_subscription(String, "b", print, 1)
    other.destroy_subscription(gone)
    (found,) = ask(ros, node, "--nodes", "1.0")
    ((participant, nodes),) = found.items()
    assert len(participant) == 32
    seg, shown = nodes
    assert (seg["node_namespace"], seg["node_name"]) == ("/front", "seg")
    assert len(seg["reader_gid_seq"]) == 6  # of the parameter services
    assert len(seg["writer_gid_seq"]) == 8  # and /rosout and /parameter_events
    events = next(p for p in other.publishers if p.topic_name == "/parameter_events")
    assert [item["data"] for item in shown["reader_gid_seq"]] == [gid.hex() for gid in subscription.gids[0]]
    assert [item["data"] for item in shown["writer_gid_seq"]] == [
        gid.hex() for p in (events, publisher) for gid in p.gids[1]
    ]
    assert all(item["data"].startswith(participant[:24]) for item in seg["writer_gid_seq"])
    other.destroy_node()
    (found,) = ask(ros, node, "--nodes", "1.0")
    assert [item["node_name"] for nodes in found.values() for item in nodes] == ["seg"]


def test_what_a_node_logs_reaches_late_listeners(ros: Any, node: Any) -> None:
    from rcl_interfaces.msg import Log
    from rclpy.node import Node
    from rclpy.qos import DurabilityPolicy, QoSProfile

    for text in ("one", "two"):
        node.get_logger().warning(f"{text} \udc80")
    node.get_logger().debug("not this")
    listener, found = Node("listener", enable_rosout=False), []
    qos = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    listener.create_subscription(Log, "/rosout", found.append, qos)
    spin_until(ros, listener, lambda: len(found) >= 2)
    assert [(line.name, line.msg, line.level) for line in found] == [
        ("front.seg", "one ?", Log.WARN),
        ("front.seg", "two ?", Log.WARN),
    ]
    assert found[0].file == __file__
    assert found[0].function == "test_what_a_node_logs_reaches_late_listeners"
    assert found[0].line > 0
    assert abs(found[0].stamp.sec - time.time()) < 60
    listener.destroy_node()


def test_log_lines_once_throttled_and_skipped(ros: Any, node: Any, capsys: pytest.CaptureFixture[str]) -> None:
    logger = node.get_logger()
    for index in range(3):
        logger.info(f"once {index}", once=True)
        logger.info(f"throttled {index}", throttle_duration_sec=60.0)
        logger.info(f"not first {index}", skip_first=True)
        logger.info(f"not first, throttled {index}", skip_first=True, throttle_duration_sec=60.0)
    said = [line.split("]: ")[1] for line in capsys.readouterr().err.splitlines()]
    assert said == ["once 0", "throttled 0", "not first 1", "not first, throttled 1", "not first 2"]


@pytest.mark.parametrize(("distro", "length"), [("humble", 24), ("jazzy", 16)])
def test_ids_have_the_length_that_the_peers_distribution_has(distro: str, length: int) -> None:
    code = "from wsvs_ros.embedded.messages import *; print(len(bytes(serialize(message_class(GID)()))) - 4)"
    root, environment = CLIENT.parents[2], {**os.environ, "ROS_DISTRO": distro}
    found = subprocess.run([sys.executable, "-c", code], env=environment, cwd=root, capture_output=True, text=True)
    assert found.stdout == f"{length}\n", found.stderr


def test_a_client_that_does_not_listen_keeps_nobody_waiting(
    ros: Any, node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its requests are answered, the replies wait for its reader aside, and go out when it comes."""
    from wsvs_ros.embedded import service

    monkeypatch.setattr(service, "_PATIENCE", 60.0)
    asked = next(s for s in node.services if s.srv_name.endswith("/list_parameters"))
    code = """
        import sys
        sys.path.insert(0, sys.argv[1])
        from rmw_client import *
        participant = DomainParticipant(int(os.environ["ROS_DOMAIN_ID"]))
        package, name, request, reply = SERVICES["list_parameters"]
        qos = Qos(Policy.Reliability.Reliable(duration(seconds=1)), Policy.History.KeepLast(10),
                  Policy.Userdata(b"clientid=1.2.3;"))
        kinds = wrapped(package, f"{name}_Request_", request), wrapped(package, f"{name}_Response_", reply)
        writer = DataWriter(participant, Topic(participant, "rq/front/seg/list_parametersRequest", kinds[0]), qos)
        while not writer.get_matched_subscriptions():
            time.sleep(0.01)
        for number in range(8):
            writer.write(kinds[0](client_guid=7, sequence_number=number, prefixes=[], depth=0))
        input()
        reader = DataReader(participant, Topic(participant, "rr/front/seg/list_parametersReply", kinds[1]), qos)
        found = []
        while len(found) < 8:
            found += [item.sequence_number for item in reader.take(N=10)]
            time.sleep(0.01)
        print(found)
    """
    words = [sys.executable, "-c", textwrap.dedent(code), str(CLIENT.parent)]
    client = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    spin_until(ros, node, lambda: len(asked.waiting) == 8)
    assert len(asked.waiting) == 8
    assert client.stdin is not None
    client.stdin.write("\n")
    client.stdin.flush()
    spin_until(ros, node, lambda: client.poll() is not None)
    output, _ = client.communicate(timeout=5)
    assert output == "[0, 1, 2, 3, 4, 5, 6, 7]\n"
    assert not asked.waiting
