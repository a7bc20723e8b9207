"""Parameter files: which values are a node's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from wsvs_ros.embedded.errors import EmbeddedError
from wsvs_ros.embedded.names import resolve
from wsvs_ros.embedded.yaml_values import load

_WILDCARDS = {"*": "/[^/]+", "**": "(/[^/]+)*"}
_KEY = "ros__parameters"


def load_parameters(files: Sequence[Path], *, node: str, namespace: str) -> dict[str, Any]:
    """
    The values that parameter files hold for a node; later files and sections win.

    A section is for a node by its full name, by its bare name, or by a pattern: `*` is one part of a name, `**`
    any number of them. Namespaces may be nested, and so may groups of parameters.

    :raises EmbeddedError: if a file is not one of ROS parameters.
    """
    full = resolve(node, node=node, namespace=namespace)
    values: dict[str, Any] = {}
    for path in files:
        try:
            content = load(path.read_text(encoding="utf-8"))
        except (OSError, EmbeddedError, UnicodeDecodeError) as error:
            raise EmbeddedError(f"{path}: cannot be read as a parameter file: {error}") from None
        if not isinstance(content, dict):
            raise EmbeddedError(f"{path}: not a parameter file: node names with {_KEY} are needed")
        for key, parameters in _sections(content, path):
            if key.strip("/") == node or _pattern(key).fullmatch(full):
                values.update(_flat(parameters))
    return values


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
