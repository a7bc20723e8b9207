"""When the node calls itself well, and when not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from wsvs_ros.perception import SegmenterStats
from wsvs_ros.ros.health import Inference, camera_health, inference_health
from wsvs_ros.ros.parameters import SegmentParameters
from wsvs_ros.ros.statistics import Summary

GOOD = Summary(30.0, 15.0, 0.02, 0.01, {"latency": (80.0, 120.0), "flow": (2.0, 3.0)}, 0, 0, 10)
SETTINGS = SegmentParameters()


@pytest.mark.parametrize(
    ("change", "level", "says"),
    [
        ({}, 0, "30.0 frames a second"),
        ({"since_frame": None, "age": 0.9}, 0, "waiting for the first frame"),
        ({"since_frame": None, "age": 1.1}, 2, "no frame yet: is the camera running"),
        ({"resets": 1}, 0, "30.0 frames a second"),
        ({"resets": 2}, 1, "the flow window keeps beginning anew: 1 s between two frames, more than max_gap, 0.5 s"),
        ({"since_frame": 1.5}, 2, "no frame for 1.5 s"),
        ({"refused": 3}, 1, "3 messages refused"),
    ],
)
def test_a_silent_camera_is_an_error(change: dict[str, Any], level: int, says: str) -> None:
    stats = SegmenterStats(last_reset="1 s between two frames, more than max_gap, 0.5 s")
    found, text = camera_health(replace(GOOD, **change), stats, SETTINGS)
    assert found == level
    assert says in text


@pytest.mark.parametrize(
    ("change", "settings", "wanted", "level", "says"),
    [
        ({}, {}, True, 0, "15.0 label images a second"),
        ({}, {}, False, 0, "nobody subscribes"),
        ({"failed": 2}, {}, True, 1, "2 frames failed"),
        ({"failed": 2, "output_rate": 0.0}, {}, True, 2, "2 frames failed"),
        ({}, {"warn_latency": 0.1}, True, 1, "labels come 120 ms after their frames"),
        ({}, {"warn_rate": 20.0}, True, 1, "15.0 label images a second, fewer than 20"),
        ({"milliseconds": {}}, {}, True, 0, "15.0 label images"),
    ],
)
def test_slow_and_failing_inference_is_told(
    change: dict[str, Any], settings: dict[str, Any], wanted: bool, level: int, says: str
) -> None:
    found, text = inference_health(replace(GOOD, **change), Inference(wanted), replace(SETTINGS, **settings))
    assert found == level
    assert says in text


@pytest.mark.parametrize(
    ("inference", "settings", "level", "says"),
    [
        (Inference(True, owed_for=0.9), {}, 0, "15.0 label images"),
        (Inference(True, owed_for=1.1), {}, 2, "frames come, labels are wanted, and none went out for 1.1 s"),
        (Inference(True, busy_for=1.1), {}, 2, "an inference has been under way for 1.1 s"),
        (Inference(True, owed_for=2.5), {"max_rate": 0.5}, 0, "15.0 label images"),
        (Inference(True, owed_for=3.1), {"max_rate": 0.5}, 2, "none went out for 3.1 s"),
        (Inference(True, owed_for=2.9), {"stale_after": 3.0}, 0, "15.0 label images"),
    ],
)
def test_a_label_that_is_owed_is_an_error(
    inference: Inference, settings: dict[str, Any], level: int, says: str
) -> None:
    found, text = inference_health(GOOD, inference, replace(SETTINGS, **settings))
    assert found == level
    assert says in text


def test_every_figure_has_its_unit(ros: Any) -> None:
    from wsvs_ros.ros.diagnostics import camera_values, inference_values

    values = inference_values(GOOD, SegmenterStats(100, 40, 55, 2), 10)
    assert values["flow p50 / p95, ms"] == "2.0 / 3.0"
    assert values["window"] == "10 of 10"
    assert [values[key] for key in ("received", "inferred", "skipped", "resets")] == ["100", "40", "55", "2"]
    assert camera_values(GOOD)["input rate, Hz"] == "30.00"
    assert camera_values(replace(GOOD, since_frame=None))["seconds since the last frame"] == "none yet"
