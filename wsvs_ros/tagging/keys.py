"""A key for every class."""

from __future__ import annotations

import string
from collections.abc import Sequence

RESERVED = frozenset("umnxz")
"""Keys of what is no class: unsure, merge, next open clip, split; z belongs to undo."""


def assign_keys(names: Sequence[str]) -> dict[str, str]:
    """
    One key a class: a letter of its name where one is free, else any letter, digit or capital letter.

    :param names: the classes in their order; earlier ones choose first.
    :return: key by class; classes beyond the 57th get none and are reached by Tab.
    """
    keys: dict[str, str] = {}
    free = [key for key in string.ascii_lowercase + string.digits + string.ascii_uppercase if key not in RESERVED]
    for name in names:
        wanted = [letter for letter in name.lower() if letter in free and letter.isascii()]
        key = (wanted or free or [""])[0]
        if key:
            free.remove(key)
            keys[name] = key
    return keys
