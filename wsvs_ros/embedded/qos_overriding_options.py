"""QoS that a user sets by parameters, under rclpy.qos_overriding_options' names."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Any

from wsvs_ros.embedded.errors import ParameterAlreadyDeclaredException
from wsvs_ros.embedded.messages import message_class
from wsvs_ros.embedded.node_parameters import NodeParameters
from wsvs_ros.embedded.qos import QoSPolicyKind, QoSProfile


class QoSOverridingOptions:
    """
    Which policies of an endpoint get a parameter `qos_overrides.<topic>.<publisher|subscription>.<policy>`.
    """

    def __init__(self, policy_kinds: Iterable[QoSPolicyKind]) -> None:
        self.policy_kinds = tuple(policy_kinds)

    @classmethod
    def with_default_policies(cls) -> QoSOverridingOptions:
        """Overrides of history, depth and reliability."""
        return cls((QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH, QoSPolicyKind.RELIABILITY))


def override(
    node: NodeParameters, qos: QoSProfile, options: QoSOverridingOptions | None, *, topic: str, entity: str
) -> QoSProfile:
    """
    The profile that the node's parameters ask for; they are declared, read-only, if they are not yet.

    :param entity: `publisher` or `subscription`.
    :raises RuntimeError: if a parameter's value is none of the policy's.
    """
    if options is None:
        return qos
    for kind in options.policy_kinds:
        policy = kind.name.lower()
        default = getattr(qos, policy)
        name = f"qos_overrides.{topic}.{entity}.{policy}"
        given = _declared(node, name, default.name.lower() if isinstance(default, IntEnum) else default)
        setattr(qos, policy, _policy(type(default), policy, given))
    return qos


def _declared(node: NodeParameters, name: str, default: Any) -> Any:
    descriptor = message_class("rcl_interfaces/msg/ParameterDescriptor")(
        read_only=True, description=f"QoS policy, applied when the endpoint is created; default: {default}"
    )
    try:
        return node.declare_parameter(name, default, descriptor).value
    except ParameterAlreadyDeclaredException:  # an endpoint that comes back
        return node.get_parameter(name).value


def _policy(kind: Any, policy: str, given: Any) -> Any:
    if not issubclass(kind, IntEnum):
        return given
    try:
        return kind[given.upper()]
    except KeyError:
        accepted = ", ".join(item.name.lower() for item in kind)
        raise RuntimeError(f"unexpected QoS override for policy {policy}: {given!r}; one of {accepted}") from None
