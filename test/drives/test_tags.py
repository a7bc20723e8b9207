"""Tags: what is read, and what is refused by file, drive, clip and tag."""

from __future__ import annotations

from pathlib import Path

import pytest
from drive_files import make_bag, make_folder

from wsvs_ros.drives import Clip, DriveTags, TagError, TimeBase, load_clip_tags, load_image_tags, open_drive
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
        "a.mp4": DriveTags((Clip(0, 2.5, frozenset({"road", "sky"})), Clip(1, 2, frozenset({"car"}))))
    }


def test_what_times_count_stands_beside_the_clips(tmp_path: Path) -> None:
    clips = "clips: [{start: 30, end: 60, unit: frames, tags: [car]}]"
    path = write(tmp_path, f"a: {{fps: 15, {clips}}}\nb: {{topic: /left, stamps: header, clips: []}}\n")
    with pytest.raises(TagError, match="b: a list of clips is needed"):
        load_clip_tags(path, CAMVID)
    one = "clips: [{start: 0, end: 1, tags: [sky]}]"
    path = write(tmp_path, f"a: {{fps: 15, {clips}}}\nb: {{topic: /left, stamps: header, {one}}}\nc: {{{one}}}\n")
    found = load_clip_tags(path, CAMVID, fps={"a": 30.0})
    assert found["a"].time_base == TimeBase("frames", fps=15)
    assert (found["a"][0].start, found["a"][0].end) == (2, 4), "the file's own rate counts its frames"
    assert found["b"].time_base == TimeBase("header", topic="/left")
    assert found["c"].time_base == TimeBase()


def test_what_a_file_leaves_open_is_assumed_as_the_page_counts(tmp_path: Path) -> None:
    with open_drive(make_folder(tmp_path / "f", 2), fps=12) as folder:
        assert TimeBase().completed(folder) == TimeBase("frames", fps=12)
    with open_drive(make_bag(tmp_path / "b", 2)) as bag:
        log = TimeBase().completed(bag)
        assert log == TimeBase("log", topic="/camera/image_raw")
        header = TimeBase("header").completed(bag)
        assert header == TimeBase("header", topic="/camera/image_raw")
        assert header.agrees(TimeBase(topic="/camera/image_raw"))
        assert not header.agrees(log)
        frame = list(bag)[1]
        assert (header.stamp_ns(frame), log.stamp_ns(frame)) == (frame.stamp_ns, frame.source[1])


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
        ("a: {start: 0}", "a: missing key clips; expected keys: clips, stamps"),
        ("a: {fps: 15, clips: 3}", "a: a list of clips is needed, got a int"),
        ("a: {rate: 15, clips: []}", "a: unknown key rate"),
        ("a: {fps: 0, clips: []}", "a: fps: got 0, expected frames per second, more than 0"),
        ("a: {fps: .inf, clips: []}", "a: fps: got inf, expected a number"),
        ("a: {fps: 15, stamps: log, clips: []}", "a: fps: got 15, expected nothing"),
        ("a: {fps: 15, topic: /a, clips: []}", "a: fps: got 15, expected nothing"),
        ("a: {topic: /a, stamps: frames, clips: []}", "a: topic: got '/a', expected nothing"),
        ("a: {topic: 3, clips: []}", "a: topic: got 3, expected a text"),
        ("a: {stamps: frames, clips: []}", "a: fps: got nothing, expected frames per second"),
        ("a: {stamps: clock, clips: []}", "a: stamps: got 'clock', expected frames, header, log"),
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
