"""Time under rclpy's names. There is no simulated time: ROS time is the system's."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import IntEnum
from functools import total_ordering
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


@total_ordering
class Time:
    """
    A point in time, of one kind of clock; those of different kinds are not compared.

    :raises TypeError: if `clock_type` is none.
    :raises ValueError: if it lies before the clock's epoch.
    """

    def __init__(
        self, *, seconds: float = 0, nanoseconds: int = 0, clock_type: ClockType = ClockType.SYSTEM_TIME
    ) -> None:
        self.clock_type = _checked(clock_type)
        self.nanoseconds = int(seconds * _SECOND) + int(nanoseconds)
        if self.nanoseconds < 0:
            raise ValueError(f"{self.nanoseconds} ns: a time is not negative")

    def to_msg(self) -> Any:
        sec, nanosec = divmod(self.nanoseconds, _SECOND)
        return message_class("builtin_interfaces/msg/Time")(sec=sec, nanosec=nanosec)

    def __repr__(self) -> str:
        return f"Time(nanoseconds={self.nanoseconds}, clock_type={self.clock_type.name})"

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, Time):
            return Duration(nanoseconds=self.nanoseconds - self._nanoseconds_of(other))
        if isinstance(other, Duration):
            return Time(nanoseconds=self.nanoseconds - other.nanoseconds, clock_type=self.clock_type)
        return NotImplemented

    def __add__(self, other: Any) -> Time:
        if isinstance(other, Duration):
            return Time(nanoseconds=self.nanoseconds + other.nanoseconds, clock_type=self.clock_type)
        return NotImplemented

    def __eq__(self, other: object) -> bool:
        return self.nanoseconds == self._nanoseconds_of(other) if isinstance(other, Time) else NotImplemented

    def __lt__(self, other: Any) -> bool:
        return self.nanoseconds < self._nanoseconds_of(other) if isinstance(other, Time) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as in rclpy

    def _nanoseconds_of(self, other: Time) -> int:
        if other.clock_type != self.clock_type:
            raise TypeError(f"times of {self.clock_type.name} and {other.clock_type.name} are not compared")
        return other.nanoseconds


class Clock:
    """
    A clock: the system's, or one that only runs forward (STEADY_TIME).

    :raises TypeError: if `clock_type` is none.
    """

    def __init__(self, *, clock_type: ClockType = ClockType.SYSTEM_TIME) -> None:
        self.clock_type = _checked(clock_type)

    def now(self) -> Time:
        steady = self.clock_type == ClockType.STEADY_TIME
        return Time(nanoseconds=time.monotonic_ns() if steady else time.time_ns(), clock_type=self.clock_type)


def _checked(clock_type: ClockType) -> ClockType:
    if not isinstance(clock_type, ClockType):
        raise TypeError(f"{clock_type!r} is no ClockType")
    return clock_type
