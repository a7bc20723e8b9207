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


def test_a_label_is_owed_from_the_first_frame_that_is_wanted_until_one_goes_out(clock: list[float]) -> None:
    counted = Statistics()

    def frame(moment: float, *, wanted: bool = True) -> None:
        clock[0] = moment
        counted.frame_arrived(0.0)
        counted.frame_taken(wanted=wanted, reset=False)

    frame(101.0, wanted=False)
    clock[0] = 103.0
    assert counted.owed_for() == 0, "nobody waits"
    frame(103.0)
    frame(103.5)
    clock[0] = 104.0
    assert counted.owed_for() == 1
    counted.published(0.1, {}, 10)
    assert counted.owed_for() == 0
    frame(104.5)
    frame(120.0)  # the camera came back
    clock[0] = 120.1
    assert counted.owed_for() == pytest.approx(0.1)
    assert counted.silent_for() == pytest.approx(0.1)


def test_latency_does_not_follow_a_clock_that_is_set(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    arrival = statistics.Arrival(header=None, stamp_age=0.02, moment=clock[0])
    clock[0] += 0.03
    monkeypatch.setattr(statistics.time, "time", lambda: 0.0)
    monkeypatch.setattr(statistics.time, "time_ns", lambda: 0)
    assert arrival.latency() == pytest.approx(0.05)


def test_resets_are_those_of_the_last_seconds(clock: list[float]) -> None:
    counted = Statistics()
    for index in range(20):
        clock[0] = 100 + index
        counted.frame_taken(wanted=False, reset=index % 2 == 0)
    assert counted.summary().resets == 3
