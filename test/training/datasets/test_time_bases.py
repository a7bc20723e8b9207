"""Clips are found by the times that they were tagged by: frames, or stamps of headers or of recording, of a topic."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from drive_files import make_bag, make_folder, make_video

from training.caches import Contents
from training.datasets import Sample, tagged_drives
from training.datasets.names import Names
from wsvs_ros.drives.tags import load_clip_tags
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception import FlowSettings, LabelSet

CLIP = {"start": 0.35, "end": 0.65, "tags": ["road"]}


def samples_of(root: Path, given: Any, **settings: Any) -> list[Sample]:
    """Of the drive that is there, with what its file of tags says."""
    drive = next(path.name for path in sorted(root.iterdir()) if path.suffix not in (".yaml", ".json"))
    (root / "tags.yaml").write_text(yaml.safe_dump({drive: given}))
    labels = LabelSet.load("camvid11")
    wanted: dict[str, Any] = {"cache": root.with_name("cache"), "size": (96, 72), "window": (2, 0), "step": 1}
    wanted |= {"flow": FlowSettings("dis", "ultrafast")} | settings
    with Contents(root.with_name("contents.json")) as contents:
        return tagged_drives(root, load_clip_tags(root / "tags.yaml", labels), labels, contents=contents, **wanted)


def numbers(samples: list[Sample]) -> list[int]:
    return [int(sample.key.rsplit("/")[-1]) for sample in samples]


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """Two cameras, recorded at 10 Hz, whose headers count 20 frames a second; the folder that it is in."""
    (tmp_path / "drives").mkdir()
    make_bag(tmp_path / "drives" / "monday", 16, topics=("/left", "/right"), header_fps=20)
    return tmp_path / "drives"


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"topic": "/left", "stamps": "log"}, [4, 5, 6]),
        ({"topic": "/left", "stamps": "header"}, [7, 8, 9, 10, 11, 12]),
        ({"topic": "/right"}, [4, 5, 6]),  # what `wsvs tag` counts
    ],
)
def test_a_bag_is_read_by_its_topic_and_stamps(bag: Path, given: dict[str, str], found: list[int]) -> None:
    assert numbers(samples_of(bag, {**given, "clips": [CLIP]})) == found


def test_both_cameras_of_a_bag_are_drives_of_their_own(bag: Path) -> None:
    names = Names()
    left, right = (samples_of(bag, {"topic": topic, "clips": [CLIP]}, names=names) for topic in ("/left", "/right"))
    assert [sample.key.split("/")[0] for sample in (left[0], right[0])] == ["monday", "drives-monday"]
    assert left[0].content != right[0].content


def test_a_bag_of_two_cameras_asks_for_one(bag: Path) -> None:
    with pytest.raises(WsvsError, match=r"several image topics, choose one: /left, /right.*`topic:` beside its clips"):
        samples_of(bag, [CLIP])


@pytest.mark.parametrize(
    ("given", "found"),
    [([CLIP], [6, 7, 8, 9]), ({"fps": 10, "clips": [CLIP]}, [4, 5, 6]), ({"stamps": "header", "clips": [CLIP]}, None)],
)
def test_a_folder_is_read_by_its_frame_rate(tmp_path: Path, given: Any, found: list[int] | None) -> None:
    make_folder(tmp_path / "drives" / "tuesday", 12)
    if found is None:
        with pytest.raises(WsvsError, match="a folder drive, whose times cannot be counted by `stamps: header`"):
            samples_of(tmp_path / "drives", given)
    else:
        assert numbers(samples_of(tmp_path / "drives", given)) == found


def test_a_video_has_its_own_rate(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Also where data.drives says one for its folders."""
    (tmp_path / "drives").mkdir()
    make_video(tmp_path / "drives" / "wednesday.mp4", 16, fps=20)
    caplog.set_level(logging.INFO)
    assert numbers(samples_of(tmp_path / "drives", [CLIP], fps=10)) == [7, 8, 9, 10, 11, 12]
    assert "wednesday.mp4: the tags do not say what their times count; taken as frames at 20 a second" in caplog.text
    assert numbers(samples_of(tmp_path / "drives", {"fps": 10, "clips": [CLIP]})) == [4, 5, 6]


def test_what_a_bag_has_lost_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "drives").mkdir()
    make_bag(tmp_path / "drives" / "monday", 8, odd=2)
    found = samples_of(tmp_path / "drives", [{**CLIP, "start": 0.0}])
    assert numbers(found) == [0, 1, 2, 3, 4, 5]
    assert all(sample.load_flow is not None and np.isfinite(sample.load_flow()).all() for sample in found)
    assert "message 2 of /camera/image_raw" in caplog.text


def test_names_are_given_once() -> None:
    names = Names()
    assert [names.of("a/b", "week") for _ in range(4)] == ["a-b", "week-a-b", "a-b-2", "a-b-3"]
