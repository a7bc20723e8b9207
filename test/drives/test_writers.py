"""Writers: what they leave behind, also when something fails."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from drive_files import STORE, frames, make_bag, make_old_bag
from rosbags.highlevel import AnyReader

from wsvs_ros.drives import DriveError, open_drive
from wsvs_ros.drives.bag_writer import BagWriter
from wsvs_ros.drives.label_bag_writer import LabelBagWriter
from wsvs_ros.drives.label_topics import LabelTopics
from wsvs_ros.drives.video_writer import VideoWriter
from wsvs_ros.drives.writers import Background, LabelWriter
from wsvs_ros.perception.labels import LabelSet


def test_labels_read_back(tmp_path: Path) -> None:
    labels = np.random.default_rng(0).integers(0, 256, (7, 9), dtype=np.uint8)
    writer = LabelWriter(tmp_path / "labels")
    writer.write("a", labels)
    assert np.array_equal(cv2.imread(str(tmp_path / "labels" / "a.png"), cv2.IMREAD_UNCHANGED), labels)
    with pytest.raises(DriveError, match=r"a.png: exists already"):
        writer.write("a", labels)
    assert [path.name for path in (tmp_path / "labels").iterdir()] == ["a.png"]


def test_video_of_odd_and_changing_sizes_plays(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "v.mp4", 10)
    for size in [(97, 71)] * 3 + [(64, 48)]:
        writer.write(np.full((size[1], size[0], 3), 90, np.uint8))
    writer.close()
    with open_drive(tmp_path / "v.mp4") as drive:
        found = [frame.image.shape for frame in drive]
    assert found == [(70, 96, 3)] * 4


def test_video_of_irregular_frames_plays_at_the_true_speed(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "v.mp4", 10)
    shades = [0, 60, 120, 180, 240]
    # 10 Hz with jitter, then three frames missing, then a pause of a minute, then a jump back
    for shade, stamp in zip(shades, [100.0, 100.11, 100.5, 160.0, 3.0], strict=True):
        writer.write(np.full((48, 64, 3), shade, np.uint8), round(stamp * 1e9))
    writer.close()
    with open_drive(tmp_path / "v.mp4") as drive:
        shown = [round(float(frame.image.mean()) / 60) * 60 for frame in drive]
    assert shown == [0, 60, 60, 60, 60, 120, 180, 240]


def test_a_video_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "v.mp4").write_text("mine")
    with pytest.raises(DriveError, match=r"v.mp4: exists already"):
        VideoWriter(tmp_path / "v.mp4", 10)


def test_video_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(DriveError, match=r"v.mp4: cannot be written .*is the folder writable"):
        VideoWriter(tmp_path / "none" / "v.mp4", 10).write(frames(1)[0])


def test_background_keeps_the_order_and_finishes_what_waits() -> None:
    done: list[int] = []
    with Background() as background:
        for number in range(30):
            background.submit(lambda number=number: (time.sleep(0.001), done.append(number)))  # type: ignore[misc]
    assert done == list(range(30))


def test_background_finishes_after_an_interruption() -> None:
    done: list[int] = []
    with pytest.raises(KeyboardInterrupt), Background() as background:
        background.submit(lambda: (time.sleep(0.05), done.append(1)))  # type: ignore[func-returns-value]
        raise KeyboardInterrupt
    assert done == [1]


def test_background_hands_its_error_on() -> None:
    def fail() -> None:
        raise DriveError("disk full")

    with pytest.raises(DriveError, match="disk full"), Background() as background:
        background.submit(fail)


@pytest.mark.parametrize("storage", ["sqlite3", "mcap"])
def test_labelled_bag_holds_everything_and_the_labels(tmp_path: Path, storage: str) -> None:
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    with open_drive(make_bag(tmp_path / "in", 4, storage=storage)) as drive:
        writer = LabelBagWriter(tmp_path / "out", drive, LabelSet.load("camvid11"))  # type: ignore[arg-type]
        stamps = []
        for frame in drive:
            writer.write(frame.source, labels)
            stamps.append(frame.stamp_ns)
        writer.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]
    assert list((tmp_path / "out").glob("*.mcap" if storage == "mcap" else "*.db3"))
    with open_drive(tmp_path / "out", topic=LabelTopics().label) as drive:
        found = list(drive)
        counts = {c.topic: c.msgcount for c in drive.reader.connections}  # type: ignore[attr-defined]
    assert counts == {"/camera/image_raw": 4, "/chatter": 4, LabelTopics().label: 4, LabelTopics().label_info: 1}
    assert [frame.stamp_ns for frame in found] == stamps
    assert {frame.frame_id for frame in found} == {"front"}
    assert np.array_equal(found[0].image[..., 0], labels)


@pytest.mark.parametrize("storage", ["sqlite3", "mcap"])
def test_vendors_types_of_an_old_bag_are_copied(tmp_path: Path, storage: str) -> None:
    """Humble's bags have no type hashes, and in sqlite3 no definitions: their messages are kept all the same."""
    bag = make_old_bag(tmp_path / "in", 3, storage=storage)
    with open_drive(bag) as drive:
        writer = LabelBagWriter(tmp_path / "out", drive, LabelSet.load("camvid11"))  # type: ignore[arg-type]
        for frame in drive:
            writer.write(frame.source, np.zeros((3, 4), np.uint8))
        writer.close()
    with AnyReader([bag], default_typestore=STORE) as before, AnyReader([tmp_path / "out"]) as after:
        sent = [data for connection, _, data in before.messages() if connection.topic == "/wheel"]
        kept = [data for connection, _, data in after.messages() if connection.topic == "/wheel"]
    assert len(kept) == 3
    assert kept == sent


def test_bags_are_never_overwritten(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", 2)
    with pytest.raises(DriveError, match="bag: exists already"):
        BagWriter(bag)
    with open_drive(bag) as drive:
        assert len(list(drive)) == 2


def test_recorded_messages_read_back(tmp_path: Path) -> None:
    word = STORE.serialize_cdr(STORE.types["std_msgs/msg/String"](data="hello"), "std_msgs/msg/String")
    bag = BagWriter(tmp_path / "bag")
    for stamp in (5, 6):
        bag.write("/chatter", "std_msgs/msg/String", stamp, word)
    bag.close()
    with pytest.raises(DriveError, match="/chatter"):
        open_drive(tmp_path / "bag")
