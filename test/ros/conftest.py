"""Real DDS traffic, on loopback, in a domain that no other test uses."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wsvs_ros.ros import embedded
from wsvs_ros.runs.domains import free_domain

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def _embedded_middleware() -> None:
    if not getattr(sys.modules.get("rclpy"), "__embedded__", False) and importlib.util.find_spec("rclpy") is not None:
        pytest.skip("ROS 2 is sourced here: test/ros_live runs instead of the embedded middleware's tests")
    os.environ["CYCLONEDDS_URI"] = embedded.loopback_uri()
    os.environ["ROS_DOMAIN_ID"] = str(free_domain())
    embedded.install()


@pytest.fixture(autouse=True)
def _installed(request: pytest.FixtureRequest) -> None:
    if request.path.name != "test_contract.py":  # which holds for rclpy, too
        request.getfixturevalue("_embedded_middleware")


@pytest.fixture
def ros(_embedded_middleware: None) -> Iterator[Any]:
    """The middleware, started and stopped."""
    import rclpy

    rclpy.init(args=[])
    yield rclpy
    rclpy.try_shutdown()


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start `wsvs ...` as a process; what still runs at the end is killed."""
    children: list[subprocess.Popen[str]] = []

    def start(*arguments: Any) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        words = [sys.executable, "-m", "wsvs_ros.cli.main", *map(str, arguments)]
        child = subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        children.append(child)
        return child

    yield start
    for child in children:
        if child.poll() is None:
            child.kill()
        child.communicate()


def spin_until(ros: Any, node: Any, done: Callable[[], bool], seconds: float = 20.0) -> None:
    """Spin until something holds; the caller asserts on it."""
    until = time.monotonic() + seconds
    while not done() and time.monotonic() < until:
        ros.spin_once(node, timeout_sec=0.05)
