"""Parameters of a node under rclpy.parameter's names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any

from wsvs_ros.ros.embedded.errors import (
    InvalidParameterTypeException,
    InvalidParameterValueException,
    ParameterNotDeclaredException,
)
from wsvs_ros.ros.embedded.messages import message_class

SetCallback = Callable[[Sequence["Parameter"]], Any]


class Parameter:
    """A named, typed value."""

    class Type(IntEnum):
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
        def from_parameter_value(cls, value: Any) -> Parameter.Type:
            """The type of a Python value."""
            if value is None:
                return cls.NOT_SET
            scalar = {bool: cls.BOOL, int: cls.INTEGER, float: cls.DOUBLE, str: cls.STRING, bytes: cls.BYTE_ARRAY}
            if type(value) in scalar:
                return scalar[type(value)]
            if isinstance(value, (list, tuple)):
                kinds = {type(item) for item in value} or {str}
                arrays = {bool: cls.BOOL_ARRAY, int: cls.INTEGER_ARRAY, float: cls.DOUBLE_ARRAY, str: cls.STRING_ARRAY}
                if len(kinds) == 1 and kinds <= arrays.keys():
                    return arrays[kinds.pop()]
            raise TypeError(f"{value!r} is not of a parameter type")

    def __init__(self, name: str, type_: Type | None = None, value: Any = None) -> None:
        self.name = name
        self.value = value
        self.type_ = self.Type.from_parameter_value(value) if type_ is None else type_

    def __repr__(self) -> str:
        return f"Parameter({self.name!r}, {self.type_.name}, {self.value!r})"


class ParameterStore:
    """
    The declared parameters of one node.

    :param overrides: values of the command line and of parameter files.
    """

    def __init__(self, overrides: dict[str, Any]) -> None:
        self._overrides = overrides
        self._values: dict[str, Parameter] = {}
        self._descriptors: dict[str, Any] = {}
        self.callbacks: list[SetCallback] = []

    def declare(self, name: str, value: Any, descriptor: Any | None) -> Parameter:
        """
        Declare a parameter and give it its override, if there is one.

        :raises InvalidParameterTypeException: if the override is of another type than the default.
        :raises InvalidParameterValueException: if descriptor or callback refuse the value.
        """
        descriptor = descriptor or message_class("rcl_interfaces/msg/ParameterDescriptor")(name=name)
        parameter = Parameter(name, value=value)
        if name in self._overrides:
            given = Parameter(name, value=self._overrides[name])
            if given.type_ != parameter.type_ and not descriptor.dynamic_typing:
                raise InvalidParameterTypeException(
                    f"parameter {name}: got {given.value!r} ({given.type_.name}), {parameter.type_.name} is needed"
                )
            parameter = given
        refusal = _out_of_range(parameter, descriptor) or self._ask([parameter])
        if refusal:
            raise InvalidParameterValueException(f"parameter {name}: {refusal}")
        self._values[name], self._descriptors[name] = parameter, descriptor
        return parameter

    def get(self, name: str) -> Parameter:
        """
        :raises ParameterNotDeclaredException: if there is no such parameter.
        """
        if name not in self._values:
            raise ParameterNotDeclaredException(f"parameter {name} is not declared")
        return self._values[name]

    def has(self, name: str) -> bool:
        return name in self._values

    def set(self, parameters: Sequence[Parameter]) -> list[Any]:
        """Set each parameter that may be set; a SetParametersResult for each says why not."""
        result = message_class("rcl_interfaces/msg/SetParametersResult")
        results = []
        for parameter in parameters:
            refusal = self._refusal(parameter)
            if not refusal:
                self._values[parameter.name] = parameter
            results.append(result(successful=not refusal, reason=refusal))
        return results

    def _refusal(self, parameter: Parameter) -> str:
        declared = self._values.get(parameter.name)
        if declared is None:
            return f"parameter {parameter.name} is not declared"
        descriptor = self._descriptors[parameter.name]
        if descriptor.read_only:
            return f"parameter {parameter.name} is read-only"
        if parameter.type_ != declared.type_ and not descriptor.dynamic_typing:
            return f"parameter {parameter.name}: {parameter.type_.name} given, {declared.type_.name} needed"
        return _out_of_range(parameter, descriptor) or self._ask([parameter])

    def _ask(self, parameters: Sequence[Parameter]) -> str:
        for callback in self.callbacks:
            result = callback(parameters)
            if not result.successful:
                return result.reason or "refused"
        return ""


def _out_of_range(parameter: Parameter, descriptor: Any) -> str:
    for limits in (*descriptor.integer_range, *descriptor.floating_point_range):
        if isinstance(parameter.value, (int, float)) and not limits.from_value <= parameter.value <= limits.to_value:
            return f"{parameter.value} is outside {limits.from_value} to {limits.to_value}"
    return ""
