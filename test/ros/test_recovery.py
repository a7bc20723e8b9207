"""What the node recovers from, on the embedded middleware: the same checks as on rclpy."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from running_node import Running

from wsvs_ros.perception import ModelBundle

CHECKS = [
    "an_inference_that_hangs_is_told_and_survived",
    "a_worker_that_dies_is_started_once_and_then_given_up",
    "no_label_is_older_than_its_want",
    "a_higher_rate_holds_at_once",
    "parameters_change_together_or_not_at_all",
    "a_node_that_fails_leaves_nothing_and_says_why",
    "the_queues_depth_can_be_changed",
    "camera_info_alone_needs_no_inference",
    "a_stream_that_keeps_breaking_off_is_told",
]


@pytest.mark.parametrize("check", CHECKS)
def test_it_recovers(check: str, ros: Any, tiny_bundle: ModelBundle) -> None:
    checks = importlib.import_module("recovery_checks")  # not before there is an rclpy
    running = Running(ros, "-p", f"model:={tiny_bundle.path}")
    try:
        getattr(checks, f"check_{check}")(running)
    finally:
        running.close()


def test_every_check_is_run(ros: Any) -> None:
    checks = vars(importlib.import_module("recovery_checks"))
    assert {name.removeprefix("check_") for name in checks if name.startswith("check_")} == set(CHECKS)
