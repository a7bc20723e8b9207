"""A message as a storage file holds it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RawMessage:
    """
    A message of a rosbag2, not yet understood.

    :param kind: e.g. `sensor_msgs/msg/Image`.
    :param definition: of the type, in ROS 2's message language; empty where the file has none.
    :param timestamp: of recording, nanoseconds.
    :param data: CDR, or that compressed.
    """

    topic: str
    kind: str
    definition: str
    timestamp: int
    data: bytes
