"""The closed list: what is used is in it, what is in it is there, and nothing else is."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

from wsvs_ros.embedded.surface import CLASSES, MODULES

ROOT = Path(__file__).resolve().parents[2]
USERS = [
    *sorted((ROOT / "wsvs_ros" / "ros").glob("*.py")),
    *sorted((ROOT / "wsvs_ros" / "cli").glob("*.py")),
    *sorted((ROOT / "benchmarks").glob("*.py")),
    *sorted((ROOT / "test" / "ros").glob("*.py")),
    ROOT / "test" / "node_checks.py",
]
# that the middleware's own modules ask of each other, under names that rclpy does not have
INTERNAL = {"check_publishers", "condition", "due", "fire", "gids", "period", "raw", "take", "to_dds", "work"}


def imported(path: Path) -> set[tuple[str, str]]:
    """Module and name of each import from rclpy, and of each `rclpy.name`."""
    found = set()
    for item in ast.walk(ast.parse(path.read_text())):
        if isinstance(item, ast.ImportFrom) and item.module and item.module.split(".")[0] == "rclpy":
            found |= {(item.module, alias.name) for alias in item.names}
        elif isinstance(item, ast.Attribute) and isinstance(item.value, ast.Name) and item.value.id in ("rclpy", "ros"):
            found.add(("rclpy", item.attr))
    return found


def test_what_is_imported_is_on_the_list() -> None:
    used = {pair for path in USERS for pair in imported(path)}
    listed = {(module, name) for module, names in MODULES.items() for name in names}
    assert ("rclpy.node", "Node") in used
    assert not {pair for pair in used if pair not in listed and f"{pair[0]}.{pair[1]}" not in MODULES}


def test_the_middleware_has_what_is_on_the_list_and_no_more(ros: object) -> None:
    for module, names in MODULES.items():
        content = vars(importlib.import_module(module))
        own = {name for name, value in content.items() if name[0] != "_" and type(value).__name__ != "_Module"}
        says_so = {"MultiThreadedExecutor", "spin_until_future_complete"}  # that they are left out
        assert own - says_so == set(names), module


def test_objects_have_what_is_on_the_list_and_no_more(ros: object) -> None:
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.lifecycle import LifecycleNode
    from rclpy.node import Node
    from rclpy.parameter import Parameter
    from rclpy.qos import QoSProfile
    from std_msgs.msg import String

    node, managed = Node("n"), LifecycleNode("m")
    now = node.get_clock().now()
    objects = {
        "Node": node,
        "LifecycleNode": managed,
        "Publisher": node.create_publisher(String, "a", 1),
        "Subscription": node.create_subscription(String, "a", print, 1),
        "Timer": node.create_timer(1.0, print),
        "Clock": node.get_clock(),
        "Time": now,
        "Duration": now - now,
        "Logger": node.get_logger(),
        "Parameter": Parameter("a", value=1),
        "QoSProfile": QoSProfile(),
        "SingleThreadedExecutor": SingleThreadedExecutor(),
    }
    assert objects.keys() == CLASSES.keys()
    for name, thing in objects.items():
        own = {attribute for attribute in dir(thing) if attribute[0] != "_"} - INTERNAL
        inherited = CLASSES["Node"] if thing is managed else ()
        assert own == {*CLASSES[name], *inherited}, name
    node.destroy_node()
    managed.destroy_node()
