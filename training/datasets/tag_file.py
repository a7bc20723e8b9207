"""Tag files of datasets: which classes each image or shot shows, and where that is known from."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from wsvs_ros.drives.tags import TagError
from wsvs_ros.perception.labels import LabelSet

_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")


def read_tags(path: Path, label_set: LabelSet, *, ignore: Collection[str] = ()) -> dict[str, frozenset[str]]:
    """
    Read a tag file: JSON, either ``{unit: [classes]}`` or, as ``training.tags`` writes it, that under ``tags``
    beside ``derived``, which tells where it comes from. A unit is an image's or shot's name, with or without suffix.

    :param ignore: tags that the label set leaves out on purpose; they are dropped.
    :raises TagError: naming the file, unit and tag.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except OSError as error:
        raise TagError(f"{path}: cannot be read: {error.strerror}; `python -m training.tags` makes one") from error
    except ValueError as error:
        raise TagError(f"{path}: not a JSON tag file: {error}") from error
    if isinstance(content, Mapping) and set(content) == {"derived", "tags"}:
        content = content["tags"]
    if not isinstance(content, Mapping) or not content:
        raise TagError(f"{path}: a mapping of images or shots to lists of classes is needed")
    known = {*label_set.names, *ignore}
    found: dict[str, frozenset[str]] = {}
    for unit, tags in content.items():
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise TagError(f"{path}: {unit}: a list of class names is needed, got {tags!r}")
        unknown = sorted(set(tags) - known)
        if unknown:
            raise TagError(
                f"{path}: {unit}: unknown class {', '.join(map(repr, unknown))}; label set {label_set.name} has "
                f"{', '.join(label_set.names)}; name others in `ignore` to drop them"
            )
        stem = unit[: unit.rindex(".")] if unit.lower().endswith(_SUFFIXES) else unit
        if stem in found:
            raise TagError(f"{path}: {stem} occurs twice; put all its tags in one place")
        found[stem] = frozenset(tags) - frozenset(ignore)
    return found


def write_tags(path: Path, tags: Mapping[str, Sequence[str]], derived: Mapping[str, Any]) -> None:
    """
    Write a tag file that tells how it came about.

    :raises TagError: if the file exists, because people may have changed it, or cannot be written.
    """
    if path.exists():
        raise TagError(f"{path}: exists; tags are derived once, so take another name or move it away")
    lines = ",\n".join(f"{json.dumps(unit)}: {json.dumps(list(names))}" for unit, names in tags.items())
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(
            f'{{"derived": {json.dumps(dict(derived), indent=2)},\n"tags": {{\n{lines}\n}}}}\n', encoding="utf-8"
        )
        os.replace(partial, path)
    except OSError as error:
        raise TagError(f"{path}: cannot be written: {error.strerror}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON would silently keep the last of two."""
    twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if twice:
        raise ValueError(f"{twice[0]} occurs twice; put all its tags in one place")
    return dict(pairs)
