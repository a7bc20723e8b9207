"""Drives of every kind: their frames, and clear errors for what is none."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from drive_files import frames, make_bag, make_folder, make_video

from wsvs_ros.drives import DriveError, open_drive


def test_video(tmp_path: Path) -> None:
    with open_drive(make_video(tmp_path / "a.mp4")) as drive:
        found = list(drive)
        assert (drive.kind, drive.fps, drive.frame_count) == ("video", 20.0, 10)
    assert [frame.name for frame in found] == [f"{k:06d}" for k in range(10)]
    assert [frame.stamp_ns for frame in found[:3]] == [0, 50_000_000, 100_000_000]
    assert np.abs(found[3].image.astype(int) - frames(10)[3]).mean() < 20


def test_folder_is_in_natural_order(tmp_path: Path) -> None:
    with open_drive(make_folder(tmp_path / "f", 12), fps=10) as drive:
        found = list(drive)
    assert [frame.name for frame in found] == [str(k) for k in range(12)]
    assert found[11].stamp_ns == 1_100_000_000
    assert np.array_equal(found[11].image, frames(12)[11])


def test_hidden_files_and_odd_digits_do_no_harm(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "f", 2)
    (folder / "1.png").rename(folder / "1².png")
    (folder / "._0.png").write_bytes(b"what macOS leaves behind")
    with open_drive(folder) as drive:
        assert [frame.name for frame in drive] == ["0", "1²"]


def test_folder_with_images_inside(tmp_path: Path) -> None:
    make_folder(tmp_path / "f" / "images", 3)
    assert open_drive(tmp_path / "f").frame_count == 3


@pytest.mark.parametrize("storage", ["sqlite3", "mcap"])
def test_bag(tmp_path: Path, storage: str) -> None:
    with open_drive(make_bag(tmp_path / "bag", storage=storage)) as drive:
        found = list(drive)
        assert drive.kind == "bag"
        assert drive.frame_count == 10
        assert drive.fps == pytest.approx(10, abs=0.01)
    assert [frame.name for frame in found] == [f"{k:06d}" for k in range(10)]
    assert [frame.stamp_ns for frame in found[:2]] == [100_000_000_000, 100_100_000_000]
    assert found[0].frame_id == "front"
    assert np.array_equal(found[4].image, frames(10)[4])


def test_bag_by_one_of_its_files(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", 3, storage="mcap")
    with open_drive(next(bag.glob("*.mcap"))) as drive:
        assert len(list(drive)) == 3


def test_bag_with_several_cameras_wants_a_choice(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", 3, topics=("/left", "/right"))
    with pytest.raises(DriveError, match="several image topics, choose one: /left, /right"):
        open_drive(bag)
    with pytest.raises(DriveError, match="no image topic /front; there are: /left, /right"):
        open_drive(bag, topic="/front")
    with open_drive(bag, topic="/right") as drive:
        assert len(list(drive)) == 3


def test_bag_without_images_names_its_topics(tmp_path: Path) -> None:
    with pytest.raises(DriveError, match=r"no images in this bag; its topics: /chatter \(std_msgs/msg/String\)"):
        open_drive(make_bag(tmp_path / "bag", 3, topics=()))


def test_unreadable_message_is_left_out_and_listed(tmp_path: Path) -> None:
    with open_drive(make_bag(tmp_path / "bag", 4, odd=2)) as drive:
        assert [frame.name for frame in drive] == ["000000", "000001", "000003"]
        assert len(drive.refused) == 1  # type: ignore[attr-defined]
        assert "message 2 of /camera/image_raw: encoding 'odd32'" in drive.refused[0]  # type: ignore[attr-defined]


def test_what_is_no_drive_says_so(tmp_path: Path) -> None:
    empty, text = tmp_path / "empty", tmp_path / "a.mp4"
    empty.mkdir()
    text.write_text("no video")
    damaged = make_folder(tmp_path / "f", 2)
    (damaged / "1.png").write_bytes(b"no picture")
    broken = tmp_path / "bag"
    broken.mkdir()
    (broken / "metadata.yaml").write_text("nothing: of a bag")
    zero = tmp_path / "zero.avi"
    cv2.VideoWriter(str(zero), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48)).release()
    for path, says in [
        (tmp_path / "none", "no such file"),
        (empty, "no images here"),
        (text, "not a video"),
        (broken, "cannot be read as a bag"),
        (zero, "not a video|no readable frame"),
    ]:
        with pytest.raises(DriveError, match=says):
            open_drive(path)
    with pytest.raises(DriveError, match=r"1.png: not a readable image"):
        list(open_drive(damaged))
    with pytest.raises(DriveError, match="not a bag, so it has no topic"):
        open_drive(make_video(tmp_path / "b.mp4", 2), topic="/camera")


def test_two_images_of_one_name_are_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "f", 2)
    cv2.imwrite(str(folder / "1.jpg"), frames(1)[0])
    with pytest.raises(DriveError, match="more than one image is named '1'"):
        open_drive(folder)
