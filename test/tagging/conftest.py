"""A rendered drive as a video file, for the pages."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import pytest

from wsvs_ros.drives.synthetic import SyntheticDrive


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of a street at 10 frames a second."""
    path = tmp_path_factory.mktemp("rendered") / "street.mp4"
    drive = SyntheticDrive((240, 180), frames=60, fps=10.0)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (240, 180))
    for frame in drive:
        writer.write(frame.image)
    writer.release()
    return path


@pytest.fixture
def drive(rendered: Path, tmp_path: Path) -> Path:
    """A copy of it, to tag."""
    return Path(shutil.copy(rendered, tmp_path))
