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
    REACHED,
    SIGNALS,
    check_a_command_line_that_is_wrong,
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


@pytest.mark.parametrize("signals", SIGNALS, ids=lambda signals: "-".join(number.name for number in signals))
@pytest.mark.parametrize("state", REACHED)
def test_signals_end_it_in_order(state: str, signals: tuple[signal.Signals, ...], tiny_bundle: ModelBundle) -> None:
    check_signals_end_it_in_order(state, signals, tiny_bundle.path)


def test_what_is_wrong_with_the_command_line_is_said(tiny_bundle: ModelBundle, tmp_path: Path) -> None:
    for arguments, says in wrong_command_lines(tmp_path, tiny_bundle.path).values():
        check_a_command_line_that_is_wrong(arguments, says)


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
