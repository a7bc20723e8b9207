"""Iconic images: a folder of pictures, sorted into one folder a class."""

from __future__ import annotations

import contextlib
import csv
import io
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from wsvs_ros.drives.folders import FolderDrive
from wsvs_ros.files import replace_file
from wsvs_ros.perception.labels import LabelSet
from wsvs_ros.tagging.errors import ConflictError, EditError, SaveError, TaggingError
from wsvs_ros.tagging.files import check_writable, copy_as_new

LEFT_OUT = "-"
"""In the manifest, in place of a class: a picture that is iconic of none."""


@dataclass(frozen=True)
class _Place:
    name: str  # the class, or LEFT_OUT
    file: str  # of the copy, below the output; empty where there is none


class IconicSorter:
    """
    Copies pictures into `OUT/<class>/`; the pictures themselves are never touched.

    `OUT/manifest.csv` says which picture went where, so that sorting goes on where it stopped. Copies that somebody
    made otherwise are never overwritten.

    :param folder: pictures, PNG, JPEG or BMP.
    :param output: the folder of the classes' folders; default `<folder>.sorted` beside.
    :raises WsvsError: if there are no pictures or the output cannot be written.
    """

    def __init__(self, folder: Path, label_set: LabelSet, output: Path | None = None) -> None:
        self.output = output or folder.with_name(folder.name + ".sorted")
        if folder.resolve() in [self.output.resolve(), *self.output.resolve().parents]:
            raise TaggingError(f"{self.output}: inside {folder}; name another place with --iconic-out")
        if not folder.is_dir():
            raise TaggingError(f"{folder}: no such folder of pictures")
        self._files = list(FolderDrive(folder).files.values())
        self._label_set = label_set
        self._lock = threading.Lock()
        self._manifest = self.output / "manifest.csv"
        try:
            self.output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SaveError(f"{self.output}: cannot be made: {error.strerror or error}") from error
        check_writable(self._manifest)
        self._places = self._load()
        self._saved = self._stamp()
        self.revision = 1

    def state(self) -> dict[str, Any]:
        """Plain data for the page."""
        with self._lock:
            self._watch()
            pictures = [self._places.get(file.name) for file in self._files]
            return {
                "revision": self.revision,
                "output": str(self.output),
                "pictures": [
                    {"name": file.name, "class": None if place is None else place.name}
                    for file, place in zip(self._files, pictures, strict=True)
                ],
            }

    def image(self, index: int) -> bytes:
        """
        A picture as JPEG, at most 1280 pixels wide.

        :raises EditError: if there is none, or it cannot be read.
        """
        if not 0 <= index < len(self._files):
            raise EditError(f"no picture {index}")
        image = cv2.imread(str(self._files[index]), cv2.IMREAD_COLOR)
        if image is None:
            raise EditError(f"{self._files[index].name}: not a readable picture")
        scale = min(1.0, 1280 / image.shape[1])
        return cv2.imencode(".jpg", cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))[
            1
        ].tobytes()

    def sort(self, revision: int, index: int, name: str | None) -> int:
        """
        Put a picture into a class, into none (`-`), or back among the unsorted ones (None).

        :return: the new revision.
        :raises ConflictError: if another tab or program sorted in the meantime.
        :raises EditError: if there is no such picture or class.
        :raises SaveError: if the copy cannot be made.
        """
        with self._lock:
            self._watch()
            if revision != self.revision:
                raise ConflictError("the pictures were sorted in the meantime, in another tab or outside; look again")
            if not 0 <= index < len(self._files):
                raise EditError(f"no picture {index}")
            if name not in (None, LEFT_OUT, *self._label_set.names):
                raise EditError(f"no class {name!r}")
            try:
                self._move(self._files[index], name)
            except OSError as error:
                raise SaveError(f"{self.output}: cannot be written: {error.strerror or error}") from error
            self.revision += 1
            return self.revision

    def _move(self, source: Path, name: str | None) -> None:
        """
        Copy, note down, remove the copy that was; what was is back if any of it fails.

        A copy that stays behind in another class would be learnt from.
        """
        earlier = dict(self._places)
        old = self._places.pop(source.name, None)
        new = ""
        try:
            if name is not None:
                new = "" if name == LEFT_OUT else self._copy(source, name)
                self._places[source.name] = _Place(name, new)
            self._save()
            if old is not None and old.file:
                (self.output / old.file).unlink(missing_ok=True)
        except OSError:
            self._places = earlier
            if new:
                (self.output / new).unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # the first error is the one to tell
                self._save()
            raise

    def _copy(self, source: Path, name: str) -> str:
        folder = self.output / name.replace("/", "_")
        folder.mkdir(exist_ok=True)
        return str(copy_as_new(source, folder).relative_to(self.output))

    def _save(self) -> None:
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(("picture", "class", "file"))
        for picture, place in self._places.items():
            writer.writerow((picture, place.name, place.file))
        replace_file(self._manifest, text.getvalue())
        self._saved = self._stamp()

    def _load(self) -> dict[str, _Place]:
        if not self._manifest.exists():
            return {}
        try:
            rows = list(csv.DictReader(io.StringIO(self._manifest.read_text(encoding="utf-8"))))
            places = {row["picture"]: _Place(row["class"], row["file"] or "") for row in rows}
        except (OSError, UnicodeDecodeError, KeyError, csv.Error) as error:
            raise TaggingError(f"{self._manifest}: not a manifest of sorted pictures: {error!r}") from None
        for place in places.values():
            inside = (self.output / place.file).resolve()
            if self.output.resolve() not in inside.parents and place.file:
                raise TaggingError(f"{self._manifest}: {place.file} lies outside of {self.output}")
        return places

    def _watch(self) -> None:
        if self._stamp() != self._saved:
            self._places = self._load()
            self._saved = self._stamp()
            self.revision += 1

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            stat = self._manifest.stat()
        except FileNotFoundError:
            return None
        return stat.st_size, stat.st_mtime_ns, stat.st_ino
