"""Bags of every storage and age, whole and damaged."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from drive_files import IMAGE, STORE, frames, image_message, make_bag, make_old_bag
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from wsvs_ros.drives import DriveError, open_drive
from wsvs_ros.drives.label_bag_writer import LabelBagWriter
from wsvs_ros.drives.label_topics import LabelTopics
from wsvs_ros.perception.labels import LabelSet

STORAGES = ["sqlite3", "mcap"]


def make_compressed(path: Path, storage: str, mode: CompressionMode, count: int = 10) -> Path:
    plugin = StoragePlugin.MCAP if storage == "mcap" else StoragePlugin.SQLITE3
    writer = Writer(path, version=9, storage_plugin=plugin)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer as bag:
        camera = bag.add_connection("/camera/image_raw", IMAGE, typestore=STORE)
        for index, picture in enumerate(frames(count)):
            message = STORE.serialize_cdr(image_message(picture, index), IMAGE)
            bag.write(camera, 100_000_000_000 + index * 100_000_000, message)
    return path


def make_split(path: Path, storage: str) -> Path:
    """Two files of ten frames each, as rosbag2 splits a long recording."""
    whole = make_bag(path, 20, storage=storage)
    (file,) = (one for one in whole.iterdir() if one.suffix != ".yaml")
    suffix = file.suffix
    for part in range(2):
        half = make_bag(path.parent / f"half{part}", 20, storage=storage, only=range(10 * part, 10 * part + 10))
        (one,) = (one for one in half.iterdir() if one.suffix != ".yaml")
        one.rename(whole / f"bag_{part}{suffix}")
    file.unlink()
    metadata = whole / "metadata.yaml"
    text = re.sub(
        r"relative_file_paths:\n(\s*)- \S+",
        rf"relative_file_paths:\n\1- bag_0{suffix}\n\1- bag_1{suffix}",
        metadata.read_text(),
    )
    metadata.write_text(re.sub(r"\n  files:.*?(?=\n  \w|\Z)", "", text, flags=re.S))
    return whole


def make_ros1(path: Path, count: int = 6) -> Path:
    store = get_typestore(Stores.ROS1_NOETIC)
    store.register(get_types_from_msg("std_msgs/Header header\nint32 ticks\n", "vendor_msgs/msg/Wheel"))
    types = store.types
    with Ros1Writer(path) as bag:
        camera = bag.add_connection("/camera/image_raw", IMAGE, typestore=store)
        wheel = bag.add_connection("/wheel", "vendor_msgs/msg/Wheel", typestore=store)
        for index, picture in enumerate(frames(count)):
            stamp = types["builtin_interfaces/msg/Time"](sec=100 + index, nanosec=5)
            header = types["std_msgs/msg/Header"](seq=index, stamp=stamp, frame_id="front")
            message = types[IMAGE](header, 72, 96, "bgr8", 0, 288, picture.reshape(-1))
            bag.write(camera, (100 + index) * 10**9, store.serialize_ros1(message, IMAGE))
            turned = types["vendor_msgs/msg/Wheel"](header, index)
            bag.write(wheel, (100 + index) * 10**9 + 1, store.serialize_ros1(turned, "vendor_msgs/msg/Wheel"))
    return path


def pictures(path: Path) -> list[np.ndarray]:
    with open_drive(path) as drive:
        return [frame.image for frame in drive]


@pytest.mark.parametrize("mode", [CompressionMode.FILE, CompressionMode.MESSAGE])
@pytest.mark.parametrize("storage", STORAGES)
def test_compressed_bags(tmp_path: Path, storage: str, mode: CompressionMode) -> None:
    bag = make_compressed(tmp_path / "bag", storage, mode)
    assert np.array_equal(pictures(bag), frames(10))
    (bag / "metadata.yaml").unlink()
    assert np.array_equal(pictures(bag), frames(10)), "without its metadata"


def test_compressed_chunks(tmp_path: Path) -> None:
    assert np.array_equal(pictures(make_compressed(tmp_path / "bag", "mcap", CompressionMode.STORAGE)), frames(10))


@pytest.mark.parametrize("storage", STORAGES)
def test_split_bags(tmp_path: Path, storage: str) -> None:
    bag = make_split(tmp_path / "bag", storage)
    assert np.array_equal(pictures(bag), frames(20))
    (bag / "metadata.yaml").unlink()
    assert np.array_equal(pictures(bag), frames(20)), "without its metadata"


@pytest.mark.parametrize("storage", STORAGES)
def test_bags_of_humble_without_their_metadata(tmp_path: Path, storage: str) -> None:
    bag = make_old_bag(tmp_path / "bag", 5, storage=storage)
    (bag / "metadata.yaml").unlink()
    assert np.array_equal(pictures(bag), frames(5))


def test_ros1_bags_are_read_and_copied_as_ros2(tmp_path: Path) -> None:
    with open_drive(make_ros1(tmp_path / "one.bag")) as drive:
        writer = LabelBagWriter(tmp_path / "out", drive, LabelSet.load("camvid11"))  # type: ignore[arg-type]
        found = []
        for frame in drive:
            found.append(frame)
            writer.write(frame.source, np.zeros((72, 96), np.uint8))
        writer.close()
    assert np.array_equal([frame.image for frame in found], frames(6))
    assert found[2].stamp_ns == 102_000_000_005
    with open_drive(tmp_path / "out", topic="/camera/image_raw") as drive:
        assert np.array_equal([frame.image for frame in drive], frames(6))
        reader = drive.reader  # type: ignore[attr-defined]
        counts = {connection.topic: connection.msgcount for connection in reader.connections}
        wheels = [
            reader.deserialize(data, connection.msgtype)
            for connection, _, data in reader.messages()
            if connection.topic == "/wheel"
        ]
    assert counts == {"/camera/image_raw": 6, "/wheel": 6, LabelTopics().label: 6, LabelTopics().label_info: 1}
    assert [wheel.ticks for wheel in wheels] == list(range(6))
    assert wheels[3].header.stamp.sec == 103


def test_a_broken_ros1_bag_names_the_tool_that_mends_it(tmp_path: Path) -> None:
    bag = make_ros1(tmp_path / "one.bag")
    bag.write_bytes(bag.read_bytes()[:-3000])
    with pytest.raises(DriveError, match=r"cannot be read as a bag: .*rosbag reindex"):
        open_drive(bag)


def storage_file(bag: Path) -> Path:
    (file,) = (one for one in bag.iterdir() if one.suffix != ".yaml")
    return file


@pytest.mark.parametrize("keep", [0.3, 0.9])
@pytest.mark.parametrize("storage", STORAGES)
def test_a_bag_that_breaks_off_gives_what_is_there(tmp_path: Path, storage: str, keep: float) -> None:
    bag = make_bag(tmp_path / "bag", 40, storage=storage)
    file = storage_file(bag)
    file.write_bytes(file.read_bytes()[: int(keep * file.stat().st_size)])
    with open_drive(bag) as drive:
        found = [frame.image for frame in drive]
        refused = drive.refused  # type: ignore[attr-defined]
    assert 40 * keep - 4 <= len(found) < 40
    assert np.array_equal(found, frames(40)[: len(found)])
    assert "the bag is damaged" in refused[0]
    assert any("breaks off at byte" in line or "messages are readable" in line for line in refused[1:])


@pytest.mark.parametrize("mode", [CompressionMode.STORAGE, CompressionMode.FILE])
def test_a_compressed_bag_that_breaks_off(tmp_path: Path, mode: CompressionMode) -> None:
    bag = make_compressed(tmp_path / "bag", "mcap", mode, 40)
    file = storage_file(bag)
    file.write_bytes(file.read_bytes()[: int(0.6 * file.stat().st_size)])
    found = pictures(bag)
    assert 5 <= len(found) < 40
    assert np.array_equal(found, frames(40)[: len(found)])


@pytest.mark.parametrize("storage", STORAGES)
def test_a_hole_in_a_bag_costs_what_was_in_it(tmp_path: Path, storage: str) -> None:
    """Wherever the damage is, the frames around it are delivered, and what is lost is said."""
    bag = make_bag(tmp_path / "bag", 150, storage=storage, text=False)
    file, truth = storage_file(bag), frames(150)
    whole = file.read_bytes()
    random = np.random.default_rng(0)
    most = []
    for start in np.linspace(0, len(whole) - 3000, 12).astype(int):
        file.write_bytes(whole[:start] + random.bytes(3000) + whole[start + 3000 :])
        try:
            with open_drive(bag) as drive:
                found = {(frame.stamp_ns - 100_000_000_000) // 100_000_000: frame.image for frame in drive}
                refused = drive.refused  # type: ignore[attr-defined]
        except DriveError as error:
            assert str(bag) in str(error)
            continue
        most.append(len(found))
        assert len(found) == 150 or refused
        # these files have no checksums, so the pixels under the damage may differ
        assert sum(np.array_equal(image, truth[index]) for index, image in found.items()) >= len(found) - 2
    assert sorted(most)[len(most) // 2] >= 75


def test_a_bag_of_rubbish_says_so(tmp_path: Path) -> None:
    for name in ("a.mcap", "b.db3"):
        (tmp_path / name).write_bytes(np.random.default_rng(0).bytes(5000))
        with pytest.raises(DriveError, match=rf"{name}: cannot be read as a bag"):
            open_drive(tmp_path / name)


def test_compressed_images(tmp_path: Path) -> None:
    kind = "sensor_msgs/msg/CompressedImage"
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as bag:
        camera = bag.add_connection("/camera/image_raw/compressed", kind, typestore=STORE)
        for index, picture in enumerate(frames(4)):
            header = image_message(picture, index).header  # type: ignore[attr-defined]
            data = cv2.imencode(".png", picture)[1].reshape(-1)
            bag.write(camera, index, STORE.serialize_cdr(STORE.types[kind](header, "png", data), kind))
    assert np.array_equal(pictures(tmp_path / "bag"), frames(4))
