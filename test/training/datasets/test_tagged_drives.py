"""Drives with clip tags as samples: their flow is the car's."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from training.datasets import tagged_drives
from wsvs_ros.drives.synthetic import SyntheticDrive
from wsvs_ros.drives.tags import load_clip_tags
from wsvs_ros.perception import FlowSettings, LabelSet, create_flow

SIZE = (96, 72)
MODULE = import_module("training.datasets.tagged_drives")  # its function of the same name hides it


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """A folder of eight frames with its tags."""
    (tmp_path / "street").mkdir()
    for frame in SyntheticDrive(SIZE, frames=8, fps=10):
        cv2.imwrite(str(tmp_path / "street" / f"{frame.name}.png"), frame.image)
    clips = [{"start": 0.0, "end": 0.45, "tags": ["road", "sky"]}, {"start": 0.3, "end": 0.8, "tags": ["car"]}]
    (tmp_path / "tags.yaml").write_text(yaml.safe_dump({"street": clips}))
    return tmp_path


def samples_of(root: Path, flow: FlowSettings, *, lookahead: int = 0) -> list:
    labels = LabelSet.load("camvid11")
    return tagged_drives(
        root,
        load_clip_tags(root / "tags.yaml", labels),
        labels,
        cache=root / "cache",
        size=SIZE,
        flow=flow,
        window=(3, lookahead),
        step=1,
        fps=10,
    )


@pytest.mark.parametrize("at_once", [1, 3, 64])
@pytest.mark.parametrize("flow", [FlowSettings("dis", "balanced"), FlowSettings("brox", "fast")])
def test_windows_hold_the_flow_of_their_frames(
    street: Path, flow: FlowSettings, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MODULE, "_PAIRS_AT_ONCE", at_once)
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
    shown = [{names[k] for k in np.flatnonzero(sample.tags)} for sample in samples_of(street, FlowSettings())]
    assert shown[:3] == [{"road", "sky"}] * 3
    assert shown[3:5] == [{"road", "sky", "car"}] * 2
    assert shown[5:] == [{"car"}] * 3


def test_the_cache_is_used_again_for_the_same_flow_only(street: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples_of(street, FlowSettings())
    decoded = []
    monkeypatch.setattr(MODULE, "_decode", lambda *arguments: decoded.append(arguments) or 1 / 0)
    assert len(samples_of(street, FlowSettings())) == 8
    with pytest.raises(ZeroDivisionError):
        samples_of(street, FlowSettings("dis", "balanced"))
    assert len(decoded) == 1
