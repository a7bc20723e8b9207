"""Time under rclpy's names; the embedded middleware knows the system's clock only."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from wsvs_ros.ros.embedded.messages import message_class


@dataclass(frozen=True, order=True)
class Time:
    """A point in time, nanoseconds since the epoch."""

    nanoseconds: int = 0

    @classmethod
    def from_msg(cls, message: Any) -> Time:
        return cls(message.sec * 1_000_000_000 + message.nanosec)

    def to_msg(self) -> Any:
        sec, nanosec = divmod(self.nanoseconds, 1_000_000_000)
        return message_class("builtin_interfaces/msg/Time")(sec=sec, nanosec=nanosec)


class Clock:
    """The system's clock."""

    def now(self) -> Time:
        return Time(time.time_ns())
