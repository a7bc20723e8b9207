"""The node stays clear of the attributes that rclpy.node.Node keeps for itself."""

from __future__ import annotations

import ast
from pathlib import Path

NODE = Path(__file__).resolve().parents[2] / "wsvs_ros" / "ros" / "node.py"
# of rclpy, Humble to Kilted
TAKEN = {
    "_allow_undeclared_parameters", "_clients", "_clock", "_context", "_default_callback_group", "_descriptors",
    "_guards", "_logger", "_on_set_parameters_callbacks", "_parameter_event_publisher", "_parameter_overrides",
    "_parameter_service", "_parameters", "_post_set_parameters_callbacks", "_pre_set_parameters_callbacks",
    "_publishers", "_rate_group", "_services", "_subscriptions", "_time_source", "_timers", "_type_description_service",
    "clients", "context", "executor", "guards", "handle", "publishers", "services", "subscriptions", "timers",
    "waitables",
}  # fmt: skip


def test_no_attribute_of_rclpy_is_overwritten() -> None:
    tree = ast.parse(NODE.read_text())
    names = {
        target.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        for target in [node]
        if isinstance(target.value, ast.Name) and target.value.id == "self"
    }
    assert "_segmenter" in names
    assert not names & TAKEN
