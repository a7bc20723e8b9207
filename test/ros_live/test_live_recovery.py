"""What the node recovers from, on a sourced ROS 2: the same checks as on the embedded middleware."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

if importlib.util.find_spec("rclpy") is None:
    pytest.skip("needs a sourced ROS 2 (source /opt/ros/<distro>/setup.bash)", allow_module_level=True)

import recovery_checks
from running_node import Running

from wsvs_ros.perception import ModelBundle

CHECKS = [check for name, check in vars(recovery_checks).items() if name.startswith("check_")]


@pytest.fixture
def running(tiny_bundle: ModelBundle) -> Iterator[Running]:
    import rclpy

    os.environ.setdefault("ROS_DOMAIN_ID", "94")
    rclpy.init()
    found = Running(rclpy, "-p", f"model:={tiny_bundle.path}")
    yield found
    found.close()
    rclpy.try_shutdown()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_it_recovers(check: Callable[[Any], None], running: Running) -> None:
    check(running)
