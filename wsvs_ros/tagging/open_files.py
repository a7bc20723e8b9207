"""The files of tags that a session has open: loaded, watched for other programs' changes, saved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wsvs_ros.drives.tags import DriveTags, TagError
from wsvs_ros.tagging.tag_file import TagFile
from wsvs_ros.tagging.tagged_drive import Suggested, TaggedDrive


class OpenFiles:
    """
    The files of some drives, and what they hold of drives that are not open, which stays in them.

    :param drives: each knows its file; several may share one.
    """

    def __init__(self, drives: Sequence[TaggedDrive]) -> None:
        self._drives = drives
        self._written: list[TagFile] = []
        self._others: dict[TagFile, dict[str, DriveTags]] = {
            file: {} for file in dict.fromkeys(drive.file for drive in drives)
        }

    def __iter__(self) -> Iterator[TagFile]:
        return iter(self._others)

    def load(self, file: TagFile) -> list[tuple[TaggedDrive, DriveTags, Suggested]]:
        """
        Read a file.

        :return: of each open drive the clips that it holds, and what was suggested for them.
        :raises TagError: if it cannot be used.
        """
        mine = self._of(file)
        saved, suggested = file.load({d.name: d.duration for d in mine}, {d.name: d.fps for d in mine})
        for drive in mine:
            told = saved.get(drive.name, DriveTags()).time_base
            if not told.agrees(drive.time_base):
                raise TagError(f"{file.path}: {drive.name}: its times were counted anew, {told}; start anew")
        names = {drive.name for drive in mine}
        self._others[file] = {name: clips for name, clips in saved.items() if name not in names}
        tags = [saved.get(drive.name) or drive.in_bag or DriveTags() for drive in mine]
        return [(drive, told, suggested.get(drive.name, {})) for drive, told in zip(mine, tags, strict=True)]

    def save_all(self, files: Sequence[TagFile]) -> None:
        """
        Write what is tagged.

        :raises ConflictError: if another program changed a file.
        :raises SaveError: if one cannot be written. Those before it are: see `take_back`.
        """
        self._written = []
        for file in files:
            self._save(file)
            self._written.append(file)

    def take_back(self) -> None:
        """After `save_all` failed and clips are what they were: write them again where the change is written."""
        for file in self._written:
            self._save(file)

    def _save(self, file: TagFile) -> None:
        mine = self._of(file)
        others = self._others[file]
        bases = {name: tags.time_base for name, tags in others.items()} | {d.name: d.time_base for d in mine}
        file.save({**others, **{drive.name: drive.touched() for drive in mine}}, bases)

    def _of(self, file: TagFile) -> list[TaggedDrive]:
        return [drive for drive in self._drives if drive.file is file]
