"""QoS that a user sets by parameters, under rclpy.qos_overriding_options' names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Any

from wsvs_ros.embedded.errors import ParameterAlreadyDeclaredException, unsupported
from wsvs_ros.embedded.messages import message_class
from wsvs_ros.embedded.node_parameters import NodeParameters
from wsvs_ros.embedded.qos import QoSPolicyKind, QoSProfile

_KNOWN = (QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH, QoSPolicyKind.RELIABILITY, QoSPolicyKind.DURABILITY)


class InvalidQosOverridesError(Exception):
    """A callback refused what the parameters make of a profile."""


class QoSOverridingOptions:
    """
    Which policies of an endpoint get a parameter `qos_overrides.<topic>.<publisher|subscription>.<policy>`.

    :param callback: is asked about the profile that comes out.
    :param entity_id: tells apart endpoints of one node on one topic.
    :raises EmbeddedError: on a policy that the embedded middleware does not have.
    """

    def __init__(
        self,
        policy_kinds: Iterable[QoSPolicyKind],
        *,
        callback: Callable[[QoSProfile], Any] | None = None,
        entity_id: str | None = None,
    ) -> None:
        self.policy_kinds = tuple(policy_kinds)
        self.callback = callback
        self.entity_id = entity_id
        for kind in self.policy_kinds:
            if kind not in _KNOWN:
                raise unsupported(f"the QoS policy {kind.name}")

    @classmethod
    def with_default_policies(
        cls, *, callback: Callable[[QoSProfile], Any] | None = None, entity_id: str | None = None
    ) -> QoSOverridingOptions:
        """Overrides of history, depth and reliability."""
        return cls(_KNOWN[:3], callback=callback, entity_id=entity_id)


def override(
    node: NodeParameters, qos: QoSProfile, options: QoSOverridingOptions | None, *, topic: str, entity: str
) -> QoSProfile:
    """
    The profile that the node's parameters ask for; they are declared, read-only, if they are not yet.

    :param entity: `publisher` or `subscription`.
    :raises InvalidQosOverridesError: if the options' callback refuses it.
    :raises RuntimeError: if a parameter's value is none of the policy's.
    """
    if options is None:
        return qos
    group = f"qos_overrides.{topic}.{entity}" + (f"_{options.entity_id}" if options.entity_id is not None else "")
    for kind in options.policy_kinds:
        policy = kind.name.lower()
        default = getattr(qos, policy)
        given = _declared(node, f"{group}.{policy}", default.name.lower() if isinstance(default, IntEnum) else default)
        setattr(qos, policy, _policy(type(default), policy, given))
    if options.callback is not None:
        result = options.callback(qos)
        if not result.successful:
            raise InvalidQosOverridesError(f"{group}: {result.reason}")
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
