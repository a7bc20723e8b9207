"""Node: names, parameters, publishers, subscriptions and timers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wsvs_ros.embedded import context as contexts
from wsvs_ros.embedded.clock import Clock, ClockType
from wsvs_ros.embedded.errors import LeftOutAttribute, unsupported
from wsvs_ros.embedded.logger import Logger
from wsvs_ros.embedded.messages import message_class, service_class
from wsvs_ros.embedded.node_names import NodeNames
from wsvs_ros.embedded.node_parameters import NodeParameters, declare_time
from wsvs_ros.embedded.parameter_events import ParameterEvents
from wsvs_ros.embedded.parameter_files import load_parameters
from wsvs_ros.embedded.parameter_services import ParameterServices
from wsvs_ros.embedded.parameter_store import ParameterStore
from wsvs_ros.embedded.publisher import Publisher
from wsvs_ros.embedded.qos import (
    QoSProfile,
    profile,
    qos_profile_parameter_events,
    qos_profile_parameters,
    qos_profile_services_default,
)
from wsvs_ros.embedded.qos_overriding_options import QoSOverridingOptions, override
from wsvs_ros.embedded.rosout import Rosout
from wsvs_ros.embedded.service import Service
from wsvs_ros.embedded.subscription import Subscription
from wsvs_ros.embedded.timer import Timer

_LEFT_OUT = frozenset(
    [
        "add_waitable",
        "clients",
        "count_clients",
        "count_publishers",
        "count_services",
        "count_subscribers",
        "create_client",
        "create_guard_condition",
        "create_rate",
        "create_service",
        "get_node_names",
        "get_node_names_and_namespaces",
        "get_publishers_info_by_topic",
        "get_service_names_and_types",
        "get_subscriptions_info_by_topic",
        "get_topic_names_and_types",
        "guards",
        "set_descriptor",
        "wait_for_node",
        "waitables",
    ]
)
"""Methods of rclpy's nodes that say so when they are asked for."""


