"""The lifecycle and the parameters, by ROS 2's own command line."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

if importlib.util.find_spec("rclpy") is None or shutil.which("ros2") is None:
    pytest.skip("needs a sourced ROS 2 with the ros2 command", allow_module_level=True)

from wsvs_ros.perception import ModelBundle

ROOT = Path(__file__).resolve().parents[2]
NODE = "/segmentation"


def ros2(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ros2", *words], capture_output=True, text=True, timeout=60)


def start(*parameters: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "wsvs_ros.ros.main", "--ros-args"]
    words += [word for parameter in parameters for word in ("-p", parameter)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    return subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def node(tiny_bundle: ModelBundle) -> Iterator[subprocess.Popen[str]]:
    child = start(f"model:={tiny_bundle.path}", "autostart:=false")
    until = time.monotonic() + 30
    while NODE not in ros2("node", "list").stdout and time.monotonic() < until:
        time.sleep(0.5)
    yield child
    if child.poll() is None:
        child.kill()
    child.communicate()


def state() -> str:
    return ros2("lifecycle", "get", NODE).stdout.split(" ")[0].strip()


def test_a_manager_takes_it_through_its_states(node: subprocess.Popen[str]) -> None:
    assert state() == "unconfigured"
    for transition, reached in [
        ("configure", "inactive"),
        ("activate", "active"),
        ("deactivate", "inactive"),
        ("activate", "active"),
        ("deactivate", "inactive"),
        ("cleanup", "unconfigured"),
        ("configure", "inactive"),
        ("shutdown", "finalized"),
    ]:
        done = ros2("lifecycle", "set", NODE, transition)
        assert "Transitioning successful" in done.stdout, done
        assert state() == reached
    assert node.poll() is None


def test_a_model_that_is_not_there_leaves_it_unconfigured(
    node: subprocess.Popen[str], tiny_bundle: ModelBundle
) -> None:
    ros2("param", "set", NODE, "model", "/nowhere")
    failed = ros2("lifecycle", "set", NODE, "configure")
    assert "Transitioning failed" in failed.stdout + failed.stderr
    assert state() == "unconfigured"
    ros2("param", "set", NODE, "model", str(tiny_bundle.path))
    assert "Transitioning successful" in ros2("lifecycle", "set", NODE, "configure").stdout


def test_parameters_change_or_say_why_not(node: subprocess.Popen[str], tmp_path: Path) -> None:
    ros2("lifecycle", "set", NODE, "configure")
    ros2("lifecycle", "set", NODE, "activate")
    assert "successful" in ros2("param", "set", NODE, "overlay_opacity", "0.25").stdout
    refused = ros2("param", "set", NODE, "engine", "torch")
    assert "engine cannot be changed while the node is active" in refused.stdout + refused.stderr
    dumped = yaml.safe_load(ros2("param", "dump", NODE).stdout)
    assert dumped[NODE]["ros__parameters"]["overlay_opacity"] == 0.25
    file = tmp_path / "dump.yaml"
    file.write_text(yaml.safe_dump(dumped))
    other = subprocess.Popen(
        [sys.executable, "-m", "wsvs_ros.ros.main", "--ros-args", "-r", "__ns:=/second", "--params-file", str(file)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
    )
    time.sleep(5)
    assert other.poll() is None, "the dumped file does not load"
    other.kill()
    other.wait()
