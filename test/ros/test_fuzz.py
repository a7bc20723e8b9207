"""The node under a fuzz, on the embedded middleware: the same as on rclpy. WSVS_FUZZ_MESSAGES=20000 sends that many."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from wsvs_ros.perception import ModelBundle


@pytest.mark.parametrize("compressed", [False, True], ids=["images", "compressed"])
def test_the_node_survives_a_fuzz(ros: Any, tiny_bundle: ModelBundle, compressed: bool) -> None:
    checks = importlib.import_module("fuzz_checks")  # not before there is an rclpy
    print(checks.check_fuzz(tiny_bundle.path, compressed=compressed))
