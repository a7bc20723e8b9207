"""Where PyAV is missing, as beside a ROS installation, videos say so and images work."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from wsvs_ros.drives import open_drive
from wsvs_ros.drives.drive import DriveError


def test_videos_name_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "drive.mp4").write_bytes(b"a video")
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "0.png"), np.zeros((8, 8, 3), np.uint8))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(DriveError, match=r"PyAV.*pip install av.*or give a bag or a folder of images"):
        open_drive(tmp_path / "drive.mp4")
    with open_drive(tmp_path / "images") as images:
        assert len(list(images)) == 1
