"""YAML as ROS 2 reads it for parameters (rcl_yaml_param_parser): other scalars than PyYAML's are numbers."""

from __future__ import annotations

import re
from typing import Any

import yaml

from wsvs_ros.embedded.errors import EmbeddedError

_PLAIN = "!plain"
_TRUE = {"Y", "y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"}
_FALSE = {"N", "n", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"}
_INT64 = range(-(1 << 63), 1 << 63)
# what strtoll, base 0, and strtod take whole
_INTEGER = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_HEXADECIMAL = re.compile(r"[+-]?0[xX]([0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)([pP][+-]?\d+)?")
_SPECIAL = re.compile(r"[+-]?(inf|infinity|nan)|[+-]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class _Loader(yaml.SafeLoader):
    """Scalars, lists and mappings; no dates, no null, no aliases, no merged keys."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012 - PyYAML's way

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="ROS 2 takes no aliases", problem_mark=self.peek_event().start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Names stay what was written, also where a value of that kind would be a number."""
        names = [key.value if isinstance(key, yaml.ScalarNode) else self.construct_object(key) for key, _ in node.value]
        return {
            name: self.construct_object(value, deep=deep) for name, (_, value) in zip(names, node.value, strict=True)
        }


_Loader.add_implicit_resolver(_PLAIN, re.compile(r"", re.DOTALL), None)
_Loader.add_constructor(_PLAIN, lambda _, node: _scalar(node))


def load(text: str) -> Any:
    """
    A parameter's value, or the content of a parameter file.

    `1e1`, `inf` and `0x10` are numbers, `010` is eight; `1_000`, `1:30`, dates and `null` are text.

    :raises EmbeddedError: if the text is no YAML, or has what ROS 2 does not take; it names the place.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
        raise EmbeddedError(f"{place}{error.problem}") from None
    except (yaml.YAMLError, TypeError) as error:  # TypeError: a list as a name
        raise EmbeddedError(str(error)) from None


def _scalar(node: Any) -> bool | int | float | str:
    text = node.value
    if not text:
        raise yaml.MarkedYAMLError(problem="no value is given", problem_mark=node.start_mark)
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    integer = _INTEGER.fullmatch(text)
    if integer:
        sign, hexadecimal, octal, decimal = integer.groups()
        value = int(hexadecimal, 16) if hexadecimal else int(octal, 8) if octal else int(decimal)
        value = -value if sign == "-" else value
        if value in _INT64:
            return value
    if _DECIMAL.fullmatch(text):
        return _finite(float(text), text)
    if _HEXADECIMAL.fullmatch(text):
        return _finite(_from_hexadecimal(text), text)
    if _SPECIAL.fullmatch(text if "." in text else text.lower()):
        return float(text.replace(".", ""))
    return text


def _finite(value: float, text: str) -> float | str:
    """Beyond the largest number there is text, as in ROS 2."""
    return text if value in (float("inf"), float("-inf")) else value


def _from_hexadecimal(text: str) -> float:
    try:
        return float.fromhex(text)
    except OverflowError:
        return float("inf")
