"""The YAML file of several cameras, and how a camera's topics are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsvs_ros.camera_list import Camera, CameraListError, read_cameras
from wsvs_ros.topic_names import camera_info_topic


def test_the_list_that_comes_with_the_package() -> None:
    cameras = read_cameras(Path(__file__).resolve().parents[1] / "config" / "cameras.yaml")
    assert [camera.name for camera in cameras] == ["front", "rear"]
    assert cameras[0].camera_info == camera_info_topic(cameras[0].image)


def test_what_a_camera_has_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "cameras.yaml"
    file.write_text("cameras: [{name: a, image: /a/image, camera_info: /calibration/a, parameters: {crf: true}}]")
    assert read_cameras(file) == [Camera("a", "/a/image", "/calibration/a", {"crf": True})]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "c.yaml: the list of cameras cannot be read: No such file or directory"),
        (b"cameras: [", "c.yaml: the list of cameras cannot be read: while parsing"),
        (b"\xff\xfe\xff", "c.yaml: the list of cameras cannot be read: "),
        (b"cameras: []", "expected a key `cameras` with a list of at least one camera"),
        (b"cameras: [{name: a}]", "camera 1: got .*, expected name, image and"),
        (b"cameras: [{name: a, image: 3}]", "camera 1: image: got 3, expected a text"),
        (b"cameras: [{name: a, image: /i, parameters: [x]}]", "camera 1: parameters: got"),
        (b"cameras: [{name: a, image: /i}, {name: a, image: /j}]", "two cameras have the same name: a, a"),
    ],
)
def test_what_is_wrong_is_said(content: bytes | None, says: str, tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CameraListError, match=says):
        read_cameras(file)


@pytest.mark.parametrize(
    ("image", "info"),
    [
        ("/camera/image_raw", "/camera/camera_info"),
        ("/image_raw", "/camera_info"),
        ("image_raw", "camera_info"),
        ("front/image_raw", "front/camera_info"),
    ],
)
def test_camera_info_is_the_images_sibling(image: str, info: str) -> None:
    assert camera_info_topic(image) == info
