"""Drives with clip tags as samples: their flow is the car's."""

from __future__ import annotations

import logging
import os
import tracemalloc
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from training.caches import Contents
from training.datasets import Sample, tagged_drive, tagged_drives
from training.datasets.decoding import Needs, decode
from training.datasets.drive_cache import CachedDrive
from training.datasets.names import Names
from wsvs_ros.drives.synthetic import SyntheticDrive
from wsvs_ros.drives.tags import load_clip_tags
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception import FlowSettings, LabelSet, create_flow
from wsvs_ros.perception.flow.opencv_dis import OpenCvDis

SIZE = (96, 72)
FAST = FlowSettings()


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """A folder of eight frames with its tags."""
    (tmp_path / "street").mkdir()
    for frame in SyntheticDrive(SIZE, frames=8, fps=10):
        cv2.imwrite(str(tmp_path / "street" / f"{frame.name}.png"), frame.image)
    clips = [{"start": 0.0, "end": 0.45, "tags": ["road", "sky"]}, {"start": 0.3, "end": 0.8, "tags": ["car"]}]
    (tmp_path / "tags.yaml").write_text(yaml.safe_dump({"street": clips}))
    return tmp_path


def samples_of(root: Path, flow: FlowSettings = FAST, *, lookahead: int = 0, **settings: Any) -> list[Sample]:
    labels = LabelSet.load("camvid11")
    wanted: dict[str, Any] = {"cache": root / "cache", "size": SIZE, "flow": flow, "window": (3, lookahead), "step": 1}
    wanted |= {"fps": 10} | settings
    with Contents(root / "contents.json") as contents:
        return tagged_drives(root, load_clip_tags(root / "tags.yaml", labels), labels, contents=contents, **wanted)


@pytest.mark.parametrize("at_once", [1, 3, 64])
@pytest.mark.parametrize("flow", [FlowSettings("dis", "balanced"), FlowSettings("brox", "fast")])
def test_windows_hold_the_flow_of_their_frames(
    street: Path, flow: FlowSettings, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tagged_drive, "CachedDrive", partial(CachedDrive, step=at_once))
    samples = samples_of(street, flow, lookahead=1)
    grays = [cv2.cvtColor(sample.load_image(), cv2.COLOR_RGB2GRAY) for sample in samples]
    compute = create_flow(flow)
    for index, sample in enumerate(samples):
        stack = sample.load_flow().reshape(3, 2, 72, 96)
        for place, later in enumerate(range(index - 1, index + 2)):
            if 1 <= later < len(grays):
                expected = compute(grays[later - 1], grays[later])
                np.testing.assert_allclose(stack[place], expected, atol=0.03)  # float16 of up to 40 pixels
                assert np.abs(expected).max() > 0.5
            else:
                assert not stack[place].any()


def test_a_frame_has_the_tags_of_all_clips_around_it(street: Path) -> None:
    names = LabelSet.load("camvid11").names
    shown = [{names[k] for k in np.flatnonzero(sample.tags)} for sample in samples_of(street)]
    assert shown[:3] == [{"road", "sky"}] * 3
    assert shown[3:5] == [{"road", "sky", "car"}] * 2
    assert shown[5:] == [{"car"}] * 3


