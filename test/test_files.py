"""Files that are whole or not there."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from wsvs_ros.errors import WsvsError
from wsvs_ros.files import check_writable, put_in_place, replace_file, write_json

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The order in which files are flushed to the disk and renamed."""
    found: list[str] = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (found.append("fsync"), sync(handle))[1])
    monkeypatch.setattr(os, "replace", lambda *paths: (found.append("replace"), replace(*paths))[1])
    return found


def test_a_file_is_on_the_disk_before_it_takes_its_place(tmp_path: Path, calls: list[str]) -> None:
    replace_file(tmp_path / "a", "text ä")
    assert calls == ["fsync", "replace", "fsync"]  # the file, its place, the folder
    assert (tmp_path / "a").read_bytes() == "text ä".encode()
    assert os.listdir(tmp_path) == ["a"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WsvsError, match="a: cannot be written: No space left on device"):
        write_json(path, {"new": 1})
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    replace_file(link, b"new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_new_file_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    replace_file(tmp_path / "a", "")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=write_json, args=(pipe, [1]))
    writer.start()
    assert pipe.read_text() == "[\n  1\n]\n"
    writer.join()
    assert pipe.is_fifo()


def test_names_as_long_as_names_can_be(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    replace_file(path, "there")
    check_writable(path)
    assert path.read_text() == "there"


def test_a_folder_takes_the_place_of_an_earlier_one(tmp_path: Path, calls: list[str]) -> None:
    for name in ("new.partial", "bag"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    put_in_place(tmp_path / "new.partial", tmp_path / "bag")
    assert os.listdir(tmp_path) == ["bag"]
    assert (tmp_path / "bag" / "file").read_text() == "new.partial"
    assert calls.index("replace") == 2  # after the file and the folder around it


def test_what_cannot_be_written_is_told_beforehand(tmp_path: Path) -> None:
    check_writable(tmp_path / "new.json")
    assert not os.listdir(tmp_path)
    for path in (tmp_path, tmp_path / "missing" / "new.json", Path("/proc/new.json")):
        with pytest.raises(WsvsError, match="cannot be written"):
            check_writable(path)


def test_nobody_else_puts_files_in_place() -> None:
    users = {path for path in (ROOT / "wsvs_ros").rglob("*.py") if "os.replace(" in path.read_text()}
    users -= {ROOT / "wsvs_ros" / "tagging" / "files.py"}  # which gives copies names that nobody has
    assert users == {ROOT / "wsvs_ros" / "files.py"}
