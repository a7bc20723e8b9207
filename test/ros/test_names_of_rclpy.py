"""The node stays clear of the attributes that rclpy's nodes, and the embedded ones, keep for themselves."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

NODE = [Path(__file__).resolve().parents[2] / "wsvs_ros" / "ros" / name for name in ("node.py", "steady_lifecycle.py")]
# of rclpy, Humble to Kilted
TAKEN = {
    "_allow_undeclared_parameters", "_clients", "_clock", "_context", "_default_callback_group", "_descriptors",
    "_guards", "_logger", "_on_set_parameters_callbacks", "_parameter_event_publisher", "_parameter_overrides",
    "_parameter_service", "_parameters", "_post_set_parameters_callbacks", "_pre_set_parameters_callbacks",
    "_publishers", "_rate_group", "_services", "_subscriptions", "_time_source", "_timers", "_type_description_service",
    "_logger_service", "clients", "context", "executor", "guards", "handle", "publishers", "services", "subscriptions",
    "timers", "waitables",
    # of its lifecycle nodes
    "_callbacks", "_managed_entities", "_service_change_state", "_service_get_available_states",
    "_service_get_available_transitions", "_service_get_state", "_service_get_transition_graph", "_state_machine",
}  # fmt: skip
METHODS = {
    "_apply_descriptor", "_apply_descriptor_and_set", "_apply_descriptors", "_apply_floating_point_range",
    "_apply_integer_range", "_call_post_set_parameters_callback", "_call_pre_set_parameters_callback",
    "_check_undeclared_parameters", "_declare_parameter_common", "_get_info_by_topic", "_set_parameters",
    "_set_parameters_atomically", "_set_parameters_atomically_common", "_validate_qos_or_depth_parameter",
    "_validate_topic_or_service_name", "_wake_executor",
}  # fmt: skip
OVERRIDDEN = {"on_configure", "on_activate", "on_deactivate", "on_cleanup", "on_shutdown", "on_error", "destroy_node"}


def stored_and_defined() -> tuple[set[str], set[str]]:
    """What the node's files assign on `self`, and the methods of their classes."""
    tree = ast.parse("\n".join(file.read_text().replace("from __future__", "from future") for file in NODE))
    stored = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        if isinstance(node.value, ast.Name) and node.value.id == "self"
    }
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return stored, {item.name for kind in classes for item in kind.body if isinstance(item, ast.FunctionDef)}


def test_no_attribute_of_rclpy_is_overwritten() -> None:
    stored, methods = stored_and_defined()
    assert {"_session", "_failure"} <= stored
    assert not stored & TAKEN
    assert not methods & (TAKEN | METHODS)


def test_no_attribute_of_the_embedded_nodes_is_overwritten(ros: Any) -> None:
    from rclpy.lifecycle import LifecycleNode

    node = LifecycleNode("n")
    own = {name for name in (*dir(node), *vars(node)) if not name.startswith("__")} - OVERRIDDEN
    node.destroy_node()
    stored, methods = stored_and_defined()
    assert {"_parameters", "_state_machine", "get_logger"} <= own
    assert not (stored | methods) & own
