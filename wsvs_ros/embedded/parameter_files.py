"""Parameter files, and single parameters among them: which values are a node's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from wsvs_ros.embedded.errors import EmbeddedError
from wsvs_ros.embedded.names import Override, resolve
from wsvs_ros.embedded.yaml_values import load

_WILDCARDS = {"*": "/[^/]+", "**": "(/[^/]+)*"}
_KEY = "ros__parameters"


def load_parameters(given: Sequence[Override | Path], *, node: str, namespace: str) -> dict[str, Any]:
    """
    The values that single parameters and parameter files hold for a node.

    A section is for a node by its full name, of which the first / may be left out, or by a pattern: `*` is one part of
    a name, `**` any number of them. Namespaces may be nested, and so may groups of parameters.

    As in rcl, whatever is given first opens a section, all later values under the same text join it, and of
    the sections that are for the node the one that was opened last wins.

    :param given: in the order of the command line.
    :raises EmbeddedError: if a file is not one of ROS parameters.
    """
    sections: dict[str, dict[str, Any]] = {}
    for item in given:
        if isinstance(item, Override):
            sections.setdefault(item.section, {})[item.name] = item.value
            continue
        for key, parameters in _sections(_content(item), item):
            sections.setdefault(key, {}).update(_flat(parameters))
    full = resolve(node, node=node, namespace=namespace)
    values: dict[str, Any] = {}
    for key, parameters in sections.items():
        if _pattern(key).fullmatch(full):
            values.update(parameters)
    return values


def _content(path: Path) -> dict[str, Any]:
    try:
        content = load(path.read_text(encoding="utf-8"))
    except (OSError, EmbeddedError, UnicodeDecodeError) as error:
        raise EmbeddedError(f"{path}: cannot be read as a parameter file: {error}") from None
    if not isinstance(content, dict):
        raise EmbeddedError(f"{path}: not a parameter file: node names with {_KEY} are needed")
    return content


def _sections(content: dict[str, Any], path: Path, above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Names or patterns of nodes, with their parameters."""
    for key, section in content.items():
        name = f"{above}/{key}" if above else str(key)
        inner = section if isinstance(section, dict) else {}
        if isinstance(inner.get(_KEY), dict):
            yield name, inner[_KEY]
        elif _KEY not in inner and any(isinstance(item, dict) and item for item in inner.values()):
            yield from _sections(inner, path, name)
        else:
            raise EmbeddedError(f"{path}: {name}: {_KEY} is missing or not a mapping")


def _pattern(key: str) -> re.Pattern[str]:
    parts = [part for part in key.split("/") if part]
    return re.compile("".join(_WILDCARDS.get(part, f"/{re.escape(part)}") for part in parts))


def _flat(parameters: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Groups of parameters as names with dots."""
    values: dict[str, Any] = {}
    for name, value in parameters.items():
        if isinstance(value, dict):
            values.update(_flat(value, f"{prefix}{name}."))
        else:
            values[f"{prefix}{name}"] = value
    return values
