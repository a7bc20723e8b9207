"""The parameters of one node: declared, described, changed, and refused with a reason."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from wsvs_ros.embedded.errors import (
    InvalidParameterException,
    InvalidParameterTypeException,
    InvalidParameterValueException,
    ParameterAlreadyDeclaredException,
    ParameterNotDeclaredException,
    ParameterUninitializedException,
)
from wsvs_ros.embedded.messages import message_class
from wsvs_ros.embedded.parameter import Parameter, ParameterType
from wsvs_ros.embedded.parameter_range import misfit

SetCallback = Callable[[list[Parameter]], Any]
_NAME = re.compile(r"[^\s]+$")


class ParameterStore:
    """
    The declared parameters of one node.

    :param overrides: values of the command line and of parameter files.
    :param tell: called with the new, the changed and the deleted parameters after each change.
    """

    def __init__(
        self,
        overrides: dict[str, Any],
        tell: Callable[[list[Parameter], list[Parameter], list[Parameter]], None] = lambda *_: None,
    ) -> None:
        self._overrides = overrides
        self._tell = tell
        self._values: dict[str, Parameter] = {}
        self._descriptors: dict[str, Any] = {}
        self.callbacks: list[SetCallback] = []

    def declare(self, name: str, value: Any, descriptor: Any | None, ignore_override: bool = False) -> Parameter:
        """
        Declare a parameter and give it its override, if there is one.

        :param value: the default, or a type of a parameter that has no default.
        :raises ParameterAlreadyDeclaredException: if it is declared.
        :raises InvalidParameterTypeException: if the override is of another type than the default.
        :raises InvalidParameterValueException: if descriptor or callback refuse the value.
        """
        if not _NAME.match(name):
            raise InvalidParameterException(name)
        if name in self._values:
            raise ParameterAlreadyDeclaredException(name)
        descriptor = copy.deepcopy(descriptor or message_class("rcl_interfaces/msg/ParameterDescriptor")())
        descriptor.name = name
        type_only = isinstance(value, Parameter.Type)
        if not descriptor.dynamic_typing:
            kind = value if type_only else Parameter.Type.from_parameter_value(value)
            if kind == Parameter.Type.NOT_SET:
                raise ValueError(f"parameter {name}: give a default, a type, or a descriptor with dynamic_typing")
            descriptor.type = kind.value
        parameter = Parameter(name, value=None if type_only else value)
        if not ignore_override and name in self._overrides:
            parameter = self._override(name, descriptor)
        refusal = misfit(parameter, descriptor) or self._ask([parameter])
        if refusal:
            raise InvalidParameterValueException(name, parameter.value, refusal)
        self._values[name], self._descriptors[name] = parameter, descriptor
        self._done([parameter], new=[parameter])
        return parameter

    def _override(self, name: str, descriptor: Any) -> Parameter:
        try:
            given = Parameter(name, value=self._overrides[name])
        except (TypeError, ValueError) as error:
            raise InvalidParameterValueException(name, self._overrides[name], str(error)) from None
        if given.value in ([], ()):  # empty of any type
            given = Parameter(name, Parameter.Type(descriptor.type), given.value)
        if given.type_.value != descriptor.type and not descriptor.dynamic_typing:
            raise InvalidParameterTypeException(given, Parameter.Type(descriptor.type).name)
        return given

    def get(self, name: str) -> Parameter:
        """
        :raises ParameterNotDeclaredException: if there is no such parameter.
        :raises ParameterUninitializedException: if it has no value.
        """
        if name not in self._values:
            raise ParameterNotDeclaredException(name)
        parameter = self._values[name]
        if parameter.type_ == Parameter.Type.NOT_SET and not self._descriptors[name].dynamic_typing:
            raise ParameterUninitializedException(name)
        return parameter

    def describe(self, name: str) -> Any:
        """
        :raises ParameterNotDeclaredException: if there is no such parameter.
        """
        if name not in self._descriptors:
            raise ParameterNotDeclaredException(name)
        return self._descriptors[name]

    def type_of(self, name: str) -> ParameterType:
        """
        :raises ParameterNotDeclaredException: if there is no such parameter.
        """
        if name not in self._values:
            raise ParameterNotDeclaredException(name)
        return self._values[name].type_

    def listing(self, prefixes: Sequence[str], depth: int) -> Any:
        """
        A ListParametersResult.

        :param prefixes: parameters and groups of them, by name; all when empty.
        :param depth: how deep below, 0 for as deep as it goes.
        :raises ValueError: if the depth is negative.
        """
        if depth < 0:
            raise ValueError(f"depth {depth}: 0 or more is needed")
        found = message_class("rcl_interfaces/msg/ListParametersResult")()
        for name in self._values:
            below = [name] if not prefixes else [rest for p in prefixes if (rest := _below(name, p)) is not None]
            if any(not depth or not rest or rest.count(".") < depth for rest in below):
                found.names.append(name)
                group = name.rpartition(".")[0]
                if group and group not in found.prefixes:
                    found.prefixes.append(group)
        return found

    def set_atomically(self, parameters: Sequence[Parameter]) -> Any:
        """
        Set all the parameters, or none; the SetParametersResult says why not.

        :raises ParameterNotDeclaredException: if one is not declared.
        """
        wanted = list(parameters)
        unknown = [parameter.name for parameter in wanted if parameter.name not in self._values]
        if unknown:
            raise ParameterNotDeclaredException(unknown)
        refusal = "" if wanted else "there is no parameter left to set"
        refusal = refusal or _first(self._refusal(parameter) for parameter in wanted) or self._ask(wanted)
        if not refusal:
            self._take(wanted)
        return message_class("rcl_interfaces/msg/SetParametersResult")(successful=not refusal, reason=refusal)

    def _refusal(self, parameter: Parameter) -> str:
        descriptor = self._descriptors[parameter.name]
        if descriptor.read_only:
            return f"parameter {parameter.name} is read-only"
        if descriptor.dynamic_typing:
            return misfit(parameter, descriptor)
        if parameter.type_.value != descriptor.type:
            needed = Parameter.Type(descriptor.type).name
            return f"parameter {parameter.name}: {parameter.type_.name} given, {needed} needed"
        return misfit(parameter, descriptor)

    def _take(self, parameters: list[Parameter]) -> None:
        new: list[Parameter] = []
        changed: list[Parameter] = []
        deleted: list[Parameter] = []
        for parameter in parameters:
            if parameter.type_ == Parameter.Type.NOT_SET:
                deleted.append(parameter)
                del self._values[parameter.name], self._descriptors[parameter.name]
                continue
            before = self._values[parameter.name]
            (new if before.type_ == Parameter.Type.NOT_SET else changed).append(parameter)
            self._values[parameter.name] = parameter
            self._descriptors[parameter.name].type = parameter.type_.value
        self._done(parameters, new, changed, deleted)

    def _done(
        self,
        parameters: list[Parameter],
        new: Sequence[Parameter] = (),
        changed: Sequence[Parameter] = (),
        deleted: Sequence[Parameter] = (),
    ) -> None:
        self._tell(list(new), list(changed), list(deleted))

    def _ask(self, parameters: list[Parameter]) -> str:
        for callback in self.callbacks:
            result = callback(parameters)
            if not result.successful:
                return result.reason or "refused by the node"
        return ""


def _below(name: str, prefix: str) -> str | None:
    """A parameter's name within a group; empty if it is the parameter itself, None if it is in another."""
    if name == prefix:
        return ""
    return name[len(prefix) + 1 :] if name.startswith(f"{prefix}.") else None


def _first(refusals: Iterable[str]) -> str:
    return next((refusal for refusal in refusals if refusal), "")
