"""The rendered drive: its truth is true."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from wsvs_ros.drives.synthetic import SyntheticDrive, SyntheticFrame
from wsvs_ros.perception import FlowSettings, LabelSet
from wsvs_ros.perception.flow import create_flow


@pytest.fixture(scope="module")
def drive() -> list[SyntheticFrame]:
    return list(SyntheticDrive((320, 240), frames=12, seed=3).truth())


def test_frames_follow_the_flow(drive: list[SyntheticFrame]) -> None:
    for before, now in itertools.pairwise(drive):
        height, width = now.labels.shape
        y, x = np.mgrid[:height, :width].astype(np.float32)
        predicted = cv2.remap(now.frame.image, x + now.flow[0], y + now.flow[1], cv2.INTER_LINEAR)
        error = np.abs(predicted.astype(int) - before.frame.image).mean(2)
        unmoved = np.abs(now.frame.image.astype(int) - before.frame.image).mean(2)
        assert now.valid.mean() > 0.8
        # far textures alias, so the mean is not zero; where they do not, the prediction is exact to rounding
        assert error[now.valid].mean() < 0.4 * unmoved[now.valid].mean()
        assert np.median(error[now.valid]) < 1.5


def test_labels_move_with_the_flow(drive: list[SyntheticFrame]) -> None:
    for before, now in itertools.pairwise(drive):
        height, width = now.labels.shape
        y, x = np.mgrid[:height, :width].astype(np.float32)
        moved = cv2.remap(now.labels, np.rint(x + now.flow[0]), np.rint(y + now.flow[1]), cv2.INTER_NEAREST)
        assert (moved == before.labels)[now.valid].mean() > 0.98


def test_traffic_that_begins_anew_has_no_true_motion() -> None:
    """A car that was passed comes back in the distance; to call that its motion would be a lie."""
    for item in SyntheticDrive((160, 120), frames=150, seed=0).truth():
        assert np.hypot(*item.flow)[item.valid].max(initial=0) < 0.3 * 160


def test_optical_flow_finds_the_exact_flow(drive: list[SyntheticFrame]) -> None:
    before, now = drive[4:6]
    gray = [cv2.cvtColor(item.frame.image, cv2.COLOR_BGR2GRAY) for item in (before, now)]
    found = create_flow(FlowSettings("dis", "balanced"))(*gray)
    error = np.hypot(*(found - now.flow))[now.valid]
    still = np.hypot(*now.flow)[now.valid]
    assert np.median(error) < 0.3
    assert error.mean() < 0.3 * still.mean()


def test_the_street_shows_the_classes(drive: list[SyntheticFrame]) -> None:
    tags = SyntheticDrive((320, 240), frames=12, seed=3).tags()
    assert {"sky", "road", "sidewalk", "building", "vegetation", "fence", "car", "pole"} <= tags
    assert tags <= set(LabelSet.load("camvid11").names)
    assert np.bincount(drive[0].labels.ravel(), minlength=11)[[0, 3]].min() > 5000


def test_same_seed_same_drive_other_seed_another() -> None:
    first, again, other = (next(iter(SyntheticDrive((160, 120), frames=1, seed=s))) for s in (0, 0, 1))
    assert np.array_equal(first.image, again.image)
    assert not np.array_equal(first.image, other.image)


def test_frames_alone_are_the_frames_of_the_truth(drive: list[SyntheticFrame]) -> None:
    alone = list(SyntheticDrive((320, 240), frames=12, seed=3))
    assert all(np.array_equal(a.image, b.frame.image) for a, b in zip(alone, drive, strict=True))
    assert [a.stamp_ns for a in alone] == [b.frame.stamp_ns for b in drive]
