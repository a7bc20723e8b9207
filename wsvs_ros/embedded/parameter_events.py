"""/parameter_events: what changed in a node's parameters."""

from __future__ import annotations

from collections.abc import Sequence

from wsvs_ros.embedded.clock import Clock
from wsvs_ros.embedded.parameter import Parameter
from wsvs_ros.embedded.publisher import Publisher


class ParameterEvents:
    """
    Publishes changes.

    :param node: the node's full name.
    """

    def __init__(self, publisher: Publisher, node: str) -> None:
        self._publisher = publisher
        self._node = node

    def __call__(self, new: Sequence[Parameter], changed: Sequence[Parameter], deleted: Sequence[Parameter]) -> None:
        event = self._publisher.msg_type(node=self._node, stamp=Clock().now().to_msg())
        event.new_parameters = [parameter.to_parameter_msg() for parameter in new]
        event.changed_parameters = [parameter.to_parameter_msg() for parameter in changed]
        event.deleted_parameters = [parameter.to_parameter_msg() for parameter in deleted]
        self._publisher.publish(event)
