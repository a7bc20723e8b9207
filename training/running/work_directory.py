"""The work directory of a training: whose it is, how its caches are named, and one process at a time in it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock

from training.config import Config, load_config
from wsvs_ros.errors import WsvsError


def cache_name(config: Config, include: Mapping[str, Any]) -> str:
    """A name for what depends on some settings only: another choice has another name."""
    return hashlib.sha256(config.model_dump_json(include=include).encode()).hexdigest()[:12]


def locked(work: Path) -> FileLock:
    """One process at a time makes what is missing in a work directory; the others then find it."""
    work.mkdir(parents=True, exist_ok=True)
    return FileLock(work / ".lock")


def claim_work_directory(config: Config, work: Path) -> None:
    """
    Write the configuration into the work directory, unless another one has begun there.

    :raises WsvsError: naming the settings that differ.
    """
    path = work / "config.yaml"
    if path.is_file() and any(work.rglob("*.ckpt")):
        before, now = _what_is_learnt(load_config(path)), _what_is_learnt(config)
        keys = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
        if keys:
            differ = "; ".join(f"{key}: {before.get(key)}, now {now.get(key)}" for key in keys[:5])
            raise WsvsError(
                f"{work}: holds a training by other settings ({differ}); take another --work, or take "
                "the change back to go on"
            )
    work.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    partial.write_text(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False), encoding="utf-8")
    os.replace(partial, path)


def _what_is_learnt(config: Config) -> dict[str, Any]:
    """The settings that a training cannot change on its way, by dotted names."""
    content = config.model_dump(
        mode="json",
        exclude={
            "name": True,
            "notes": True,
            "departures": True,
            "threads": True,
            "runtime": True,
            "optimiser": {"steps"},
            "data": {"root", "sources", "on_error"},
        },
    )
    flat: dict[str, Any] = {}

    def walk(value: Any, name: str) -> None:
        if isinstance(value, dict) and value:
            for key, item in value.items():
                walk(item, f"{name}.{key}" if name else key)
        else:
            flat[name] = value

    walk(content, "")
    return flat
