"""The node under a fuzz, on a sourced ROS 2: the same as on the embedded middleware."""

from __future__ import annotations

import importlib.util
import os

import pytest

if importlib.util.find_spec("rclpy") is None:
    pytest.skip("needs a sourced ROS 2 (source /opt/ros/<distro>/setup.bash)", allow_module_level=True)

from fuzz_checks import check_fuzz

from wsvs_ros.perception import ModelBundle


@pytest.mark.parametrize("compressed", [False, True], ids=["images", "compressed"])
def test_the_node_survives_a_fuzz(tiny_bundle: ModelBundle, compressed: bool) -> None:
    import rclpy

    os.environ.setdefault("ROS_DOMAIN_ID", "94")
    rclpy.init()
    try:
        print(check_fuzz(tiny_bundle.path, compressed=compressed))
    finally:
        rclpy.try_shutdown()
