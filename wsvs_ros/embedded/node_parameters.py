"""A node's methods about parameters, with rclpy's names and meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wsvs_ros.embedded.errors import unsupported
from wsvs_ros.embedded.messages import message_class
from wsvs_ros.embedded.parameter import Parameter
from wsvs_ros.embedded.parameter_store import ParameterStore, SetCallback


class NodeParameters:
    """The part of a node that keeps parameters; a change passes the callbacks before it is made."""

    _parameters: ParameterStore

    def declare_parameter(
        self, name: str, value: Any = None, descriptor: Any | None = None, ignore_override: bool = False
    ) -> Parameter:
        return self._parameters.declare(name, value, descriptor, ignore_override)

    def get_parameter(self, name: str) -> Parameter:
        return self._parameters.get(name)

    def get_parameters(self, names: Sequence[str]) -> list[Parameter]:
        return [self.get_parameter(name) for name in names]

    def get_parameter_types(self, names: Sequence[str]) -> list[int]:
        """The numbers of the types, which rclpy gives, too, against its annotation."""
        return [self._parameters.type_of(name).value for name in names]

    def describe_parameters(self, names: Sequence[str]) -> list[Any]:
        return [self._parameters.describe(name) for name in names]

    def list_parameters(self, prefixes: Sequence[str], depth: int) -> Any:
        return self._parameters.listing(prefixes, depth)

    def set_parameters(self, parameter_list: Sequence[Parameter]) -> list[Any]:
        return [self._parameters.set_atomically([parameter]) for parameter in parameter_list]

    def set_parameters_atomically(self, parameter_list: Sequence[Parameter]) -> Any:
        return self._parameters.set_atomically(parameter_list)

    def add_on_set_parameters_callback(self, callback: SetCallback) -> None:
        self._parameters.callbacks.insert(0, callback)


def declare_time(node: NodeParameters) -> None:
    """
    Declare `use_sim_time`, as every node of ROS 2 does; but there is the system's clock only.

    :raises EmbeddedError: if it is to be true.
    """
    descriptor = message_class("rcl_interfaces/msg/ParameterDescriptor")(
        read_only=True, description="simulated time, which the embedded middleware does not have"
    )
    if node.declare_parameter("use_sim_time", False, descriptor).value:
        raise unsupported("use_sim_time:=true (simulated time)")
