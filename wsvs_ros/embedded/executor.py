"""Spinning: wait for DDS or the next timer, then call back, one after the other."""

from __future__ import annotations

import time
from typing import Any

from cyclonedds.core import DDSException, WaitSet
from cyclonedds.util import duration

from wsvs_ros.embedded import context as contexts
from wsvs_ros.embedded.errors import ExternalShutdownException
from wsvs_ros.embedded.node import Node
from wsvs_ros.embedded.service import Service
from wsvs_ros.embedded.subscription import Subscription

_SLICE = 0.1  # seconds; Python runs its signal handlers between waits only


class SingleThreadedExecutor:
    """Runs the callbacks of its nodes in the thread that spins."""

    def __init__(self, *, context: Any = None) -> None:
        self._context = contexts.current()
        self._nodes: list[Node] = []
        self._waitset = WaitSet(self._context.participant)
        self._waitset.attach(self._context.wake)
        self._conditions: list[Any] = []

    def add_node(self, node: Node) -> bool:
        if node not in self._nodes:
            self._nodes.append(node)
        return True

    def remove_node(self, node: Node) -> None:
        self._nodes.remove(node)

    def spin(self) -> None:
        """
        Call back until shutdown.

        :raises ExternalShutdownException: on SIGTERM.
        """
        while not self._context.stopped.is_set():
            self.spin_once()
        if self._context.terminated:
            raise ExternalShutdownException

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """
        Wait for something to do, at most `timeout_sec`, and do it.

        :raises KeyboardInterrupt: on SIGINT, after the callback that it came in.
        """
        self._context.spinning = True
        try:
            self._spin_once(timeout_sec)
        finally:
            self._context.spinning = False
        if self._context.interrupted:
            raise KeyboardInterrupt

    def _spin_once(self, timeout_sec: float | None) -> None:
        self._attach()
        until = float("inf") if timeout_sec is None else time.monotonic() + timeout_sec
        while True:
            # read before waiting: data that is there already does not wake the waitset twice
            if self._work() or self._context.stopped.is_set():
                return
            left = min(until, self._next_due()) - time.monotonic()
            if time.monotonic() >= until:
                return
            try:
                self._waitset.wait(duration(seconds=min(max(left, 0.0), _SLICE)))
                if self._context.wake.take():
                    self._attach()
            except DDSException:
                if not self._context.stopped.is_set():  # another thread may have shut down meanwhile
                    raise

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """Let go of the nodes."""
        self._nodes.clear()
        self._attach()
        return True

    def _next_due(self) -> float:
        """When the next timer fires, or a service looks again for whom it answers."""
        timers = (timer.due for node in self._nodes for timer in node.timers)
        services = (service.due for node in self._nodes for service in node.services)
        return min((*timers, *services), default=float("inf"))

    def _work(self) -> bool:
        """One message of each subscription and service and every timer that is due; whether there was any."""
        worked = False
        now = time.monotonic()
        for node in tuple(self._nodes):
            for timer in node.timers:
                worked |= timer.fire(now)
            for endpoint in _endpoints(node):
                worked |= endpoint.work(node.get_logger())
        return worked

    def _attach(self) -> None:
        """Wait for exactly the subscriptions and services that exist now."""
        endpoints = [endpoint for node in self._nodes for endpoint in _endpoints(node)]
        conditions = [(endpoint, endpoint.condition) for endpoint in endpoints if endpoint.condition is not None]
        if [id(condition) for _, condition in conditions] == [id(condition) for _, condition in self._conditions]:
            return
        # a new one, as a deleted condition cannot be detached
        self._conditions, self._waitset = conditions, WaitSet(self._context.participant)
        self._waitset.attach(self._context.wake)
        for endpoint, condition in conditions:
            try:
                self._waitset.attach(condition)
            except DDSException:
                if endpoint.condition is condition:  # else another thread destroyed it meanwhile
                    raise


def _endpoints(node: Node) -> tuple[Subscription | Service, ...]:
    """Those that something may come in at."""
    return (*node.subscriptions, *node.services)


_executor: SingleThreadedExecutor | None = None


def _global(node: Node) -> SingleThreadedExecutor:
    global _executor
    if _executor is None or _executor._context is not contexts.current():
        _executor = SingleThreadedExecutor()
    _executor.add_node(node)
    return _executor


def spin(node: Node, executor: SingleThreadedExecutor | None = None) -> None:
    """Call back until shutdown."""
    executor = executor or _global(node)
    executor.add_node(node)
    try:
        executor.spin()
    finally:
        executor.remove_node(node)


def spin_once(node: Node, *, executor: SingleThreadedExecutor | None = None, timeout_sec: float | None = None) -> None:
    """Wait for something to do, at most `timeout_sec`, and do it."""
    executor = executor or _global(node)
    executor.add_node(node)
    try:
        executor.spin_once(timeout_sec)
    finally:
        executor.remove_node(node)
