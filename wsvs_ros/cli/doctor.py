"""`wsvs doctor`: what this machine can run, and why not the rest."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import platform
from typing import Any

# import name, distribution, what needs it
_PACKAGES = (
    ("onnxruntime", "onnxruntime", "the CPU engine"),
    ("cv2", "opencv-python-headless", "images and optical flow"),
    ("rosbags", "rosbags", "bags and messages"),
    ("cyclonedds", "cyclonedds", "the node without ROS 2"),
    ("rclpy", "rclpy", "the node on ROS 2: source /opt/ros/<distro>/setup.bash"),
    ("torch", "torch", "training: pip install 'wsvs_ros[train]'"),
)


def add_parser(subparsers: Any) -> None:
    """Add `doctor` to the command line."""
    parser = subparsers.add_parser(
        "doctor", help="what this machine can run, and why not the rest", description="Check this machine."
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the findings; 0 if at least the offline job runs here."""
    from wsvs_ros.perception import ModelBundle, available_engines, default_bundle_path

    print(f"python {platform.python_version()}, {os.cpu_count()} processors, {platform.platform()}")
    for module, distribution, purpose in _PACKAGES:
        print(f"{distribution}: {_version(module, distribution)} - {purpose}")
    engines = available_engines()
    print(f"engines: {', '.join(engines) or 'none; pip install onnxruntime'}")
    bundle = ModelBundle.load(default_bundle_path())
    print(f"default model: {bundle.name}, {bundle.model_path.stat().st_size / 1e6:.1f} MB, intact")
    return 0 if engines else 1


def _version(module: str, distribution: str) -> str:
    if importlib.util.find_spec(module) is None:
        return "not installed"
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "installed"
