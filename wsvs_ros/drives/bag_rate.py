"""The rate of a camera in a bag, by the stamps of its images: pauses do not count."""

from __future__ import annotations

import struct
from itertools import islice
from typing import Any

import numpy as np
from rosbags.interfaces import Connection

_LOOKED_AT = 200  # images at the beginning
_PAUSE = 3.0  # medians


def frame_rate(reader: Any, connections: list[Connection]) -> float | None:
    """
    Frames per second while the camera ran; None where one image, or none, tells.

    By the stamps of the headers, which are the camera's own; where they stand still, by the times of recording.

    :param reader: of rosbags, or what reads a damaged bag.
    :param connections: of the camera's topic.
    """
    stamps, times = [], []
    try:
        for _, timestamp, data in islice(reader.messages(connections), _LOOKED_AT):
            times.append(timestamp)
            stamps.append(_header_stamp(data, reader.is2))
    except Exception:  # of a damaged bag; the drive says so when it comes there
        pass
    return _rate([stamp for stamp in stamps if stamp is not None]) or _rate(times)


def _rate(stamps: list[int]) -> float | None:
    steps = np.diff(np.array(stamps, np.int64)) * 1e-9
    steps = steps[steps > 0]
    if len(steps) < max(1, (len(stamps) - 1) // 2):  # most stand still or run backwards
        return None
    steady = steps[steps <= _PAUSE * np.median(steps)]
    return float(1 / steady.mean())


def _header_stamp(data: bytes, is2: bool) -> int | None:
    """Of a message that begins with a std_msgs/Header, nanoseconds; CDR has 4 bytes before it, ROS 1 a counter."""
    try:
        order = "<" if not is2 or data[1] & 1 else ">"
        sec, nanosec = struct.unpack_from(f"{order}iI", data, 4)
    except (struct.error, IndexError):
        return None
    return int(sec) * 1_000_000_000 + int(nanosec)
