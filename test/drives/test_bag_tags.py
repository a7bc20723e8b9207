"""Tags inside of bags: they come back, and no message changes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import yaml
from drive_files import make_bag
from mcap.reader import make_reader
from mcap.stream_reader import StreamReader

from wsvs_ros.drives import Clip, DriveError, TagError, TimeBase, load_clip_tags, open_drive
from wsvs_ros.drives.bag_tags import read_bag_tags, write_bag_tags
from wsvs_ros.perception import LabelSet

CAMVID = LabelSet.load("camvid11")
TEXT = "old name:\n  stamps: log\n  topic: /camera/image_raw\n  clips:\n    - {start: 0, end: 0.5, tags: [road]}\n"


def messages(bag: Path) -> list[tuple[int, int, bytes]]:
    with open_drive(bag) as drive:
        return [(frame.stamp_ns, frame.source[1], frame.image.tobytes()) for frame in drive]


@pytest.mark.parametrize("storage", ["sqlite3", "mcap"])
def test_a_bag_with_metadata_bears_them_there(tmp_path: Path, storage: str) -> None:
    bag = make_bag(tmp_path / "bag", 5, storage=storage)
    metadata, before = yaml.safe_load((bag / "metadata.yaml").read_text()), messages(bag)
    data = {file.name: hashlib.sha256(file.read_bytes()).digest() for file in bag.glob("bag*")}
    assert read_bag_tags(bag) is None
    with pytest.raises(TagError, match="bears no tags; `wsvs tag bag --into-bag`"):
        load_clip_tags(bag, CAMVID)
    for text in (TEXT.replace("road", "sky"), TEXT):
        assert write_bag_tags(bag, text) == bag / "metadata.yaml"
        assert read_bag_tags(bag) == text
    assert {file.name: hashlib.sha256(file.read_bytes()).digest() for file in bag.glob("bag*")} == data
    after = yaml.safe_load((bag / "metadata.yaml").read_text())
    assert after["rosbag2_bagfile_information"].pop("custom_data") == {"wsvs_tags": TEXT}
    metadata["rosbag2_bagfile_information"].pop("custom_data", None)
    assert after == metadata
    assert messages(bag) == before
    moved = bag.rename(tmp_path / "moved")
    found = load_clip_tags(moved, CAMVID)
    assert list(found) == ["moved"]
    assert found["moved"][0] == Clip(0, 0.5, frozenset({"road"}))
    assert found["moved"].time_base == TimeBase("log", topic="/camera/image_raw")


def test_a_single_mcap_file_bears_them_as_an_attachment(tmp_path: Path) -> None:
    folder = make_bag(tmp_path / "bag", 5, storage="mcap")
    bag = next(folder.glob("*.mcap")).rename(tmp_path / "drive.mcap")
    before, prefix = messages(bag), bag.read_bytes()
    sizes = []
    for number in range(3):
        text = f"{TEXT}# {number}\n"
        assert write_bag_tags(bag, text) == bag
        assert read_bag_tags(bag) == text
        sizes.append(bag.stat().st_size)
        assert messages(bag) == before
    assert len(set(sizes)) == 1, "the earlier ones are replaced"
    with bag.open("rb") as file:
        kinds = [type(record).__name__ for record in StreamReader(file, validate_crcs=True).records]
    assert kinds.count("Attachment") == kinds.count("AttachmentIndex") == 1
    data_end = prefix.index(b"\x0f\x04\x00\x00\x00\x00\x00\x00\x00")  # the DataEnd record: opcode and length
    assert bag.read_bytes()[:data_end] == prefix[:data_end], "the data section is what it was"
    with bag.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        assert (summary.statistics.attachment_count, summary.statistics.message_count) == (1, 10)
        assert [one.name for one in reader.iter_attachments()] == ["wsvs_tags.yaml"]
        assert len(list(reader.iter_messages())) == 10
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["drive.mcap"], "nothing is left aside"


def test_attachments_of_others_stay(tmp_path: Path) -> None:
    from wsvs_ros.drives.mcap_attachment import read_attachment, write_attachment

    folder = make_bag(tmp_path / "bag", 2, storage="mcap")
    bag = next(folder.glob("*.mcap")).rename(tmp_path / "drive.mcap")
    write_bag_tags(bag, TEXT)
    write_attachment(bag, "calibration.yaml", b"theirs", media_type="application/yaml")
    write_bag_tags(bag, TEXT + "# new\n")
    assert read_attachment(bag, "calibration.yaml") == b"theirs"
    assert read_bag_tags(bag) == TEXT + "# new\n"


def test_damaged_files_and_bags_without_a_place_are_left_alone(tmp_path: Path) -> None:
    folder = make_bag(tmp_path / "bag", 5, storage="mcap")
    whole = next(folder.glob("*.mcap")).read_bytes()
    bag = tmp_path / "drive.mcap"
    for cut in (len(whole) - 40, len(whole) // 2, 100, 0):
        bag.write_bytes(whole[:cut])
        with pytest.raises(DriveError, match="drive.mcap: is damaged"):
            write_bag_tags(bag, TEXT)
        assert bag.read_bytes() == whole[:cut]
        assert read_bag_tags(bag) is None
    lone = next(make_bag(tmp_path / "other", 2).glob("*.db3")).rename(tmp_path / "lone.db3")
    with pytest.raises(DriveError, match="has no place for tags"):
        write_bag_tags(lone, TEXT)
    (folder / "metadata.yaml").write_text("rosbag2_bagfile_information: 3\n")
    with pytest.raises(DriveError, match="not a bag's metadata"):
        write_bag_tags(folder, TEXT)
