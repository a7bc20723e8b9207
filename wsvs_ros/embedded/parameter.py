"""A parameter under rclpy.parameter's names."""

from __future__ import annotations

import array
from enum import Enum
from typing import Any

from wsvs_ros.embedded.messages import message_class

_FIELDS = (
    "",
    "bool_value",
    "integer_value",
    "double_value",
    "string_value",
    "byte_array_value",
    "bool_array_value",
    "integer_array_value",
    "double_array_value",
    "string_array_value",
)
"""Of rcl_interfaces/msg/ParameterValue, by type."""


class ParameterType(Enum):
    """ROS 2's parameter types."""

    NOT_SET = 0
    BOOL = 1
    INTEGER = 2
    DOUBLE = 3
    STRING = 4
    BYTE_ARRAY = 5
    BOOL_ARRAY = 6
    INTEGER_ARRAY = 7
    DOUBLE_ARRAY = 8
    STRING_ARRAY = 9

    @classmethod
    def from_parameter_value(cls, parameter_value: Any) -> ParameterType:
        """
        The type of a Python value; that of an empty list is BYTE_ARRAY, as rclpy has it.

        :raises TypeError: if it has none.
        """
        if parameter_value is None:
            return cls.NOT_SET
        for scalar in (cls.BOOL, cls.INTEGER, cls.DOUBLE, cls.STRING):
            if isinstance(parameter_value, _SCALARS[scalar]):
                return scalar
        if isinstance(parameter_value, (list, tuple, array.array)):
            for kind, type_ in _ARRAYS.items():
                if all(isinstance(item, kind) for item in parameter_value):
                    return type_
        raise TypeError(f"{parameter_value!r} is not of a parameter type")

    def check(self, parameter_value: Any) -> bool:
        """Whether a value is of this type."""
        if self == ParameterType.NOT_SET:
            return parameter_value is None
        if self == ParameterType.INTEGER:  # True is one, in rclpy too
            return isinstance(parameter_value, int) and parameter_value in _INT64
        if self in _SCALARS:
            return isinstance(parameter_value, _SCALARS[self])
        kind = next(kind for kind, type_ in _ARRAYS.items() if type_ == self)
        sequence = isinstance(parameter_value, (list, tuple, array.array))
        whole = self != ParameterType.INTEGER_ARRAY or all(item in _INT64 for item in parameter_value)
        return sequence and whole and all(isinstance(item, kind) for item in parameter_value)


_INT64 = range(-(1 << 63), 1 << 63)
_SCALARS: dict[ParameterType, type] = {
    ParameterType.BOOL: bool,
    ParameterType.INTEGER: int,
    ParameterType.DOUBLE: float,
    ParameterType.STRING: str,
}
_ARRAYS: dict[type, ParameterType] = {
    bytes: ParameterType.BYTE_ARRAY,
    bool: ParameterType.BOOL_ARRAY,
    int: ParameterType.INTEGER_ARRAY,
    float: ParameterType.DOUBLE_ARRAY,
    str: ParameterType.STRING_ARRAY,
}


class Parameter:
    """
    A named, typed value.

    :param type_: that of the value when None.
    :raises TypeError: if the value is of no parameter type.
    :raises ValueError: if value and type do not agree.
    """

    Type = ParameterType

    def __init__(self, name: str, type_: ParameterType | None = None, value: Any = None) -> None:
        self.name = name
        self.value = value
        self.type_ = ParameterType.from_parameter_value(value) if type_ is None else type_
        if not self.type_.check(value):
            raise ValueError(f"parameter {name}: {value!r} is not of type {self.type_.name}")

    def __repr__(self) -> str:
        return f"Parameter({self.name!r}, {self.type_.name}, {self.value!r})"

    @classmethod
    def from_parameter_msg(cls, param_msg: Any) -> Parameter:
        """
        From a rcl_interfaces/msg/Parameter.

        :raises ValueError: if its type is none.
        """
        type_ = ParameterType(param_msg.value.type)
        return cls(param_msg.name, type_, parameter_value_to_python(param_msg.value))

    def get_parameter_value(self) -> Any:
        """As a rcl_interfaces/msg/ParameterValue."""
        message = message_class("rcl_interfaces/msg/ParameterValue")(type=self.type_.value)
        if self.type_ != ParameterType.NOT_SET:
            value = [item[0] for item in self.value] if self.type_ == ParameterType.BYTE_ARRAY else self.value
            setattr(message, _FIELDS[self.type_.value], value)
        return message

    def to_parameter_msg(self) -> Any:
        """As a rcl_interfaces/msg/Parameter."""
        return message_class("rcl_interfaces/msg/Parameter")(name=self.name, value=self.get_parameter_value())


def parameter_value_to_python(parameter_value: Any) -> Any:
    """
    The value that a rcl_interfaces/msg/ParameterValue holds, None if it holds none.

    :raises ValueError: if its type is none.
    """
    type_ = ParameterType(parameter_value.type)
    if type_ == ParameterType.NOT_SET:
        return None
    value = getattr(parameter_value, _FIELDS[type_.value])
    if type_ == ParameterType.BYTE_ARRAY:
        return [bytes([item]) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value
