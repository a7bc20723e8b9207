"""Frames read in a thread: in order, with the drive's error, and without a thread left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from drive_files import frames, make_folder

from wsvs_ros.drives import DriveError, open_drive
from wsvs_ros.drives.read_ahead import ReadAhead
from wsvs_ros.drives.writers import Background


def readers() -> int:
    return sum(thread.name == "reader" for thread in threading.enumerate())


def test_all_frames_in_order(tmp_path: Path) -> None:
    with open_drive(make_folder(tmp_path / "f", 20)) as drive, ReadAhead(drive) as ahead:
        found = list(ahead)
    assert [frame.name for frame in found] == [str(k) for k in range(20)]
    assert np.array_equal(found[7].image, frames(20)[7])


def test_an_error_comes_where_its_frame_would_have(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "f", 6)
    (folder / "4.png").write_bytes(b"no picture")
    names = []
    with open_drive(folder) as drive, ReadAhead(drive) as ahead, pytest.raises(DriveError, match=r"4.png: not a read"):
        names.extend(frame.name for frame in ahead)
    assert readers() == 0


def test_leaving_early_ends_the_thread(tmp_path: Path) -> None:
    with open_drive(make_folder(tmp_path / "f", 30)) as drive, ReadAhead(drive) as ahead:
        assert next(iter(ahead)).name == "0"
    assert readers() == 0


def test_no_more_is_read_than_a_few_frames_ahead(tmp_path: Path) -> None:
    read: list[int] = []

    class Counted:
        def __iter__(self) -> Iterator[int]:
            for index in range(100):
                read.append(index)
                yield index

    with ReadAhead(Counted()) as ahead:  # type: ignore[arg-type]
        stream = iter(ahead)
        for _ in range(10):
            next(stream)
        threading.Event().wait(0.1)  # as long as it might read on
        assert len(read) < 20


def test_a_call_gives_its_result_also_after_a_failure() -> None:
    def fail() -> None:
        raise DriveError("disk full")

    done: list[str] = []
    background = Background()
    with pytest.raises(DriveError, match="disk full"), background:
        assert background.call(lambda: threading.current_thread().name) == "writer"
        with pytest.raises(DriveError, match="disk full"):
            background.call(fail)
        background.submit(fail)
        background.call(lambda: done.append("closed"))
    assert done == ["closed"]
