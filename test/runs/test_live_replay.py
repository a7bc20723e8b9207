"""What the live node is told of a run's options, and when frames are played."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest
from drive_files import make_bag

from wsvs_ros.cli.play import _frames
from wsvs_ros.runs.live_replay import _parameters, replay_live
from wsvs_ros.runs.options import OptionsError, SegmentOptions
from wsvs_ros.runs.task import SegmentTask


def test_a_lookahead_of_none_is_told() -> None:
    assert "lookahead=0" in _parameters(SegmentOptions(lookahead=0))
    assert not [one for one in _parameters(SegmentOptions()) if one.startswith("lookahead")]
    told = _parameters(SegmentOptions(crf=True, providers=("cuda", "cpu"), device="cpu"))
    assert set(told) == {"crf=true", "providers=cuda,cpu", "device=cpu"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (SegmentOptions(motion=False), "--no-motion"),
        (SegmentOptions(every=2), "--every"),
        (SegmentOptions(end=3.0), "--end"),
        (SegmentOptions(topics=("all",)), "one topic is played"),
    ],
)
def test_what_the_node_does_not_have_is_refused(tmp_path: Path, options: SegmentOptions, says: str) -> None:
    with pytest.raises(OptionsError, match=says):
        replay_live(SegmentTask("synthetic", tmp_path / "out", options))
    assert not (tmp_path / "out").exists()


def test_frames_are_due_when_they_were_recorded(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", 10, only=range(3, 8), header_fps=4.0)
    args = Namespace(input=str(bag), topic=None, fps=None, loop=False)
    assert [due for _, due in _frames(args)] == pytest.approx([0, 0.25, 0.5, 0.75, 1.0])
    paused = make_bag(tmp_path / "paused", 10, only=range(0, 10, 9))
    args = Namespace(input=str(paused), topic=None, fps=None, loop=False)
    assert [due for _, due in _frames(args)] == pytest.approx([0, 0.9])
    args.fps = 2.0
    assert [due for _, due in _frames(args)] == pytest.approx([0, 0.5])
