"""Errors of the embedded middleware, under rclpy's names where rclpy has one."""

from __future__ import annotations

from wsvs_ros.errors import WsvsError


class EmbeddedError(WsvsError):
    """The embedded middleware cannot do what was asked; the text says what would."""


class ExternalShutdownException(Exception):
    """The context was shut down from outside (SIGTERM) while spinning."""


class ParameterException(Exception):
    """What is wrong with a parameter."""


class ParameterNotDeclaredException(ParameterException):
    """A parameter was asked for that the node did not declare."""


class InvalidParameterTypeException(ParameterException):
    """A parameter was given a value of another type than it was declared with."""


class InvalidParameterValueException(ParameterException):
    """A parameter was declared with a value that its descriptor or a callback refuses."""


def unsupported(what: str) -> EmbeddedError:
    """What the subset leaves out says so instead of failing in odd ways."""
    return EmbeddedError(
        f"{what} is not part of the embedded middleware, which has topics, parameters and timers only; "
        "source a ROS 2 installation to use it"
    )
