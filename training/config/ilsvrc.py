"""ILSVRC's classes by the names of :file:`ilsvrc.yaml`, of which configurations speak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FILE = Path(__file__).with_name("ilsvrc.yaml")


@cache
def kinds() -> Mapping[str, tuple[int, ...]]:
    """The indices of each kind of things."""
    content = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return {name: tuple(index for entry in entries for index in _range(entry)) for name, entries in content.items()}


def _range(entry: int | str) -> range:
    first, _, last = str(entry).partition("-")
    return range(int(first), int(last or first) + 1)


def indices_of(given: Any) -> Any:
    """
    The indices of what a configuration gives for a class: names, indices or both, one or a list.

    :return: a list without names; what is neither a name nor an index is left for the one who validates.
    :raises ValueError: on an unknown name.
    """
    entries = given if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    found: list[Any] = []
    for entry in entries:
        if isinstance(entry, str) and entry not in kinds():
            raise ValueError(f"{entry!r} is neither an index of ILSVRC nor one of its kinds: {', '.join(kinds())}")
        found += kinds()[entry] if isinstance(entry, str) else [entry]
    return found
