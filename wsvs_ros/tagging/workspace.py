"""From paths to a session: which drive belongs to which file of tags."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from wsvs_ros.drives.bag_tags import read_bag_tags
from wsvs_ros.drives.drive_tags import DriveTags
from wsvs_ros.drives.open import is_bag
from wsvs_ros.drives.tags import load_clip_tags
from wsvs_ros.drives.time_base import TimeBase
from wsvs_ros.perception.labels import LabelClass, LabelSet
from wsvs_ros.tagging.errors import TaggingError
from wsvs_ros.tagging.files import check_writable
from wsvs_ros.tagging.seeking import open_source
from wsvs_ros.tagging.session import TaggingSession
from wsvs_ros.tagging.tag_file import TagFile
from wsvs_ros.tagging.tagged_drive import TaggedDrive

DEFAULT_SECONDS = 10.0


@dataclass(frozen=True)
class DriveOptions:
    """
    How drives are opened.

    :param longest: seconds of a clip that no scene cut ends.
    :param topic: the image topic of bags with several.
    :param fps: of drives that do not tell.
    """

    longest: float = DEFAULT_SECONDS
    topic: str | None = None
    fps: float | None = None


def open_session(
    paths: Sequence[Path],
    label_set: LabelSet,
    *,
    tags: Path | None = None,
    kept: Sequence[str] = (),
    options: DriveOptions = DriveOptions(),
) -> TaggingSession:
    """
    Open drives for tagging.

    :param tags: the file for all of them; None for `<drive>.tags.yaml` beside each.
    :param kept: names of tags that are in the file and in no label set; they stay.
    :raises DriveError: if a drive cannot be read.
    :raises TagError: if a file of tags cannot be used.
    :raises SaveError: if tags could not be saved.
    :raises TaggingError: if a drive is named twice, the tags would lie inside of it, or were counted otherwise.
    """
    everything = _with(label_set, kept)
    files: dict[Path, TagFile] = {}
    drives: list[TaggedDrive] = []
    for given in paths:
        path = Path(os.path.normpath(given.absolute()))
        place = Path(os.path.normpath(tags.absolute())) if tags else path.with_name(path.name + ".tags.yaml")
        name = Path(os.path.relpath(path, place.parent)).as_posix()
        if any(drive.path == path for drive in drives):
            raise TaggingError(f"{given}: named twice")
        if path.is_dir() and path in place.parents:
            raise TaggingError(f"{place}: inside the drive {given}; nothing is written there, name another place")
        if place not in files:
            check_writable(place)
            files[place] = TagFile(place, everything)
        drives.append(_open(path, name, files[place], options, everything))
    return TaggingSession(label_set, drives, kept=kept)


def _open(path: Path, name: str, file: TagFile, options: DriveOptions, everything: LabelSet) -> TaggedDrive:
    in_bag = _tags_in(path, everything)
    told = file.time_bases().get(name) or (in_bag.time_base if in_bag else TimeBase())
    for option, wanted, saved in (("--topic", options.topic, told.topic), ("--fps", options.fps, told.fps)):
        if wanted is not None and saved is not None and wanted != saved:
            raise TaggingError(
                f"{file.path}: the times of {name} were counted with {option} {saved}, not {wanted}; leave {option} "
                "out, or name another file with --tags"
            )
    source = open_source(path, replace(told, topic=told.topic or options.topic), fps=options.fps)
    try:
        opener = partial(open_source, path, source.time_base, fps=options.fps)
        height, width = source.at(0.0).shape[:2]
        duration, size = round(source.duration, 3), (width, height)
        base = source.time_base
        return TaggedDrive(name, path, duration, source.fps, base, opener, file, options.longest, size, in_bag)
    finally:
        source.close()


def _tags_in(path: Path, everything: LabelSet) -> DriveTags | None:
    """What a bag bears itself; None if that is nothing, or it is no bag."""
    if not path.exists() or not is_bag(path) or read_bag_tags(path) is None:
        return None
    return load_clip_tags(path, everything, unfinished=True).get(path.name)


def _with(label_set: LabelSet, kept: Sequence[str]) -> LabelSet:
    """The label set with further classes, so that their tags are read and written like any other."""
    more = tuple(LabelClass(name, (0, 0, 0)) for name in kept if name not in label_set.names)
    return LabelSet(label_set.name, label_set.classes + more)
