"""Errors of the embedded middleware, under rclpy's names where rclpy has one."""

from __future__ import annotations

from typing import Any

from wsvs_ros.errors import WsvsError


class EmbeddedError(WsvsError):
    """The embedded middleware cannot do what was asked; the text says what would."""


class LeftOutAttribute(EmbeddedError, AttributeError):
    """An attribute that only ROS 2 has; `hasattr` takes it for a missing one."""


class ExternalShutdownException(Exception):
    """The context was shut down from outside (SIGTERM) while spinning."""


class RCLError(RuntimeError):
    """What rclpy raises where its C library refuses."""


class InvalidHandle(Exception):
    """Something was used after it had been destroyed."""


class ParameterException(Exception):
    """
    What is wrong with a parameter.

    :param parameters: the name, or the names.
    """

    def __init__(self, error_msg: str, parameters: str | list[str]) -> None:
        super().__init__(f"{error_msg}: {parameters if isinstance(parameters, str) else ', '.join(parameters)}")


class ParameterNotDeclaredException(ParameterException):
    """A parameter was asked for that the node did not declare."""

    def __init__(self, parameters: str | list[str]) -> None:
        super().__init__("not declared as a parameter", parameters)


class ParameterAlreadyDeclaredException(ParameterException):
    """A parameter was declared twice."""

    def __init__(self, parameters: str | list[str]) -> None:
        super().__init__("declared before", parameters)


class ParameterUninitializedException(ParameterException):
    """A parameter was asked for that was declared with a type only and never got a value."""

    def __init__(self, parameter_name: str) -> None:
        super().__init__("declared without a value, and none was given", parameter_name)


class InvalidParameterException(ParameterException):
    """A parameter's name is none."""

    def __init__(self, parameter_name: str) -> None:
        super().__init__("not a name for a parameter", repr(parameter_name))


class InvalidParameterTypeException(ParameterException):
    """A parameter was given a value of another type than it was declared with."""

    def __init__(self, desired_parameter: Any, expected_type: str) -> None:
        given = f"{desired_parameter.value!r} ({desired_parameter.type_.name})"
        super().__init__(f"got {given}, {expected_type} is needed", desired_parameter.name)


class InvalidParameterValueException(ParameterException):
    """A parameter was declared with a value that its descriptor or a callback refuses."""

    def __init__(self, parameter: str, value: Any, reason: str) -> None:
        super().__init__(f"{value!r} is refused ({reason})", parameter)


def unsupported(what: str) -> EmbeddedError:
    """What the subset leaves out says so instead of failing in odd ways."""
    return EmbeddedError(
        f"{what} is not part of the embedded middleware, which has topics, parameters, timers and lifecycle nodes "
        "only; source a ROS 2 installation to use it"
    )
