"""A bag's rate, its write-ahead log, paths that SQLite would misread, and compressed parts without bounds."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import zstandard
from drive_files import IMAGE, STORE, frames, image_message, make_bag
from rosbags.rosbag2 import StoragePlugin, Writer

from wsvs_ros.drives import open_drive, recovery
from wsvs_ros.drives.excerpt import Excerpt
from wsvs_ros.drives.label_bag_writer import LabelBagWriter
from wsvs_ros.drives.zstd import bounded_zstd
from wsvs_ros.perception.labels import LabelSet


def make_paused_bag(path: Path) -> Path:
    """A camera of 10 Hz that ran 3 s of a minute in which another topic went on."""
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as bag:
        camera = bag.add_connection("/camera/image_raw", IMAGE, typestore=STORE)
        words = bag.add_connection("/chatter", "std_msgs/msg/String", typestore=STORE)
        for second in range(60):
            text = STORE.types["std_msgs/msg/String"](data="still there")
            bag.write(words, second * 1_000_000_000, STORE.serialize_cdr(text, "std_msgs/msg/String"))
        for index, picture in enumerate(frames(30)):
            message = image_message(picture, index)
            bag.write(camera, 20_000_000_000 + index * 100_000_000, STORE.serialize_cdr(message, IMAGE))
    return path


def test_a_rate_is_that_of_the_camera_while_it_ran(tmp_path: Path) -> None:
    with open_drive(make_paused_bag(tmp_path / "bag")) as drive:
        assert drive.fps == pytest.approx(10)
        assert len(list(drive)) == 30


def test_headers_tell_the_rate_and_recording_where_they_stand_still(tmp_path: Path) -> None:
    with open_drive(make_bag(tmp_path / "fast", 30, header_fps=25.0)) as drive:
        assert drive.fps == pytest.approx(25)
    with open_drive(make_bag(tmp_path / "still", 30, header_fps=1e12)) as drive:
        assert drive.fps == pytest.approx(10)
    with open_drive(make_bag(tmp_path / "one", 1)) as drive:
        assert drive.fps is None


def with_write_ahead_log(bag: Path) -> None:
    """The state in which a recorder that was killed leaves its file: the newest messages lie beside it."""
    (file,) = bag.glob("*.db3")
    database = sqlite3.connect(file)
    rows = database.execute("SELECT topic_id, timestamp, data FROM messages").fetchall()
    database.execute("DELETE FROM messages")
    database.commit()
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA wal_autocheckpoint=0")
    database.executemany("INSERT INTO messages (topic_id, timestamp, data) VALUES (?, ?, ?)", rows)
    database.commit()
    copy = bag.parent / "copy"
    shutil.copytree(bag, copy)  # closing it would fold the log in
    database.close()
    shutil.rmtree(bag)
    copy.rename(bag)
    (bag / f"{file.name}-shm").unlink()


def test_messages_in_a_write_ahead_log_are_read(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", 20)
    with_write_ahead_log(bag)
    logged = {file.name: file.read_bytes() for file in bag.iterdir()}
    with open_drive(bag) as drive:
        assert len(list(drive)) == 20
        assert not drive.refused  # type: ignore[attr-defined]
    assert {name: (bag / name).read_bytes() for name in logged} == logged  # nothing of the recording was changed


@pytest.mark.parametrize("name", ["take#1", "50%41", "why?"])
def test_names_that_mean_something_in_a_uri(tmp_path: Path, name: str) -> None:
    plain = make_bag(tmp_path / "plain", 5)
    folder = tmp_path / name
    folder.mkdir()
    shutil.copytree(plain, folder / "bag")
    with open_drive(folder / "bag") as drive:
        writer = LabelBagWriter(folder / "labelled", drive, LabelSet.load("camvid11"))  # type: ignore[arg-type]
        for frame in drive:
            writer.write(frame.source, np.zeros((72, 96), np.uint8))
        writer.close()
    with open_drive(folder / "labelled", topic="/segmentation/label") as drive:
        assert len(list(drive)) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["plain", name])
    assert sorted(path.name for path in folder.iterdir()) == ["bag", "labelled"]


def test_an_excerpt_of_a_bag_is_by_its_first_image(tmp_path: Path) -> None:
    with open_drive(make_paused_bag(tmp_path / "bag"), excerpt=Excerpt(1.0, 2.0)) as drive:
        assert [frame.name for frame in drive] == [f"{k:06d}" for k in range(10, 20)]
        topics = [connection.topic for connection, *_ in drive.messages()]  # type: ignore[attr-defined]
    assert topics.count("/camera/image_raw") == 10
    assert topics.count("/chatter") == 1


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb = zstandard.ZstdCompressor(19).compress(bytes(1 << 30))
    with pytest.raises(zstandard.ZstdError, match="larger than 256 MiB"):
        bounded_zstd(bomb)
    assert bounded_zstd(zstandard.compress(b"a message")) == b"a message"


def test_a_compressed_part_that_is_too_large_names_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bag = make_bag(tmp_path / "bag", 10, storage="mcap")
    (file,) = bag.glob("*.mcap")
    packed = tmp_path / "part_0.mcap.zstd"
    packed.write_bytes(zstandard.compress(file.read_bytes() + bytes(50_000_000)))
    monkeypatch.setattr(recovery, "_MOST_TIMES", 5)
    with open_drive(packed) as drive:
        assert 0 < len(list(drive)) < 10
        told = " ".join(drive.refused)  # type: ignore[attr-defined]
    assert "unpacked no further than" in told
    assert "5 times its size" in told
