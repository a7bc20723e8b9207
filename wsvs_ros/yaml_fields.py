"""Reads a mapping that people wrote, key by key, with errors that say where and what is accepted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeGuard

import yaml

from wsvs_ros.errors import WsvsError

FastLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where PyYAML was built with it: ten times as fast, the same content."""


class Fields:
    """
    A mapping whose values are checked as they are read.

    :param data: what the YAML loader returned, of whatever type.
    :param where: what an error names as the place, e.g. the file and the key above.
    :param error: the error class to raise.
    :param keys: the keys that must be there.
    :param optional: the keys that may be there; any other key is refused.
    :raises WsvsError: as `error`, if `data` is no mapping, lacks a key or has one too many.
    """

    def __init__(
        self,
        data: Any,
        *,
        where: str,
        error: type[WsvsError],
        keys: Sequence[str],
        optional: Sequence[str] = (),
    ) -> None:
        self.where = where
        self._error = error
        known = ", ".join([*keys, *(f"{key} (optional)" for key in optional)])
        if not isinstance(data, Mapping):
            raise error(f"{where}: got {_short(data)}, expected a mapping with the keys: {known}")
        self._data = data
        missing = [key for key in keys if key not in data]
        if missing:
            raise error(f"{where}: missing key {', '.join(missing)}; expected keys: {known}")
        extra = [str(key) for key in data if key not in keys and key not in optional]
        if extra:
            raise error(f"{where}: unknown key {', '.join(extra)}; expected keys: {known}")

    def refuse(self, key: str, expected: str) -> NoReturn:
        """Raise the error for the value of `key`, saying what would be accepted."""
        raise self._error(f"{self.where}: {key}: got {_short(self._data.get(key))}, expected {expected}")

    def raw(self, key: str) -> Any:
        """The unchecked value of `key`, or None."""
        return self._data.get(key)

    def text(self, key: str) -> str:
        """The value of `key`, a string that is not empty."""
        value = self._data.get(key)
        if not isinstance(value, str) or not value:
            self.refuse(key, "a text that is not empty")
        return value

    def boolean(self, key: str, default: bool) -> bool:
        """The value of `key`, true or false."""
        value = self._data.get(key, default)
        if not isinstance(value, bool):
            self.refuse(key, "true or false")
        return value

    def integer(self, key: str, low: int, high: int) -> int:
        """The value of `key`, an integer from `low` to `high`."""
        value = self._data.get(key)
        if not _is_integer(value) or not low <= value <= high:
            self.refuse(key, f"an integer from {low} to {high}")
        return value

    def number(self, key: str) -> float:
        """The value of `key`, a finite number."""
        value = self._data.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            self.refuse(key, "a number")
        return float(value)

    def integers(self, key: str, count: int, low: int, high: int) -> tuple[int, ...]:
        """The value of `key`, a list of exactly `count` integers from `low` to `high`."""
        value = self.sequence(key)
        if len(value) != count or not all(_is_integer(item) and low <= item <= high for item in value):
            self.refuse(key, f"a list of {count} integers from {low} to {high}")
        return tuple(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """The value of `key`, a list of strings."""
        value = self.sequence(key)
        if not all(isinstance(item, str) for item in value):
            self.refuse(key, "a list of texts")
        return tuple(value)

    def sequence(self, key: str) -> Sequence[Any]:
        """The value of `key`, a list."""
        value = self._data.get(key)
        if not isinstance(value, (list, tuple)):
            self.refuse(key, "a list")
        return value

    def mapping(self, key: str) -> Mapping[str, Any]:
        """The value of `key`, a mapping with any content."""
        value = self._data.get(key)
        if not isinstance(value, Mapping):
            self.refuse(key, "a mapping")
        return value

    def nested(self, key: str, keys: Sequence[str], optional: Sequence[str] = ()) -> Fields:
        """The mapping under `key`, checked in the same way."""
        where = f"{self.where}: {key}"
        return Fields(self._data.get(key), where=where, error=self._error, keys=keys, optional=optional)


def read_yaml(path: Path, error: type[WsvsError]) -> Any:
    """
    What a YAML file holds.

    :raises WsvsError: as `error`, if it cannot be read or is no YAML.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), FastLoader)
    except OSError as problem:
        raise error(f"{path}: cannot be read: {problem.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise error(f"{path}: not a YAML file: {problem}") from None


def _is_integer(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _short(value: Any) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
