"""Node: names, parameters, publishers, subscriptions and timers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wsvs_ros.ros.embedded import context as contexts
from wsvs_ros.ros.embedded.callback_groups import CallbackGroup
from wsvs_ros.ros.embedded.clock import Clock
from wsvs_ros.ros.embedded.errors import unsupported
from wsvs_ros.ros.embedded.logger import Logger
from wsvs_ros.ros.embedded.names import load_parameters, resolve
from wsvs_ros.ros.embedded.node_parameters import NodeParameters
from wsvs_ros.ros.embedded.parameter_store import ParameterStore
from wsvs_ros.ros.embedded.publisher import Publisher
from wsvs_ros.ros.embedded.qos import QoSProfile, profile
from wsvs_ros.ros.embedded.qos_overriding_options import QoSOverridingOptions, override
from wsvs_ros.ros.embedded.subscription import Subscription
from wsvs_ros.ros.embedded.timer import Timer


class Node(NodeParameters):
    """
    The part of rclpy.node.Node that a perception node needs.

    Services, clients and actions are left out and say so.

    :param node_name: may be renamed by `-r __node:=`, its namespace by `-r __ns:=`.
    """

    def __init__(self, node_name: str, *, namespace: str = "/", **_options: Any) -> None:
        self.context = contexts.current()
        arguments = self.context.arguments
        self.__name = arguments.remap("__node") or node_name
        self.__namespace = "/" + (arguments.remap("__ns") or namespace or "/").strip("/")
        values = load_parameters(arguments.files, node=self.__name, namespace=self.__namespace)
        self._parameters = ParameterStore({**values, **arguments.parameters})
        self._logger = Logger(self.get_fully_qualified_name().strip("/").replace("/", "."), arguments.log_level)
        self._clock = Clock()
        self._publishers: list[Publisher] = []
        self._subscriptions: list[Subscription] = []
        self._timers: list[Timer] = []

    def get_name(self) -> str:
        return self.__name

    def get_namespace(self) -> str:
        return self.__namespace

    def get_fully_qualified_name(self) -> str:
        return resolve(self.__name, node=self.__name, namespace=self.__namespace)

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
        full = resolve(topic, node=self.__name, namespace=self.__namespace)
        if only_expand:
            return full
        for source, to in self.context.arguments.remaps:
            if not source.startswith("__") and self.__expand(source) == full:
                return self.__expand(to)
        return full

    def __expand(self, name: str) -> str:
        return resolve(name, node=self.__name, namespace=self.__namespace)

    def create_publisher(
        self,
        msg_type: type[Any],
        topic: str,
        qos_profile: QoSProfile | int,
        *,
        callback_group: CallbackGroup | None = None,
        qos_overriding_options: QoSOverridingOptions | None = None,
    ) -> Publisher:
        name = self.resolve_topic_name(topic)
        qos = override(self, profile(qos_profile), qos_overriding_options, topic=name, entity="publisher")
        publisher = Publisher(self.context.participant, msg_type, name, qos)
        self._publishers.append(publisher)
        return publisher

    def create_subscription(
        self,
        msg_type: type[Any],
        topic: str,
        callback: Callable[[Any], None],
        qos_profile: QoSProfile | int,
        *,
        callback_group: CallbackGroup | None = None,
        qos_overriding_options: QoSOverridingOptions | None = None,
        raw: bool = False,
    ) -> Subscription:
        name = self.resolve_topic_name(topic)
        qos = override(self, profile(qos_profile), qos_overriding_options, topic=name, entity="subscription")
        subscription = Subscription(self.context, msg_type, name, callback, qos, raw=raw)
        self._subscriptions.append(subscription)
        self.__wake()
        return subscription

    def create_timer(
        self,
        timer_period_sec: float,
        callback: Callable[[], None],
        callback_group: CallbackGroup | None = None,
        clock: Clock | None = None,
        autostart: bool = True,
    ) -> Timer:
        timer = Timer(timer_period_sec, callback, autostart=autostart, changed=self.__wake)
        self._timers.append(timer)
        self.__wake()
        return timer

    def destroy_publisher(self, publisher: Publisher) -> bool:
        return _destroy(self._publishers, publisher)

    def destroy_subscription(self, subscription: Subscription) -> bool:
        return _destroy(self._subscriptions, subscription)

    def destroy_timer(self, timer: Timer) -> bool:
        return _destroy(self._timers, timer)

    def destroy_node(self) -> None:
        """Leave all topics."""
        for publisher in self.publishers:
            self.destroy_publisher(publisher)
        for subscription in self.subscriptions:
            self.destroy_subscription(subscription)
        for timer in self.timers:
            self.destroy_timer(timer)

    def __wake(self) -> None:
        """Let whoever spins look again at what there is."""
        self.context.wake.set(True)

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