def test_the_cache_is_used_again_for_the_same_flow_only(street: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples_of(street)
    decoded = []
    monkeypatch.setattr(tagged_drive, "decode", lambda *arguments, **_: decoded.append(arguments) or 1 / 0)
    assert len(samples_of(street)) == 8
    with pytest.raises(ZeroDivisionError):
        samples_of(street, FlowSettings("dis", "balanced"))
    assert len(decoded) == 1


def test_a_recording_that_was_replaced_is_decoded_anew(street: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    before = samples_of(street)
    third = street / "street" / "000002.png"
    image = cv2.imread(str(third))
    cv2.imwrite(str(third), 255 - image)
    caplog.clear()
    after = samples_of(street)
    assert "0 of 1 taken; 1 to make: changed: recording" in caplog.text
    np.testing.assert_array_equal(after[2].load_image(), 255 - before[2].load_image())
    assert [one.content == other.content for one, other in zip(before, after, strict=True)] == [False] * 8


def test_what_was_copied_elsewhere_is_the_same_recording(street: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Other times of files, the same content."""
    before = samples_of(street)
    for path in (street / "street").iterdir():
        os.utime(path, (1, 1))
    caplog.set_level(logging.INFO)
    assert [sample.content for sample in samples_of(street)] == [sample.content for sample in before]
    assert "all 1 taken" in caplog.text


def test_another_frame_rate_gives_other_tags_and_decodes_nothing(street: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [int(sample.tags.sum()) for sample in samples_of(street)] == [2, 2, 2, 3, 3, 1, 1, 1]
    monkeypatch.setattr(tagged_drive, "decode", None)
    assert [int(sample.tags.sum()) for sample in samples_of(street, fps=20)] == [2, 2, 2, 2, 2, 2, 3, 3]


def test_the_time_base_of_the_tags_counts(street: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert len(samples_of(street, fps=None)) == 8  # 15 a second, as `wsvs tag` counts
    assert caplog.text.count("do not say what their times count; taken as frames at 15 a second") == 1
    content = yaml.safe_load((street / "tags.yaml").read_text())
    (street / "tags.yaml").write_text(yaml.safe_dump({"street": {"fps": 5, "clips": content["street"]}}))
    caplog.clear()
    assert [sample.key for sample in samples_of(street, fps=None)] == [f"street/{n:06d}" for n in range(4)]  # 0.8 s
    assert "do not say" not in caplog.text
    assert len(samples_of(street, fps=10)) == 8
    assert "tagged at 5 frames a second; data.drives says 10, which counts" in caplog.text


def test_more_tags_decode_only_the_pieces_that_lack_something(street: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tagged_drive, "CachedDrive", partial(CachedDrive, step=2))
    content = {"street": [{"start": 0.0, "end": 0.15, "tags": ["road"]}]}
    (street / "tags.yaml").write_text(yaml.safe_dump(content))
    assert len(samples_of(street)) == 2
    first = {path: path.stat().st_mtime_ns for path in street.rglob("*.safetensors")}
    assert [path.name for path in first] == ["000000.safetensors"]
    content["street"].append({"start": 0.55, "end": 0.65, "tags": ["car"]})
    (street / "tags.yaml").write_text(yaml.safe_dump(content))
    monkeypatch.undo()
    monkeypatch.setattr(tagged_drive, "CachedDrive", partial(CachedDrive, step=2))
    samples = samples_of(street)
    assert [sample.key for sample in samples] == [f"street/{number:06d}" for number in (0, 1, 6)]
    pieces = sorted(path.name for path in street.rglob("*.safetensors"))
    assert pieces == ["000000.safetensors", "000004.safetensors", "000006.safetensors"]  # fields 4, 5 and 6, frame 6
    assert {path: path.stat().st_mtime_ns for path in first} == first
    assert all(sample.load_flow().shape == (6, 72, 96) for sample in samples)


def test_an_interrupted_decode_goes_on(street: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tagged_drive, "CachedDrive", partial(CachedDrive, step=2))
    whole = [(sample.load_image(), sample.load_flow()) for sample in samples_of(street, cache=street / "whole")]
    pairs: list[int] = []
    compute = OpenCvDis.batch

    def interrupted(self: OpenCvDis, previous: np.ndarray, current: np.ndarray) -> np.ndarray:
        pairs.append(len(previous))
        if len(pairs) == 3:
            raise KeyboardInterrupt
        return compute(self, previous, current)

    monkeypatch.setattr(OpenCvDis, "batch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        samples_of(street)
    parts = [(sample.load_image(), sample.load_flow()) for sample in samples_of(street)]
    assert pairs == [1, 2, 2, 2, 2]  # the first field is none; the third piece is begun again, the first two are not
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_one_name_in_two_folders_are_two_drives(street: Path) -> None:
    (street / "later").mkdir()
    (street / "later" / "street").mkdir()
    for path in (street / "street").iterdir():
        cv2.imwrite(str(street / "later" / "street" / path.name), 255 - cv2.imread(str(path)))
    (street / "later" / "tags.yaml").write_bytes((street / "tags.yaml").read_bytes())
    names, cache = Names(), street / "cache"
    one = samples_of(street, names=names, cache=cache)
    other = samples_of(street / "later", names=names, cache=cache)
    assert other[0].key == "later-street/000000"
    assert not {sample.key for sample in one} & {sample.key for sample in other}
    assert not {sample.content for sample in one} & {sample.content for sample in other}
    for first, second in zip(one, other, strict=True):
        np.testing.assert_array_equal(255 - first.load_image(), second.load_image())
        assert first.shot is not None
        assert second.shot is not None
        assert first.shot.video != second.shot.video


def test_a_shot_has_all_its_frames_where_they_are_asked_for(street: Path) -> None:
    (street / "tags.yaml").write_text(yaml.safe_dump({"street": [{"start": 0.3, "end": 0.35, "tags": ["car"]}]}))
    (sample,) = samples_of(street)
    assert sample.shot is not None
    with pytest.raises(WsvsError, match="frames 0 to 7 are missing"):
        sample.shot.load(0, 8)
    (sample,) = samples_of(street, shots=True)
    assert sample.shot is not None
    frames = sample.shot.load(0, 8)
    np.testing.assert_array_equal(frames[3], sample.load_image())
    assert frames.shape == (8, 72, 96, 3)


def test_memory_does_not_grow_with_the_drive(tmp_path: Path) -> None:
    def peak(frames: int) -> int:
        drive, compute = SyntheticDrive(SIZE, frames=frames, fps=10), create_flow(FlowSettings("dis", "ultrafast"))
        cached = CachedDrive(tmp_path / str(frames), 0, SIZE, step=10)
        tracemalloc.start()
        decode(drive, cached, compute, Needs(3, 0), lambda number, _: number, lambda number, _: number % 4 == 0)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(20)
    assert peak(160) < 1.15 * peak(40)
