"""`wsvs doctor`: what this machine can run, and why not the rest."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import signal
import subprocess
import sys
from typing import Any

# import name, distribution, what needs it, where it comes from
_PACKAGES = (
    ("numpy", "numpy", "everything", "pip install numpy"),
    ("cv2", "opencv-python-headless", "images and optical flow", "pip install opencv-python-headless"),
    ("onnxruntime", "onnxruntime", "the CPU engine", "pip install onnxruntime"),
    ("rosbags", "rosbags", "bags and messages", "pip install rosbags"),
    ("cyclonedds", "cyclonedds", "the node without ROS 2", "pip install cyclonedds"),
    ("rclpy", "rclpy", "the node on ROS 2", "source /opt/ros/<distro>/setup.bash"),
    ("torch", "torch", "training, CRF, all on CUDA", "pip install torch, or 'wsvs_ros[train]' for training"),
    ("tensorrt", "tensorrt", "the fastest engine on NVIDIA GPUs", "JetPack has it, or pip install tensorrt"),
    ("onnx", "onnx", "wsvs export", "pip install 'wsvs_ros[export]'"),
    ("pydensecrf", "pydensecrf2", "the CRF without torch", "pip install 'wsvs_ros[crf]'"),
    ("skimage", "scikit-image", "regions for the CRF", "pip install 'wsvs_ros[crf]'"),
)


def add_parser(subparsers: Any) -> None:
    """Add `doctor` to the command line."""
    parser = subparsers.add_parser(
        "doctor", help="what this machine can run, and why not the rest", description="Check this machine."
    )
    parser.add_argument("--model", metavar="DIR", help="model bundle (default: the one of the package)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the findings; 0 if at least the offline job runs here."""
    print(f"python {platform.python_version()}, {os.cpu_count()} processors, {platform.platform()}")
    for module, distribution, purpose, remedy in _PACKAGES:
        problem = _problem(module)
        if problem is not None:  # what follows shall not try it, because it may end this process
            sys.modules[module] = None  # type: ignore[assignment]
        found = _version(distribution) if problem is None else problem
        print(f"{distribution}: {found} - {purpose}{'' if problem is None else f': {remedy}'}", flush=True)
    try:
        from wsvs_ros.perception import ModelBundle, default_bundle_path
        from wsvs_ros.perception.engines import engine_statuses
    except ImportError as error:
        print(f"engines: none, as long as this is so: {error}")
        return 1
    bundle = ModelBundle.load(args.model or default_bundle_path())
    print(f"model: {bundle.name} at {bundle.path}, intact: {', '.join(bundle.models)}")
    print("engines, the one that `auto` takes first:")
    statuses = engine_statuses(bundle)
    for status in sorted(statuses, key=lambda status: status.reason is not None):
        print(f"  {status}")
    return 0 if any(status.reason is None for status in statuses) else 1


def _problem(module: str) -> str | None:
    """Why a package cannot be loaded. Another process tries, because a broken one may end its process."""
    if importlib.util.find_spec(module) is None:
        return "not installed"
    done = subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, text=True, errors="replace")
    if done.returncode < 0:
        return f"does not load: {signal.Signals(-done.returncode).name}"
    if done.returncode:
        return f"does not load: {(done.stderr.splitlines() or ['no reason given'])[-1]}"
    return None


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "installed"
