"""A key for every class."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from pathlib import Path

from wsvs_ros.tagging.errors import TaggingError
from wsvs_ros.yaml_fields import Fields, read_yaml

RESERVED = frozenset("umnxz.-?/[]")
"""Keys of what is no class: unsure, merge, next open clip, split, same, none, help, filter, speed; z is undo's."""

_KEYS = string.ascii_lowercase + string.digits + string.ascii_uppercase


def assign_keys(names: Sequence[str], own: Mapping[str, str] | None = None) -> dict[str, str]:
    """
    One key a class: a letter of its name where one is free, else any letter, digit or capital letter.

    :param names: the classes in their order; earlier ones choose first.
    :param own: keys of the user's own, by class, see `load_keys`; they come before all.
    :return: key by class; classes beyond the 57th get none and are reached by Tab.
    """
    keys = dict(own or {})
    free = [key for key in _KEYS if key not in RESERVED and key not in keys.values()]
    for name in names:
        if name in keys:
            continue
        wanted = [letter for letter in name.lower() if letter in free and letter.isascii()]
        key = (wanted or free or [""])[0]
        if key:
            free.remove(key)
            keys[name] = key
    return keys


def load_keys(path: Path, names: Sequence[str]) -> dict[str, str]:
    """
    Keys of the user's own: a YAML mapping of classes to keys.

    :param names: the classes that there are.
    :raises TaggingError: naming the class and what is wrong with its key.
    """
    fields = Fields(read_yaml(path, TaggingError), where=str(path), error=TaggingError, keys=(), optional=names)
    keys: dict[str, str] = {}
    for name in names:
        if fields.raw(name) is None:
            continue
        key = str(fields.raw(name))  # YAML takes 1 for a number
        if len(key) != 1 or not key.isprintable() or key.isspace():
            fields.refuse(name, "one character that a key types")
        if key in RESERVED:
            fields.refuse(name, f"a key that has no other meaning; taken are {' '.join(sorted(RESERVED))}")
        if key in keys.values():
            fields.refuse(name, "a key of its own; another class has that one")
        keys[name] = key
    return keys
