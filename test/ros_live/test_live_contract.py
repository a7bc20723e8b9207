"""What the node relies on, of a sourced ROS 2: the same cases as on the embedded middleware."""

from __future__ import annotations

import importlib.util
import os

import pytest

if importlib.util.find_spec("rclpy") is None:
    pytest.skip("needs a sourced ROS 2 (source /opt/ros/<distro>/setup.bash)", allow_module_level=True)

from rclpy_contract import CASES, Case


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", os.environ.get("ROS_DOMAIN_ID", "95"))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_rclpy_keeps(case: Case) -> None:
    case.run()
