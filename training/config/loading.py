"""Configurations from YAML files, which may extend one another, with dotted overrides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from training.config.configuration import Config, ConfigError

_EXTENDS = "extends"


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """
    Read a configuration.

    What it extends, a file or several beside it, lies beneath it: ``extends: light.yaml``. Mappings are merged key by
    key; anything else, lists as well, is replaced. Of several the later ones win.

    :param path: YAML file.
    :param overrides: ``section.key=value`` with YAML values, applied in order.
    :raises ConfigError: naming the file, key and value, and what is accepted.
    """
    layers = _layers(Path(path), ())
    content: dict[str, Any] = {}
    for layer in layers:
        content = merged(content, layer.content)
    given: dict[str, Any] = {}
    for override in overrides:
        _apply(content, override)
        _apply(given, override)
    layers.append(_Layer(Path(path), given))
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        lines = [
            f"{_origin(layers, e['loc'])}: {'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}"
            + (f", got {e['input']!r}" if e["type"] != "missing" else "")
            for e in error.errors()
        ]
        raise ConfigError("\n".join(lines)) from error


def merged(beneath: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two mappings in one: where both have a mapping they are merged, else the upper one's value stands."""
    found = dict(beneath)
    for key, value in above.items():
        under = found.get(key)
        found[key] = merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return found


@dataclass(frozen=True)
class _Layer:
    """What a file says itself."""

    path: Path
    content: dict[str, Any]


def _layers(path: Path, above: tuple[Path, ...]) -> list[_Layer]:
    """
    A file and all that it extends, the lowest first.

    :param above: the files that lead to it, each extending the next.
    """
    chain = (*above, path)
    if path.resolve() in [each.resolve() for each in above]:
        raise ConfigError(f"{_told(chain)}: a configuration cannot extend itself")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{_told(chain)}: cannot be read as YAML: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{_told(chain)}: a mapping of settings is needed, got {type(content).__name__}")
    names = content.pop(_EXTENDS, [])
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"{_told(chain)}: extends: the name of a file or a list of names is needed, got {names!r}")
    layers: dict[Path, _Layer] = {}
    for name in names:
        for layer in _layers(path.parent / name, chain):
            layers.setdefault(layer.path.resolve(), layer)  # what several extend lies beneath them all
    return [*layers.values(), _Layer(path, content)]


def _told(chain: Sequence[Path]) -> str:
    return ", which extends ".join(map(str, chain))


def _origin(layers: Sequence[_Layer], location: Sequence[int | str]) -> Path:
    """The file that has the last word on a setting; the configuration's own where none says anything."""
    for layer in reversed(layers):
        value: Any = layer.content
        for key in location:
            if isinstance(value, dict) and key not in value:
                break
            if not isinstance(value, dict):
                return layer.path  # within a list or a value, which one file has given whole
            value = value[key]
        else:
            return layer.path
    return layers[-1].path


def _apply(content: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"override {override!r}: write section.key=value")
    *parents, leaf = key.split(".")
    for parent in parents:
        content = content.setdefault(parent, {})
        if not isinstance(content, dict):
            raise ConfigError(f"override {override!r}: {parent} is a value, not a section")
    try:
        content[leaf] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"override {override!r}: the value is not YAML: {error}") from error
