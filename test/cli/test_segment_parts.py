"""`wsvs segment` on parts of drives and several cameras, and what it leaves in a bag."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from drive_files import make_bag, make_folder, make_video
from PIL import Image

from wsvs_ros.drives import open_drive
from wsvs_ros.drives.frame_log import read_frame_log
from wsvs_ros.perception import ModelBundle
from wsvs_ros.perception.label_maps import read_label_map


def labels_of(out: Path) -> dict[str, np.ndarray]:
    return {path.stem: read_label_map(path) for path in sorted((out / "labels").glob("*.png"))}


def test_a_part_of_a_bag(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    bag, model = make_bag(tmp_path / "bag", 30, storage="mcap"), ["--model", tiny_bundle.path, "--quiet"]
    out = tmp_path / "out"
    done = wsvs("segment", bag, "-o", out, *model, "--start", "0.5", "--end", "2")
    assert done.returncode == 0, done.stderr
    assert list(labels_of(out)) == [f"{k:06d}" for k in range(5, 20)]
    with open_drive(out / "bag", topic="/camera/image_raw") as drive:
        assert next(iter(drive)).stamp_ns == 100_500_000_000
        counts = {c.topic: c.msgcount for c in drive.reader.connections}  # type: ignore[attr-defined]
    assert counts["/camera/image_raw"] == counts["/segmentation/label"] == 15
    empty = wsvs("segment", bag, "-o", tmp_path / "none", *model, "--start", "60")
    assert empty.returncode == 2
    assert "no frame is readable" in empty.stderr


@pytest.mark.parametrize("lookahead", ["0", "3"])
def test_frames_between_tell_the_motion(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle, lookahead: str) -> None:
    words = ["segment", make_video(tmp_path / "a.mp4", 20), "--model", tiny_bundle.path, "--lookahead", lookahead]
    assert wsvs(*words, "-o", tmp_path / "all").returncode == 0
    assert wsvs(*words, "-o", tmp_path / "third", "--every", "3").returncode == 0
    whole, third = labels_of(tmp_path / "all"), labels_of(tmp_path / "third")
    assert list(third) == [f"{k:06d}" for k in range(0, 20, 3)]
    assert all(np.array_equal(labels, whole[name]) for name, labels in third.items())
    assert json.loads((tmp_path / "third" / "summary.json").read_text())["frames"] == 7


def test_all_cameras_of_a_bag(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    topics = ("/front/image_raw", "/rear/image_raw")
    bag, out = make_bag(tmp_path / "bag", 8, storage="mcap", topics=topics), tmp_path / "out"
    words = ["segment", bag, "-o", out, "--model", tiny_bundle.path, "--quiet"]
    done = wsvs(*words, "--topic", "all")
    assert done.returncode == 0, done.stderr
    for name in ("front_image_raw", "rear_image_raw"):
        assert len(labels_of(out / name)) == 8
    with open_drive(out / "bag", topic="/segmentation/rear/image_raw/label") as drive:
        counts = {c.topic: c.msgcount for c in drive.reader.connections}  # type: ignore[attr-defined]
        pngs = labels_of(out / "rear_image_raw")
        for frame in drive:
            assert np.array_equal(frame.image[..., 0], pngs[frame.name])
    assert counts["/segmentation/front/image_raw/label"] == counts["/front/image_raw"] == counts["/chatter"] == 8
    assert counts["/segmentation/front/image_raw/label_info"] == 1
    assert wsvs(*words, "--topic", "all").returncode == 2
    again = wsvs(*words, "--topic", "all", "--resume")
    assert again.returncode == 0
    assert again.stdout.count("complete already") == 2
    unknown = wsvs("segment", bag, "-o", tmp_path / "o", "--topic", "/front/image_raw", "--topic", "/side")
    assert "no image topic /side; there are: /front/image_raw, /rear/image_raw" in unknown.stderr


def test_a_labelled_bag_explains_itself(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    out = tmp_path / "out"
    assert wsvs("segment", make_bag(tmp_path / "bag", 4), "-o", out, "--model", tiny_bundle.path).returncode == 0
    with open_drive(out / "bag", topic="/segmentation/overlay/compressed") as drive:
        reader = drive.reader  # type: ignore[attr-defined]
        (frame, *_), kinds = list(drive), {c.topic: c.msgtype for c in reader.connections}
        info = [m for m in reader.messages() if m[0].topic == "/segmentation/label_info"]
        message = reader.deserialize(info[0][2], info[0][0].msgtype)
        qos = info[0][0].ext.offered_qos_profiles
    assert kinds["/segmentation/overlay/compressed"] == "sensor_msgs/msg/CompressedImage"
    assert len(info) == 1
    assert [one.class_name for one in message.class_map] == list(tiny_bundle.labels.names)
    assert qos[0].durability.name == "TRANSIENT_LOCAL"
    assert frame.image.shape == (72, 96, 3)
    assert frame.frame_id == "front"


def test_palettes_show_colours_and_keep_ids(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    words = ["segment", make_folder(tmp_path / "in", 3), "--model", tiny_bundle.path, "--quiet", "--no-overlay"]
    assert wsvs(*words, "-o", tmp_path / "plain").returncode == 0
    assert wsvs(*words, "-o", tmp_path / "colour", "--palette").returncode == 0
    for name, labels in labels_of(tmp_path / "plain").items():
        path = tmp_path / "colour" / "labels" / f"{name}.png"
        assert np.array_equal(read_label_map(path), labels)
        with Image.open(path) as image:
            assert image.mode == "P"
            assert np.array_equal(np.asarray(image), labels)
        assert np.array_equal(cv2.imread(str(path))[..., ::-1], tiny_bundle.labels.colors[labels])
    measured = wsvs("evaluate", "--pred", tmp_path / "colour", "--labels", tmp_path / "plain", "--quiet")
    assert "global_accuracy 100.0" in measured.stdout


def test_another_engine_or_input_is_not_gone_on_with(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    folder, out = make_folder(tmp_path / "in", 6), tmp_path / "out"
    words = ["segment", folder, "-o", out, "--model", tiny_bundle.path, "--quiet", "--no-overlay"]
    assert wsvs(*words).returncode == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["settings"]["engine"] == "onnxruntime (cpu, float32)"
    for key, value in (("engine", "onnxruntime (cpu, int8)"), ("confidence", True)):
        settings = {**summary["settings"], key: value}
        (out / "summary.json").write_text(json.dumps({**summary, "complete": False, "settings": settings}))
        done = wsvs(*words, "--resume")
        assert done.returncode == 2
        assert f"was made with {key} {value}" in done.stderr
    (out / "summary.json").write_text(json.dumps({**summary, "complete": False}))
    shutil.copy(folder / "0.png", folder / "6.png")
    done = wsvs(*words, "--resume")
    assert done.returncode == 2
    assert "the input is another now" in done.stderr
    assert len(read_frame_log(out)) == 6
