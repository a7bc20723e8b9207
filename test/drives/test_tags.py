"""Tags: what is read, and what is refused by file, drive, clip and tag."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsvs_ros.drives import Clip, TagError, load_clip_tags, load_image_tags
from wsvs_ros.perception import LabelSet

CAMVID = LabelSet.load("camvid11")


def write(folder: Path, text: str, name: str = "tags.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_clips_in_seconds_and_frames(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "a.mp4:\n  - {start: 0, end: 2.5, tags: [road, sky]}\n  - {start: 25, end: 50, unit: frames, tags: [car]}\n",
    )
    assert load_clip_tags(path, CAMVID, fps={"a.mp4": 25.0}) == {
        "a.mp4": [Clip(0, 2.5, frozenset({"road", "sky"})), Clip(1, 2, frozenset({"car"}))]
    }


def test_ignored_names_are_dropped_on_purpose_only(tmp_path: Path) -> None:
    path = write(tmp_path, "a.mp4:\n  - {start: 0, end: 1, tags: [road, terrain]}\n")
    assert load_clip_tags(path, CAMVID, ignore=["terrain"])["a.mp4"][0].tags == {"road"}
    with pytest.raises(TagError, match=r"tags.yaml: a.mp4: clip 1: unknown class 'terrain'; .*sky, building"):
        load_clip_tags(path, CAMVID)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "a mapping of drive names"),
        ("[1, 2]", "a mapping of drive names"),
        ("a: {start: 0}", "a: a list of clips is needed"),
        ("a: []", "a: a list of clips is needed"),
        ("a: [{start: 0, end: 1}]", "a: clip 1: missing key tags"),
        ("a: [{start: 0, end: 1, tags: [road], speed: 3}]", "a: clip 1: unknown key speed"),
        ("a: [{start: 2, end: 1, tags: [road]}]", "a: clip 1: start 2 and end 1"),
        ("a: [{start: -1, end: 1, tags: [road]}]", "a: clip 1: start -1"),
        ("a: [{start: zero, end: 1, tags: [road]}]", "a: clip 1: start: got 'zero', expected a number"),
        ("a: [{start: .nan, end: 1, tags: [road]}]", "a: clip 1: start: got nan, expected a number"),
        ("a: [{start: 0, end: 1, tags: road}]", "a: clip 1: tags: a list of class names is needed, got 'road'"),
        ("a: [{start: 0, end: 1, tags: [1]}]", "a: clip 1: tags: a list of class names"),
        ("a: [{start: 0, end: 9, tags: [road]}]", "a: clip 1: ends at 9 s, but the drive lasts 5 s"),
        ("a: [{start: 0, end: 9, unit: frames, tags: [road]}]", "a: clip 1: in frames, but"),
        ("a: [{start: 0, end: 9, unit: hours, tags: [road]}]", "unit: got 'hours', expected seconds or frames"),
        ("a: [", "not a YAML file"),
        ("a: [{start: 0, end: 1, tags: [road]}]\na: [{start: 1, end: 2, tags: [sky]}]", "a occurs twice"),
    ],
)
def test_bad_tags_say_where_and_what(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(TagError, match=f"tags.yaml.*{says}"):
        load_clip_tags(write(tmp_path, text), CAMVID, durations={"a": 5.0})


def test_image_tags(tmp_path: Path) -> None:
    path = write(tmp_path, '{"1.jpg": ["road"], "2.jpg": []}', "tags.json")
    assert load_image_tags(path, CAMVID) == {"1.jpg": {"road"}, "2.jpg": frozenset()}
    with pytest.raises(TagError, match=r"tags.json: 1.jpg: unknown class 'roed'"):
        load_image_tags(write(tmp_path, '{"1.jpg": ["roed"]}', "tags.json"), CAMVID)
    with pytest.raises(TagError, match=r"tags.json: 1.jpg occurs twice"):
        load_image_tags(write(tmp_path, '{"1.jpg": ["road"], "1.jpg": ["sky"]}', "tags.json"), CAMVID)
    with pytest.raises(TagError, match=r"none.json: cannot be read"):
        load_image_tags(tmp_path / "none.json", CAMVID)


def test_the_shared_drives_tags(shared_data: Path) -> None:
    clips = load_clip_tags(shared_data / "videos" / "tags.yaml", CAMVID, ignore=["terrain", "truck"])
    assert len(clips) == 3
    assert all("road" in clip.tags for drive in clips.values() for clip in drive)
    assert len(load_image_tags(shared_data / "camvid" / "train" / "tags.json", CAMVID)) == 367
