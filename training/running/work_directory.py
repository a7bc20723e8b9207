"""The work directory of a training: whose it is, one process at a time in it, and what was trained there before."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock

from training.config import Config, load_config
from wsvs_ros.errors import WsvsError

EARLIER = "earlier"
"""Folder of the trainings that :func:`set_aside` has moved, numbered from 1."""
_OF_A_TRAINING = (
    "checkpoints",
    "coarse",
    "teachers",
    "pictures",
    "tensorboard",
    "log.jsonl",
    "config.yaml",
    "learnt_from.json",
)


def locked(work: Path) -> FileLock:
    """One process at a time makes what is missing in a work directory; the others then find it."""
    work.mkdir(parents=True, exist_ok=True)
    return FileLock(work / ".lock")


def has_begun(work: Path) -> bool:
    """Whether a training has written a checkpoint here."""
    places = (work, work / "coarse", *work.glob("teachers/*"), *work.glob("teachers/*/coarse"))
    return any(True for place in places for _ in place.glob("checkpoints/*.ckpt"))


def set_aside(work: Path) -> Path | None:
    """
    Move the training that has begun here away, so that another may begin; the caches stay.

    :return: where to; None if none has begun.
    """
    if not has_begun(work):
        return None
    number = 1 + max((int(path.name) for path in (work / EARLIER).glob("*") if path.name.isdecimal()), default=0)
    place = work / EARLIER / str(number)
    place.mkdir(parents=True)
    for name in _OF_A_TRAINING:
        if (work / name).exists():
            (work / name).rename(place / name)
    return place


def claim_work_directory(config: Config, work: Path) -> None:
    """
    Write the configuration into the work directory, unless another one has begun there.

    :raises WsvsError: naming the settings that differ.
    """
    path = work / "config.yaml"
    if path.is_file() and has_begun(work):
        before, now = _what_is_learnt(load_config(path)), _what_is_learnt(config)
        keys = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
        if keys:
            differ = "; ".join(f"{key}: {before.get(key)}, now {now.get(key)}" for key in keys[:5])
            raise WsvsError(
                f"{work}: holds a training by other settings ({differ}); `--anew` of training.fit moves it "
                f"to {work / EARLIER}, another --work keeps both, or take the change back to go on"
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
