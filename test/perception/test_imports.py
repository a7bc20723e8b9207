from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "onnxruntime", "onnx", "cyclonedds", "rclpy", "rosbags")


@pytest.mark.parametrize("package", ["wsvs_ros", "wsvs_ros.perception", "wsvs_ros.evaluation"])
def test_importing_a_package_brings_nothing_heavy(package: str) -> None:
    code = f"import sys, {package}; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not found.stdout.split()
