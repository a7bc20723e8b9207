"""Sorting pictures into classes: what fails leaves nothing behind, and nobody's file is written over."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from drive_files import make_folder

from wsvs_ros.perception import LabelSet
from wsvs_ros.tagging import SaveError
from wsvs_ros.tagging.iconic import IconicSorter

CAMVID = LabelSet.load("camvid11")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "pictures", 3)


def copies(sorter: IconicSorter) -> list[str]:
    return sorted(str(path.relative_to(sorter.output)) for path in sorter.output.rglob("*") if path.is_file())


@pytest.mark.parametrize("fails", ["copy", "manifest", "removal"])
def test_what_fails_is_taken_back(pictures: Path, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    sorter = IconicSorter(pictures, CAMVID)
    revision = sorter.sort(sorter.revision, 0, "road")
    before, manifest = copies(sorter), (sorter.output / "manifest.csv").read_text()
    assert before == ["manifest.csv", "road/0.png"]

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken:
        if fails == "copy":
            broken.setattr("shutil.copy2", fail)
        elif fails == "manifest":
            broken.setattr(IconicSorter, "_save", fail)
        else:
            unlink = Path.unlink

            def unlink_most(path: Path, **options: bool) -> None:
                if path.parts[-2:] == ("road", "0.png"):
                    fail()
                unlink(path, **options)

            broken.setattr(Path, "unlink", unlink_most)
        with pytest.raises(SaveError, match="No space left"):
            sorter.sort(revision, 0, "sky")
    assert copies(sorter) == before
    assert (sorter.output / "manifest.csv").read_text() == manifest
    assert sorter.state()["pictures"][0]["class"] == "road"
    sorter.sort(sorter.revision, 0, "sky")
    assert copies(sorter) == ["manifest.csv", "sky/0.png"]


def test_file_systems_without_links_will_do(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")  # what vfat answers

    monkeypatch.setattr(os, "link", refuse)
    sorter = IconicSorter(pictures, CAMVID)
    (sorter.output / "road").mkdir()
    (sorter.output / "road" / "0.png").write_text("somebody else's")
    sorter.sort(sorter.revision, 0, "road")
    assert (sorter.output / "road" / "0.png").read_text() == "somebody else's"
    assert (sorter.output / "road" / "0-2.png").read_bytes() == (pictures / "0.png").read_bytes()
    assert copies(sorter) == ["manifest.csv", "road/0-2.png", "road/0.png"]