class Node(NodeNames, NodeParameters):
    """
    The part of rclpy.node.Node that a perception node needs.

    It answers the services about its parameters; services of a user's own, clients and actions are left out and
    say so.

    :param node_name: may be renamed by `-r __node:=`, its namespace by `-r __ns:=`.
    """

    def __init__(
        self,
        node_name: str,
        *,
        namespace: str | None = None,
        enable_rosout: bool = True,
        start_parameter_services: bool = True,
        **options: Any,
    ) -> None:
        _refuse(options)
        self.context = contexts.current()
        arguments = self.context.arguments
        NodeNames.__init__(self, arguments, node_name, namespace)
        values = load_parameters(arguments.parameters, node=self.get_name(), namespace=self.get_namespace())
        self._publishers: list[Publisher] = []
        self._subscriptions: list[Subscription] = []
        self._services: list[Service] = []
        self._timers: list[Timer] = []
        self._clock = Clock(clock_type=ClockType.ROS_TIME)
        self.__rosout = Rosout(self.context.participant) if enable_rosout else None
        sink = self.__rosout.publish if self.__rosout is not None else None
        name = self.get_fully_qualified_name().strip("/").replace("/", ".")
        self._logger = Logger(name, arguments.log_level, sink)
        event = message_class("rcl_interfaces/msg/ParameterEvent")
        events = self.create_publisher(event, "/parameter_events", qos_profile_parameter_events)
        tell = ParameterEvents(events, self.get_fully_qualified_name())
        self._parameters = ParameterStore(values, tell)
        declare_time(self)
        if start_parameter_services:
            ParameterServices(self, self._offer_parameter_service)
        self.context.graph.add(self, self.get_namespace(), self.get_name(), self.__gids)

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
    def services(self) -> Sequence[Service]:
        return tuple(self._services)

    @property
    def timers(self) -> Sequence[Timer]:
        return tuple(self._timers)

    def create_publisher(
        self,
        msg_type: type[Any],
        topic: str,
        qos_profile: QoSProfile | int,
        *,
        qos_overriding_options: QoSOverridingOptions | None = None,
        **options: Any,
    ) -> Publisher:
        _refuse(options)
        name = self.resolve_topic_name(topic)
        qos = override(self, profile(qos_profile), qos_overriding_options, topic=name, entity="publisher")
        return self.__add(self._publishers, Publisher(self.context.participant, msg_type, name, qos))

    def create_subscription(
        self,
        msg_type: type[Any],
        topic: str,
        callback: Callable[[Any], None],
        qos_profile: QoSProfile | int,
        *,
        qos_overriding_options: QoSOverridingOptions | None = None,
        raw: bool = False,
        **options: Any,
    ) -> Subscription:
        _refuse(options)
        name = self.resolve_topic_name(topic)
        qos = override(self, profile(qos_profile), qos_overriding_options, topic=name, entity="subscription")
        return self.__add(self._subscriptions, Subscription(self.context, msg_type, name, callback, qos, raw=raw))

    def create_timer(
        self,
        timer_period_sec: float,
        callback: Callable[[], None],
        *,
        clock: Clock | None = None,
        **options: Any,
    ) -> Timer:
        """
        Make a timer. It counts the time of a clock that only runs forward, whichever `clock` it is of: none of them is
        simulated, and a step of the system's clock neither fires nor delays it.

        :raises TypeError: if `clock` is none.
        """
        _refuse(options)
        clock = self._clock if clock is None else clock
        timer = Timer(timer_period_sec, callback, clock, changed=self.__wake)
        return self.__add(self._timers, timer)

    def destroy_publisher(self, publisher: Publisher) -> bool:
        return self.__destroy(self._publishers, publisher)

    def destroy_subscription(self, subscription: Subscription) -> bool:
        return self.__destroy(self._subscriptions, subscription)

    def destroy_timer(self, timer: Timer) -> bool:
        return self.__destroy(self._timers, timer)

    def destroy_node(self) -> None:
        """Leave all topics and services."""
        self.context.graph.remove(self)
        kept: Sequence[list[Any]] = (self._publishers, self._subscriptions, self._services, self._timers)
        for endpoints in kept:
            while endpoints:
                self.__destroy(endpoints, endpoints[0])
        if self.__rosout is not None:
            self.__rosout.publisher.destroy()

    def __getattr__(self, name: str) -> Any:
        if name in _LEFT_OUT:
            raise LeftOutAttribute(str(unsupported(name)))
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    def _offer_service(
        self, service_type: str, name: str, callback: Any, qos: QoSProfile = qos_profile_services_default
    ) -> None:
        service = Service(self.context, service_class(service_type), self.resolve_topic_name(name), callback, qos)
        self.__add(self._services, service)

    def _offer_parameter_service(self, service_type: str, name: str, callback: Any) -> None:
        self._offer_service(service_type, name, callback, qos_profile_parameters)

    def __add(self, endpoints: list[Any], endpoint: Any) -> Any:
        endpoints.append(endpoint)
        self.context.graph.announce()
        self.__wake()
        return endpoint

    def __destroy(self, endpoints: list[Any], endpoint: Any) -> bool:
        if endpoint not in endpoints:
            return False
        endpoints.remove(endpoint)
        endpoint.destroy()
        self.context.graph.announce()
        return True

    def __wake(self) -> None:
        """Let whoever spins look again at what there is."""
        self.context.wake.set(True)

    def __gids(self) -> tuple[list[bytes], list[bytes]]:
        """Those of its readers and of its writers."""
        rosout = [] if self.__rosout is None else [self.__rosout.publisher]
        endpoints: tuple[Any, ...] = (*rosout, *self.publishers, *self.subscriptions, *self.services)
        readers, writers = zip(*(endpoint.gids for endpoint in endpoints), strict=True) if endpoints else ((), ())
        return [gid for gids in readers for gid in gids], [gid for gids in writers for gid in gids]


def _refuse(options: dict[str, Any]) -> None:
    for option in options:
        raise unsupported(f"the option {option}")
