"""What a case is, and what cases share."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Case:
    """Something that holds on both; `arguments` tell apart cases of one kind."""

    check: Callable[..., None]
    arguments: tuple[Any, ...]

    def __str__(self) -> str:
        words = [self.check.__name__.strip("_"), *map(str, self.arguments)]
        return "-".join(words)

    def run(self) -> None:
        """Run the case in a context of its own."""
        import rclpy

        rclpy.init(args=[])
        try:
            self.check(rclpy, *self.arguments)
        finally:
            rclpy.try_shutdown()


CASES: list[Case] = []


def case(*arguments: tuple[Any, ...]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add a case, or one for each of `arguments`."""

    def add(check: Callable[..., None]) -> Callable[..., None]:
        CASES.extend(Case(check, given) for given in arguments or ((),))
        return check

    return add


@contextmanager
def a_node(**options: Any) -> Iterator[Any]:
    """A node, destroyed at the end."""
    from rclpy.node import Node

    node = Node("contract", **options)
    try:
        yield node
    finally:
        node.destroy_node()


def a_file(text: str) -> Any:
    """A file of parameters, gone when it is closed."""
    file = tempfile.NamedTemporaryFile("w", suffix=".yaml")  # noqa: SIM115 - whoever asked closes it
    file.write(text)
    file.flush()
    return file


def restarted(ros: Any, *words: str) -> None:
    """Begin anew with other ROS arguments."""
    ros.shutdown()
    ros.init(args=["x", "--ros-args", *words])


def spin_until(ros: Any, node: Any, done: Callable[[], bool], seconds: float = 10.0) -> None:
    """Spin until something holds; the caller asserts on it."""
    until = time.monotonic() + seconds
    while not done() and time.monotonic() < until:
        ros.spin_once(node, timeout_sec=0.05)
