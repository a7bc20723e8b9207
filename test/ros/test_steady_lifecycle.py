"""What an rclpy does when a transition fails within it; the real one is tried in test/ros_live."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

CLIENT = Path(__file__).resolve().parents[1] / "embedded" / "rmw_client.py"


def test_a_transition_that_raises_is_answered_and_the_node_lives(ros: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from wsvs_ros.embedded.lifecycle_services import LifecycleServices

    def raise_as_jazzy(*_: Any) -> None:
        raise RuntimeError("Failed to trigger lifecycle state machine transition: Transition is not registered.")

    monkeypatch.setattr(LifecycleServices, "_change_state", raise_as_jazzy)
    from rclpy.executors import SingleThreadedExecutor

    from wsvs_ros.ros.steady_lifecycle import SteadyLifecycleNode

    node = SteadyLifecycleNode("segmentation")
    executor, stop = SingleThreadedExecutor(), threading.Event()
    executor.add_node(node)

    def spin() -> None:
        while not stop.is_set():
            executor.spin_once(timeout_sec=0.05)

    thread = threading.Thread(target=spin)
    thread.start()
    requests = ["change_state", json.dumps({"transition": {"id": 2}}), "get_state", "{}"]
    try:
        words = [sys.executable, str(CLIENT), "/segmentation", *requests]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    finally:
        stop.set()
        thread.join()
        node.destroy_node()
    assert done.returncode == 0, done.stderr
    changed, state = (json.loads(line) for line in done.stdout.splitlines())
    assert changed == {"success": False}
    assert state["current_state"]["label"] == "unconfigured"


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ModuleNotFoundError("No module named 'torch'"), "ModuleNotFoundError: No module named 'torch'"),
        (MemoryError(), "MemoryError"),
        (RuntimeError("CUDA out of memory"), "RuntimeError: CUDA out of memory"),
    ],
)
def test_what_fails_in_a_transition_is_named(
    ros: Any, capfd: pytest.CaptureFixture[str], error: Exception, says: str
) -> None:
    from wsvs_ros.ros.steady_lifecycle import SteadyLifecycleNode

    class Node(SteadyLifecycleNode):
        def configure(self) -> None:
            raise error

        def release(self) -> None:
            pass

    node = Node("segmentation")
    assert node.trigger_configure().name == "FAILURE"
    assert node.failure == says
    assert f"cannot be configured: {says}" in capfd.readouterr().err
    node.destroy_node()
