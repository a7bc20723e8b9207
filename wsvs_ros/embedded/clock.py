"""Time under rclpy's names; the embedded middleware knows the system's clock only."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from wsvs_ros.embedded.messages import message_class

_SECOND = 1_000_000_000  # nanoseconds


class ClockType(IntEnum):
    """Which clock a time is of."""

    ROS_TIME = 1
    SYSTEM_TIME = 2
    STEADY_TIME = 3


@dataclass(frozen=True, order=True, init=False)
class Duration:
    """A span of time."""

    nanoseconds: int

    def __init__(self, *, seconds: float = 0, nanoseconds: int = 0) -> None:
        object.__setattr__(self, "nanoseconds", int(seconds * _SECOND) + nanoseconds)

    def to_msg(self) -> Any:
        sec, nanosec = divmod(self.nanoseconds, _SECOND)
        return message_class("builtin_interfaces/msg/Duration")(sec=sec, nanosec=nanosec)


@dataclass(frozen=True, order=True, init=False)
class Time:
    """A point in time since the epoch."""

    nanoseconds: int

    def __init__(
        self, *, seconds: float = 0, nanoseconds: int = 0, clock_type: ClockType = ClockType.SYSTEM_TIME
    ) -> None:
        object.__setattr__(self, "nanoseconds", int(seconds * _SECOND) + nanoseconds)

    @classmethod
    def from_msg(cls, message: Any, clock_type: ClockType = ClockType.ROS_TIME) -> Time:
        return cls(seconds=0, nanoseconds=message.sec * _SECOND + message.nanosec)

    def to_msg(self) -> Any:
        sec, nanosec = divmod(self.nanoseconds, _SECOND)
        return message_class("builtin_interfaces/msg/Time")(sec=sec, nanosec=nanosec)

    def seconds_nanoseconds(self) -> tuple[int, int]:
        return divmod(self.nanoseconds, _SECOND)

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, Time):
            return Duration(nanoseconds=self.nanoseconds - other.nanoseconds)
        if isinstance(other, Duration):
            return Time(nanoseconds=self.nanoseconds - other.nanoseconds)
        return NotImplemented

    def __add__(self, other: Any) -> Time:
        if isinstance(other, Duration):
            return Time(nanoseconds=self.nanoseconds + other.nanoseconds)
        return NotImplemented


class Clock:
    """The system's clock, or one that only runs forward."""

    def __init__(self, *, clock_type: ClockType = ClockType.SYSTEM_TIME) -> None:
        self.clock_type = clock_type

    def now(self) -> Time:
        steady = self.clock_type == ClockType.STEADY_TIME
        return Time(nanoseconds=time.monotonic_ns() if steady else time.time_ns())
