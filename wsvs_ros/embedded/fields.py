"""What a message's field may hold: rclpy's rules, as it checks them with ROS_PYTHON_CHECK_FIELDS=1."""

from __future__ import annotations

import array
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from rosbags.interfaces import Nodetype

DTYPES: dict[str, Any] = {"bool": np.bool_, "byte": np.uint8, "char": np.uint8}
DTYPES |= {name: np.dtype(name).type for name in ("int8", "uint8", "int16", "uint16", "int32", "uint32")}
DTYPES |= {name: np.dtype(name).type for name in ("int64", "uint64", "float32", "float64")}
"""Of the sequences of numbers, by ROS 2's names."""

_BUFFERS = (np.ndarray, bytes, bytearray, memoryview, array.array)

Check = Callable[[str, Any], Any]
"""Given a field's name and a value, returns what the field keeps; raises AssertionError, as rclpy does."""


class Octet(bytes):
    """A `byte`: bytes of length 1, as in rclpy, that the serialiser takes for a number."""

    def __index__(self) -> int:
        return self[0]


def check_of(node: Any, message_class: Callable[[str], type[Any]]) -> Check:
    """
    The check of a field.

    :param node: the field's description by `rosbags`.
    :param message_class: gives a message's class by name.
    """
    kind, detail = node
    if kind == Nodetype.NAME:
        return _check_message(message_class, detail)
    if kind == Nodetype.BASE:
        return _check_base(*detail)
    inner, length = detail
    exact = kind == Nodetype.ARRAY
    if inner[0] == Nodetype.BASE and inner[1][0] in DTYPES:
        return _check_numbers(inner[1][0], length, exact=exact)
    return _check_items(check_of(inner, message_class), length, exact=exact)


def as_array(value: Any, kind: str) -> np.ndarray:
    """A sequence of numbers as an array, without a copy of what is bytes."""
    if isinstance(value, (bytes, bytearray, memoryview, array.array)):
        return np.frombuffer(value, DTYPES[kind])
    return np.ascontiguousarray(value, DTYPES[kind])


def _refuse(field: str, needed: str, value: Any) -> AssertionError:
    return AssertionError(f"The '{field}' field must be {needed}; got {_short(value)}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 80 else f"{text[:77]}..."


def _check_message(message_class: Callable[[str], type[Any]], name: str) -> Check:
    def check(field: str, value: Any) -> Any:
        if not isinstance(value, message_class(name)):
            raise _refuse(field, f"a sub message of type '{name}'", value)
        return value

    return check


def _check_base(kind: str, limit: int) -> Check:
    if kind in ("string", "wstring"):
        return _check_text(limit)
    if kind == "byte":
        return _check_octet
    if kind == "bool":
        return _check_bool
    return _check_float if kind.startswith("float") else _check_integer(kind)


def _check_text(limit: int) -> Check:
    needed = f"of type 'str', not longer than {limit}" if limit else "of type 'str'"

    def check(field: str, value: Any) -> Any:
        if not isinstance(value, str) or (limit and len(value) > limit):
            raise _refuse(field, needed, value)
        return value

    return check


def _check_octet(field: str, value: Any) -> Octet:
    if not isinstance(value, (bytes, bytearray)) or len(value) != 1:
        raise _refuse(field, "of type 'bytes' with length 1", value)
    return Octet(value)


def _check_bool(field: str, value: Any) -> Any:
    if not isinstance(value, bool):
        raise _refuse(field, "of type 'bool'", value)
    return value


def _check_float(field: str, value: Any) -> Any:
    if not isinstance(value, float):
        raise _refuse(field, "of type 'float'", value)
    return value


def _check_integer(kind: str) -> Check:
    limits = np.iinfo(DTYPES[kind])
    low, high = int(limits.min), int(limits.max)

    def check(field: str, value: Any) -> Any:
        if not isinstance(value, int) or not low <= value <= high:
            raise _refuse(field, f"an integer in [{low}, {high}]", value)
        return value

    return check


def _check_numbers(kind: str, length: int, *, exact: bool) -> Check:
    dtype = np.dtype(DTYPES[kind])
    single = _check_bool if kind == "bool" else _check_float if dtype.kind == "f" else _check_integer(kind)

    def check(field: str, value: Any) -> Any:
        if not isinstance(value, (Sequence, *_BUFFERS)) or isinstance(value, str):
            raise _refuse(field, f"a sequence of {kind}", value)
        if isinstance(value, _BUFFERS):
            items = _items(value)
            if items.dtype != dtype or items.ndim != 1:
                raise _refuse(field, f"a sequence of {kind}", f"{items.dtype} of shape {items.shape}")
        else:
            for item in value:
                single(field, item)
        if not _fits(len(value), length, exact=exact):
            raise _refuse(field, f"a sequence{_lengths(length, exact=exact)}", value)
        return value

    return check


def _check_items(check_item: Check, length: int, *, exact: bool) -> Check:
    def check(field: str, value: Any) -> Any:
        if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
            raise _refuse(field, "a sequence", value)
        if not _fits(len(value), length, exact=exact):
            raise _refuse(field, f"a sequence{_lengths(length, exact=exact)}", value)
        for item in value:
            check_item(field, item)
        return value

    return check


def _fits(found: int, length: int, *, exact: bool) -> bool:
    return found == length if exact else not length or found <= length


def _lengths(length: int, *, exact: bool) -> str:
    return f" with length {length}" if exact else f" with length <= {length}" if length else ""


def same(one: Any, other: Any) -> bool:
    """Whether two fields' values are equal; sequences of numbers by their items, whatever holds them."""
    if isinstance(one, _BUFFERS) or isinstance(other, _BUFFERS):
        return bool(np.array_equal(_items(one), _items(other)))
    return bool(one == other)


def _items(value: Any) -> np.ndarray:
    return np.frombuffer(value, np.uint8) if isinstance(value, (bytes, bytearray)) else np.asarray(value)
