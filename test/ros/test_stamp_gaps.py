"""Lost frames are told by their neighbours' stamps."""

from __future__ import annotations

import numpy as np
import pytest

from wsvs_ros.ros import stamp_gaps
from wsvs_ros.ros.stamp_gaps import StampGaps

PERIOD = 33_333_333


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(stamp_gaps.time, "monotonic", lambda: now[0])
    return now


def share(clock: list[float], arrived: list[int], jitter: float = 0.0) -> float:
    """What is said to be missing of a camera of 30 Hz, when these of its frames arrived."""
    gaps, random = StampGaps(), np.random.default_rng(3)
    for index in arrived:
        clock[0] = index * 1e-9 * PERIOD
        gaps.add(int((index + random.uniform(-jitter, jitter)) * PERIOD))
    return gaps.share()


@pytest.mark.parametrize("kept", [0.2, 0.43, 0.9, 1.0])
def test_the_share_that_is_missing_is_found(clock: list[float], kept: float) -> None:
    arrived = [index for index in range(300) if np.random.default_rng(index).random() < kept]
    expected = 1 - (len(arrived) - 1) / (arrived[-1] - arrived[0])
    assert share(clock, arrived) == pytest.approx(expected, abs=1e-9)


def test_jitter_is_no_loss(clock: list[float]) -> None:
    assert share(clock, list(range(300)), jitter=0.1) == 0.0


def test_a_pause_a_jump_back_and_a_slow_camera_are_no_loss(clock: list[float]) -> None:
    assert share(clock, [*range(60), *range(160, 220)]) == 0.0
    assert share(clock, [*range(100, 160), *range(60)]) == 0.0
    assert share(clock, list(range(0, 300, 30))) == 0.0


def test_little_is_not_judged_and_what_is_long_past_is_forgotten(clock: list[float]) -> None:
    assert share(clock, [0, 1, 2, 5, 6, 7]) == 0.0
    gaps = StampGaps()
    for index in [*range(0, 60, 3), *range(60, 80)]:
        clock[0] = index * 1e-9 * PERIOD
        gaps.add(index * PERIOD)
    assert gaps.share() > 0.3
    clock[0] += 20
    assert gaps.share() == 0.0


def test_losses_are_told_with_their_remedy(ros: object) -> None:
    from wsvs_ros.perception import SegmenterStats
    from wsvs_ros.ros.diagnostics import camera_values
    from wsvs_ros.ros.health import OK, WARN, camera_health
    from wsvs_ros.ros.parameters import SegmentParameters
    from wsvs_ros.ros.statistics import Summary

    stats, settings = SegmenterStats(100, 40, 55, 2), SegmentParameters()
    for missing, level in ((0.0, OK), (0.04, OK), (0.57, WARN)):
        summary = Summary(30.0, 15.0, 0.02, 0.01, missing=missing)
        health = camera_health(summary, stats, settings)
        assert health.level == level
        assert camera_values(summary)["missing by gaps in stamps, %"] == f"{100 * missing:.1f}"
    assert "57 % of the frames are missing" in health.text
    assert "large_images:=true" in health.text
    assert "large_images:=true" in camera_health(Summary(0.0, 0.0, None, None, age=9.0), stats, settings).text
