"""Names and `--ros-args`: what a node and its topics are called on the wire."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from wsvs_ros.embedded.errors import EmbeddedError, unsupported

_TOKEN = re.compile(r"[A-Za-z_~/][A-Za-z0-9_~/]*$")


@dataclass
class RosArguments:
    """
    What follows `--ros-args`.

    :param remaps: (from, to) pairs in order, `__node` and `__ns` among them.
    :param parameters: values by parameter name.
    :param files: parameter files.
    :param log_level: e.g. `info`.
    """

    remaps: list[tuple[str, str]] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    log_level: str = "info"

    def remap(self, name: str) -> str | None:
        """The new name that a rule gives to `name`, if any."""
        return next((to for source, to in self.remaps if source == name), None)


def parse_arguments(arguments: Sequence[str]) -> RosArguments:
    """
    Read the `--ros-args` of a command line; anything before them is not looked at.

    :raises EmbeddedError: on an argument that is malformed or not supported.
    """
    found = RosArguments()
    words = iter(arguments)
    inside = False
    for word in words:
        if word == "--ros-args":
            inside = True
        elif word == "--":
            inside = False
        elif inside:
            _parse_one(word, words, found)
    return found


def _parse_one(word: str, words: Any, found: RosArguments) -> None:
    value = next(words, None)
    if value is None:
        raise EmbeddedError(f"--ros-args: {word} needs a value")
    if word in ("-r", "--remap", "-p", "--param"):
        name, sign, new = value.partition(":=")
        if not sign or not name or not new:
            raise EmbeddedError(f"--ros-args: {word} {value}: write name:=value")
        if word in ("-r", "--remap"):
            found.remaps.append((name, new))
        else:
            found.parameters[name] = yaml.safe_load(new)
    elif word == "--params-file":
        found.files.append(Path(value))
    elif word == "--log-level":
        found.log_level = value.lower()
    else:
        raise unsupported(f"the ROS argument {word}")


def resolve(name: str, *, node: str, namespace: str) -> str:
    """
    The full name of a topic.

    :param name: absolute (`/a`), relative (`a`) or private (`~/a`).
    :param node: the node's name.
    :param namespace: the node's namespace, e.g. `/` or `/front`.
    :raises EmbeddedError: if the name is not a legal one.
    """
    if not _TOKEN.match(name) or "//" in name or (len(name) > 1 and name.endswith("/")):
        raise EmbeddedError(f"topic name {name!r}: letters, digits, _ and single / only, no digit first")
    base = namespace.rstrip("/")
    if name.startswith("/"):
        return name
    if name.startswith("~"):
        return f"{base}/{node}/{name[1:].lstrip('/')}".rstrip("/")
    return f"{base}/{name}"
