"""The node's process on a sourced ROS 2: the same checks as on the embedded middleware, and transitions by id."""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

if importlib.util.find_spec("rclpy") is None:
    pytest.skip("needs a sourced ROS 2 (source /opt/ros/<distro>/setup.bash)", allow_module_level=True)

from node_process import (
    SIGNALS,
    check_a_command_line_that_is_wrong,
    check_a_disk_full_of_logs_changes_nothing,
    check_a_subscriber_that_stands_still_holds_nobody_up,
    check_signals_end_it_in_order,
    node_process,
    wrong_command_lines,
)

from wsvs_ros.perception import ModelBundle


@pytest.fixture(autouse=True)
def ros() -> Iterator[Any]:
    import rclpy

    os.environ.setdefault("ROS_DOMAIN_ID", "94")
    rclpy.init()
    yield rclpy
    rclpy.try_shutdown()


@pytest.mark.parametrize(("state", "signals"), SIGNALS)
def test_signals_end_it_in_order(state: str, signals: tuple[signal.Signals, ...], tiny_bundle: ModelBundle) -> None:
    check_signals_end_it_in_order(state, signals, tiny_bundle.path)


def test_what_is_wrong_with_the_command_line_is_said(tiny_bundle: ModelBundle, tmp_path: Path) -> None:
    for arguments, says in wrong_command_lines(tmp_path, tiny_bundle.path).values():
        check_a_command_line_that_is_wrong(arguments, says)


def test_a_disk_full_of_logs_changes_nothing(tiny_bundle: ModelBundle) -> None:
    check_a_disk_full_of_logs_changes_nothing(tiny_bundle.path)


def test_a_subscriber_that_stands_still_holds_nobody_up(tiny_bundle: ModelBundle) -> None:
    check_a_subscriber_that_stands_still_holds_nobody_up(tiny_bundle.path)


def test_simulated_time_that_stands_or_jumps(ros: Any, tiny_bundle: ModelBundle) -> None:
    from diagnostic_msgs.msg import DiagnosticArray
    from node_checks import LABEL_TOPIC, Peer
    from rosgraph_msgs.msg import Clock

    with node_process("none", "-p", f"model:={tiny_bundle.path}", "-p", "use_sim_time:=true") as running:
        running.wait_for("-> /segmentation/label")
        peer, reports = Peer(LABEL_TOPIC), []
        peer.node.create_subscription(DiagnosticArray, "/diagnostics", reports.append, 10)
        clock = peer.node.create_publisher(Clock, "/clock", 10)
        peer.wait_for_node()
        assert peer.spin_until(lambda: len(reports) > 1, 10.0), "without /clock the diagnostics are silent"
        peer.send_and_wait(0)
        for index, seconds in enumerate((1_000, 1_001, 500, 2_000_000_000, 0, 1_002), 1):
            message = Clock()
            message.clock.sec = seconds
            clock.publish(message)
            peer.spin_until(lambda: False, 0.2)
            peer.send_and_wait(index)
        before = len(reports)
        assert peer.spin_until(lambda: len(reports) > before + 1, 10.0), "after the clock jumped back they are silent"
        peer.close()
        running.child.send_signal(signal.SIGINT)
        assert running.end() == 0
    assert " 0 failed" in running.log


def test_a_transition_that_is_not_valid_now_is_refused(ros: Any, tiny_bundle: ModelBundle) -> None:
    from lifecycle_msgs.msg import Transition
    from lifecycle_msgs.srv import ChangeState, GetState
    from rclpy.node import Node

    client = Node("manager")
    change = client.create_client(ChangeState, "/segmentation/change_state")
    state = client.create_client(GetState, "/segmentation/get_state")

    def ask(service: Any, request: Any) -> Any:
        answer = service.call_async(request)
        ros.spin_until_future_complete(client, answer, timeout_sec=20)
        return answer.result()

    with node_process("none", "-p", f"model:={tiny_bundle.path}", "-p", "autostart:=false") as running:
        assert change.wait_for_service(30), running.log
        assert state.wait_for_service(30)
        for number, label in [(2, ""), (3, ""), (4, ""), (6, ""), (10, ""), (61, ""), (200, ""), (0, "nonsense")]:
            asked = ChangeState.Request(transition=Transition(id=number, label=label))
            assert ask(change, asked).success is False
            assert ask(state, GetState.Request()).current_state.label == "unconfigured"
        for number, reached in [(1, "inactive"), (1, "inactive"), (3, "active"), (2, "active"), (4, "inactive")]:
            ask(change, ChangeState.Request(transition=Transition(id=number)))
            assert ask(state, GetState.Request()).current_state.label == reached
        assert running.child.poll() is None
    client.destroy_node()
