"""The services by which `ros2 param` and its like reach a node's parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from wsvs_ros.embedded.errors import ParameterException, ParameterNotDeclaredException
from wsvs_ros.embedded.messages import message_class
from wsvs_ros.embedded.node_parameters import NodeParameters
from wsvs_ros.embedded.parameter import Parameter


class ServiceMaker(Protocol):
    """Offers a service: type, name and callback."""

    def __call__(self, service_type: str, name: str, callback: Any) -> Any: ...


class ParameterServices:
    """
    Answers for the parameters of a node.

    :param offer: makes the services; they are gone with the node.
    """

    def __init__(self, node: NodeParameters, offer: ServiceMaker) -> None:
        self._node = node
        for name, callback in (
            ("DescribeParameters", self._describe),
            ("GetParameters", self._get),
            ("GetParameterTypes", self._types),
            ("ListParameters", self._list),
            ("SetParameters", self._set),
            ("SetParametersAtomically", self._set_atomically),
        ):
            words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
            offer(f"rcl_interfaces/srv/{name}", f"~/{words.lstrip('_')}", callback)

    def _describe(self, request: Any, response: Any) -> Any:
        response.descriptors = _unless_unknown(self._node.describe_parameters, request.names)
        return response

    def _get(self, request: Any, response: Any) -> Any:
        found = _unless_unknown(self._node.get_parameters, request.names)
        response.values = [parameter.get_parameter_value() for parameter in found]
        return response

    def _types(self, request: Any, response: Any) -> Any:
        response.types = _unless_unknown(self._node.get_parameter_types, request.names)
        return response

    def _list(self, request: Any, response: Any) -> Any:
        response.result = self._node.list_parameters(request.prefixes, request.depth)
        return response

    def _set(self, request: Any, response: Any) -> Any:
        response.results = [self._try([parameter]) for parameter in request.parameters]
        return response

    def _set_atomically(self, request: Any, response: Any) -> Any:
        response.result = self._try(request.parameters)
        return response

    def _try(self, parameters: Sequence[Any]) -> Any:
        try:
            return self._node.set_parameters_atomically([Parameter.from_parameter_msg(item) for item in parameters])
        except (ParameterNotDeclaredException, ValueError) as error:  # ValueError: of no type
            return message_class("rcl_interfaces/msg/SetParametersResult")(successful=False, reason=str(error))


def _unless_unknown(ask: Any, names: Sequence[str]) -> list[Any]:
    """Nothing at all if one of the names is not known, as ROS 2 has it."""
    try:
        return ask(names)
    except ParameterException:
        return []
