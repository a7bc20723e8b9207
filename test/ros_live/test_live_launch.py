"""`ros2 launch wsvs_ros segment.launch.py` describes itself."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

if importlib.util.find_spec("launch_ros") is None:
    pytest.skip("needs a sourced ROS 2 with launch_ros", allow_module_level=True)

LAUNCH = Path(__file__).resolve().parents[2] / "launch" / "segment.launch.py"


def test_arguments_are_shown() -> None:
    ros2 = shutil.which("ros2")
    if ros2 is None:
        pytest.skip("needs the ros2 command")
    done = subprocess.run([ros2, "launch", str(LAUNCH), "--show-args"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for argument in ("image", "model", "engine", "compressed", "params", "namespace"):
        assert f"'{argument}'" in done.stdout
