"""Which signals the middleware handles, under rclpy.signals' names."""

from __future__ import annotations

from enum import IntFlag


class SignalHandlerOptions(IntFlag):
    """Whose handlers `init` installs."""

    NO = 0
    SIGINT = 1
    SIGTERM = 2
    ALL = 3
