from __future__ import annotations

import pytest

from wsvs_ros.ros import statistics
from wsvs_ros.ros.statistics import Statistics


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that the test sets."""
    now = [100.0]
    monkeypatch.setattr(statistics.time, "monotonic", lambda: now[0])
    return now


def test_rates_and_percentiles_are_those_of_the_last_five_seconds(clock: list[float]) -> None:
    counted = Statistics()
    for index in range(200):  # 20 a second for 10 s, every other one published
        clock[0] = 100 + index / 20
        counted.frame_arrived(0.01 * index)
        if index % 2:
            counted.published(0.1 if index < 100 else 0.001 * (index - 100), {"flow": 0.002}, 7)
    clock[0] = 110.0
    found = counted.summary()
    assert found.input_rate == pytest.approx(20, rel=0.02)
    assert found.output_rate == pytest.approx(10, rel=0.05)
    assert found.since_frame == pytest.approx(0.05)
    assert found.stamp_age == pytest.approx(1.99)
    assert found.milliseconds["flow"] == (pytest.approx(2), pytest.approx(2))
    median, high = found.milliseconds["latency"]
    assert median == pytest.approx(50, abs=2)
    assert high == pytest.approx(94, abs=3)
    assert found.window_filled == 7


def test_rates_fall_to_nothing_when_the_camera_is_gone(clock: list[float]) -> None:
    counted = Statistics()
    assert counted.summary().since_frame is None
    counted.frame_arrived(0.0)
    clock[0] = 130.0
    found = counted.summary()
    assert (found.input_rate, found.output_rate) == (0, 0)
    assert found.since_frame == 30
    assert not found.milliseconds


def test_a_young_node_knows_its_rate_too(clock: list[float]) -> None:
    counted = Statistics()
    for index in range(10):
        clock[0] = 100 + index / 10
        counted.frame_arrived(0.0)
    clock[0] = 101.0
    assert counted.summary().input_rate == pytest.approx(10)


def test_troubles_are_told_once_and_counted_for_good(clock: list[float]) -> None:
    counted = Statistics()
    for _ in range(3):
        counted.frame_refused()
    counted.frame_failed()
    assert (counted.summary().refused, counted.summary().failed) == (3, 0)
    counted.frame_failed()
    found = counted.summary()
    assert (found.refused, found.failed) == (0, 1)
    assert (counted.refused, counted.failed) == (3, 2)
