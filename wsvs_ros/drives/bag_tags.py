"""Tags that travel inside of a bag: in its metadata, or as an attachment of an mcap file; never among its messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from wsvs_ros import files
from wsvs_ros.drives.drive import DriveError
from wsvs_ros.yaml_fields import FastLoader

_KEY = "wsvs_tags"  # in `custom_data`, which rosbag2 hands on as it is
_ATTACHMENT = "wsvs_tags.yaml"
_ROOT = "rosbag2_bagfile_information"


def read_bag_tags(path: Path) -> str | None:
    """
    The tags that a bag bears, as `tags.yaml` has them.

    :param path: a bag, see :func:`wsvs_ros.drives.open.is_bag`.
    :return: None if it bears none.
    :raises DriveError: if it cannot be read.
    """
    metadata, storage = _place(path)
    if metadata is not None:
        return (_load(metadata)[_ROOT].get("custom_data") or {}).get(_KEY)
    if storage is None:
        return None
    from wsvs_ros.drives.mcap_attachment import read_attachment

    data = read_attachment(storage, _ATTACHMENT)
    return None if data is None else data.decode("utf-8", errors="replace")


def write_bag_tags(path: Path, text: str) -> Path:
    """
    Write tags into a bag, in place of those that it bears; no message is changed.

    A bag with `metadata.yaml` gets them there (rosbag2's `custom_data`); a single mcap file is copied with one more
    attachment, and the copy put in its place.

    :return: the file that bears them.
    :raises DriveError: if it has no place for them, or cannot be written.
    """
    metadata, storage = _place(path)
    if metadata is not None:
        content = _load(metadata)
        content[_ROOT]["custom_data"] = {**(content[_ROOT].get("custom_data") or {}), _KEY: text}
        with files.writing(metadata, DriveError):
            files.replace_file(metadata, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
        return metadata
    if storage is None:
        raise DriveError(
            f"{path}: has no place for tags: a metadata.yaml (`ros2 bag reindex` makes one) or a single mcap file; "
            "leave them in the file beside it"
        )
    from wsvs_ros.drives.mcap_attachment import write_attachment

    write_attachment(storage, _ATTACHMENT, text.encode(), media_type="application/yaml")
    return storage


def _place(path: Path) -> tuple[Path | None, Path | None]:
    """Metadata or mcap file; none of both where tags have no place."""
    folder = path if path.is_dir() else path.parent
    if path.suffix != ".bag" and (folder / "metadata.yaml").is_file():
        return folder / "metadata.yaml", None
    if path.is_file():
        return None, path if path.suffix == ".mcap" else None
    found = [file for file in path.iterdir() if file.suffix in (".mcap", ".db3") or file.suffix == ".zstd"]
    return None, found[0] if len(found) == 1 and found[0].suffix == ".mcap" else None


def _load(metadata: Path) -> Any:
    try:
        content = yaml.load(metadata.read_text(encoding="utf-8"), FastLoader)
        if not isinstance(content[_ROOT].get("custom_data") or {}, dict):
            raise TypeError("custom_data is no mapping")
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, KeyError, AttributeError) as error:
        raise DriveError(f"{metadata}: not a bag's metadata: {error!r}") from error
    return content
