"""What a replay plays of a bag: what it has, or an error that names what it has instead."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from wsvs_ros.errors import WsvsError
from wsvs_ros.replay_topics import replay_topics

RAW, COMPRESSED, INFO = (f"sensor_msgs/msg/{name}" for name in ("Image", "CompressedImage", "CameraInfo"))
RAW_CAMERA = {"/cam/image_raw": RAW, "/cam/camera_info": INFO, "/imu": "sensor_msgs/msg/Imu"}
COMPRESSED_CAMERA = {"/cam/image_raw/compressed": COMPRESSED}


def make_bag(path: Path, topics: dict[str, str]) -> Path:
    """A bag's metadata, as rosbag2 writes it."""
    counted = [{"topic_metadata": {"name": name, "type": kind}, "message_count": 1} for name, kind in topics.items()]
    path.mkdir()
    content = {"rosbag2_bagfile_information": {"version": 5, "topics_with_message_count": counted}}
    (path / "metadata.yaml").write_text(yaml.safe_dump(content))
    return path


@pytest.mark.parametrize(
    ("topics", "wanted", "compressed", "played"),
    [
        (RAW_CAMERA, None, False, ["/cam/image_raw", "/cam/camera_info"]),
        (COMPRESSED_CAMERA, None, True, ["/cam/image_raw/compressed"]),
        (RAW_CAMERA | COMPRESSED_CAMERA, None, False, ["/cam/image_raw", "/cam/camera_info"]),
        (RAW_CAMERA | COMPRESSED_CAMERA, True, True, ["/cam/image_raw/compressed", "/cam/camera_info"]),
    ],
)
def test_a_camera_is_played_as_it_was_recorded(
    tmp_path: Path, topics: dict[str, str], wanted: bool | None, compressed: bool, played: list[str]
) -> None:
    found = replay_topics(make_bag(tmp_path / "bag", topics), "/cam/image_raw", compressed=wanted)
    assert (found.compressed, found.played) == (compressed, played)


@pytest.mark.parametrize(
    ("topics", "image", "wanted", "says"),
    [
        (RAW_CAMERA, "/front", None, "image:=/front: .*bag has no images on /front; its image topics: /cam/image_raw$"),
        (RAW_CAMERA, "/cam/image_raw", True, "no images on /cam/image_raw/compressed; its image topics"),
        (RAW_CAMERA, "/imu", None, "no images on /imu"),
        ({"/imu": "sensor_msgs/msg/Imu"}, "/cam/image_raw", None, "its image topics: none"),
    ],
)
def test_a_topic_without_images_is_refused(
    tmp_path: Path, topics: dict[str, str], image: str, wanted: bool | None, says: str
) -> None:
    with pytest.raises(WsvsError, match=says):
        replay_topics(make_bag(tmp_path / "bag", topics), image, compressed=wanted)


def test_a_single_file_is_taken_at_its_word(tmp_path: Path) -> None:
    (tmp_path / "drive.mcap").write_bytes(b"")
    found = replay_topics(tmp_path / "drive.mcap", "/image_raw", compressed=True)
    assert found == (True, ["/image_raw/compressed", "/camera_info"])


def test_metadata_that_are_none_are_named(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", RAW_CAMERA)
    for text in ("[", "a: 1", "rosbag2_bagfile_information: {topics_with_message_count: [1]}"):
        (bag / "metadata.yaml").write_text(text)
        with pytest.raises(WsvsError, match=r"metadata.yaml: cannot be read .* ros2 bag reindex"):
            replay_topics(bag, "/cam/image_raw")
