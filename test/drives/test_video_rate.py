"""Overlay videos of drives with any rate: each opens and plays at the rate that was asked for."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsvs_ros.drives.video_rate import video_rate
from wsvs_ros.drives.video_writer import VideoWriter


@pytest.mark.parametrize("fps", [0.02, 9.98731, 29.97003, 59.9473, 65.5355, 90.1234, 120.1234, 655.354, 999.123])
def test_a_video_of_that_rate_plays(tmp_path: Path, fps: float) -> None:
    writer = VideoWriter(tmp_path / "v.mp4", video_rate(fps))
    for shade in (0, 100, 200):
        writer.write(np.full((48, 64, 3), shade, np.uint8))
    writer.close()
    capture = cv2.VideoCapture(str(tmp_path / "v.mp4"))
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(fps, rel=1e-3)
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 3


@given(st.floats(0.01, 1000))
def test_the_rate_stays_near_what_was_asked_for(fps: float) -> None:
    assert video_rate(fps) == pytest.approx(fps, rel=1e-3, abs=1e-3)


def test_rates_beyond_any_camera_are_limited() -> None:
    assert video_rate(1e-6) == 0.01
    assert video_rate(1e6) == 1000.0
