"""QoS profiles under rclpy.qos' names, and what they are in DDS."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

from cyclonedds.core import Policy, Qos
from cyclonedds.util import duration


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
    KEEP_ALL = 2


@dataclass
class QoSProfile:
    """The policies that the subset honours; deadlines, lifespans and liveliness are not among them."""

    depth: int = 10
    history: HistoryPolicy = HistoryPolicy.KEEP_LAST
    reliability: ReliabilityPolicy = ReliabilityPolicy.RELIABLE
    durability: DurabilityPolicy = DurabilityPolicy.VOLATILE

    def to_dds(self, user_data: bytes) -> Qos:
        """The profile as DDS policies, with an endpoint's user data."""
        keep_all = self.history == HistoryPolicy.KEEP_ALL
        best_effort = self.reliability == ReliabilityPolicy.BEST_EFFORT
        latched = self.durability == DurabilityPolicy.TRANSIENT_LOCAL
        history = Policy.History.KeepAll if keep_all else Policy.History.KeepLast(max(self.depth, 1))
        policies = [
            history,
            Policy.Reliability.BestEffort if best_effort else Policy.Reliability.Reliable(duration(milliseconds=100)),
            Policy.Durability.TransientLocal if latched else Policy.Durability.Volatile,
            Policy.Userdata(user_data),
        ]
        if latched:
            policies.append(Policy.DurabilityService(duration(seconds=0), history, -1, -1, -1))
        return Qos(*policies)


qos_profile_sensor_data = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
qos_profile_system_default = QoSProfile()
qos_profile_parameters = QoSProfile(depth=1000)

QoSReliabilityPolicy = ReliabilityPolicy
QoSDurabilityPolicy = DurabilityPolicy
QoSHistoryPolicy = HistoryPolicy


def policy_name(number: int) -> str:
    """
    A policy's name in messages.

    :param number: its id in the DDS standard.
    """
    return {2: "DURABILITY", 11: "RELIABILITY"}.get(number, f"number {number} of DDS")


def profile(value: QoSProfile | int) -> QoSProfile:
    """What rclpy accepts for QoS: a profile, or the depth of a reliable one."""
    return QoSProfile(depth=value) if isinstance(value, int) else replace(value)
