"""The rate of an overlay video: whatever a drive was measured at, as an mp4 can hold it."""

from __future__ import annotations

_SLOWEST, _FASTEST = 0.01, 1000.0  # frames per second
_TICKS = 65_535  # MPEG-4 counts time in at most so many ticks a second


def video_rate(fps: float) -> float:
    """
    The rate nearest to `fps` that an mp4 can hold.

    OpenCV writes a rate as a decimal fraction, whose numerator is MPEG-4's ticks a second, and writes no video if
    that has too many: 99.873, the measured rate of a 100 Hz bag, becomes 99.87.

    :param fps: frames per second, more than 0.
    :return: frames per second.
    """
    fps = min(max(fps, _SLOWEST), _FASTEST)
    decimals = max(digits for digits in range(4) if fps * 10**digits <= _TICKS)
    return round(fps, decimals)
