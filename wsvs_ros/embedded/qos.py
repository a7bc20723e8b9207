"""QoS profiles under rclpy.qos' names, and what they are in DDS."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

from cyclonedds.core import Policy, Qos
from cyclonedds.util import duration

from wsvs_ros.embedded.clock import Duration
from wsvs_ros.embedded.errors import unsupported


class QoSPolicyKind(IntEnum):
    """The policies that a user may override."""

    DURABILITY = 1 << 1
    RELIABILITY = 1 << 4
    HISTORY = 1 << 5
    DEPTH = 1 << 7


class ReliabilityPolicy(IntEnum):
    SYSTEM_DEFAULT = 0
    RELIABLE = 1
    BEST_EFFORT = 2


class DurabilityPolicy(IntEnum):
    SYSTEM_DEFAULT = 0
    TRANSIENT_LOCAL = 1
    VOLATILE = 2


class HistoryPolicy(IntEnum):
    SYSTEM_DEFAULT = 0
    KEEP_LAST = 1
    KEEP_ALL = 2  # left out: nothing bounds what waits


@dataclass
class QoSProfile:
    """The policies that the subset honours; deadlines and liveliness are not among them."""

    history: HistoryPolicy = HistoryPolicy.KEEP_LAST
    depth: int = 10
    reliability: ReliabilityPolicy = ReliabilityPolicy.RELIABLE
    durability: DurabilityPolicy = DurabilityPolicy.VOLATILE
    lifespan: Duration | None = None

    def to_dds(self, user_data: bytes) -> Qos:
        """
        The profile as DDS policies, with an endpoint's user data.

        :raises EmbeddedError: if all messages are to be kept.
        """
        if self.history == HistoryPolicy.KEEP_ALL:
            raise unsupported("the QoS history KEEP_ALL")
        best_effort = self.reliability == ReliabilityPolicy.BEST_EFFORT
        latched = self.durability == DurabilityPolicy.TRANSIENT_LOCAL
        history = Policy.History.KeepLast(max(self.depth, 1))
        policies = [
            history,
            Policy.Reliability.BestEffort if best_effort else Policy.Reliability.Reliable(duration(milliseconds=100)),
            Policy.Durability.TransientLocal if latched else Policy.Durability.Volatile,
            Policy.Userdata(user_data),
            Policy.WriterDataLifecycle(autodispose=False),  # what was published stays when its publisher goes
        ]
        if latched:
            policies.append(Policy.DurabilityService(duration(seconds=0), history, -1, -1, -1))
        if self.lifespan is not None:
            policies.append(Policy.Lifespan(self.lifespan.nanoseconds))
        return Qos(*policies)


qos_profile_services_default = QoSProfile()
qos_profile_parameters = QoSProfile(depth=1000)
qos_profile_parameter_events = QoSProfile(depth=1000)
# rcl's
rosout_profile = QoSProfile(depth=1000, durability=DurabilityPolicy.TRANSIENT_LOCAL, lifespan=Duration(seconds=10))


def policy_name(number: int) -> str:
    """
    A policy's name in messages.

    :param number: its id in the DDS standard.
    """
    return {2: "DURABILITY", 11: "RELIABILITY"}.get(number, f"number {number} of DDS")


def profile(value: QoSProfile | int) -> QoSProfile:
    """What rclpy accepts for QoS: a profile, or the depth of a reliable one."""
    return QoSProfile(depth=value) if isinstance(value, int) else replace(value)
