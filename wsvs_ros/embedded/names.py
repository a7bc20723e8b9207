"""Names and `--ros-args`: what a node and its topics are called on the wire."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from wsvs_ros.embedded.errors import EmbeddedError, unsupported
from wsvs_ros.embedded.yaml_values import load

_TOKEN = re.compile(r"[A-Za-z_~/][A-Za-z0-9_~/]*$")
_RULE = re.compile(r"(?:([A-Za-z_][A-Za-z0-9_]*):)?((?!=)[^:]+):=(.+)", re.DOTALL)


class Remap(NamedTuple):
    """A rule `[node:]from:=to`; without a node it holds for all."""

    node: str
    source: str
    to: str


class Override(NamedTuple):
    """A parameter `[node:]name:=value`, as one of the section of a parameter file that would say the same."""

    section: str
    name: str
    value: Any


@dataclass
class RosArguments:
    """
    What follows `--ros-args`.

    :param remaps: in order, those of `__node` and `__ns` among them.
    :param parameters: single ones, and files of them, in order.
    :param log_level: e.g. `info`.
    """

    remaps: list[Remap] = field(default_factory=list)
    parameters: list[Override | Path] = field(default_factory=list)
    log_level: str = "info"

    def remap(self, source: str, node: str) -> str | None:
        """The new name that a rule gives to `source` of a node, if any."""
        return next((rule.to for rule in self.remaps if rule.source == source and rule.node in ("", node)), None)


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
        rule = _RULE.fullmatch(value)
        if rule is None:
            raise EmbeddedError(f"--ros-args: {word} {value}: write name:=value, or node:name:=value for one node")
        node, name, new = rule.groups(default="")
        if word in ("-r", "--remap"):
            found.remaps.append(_remap(node, name, new))
        else:
            found.parameters.append(Override(node or "/**", name, _value(f"{word} {value}", new)))
    elif word == "--params-file":
        found.parameters.append(Path(value))
    elif word == "--log-level":
        found.log_level = value.lower()
    else:
        raise unsupported(f"the ROS argument {word}")


def _remap(node: str, name: str, new: str) -> Remap:
    if "*" in name or "\\" in new or name.startswith("//"):
        raise unsupported(f"the remapping {node and f'{node}:'}{name}:={new} (a pattern or an address)")
    return Remap(node, name, new)


def _value(argument: str, text: str) -> Any:
    try:
        return load(text)
    except EmbeddedError as error:
        raise EmbeddedError(f"--ros-args: {argument}: {error}") from None


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
