"""Node: names, parameters, publishers, subscriptions and timers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wsvs_ros.ros.embedded import context as contexts
from wsvs_ros.ros.embedded.callback_groups import CallbackGroup
from wsvs_ros.ros.embedded.clock import Clock
from wsvs_ros.ros.embedded.errors import unsupported
from wsvs_ros.ros.embedded.logger import Logger
from wsvs_ros.ros.embedded.messages import message_class, service_class
from wsvs_ros.ros.embedded.names import resolve
from wsvs_ros.ros.embedded.node_parameters import NodeParameters
from wsvs_ros.ros.embedded.parameter import Parameter
from wsvs_ros.ros.embedded.parameter_files import load_parameters
from wsvs_ros.ros.embedded.parameter_services import ParameterServices
from wsvs_ros.ros.embedded.parameter_store import ParameterStore
from wsvs_ros.ros.embedded.publisher import Publisher
from wsvs_ros.ros.embedded.qos import (
    QoSProfile,
    profile,
    qos_profile_parameter_events,
    qos_profile_parameters,
    qos_profile_services_default,
)
from wsvs_ros.ros.embedded.qos_overriding_options import QoSOverridingOptions, override
from wsvs_ros.ros.embedded.rosout import Rosout
from wsvs_ros.ros.embedded.service import Service
from wsvs_ros.ros.embedded.subscription import Subscription
from wsvs_ros.ros.embedded.timer import Timer


class Node(NodeParameters):
    """
    The part of rclpy.node.Node that a perception node needs.

    It answers the services about its parameters; services of a user's own, clients and actions are left out and
    say so.

    :param node_name: may be renamed by `-r __node:=`, its namespace by `-r __ns:=`.
    :param parameter_overrides: values that win over those of the command line and of files.
    """

    def __init__(
        self,
        node_name: str,
        *,
        namespace: str | None = None,
        enable_rosout: bool = True,
        start_parameter_services: bool = True,
        parameter_overrides: Sequence[Parameter] | None = None,
        automatically_declare_parameters_from_overrides: bool = False,
        **options: Any,
    ) -> None:
        for option in options:
            raise unsupported(f"the option {option} of a node")
        self.context = contexts.current()
        arguments = self.context.arguments
        self.__name = arguments.remap("__node") or node_name
        self.__namespace = "/" + (arguments.remap("__ns") or namespace or "/").strip("/")
        values = load_parameters(arguments.files, node=self.__name, namespace=self.__namespace)
        values |= arguments.parameters | {item.name: item.value for item in parameter_overrides or ()}
        self._publishers: list[Publisher] = []
        self._subscriptions: list[Subscription] = []
        self._services: list[Service] = []
        self._timers: list[Timer] = []
        self._clock = Clock()
        self.__rosout = Rosout(self.context.participant) if enable_rosout else None
        sink = self.__rosout.publish if self.__rosout is not None else None
        name = self.get_fully_qualified_name().strip("/").replace("/", ".")
        self._logger = Logger(name, arguments.log_level, sink)
        event = message_class("rcl_interfaces/msg/ParameterEvent")
        self.__events: Publisher | None = self.create_publisher(
            event, "/parameter_events", qos_profile_parameter_events
        )
        self._parameters = ParameterStore(values, self.__tell)
        self.__declare_time()
        if automatically_declare_parameters_from_overrides:
            for key, value in values.items():
                if not self.has_parameter(key):
                    self.declare_parameter(key, value)
        if start_parameter_services:
            ParameterServices(self, self._offer_parameter_service)
        self.context.graph.add(self, self.__namespace, self.__name, self.__gids)

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
    def services(self) -> Sequence[Service]:
        return tuple(self._services)

    @property
    def timers(self) -> Sequence[Timer]:
        return tuple(self._timers)

    def resolve_topic_name(self, topic: str, *, only_expand: bool = False) -> str:
        """The topic's full name, after the remapping rules."""
        full = self.__expand(topic)
        if only_expand:
            return full
        for source, to in self.context.arguments.remaps:
            if not source.startswith("__") and self.__expand(source) == full:
                return self.__expand(to)
        return full

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
        return self.__add(self._publishers, Publisher(self.context.participant, msg_type, name, qos))

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
        return self.__add(self._subscriptions, Subscription(self.context, msg_type, name, callback, qos, raw=raw))

    def create_timer(
        self,
        timer_period_sec: float,
        callback: Callable[[], None],
        callback_group: CallbackGroup | None = None,
        clock: Clock | None = None,
        autostart: bool = True,
    ) -> Timer:
        return self.__add(self._timers, Timer(timer_period_sec, callback, autostart=autostart, changed=self.__wake))

    def destroy_publisher(self, publisher: Publisher) -> bool:
        return self.__destroy(self._publishers, publisher)

    def destroy_subscription(self, subscription: Subscription) -> bool:
        return self.__destroy(self._subscriptions, subscription)

    def destroy_timer(self, timer: Timer) -> bool:
        return self.__destroy(self._timers, timer)

    def destroy_node(self) -> None:
        """Leave all topics and services."""
        self.context.graph.remove(self)
        self.__events = None
        kept: Sequence[list[Any]] = (self._publishers, self._subscriptions, self._services, self._timers)
        for endpoints in kept:
            while endpoints:
                self.__destroy(endpoints, endpoints[0])
        if self.__rosout is not None:
            self.__rosout.publisher.destroy()

    def create_service(self, *_: Any, **__: Any) -> None:
        raise unsupported("create_service")

    def create_client(self, *_: Any, **__: Any) -> None:
        raise unsupported("create_client")

    def create_rate(self, *_: Any, **__: Any) -> None:
        raise unsupported("create_rate")

    def create_guard_condition(self, *_: Any, **__: Any) -> None:
        raise unsupported("create_guard_condition")

    def _offer_service(
        self, service_type: str, name: str, callback: Any, qos: QoSProfile = qos_profile_services_default
    ) -> None:
        service = Service(self.context, service_class(service_type), self.resolve_topic_name(name), callback, qos)
        self.__add(self._services, service)

    def _offer_parameter_service(self, service_type: str, name: str, callback: Any) -> None:
        self._offer_service(service_type, name, callback, qos_profile_parameters)

    def __declare_time(self) -> None:
        """As every node of ROS 2 does; but there is the system's clock only."""
        descriptor = message_class("rcl_interfaces/msg/ParameterDescriptor")(
            read_only=True, description="simulated time, which the embedded middleware does not have"
        )
        if self.declare_parameter("use_sim_time", False, descriptor).value:
            raise unsupported("use_sim_time:=true (simulated time)")

    def __expand(self, name: str) -> str:
        return resolve(name, node=self.__name, namespace=self.__namespace)

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

    def __tell(self, new: list[Parameter], changed: list[Parameter], deleted: list[Parameter]) -> None:
        """Publish a change of parameters."""
        if self.__events is None:
            return
        event = self.__events.msg_type(node=self.get_fully_qualified_name(), stamp=self._clock.now().to_msg())
        event.new_parameters = [parameter.to_parameter_msg() for parameter in new]
        event.changed_parameters = [parameter.to_parameter_msg() for parameter in changed]
        event.deleted_parameters = [parameter.to_parameter_msg() for parameter in deleted]
        self.__events.publish(event)
