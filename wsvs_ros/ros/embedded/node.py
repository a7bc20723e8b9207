"""Node: names, parameters, publishers, subscriptions and timers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wsvs_ros.ros.embedded import context as contexts
from wsvs_ros.ros.embedded.clock import Clock
from wsvs_ros.ros.embedded.errors import unsupported
from wsvs_ros.ros.embedded.logger import Logger
from wsvs_ros.ros.embedded.names import load_parameters, resolve
from wsvs_ros.ros.embedded.parameter import Parameter, ParameterStore, SetCallback
from wsvs_ros.ros.embedded.publisher import Publisher
from wsvs_ros.ros.embedded.qos import QoSProfile, profile
from wsvs_ros.ros.embedded.subscription import Subscription
from wsvs_ros.ros.embedded.timer import Timer


class Node:
    """
    The part of rclpy.node.Node that a perception node needs.

    Services, clients and actions are left out and say so.

    :param node_name: may be renamed by `-r __node:=`, its namespace by `-r __ns:=`.
    """

    def __init__(self, node_name: str, *, namespace: str = "/", **_options: Any) -> None:
        self.context = contexts.current()
        arguments = self.context.arguments
        self._name = arguments.remap("__node") or node_name
        self._namespace = "/" + (arguments.remap("__ns") or namespace or "/").strip("/")
        values = load_parameters(arguments.files, node=self._name, namespace=self._namespace)
        self._parameters = ParameterStore({**values, **arguments.parameters})
        self._logger = Logger(self.get_fully_qualified_name().strip("/").replace("/", "."), arguments.log_level)
        self._clock = Clock()
        self._publishers: list[Publisher] = []
        self._subscriptions: list[Subscription] = []
        self._timers: list[Timer] = []

    def get_name(self) -> str:
        return self._name

    def get_namespace(self) -> str:
        return self._namespace

    def get_fully_qualified_name(self) -> str:
        return resolve(self._name, node=self._name, namespace=self._namespace)

    def get_logger(self) -> Logger:
        return self._logger

    def get_clock(self) -> Clock:
        return self._clock

    @property
    def publishers(self) -> Sequence[Publisher]:
        return tuple(self._publishers)

    @property
    def subscriptions(self) -> Sequence[Subscription]:
        return tuple(self._subscriptions)

    @property
    def timers(self) -> Sequence[Timer]:
        return tuple(self._timers)

    def resolve_topic_name(self, topic: str, *, only_expand: bool = False) -> str:
        """The topic's full name, after the remapping rules."""
        full = resolve(topic, node=self._name, namespace=self._namespace)
        if only_expand:
            return full
        for source, to in self.context.arguments.remaps:
            if not source.startswith("__") and self._expand(source) == full:
                return self._expand(to)
        return full

    def _expand(self, name: str) -> str:
        return resolve(name, node=self._name, namespace=self._namespace)

    def declare_parameter(self, name: str, value: Any = None, descriptor: Any | None = None, **_: Any) -> Parameter:
        return self._parameters.declare(name, value, descriptor)

    def declare_parameters(self, namespace: str, parameters: Sequence[tuple[Any, ...]], **_: Any) -> list[Parameter]:
        prefix = f"{namespace}." if namespace else ""
        return [self.declare_parameter(prefix + name, *rest) for name, *rest in parameters]

    def get_parameter(self, name: str) -> Parameter:
        return self._parameters.get(name)

    def has_parameter(self, name: str) -> bool:
        return self._parameters.has(name)

    def set_parameters(self, parameters: Sequence[Parameter]) -> list[Any]:
        return self._parameters.set(parameters)

    def add_on_set_parameters_callback(self, callback: SetCallback) -> None:
        self._parameters.callbacks.insert(0, callback)

    def create_publisher(self, msg_type: type[Any], topic: str, qos_profile: QoSProfile | int, **_: Any) -> Publisher:
        name = self.resolve_topic_name(topic)
        publisher = Publisher(self.context.participant, msg_type, name, profile(qos_profile))
        self._publishers.append(publisher)
        return publisher

    def create_subscription(
        self,
        msg_type: type[Any],
        topic: str,
        callback: Callable[[Any], None],
        qos_profile: QoSProfile | int,
        *,
        raw: bool = False,
        **_: Any,
    ) -> Subscription:
        name = self.resolve_topic_name(topic)
        subscription = Subscription(self.context, msg_type, name, callback, profile(qos_profile), raw=raw)
        self._subscriptions.append(subscription)
        self.context.wake.set(True)
        return subscription

    def create_timer(self, timer_period_sec: float, callback: Callable[[], None], **_: Any) -> Timer:
        timer = Timer(timer_period_sec, callback)
        self._timers.append(timer)
        self.context.wake.set(True)
        return timer

    def destroy_publisher(self, publisher: Publisher) -> bool:
        return _destroy(self._publishers, publisher)

    def destroy_subscription(self, subscription: Subscription) -> bool:
        return _destroy(self._subscriptions, subscription)

    def destroy_timer(self, timer: Timer) -> bool:
        timer.cancel()
        if timer in self._timers:
            self._timers.remove(timer)
        return True

    def destroy_node(self) -> None:
        """Leave all topics."""
        for publisher in self.publishers:
            self.destroy_publisher(publisher)
        for subscription in self.subscriptions:
            self.destroy_subscription(subscription)
        self._timers.clear()

    def create_service(self, *_: Any, **__: Any) -> None:
        raise unsupported("create_service")

    def create_client(self, *_: Any, **__: Any) -> None:
        raise unsupported("create_client")


def _destroy(endpoints: list[Any], endpoint: Any) -> bool:
    if endpoint not in endpoints:
        return False
    endpoints.remove(endpoint)
    endpoint.destroy()
    return True
