"""`wsvs demo`: the whole live job, three processes over real DDS."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from cli_support import command, environment, interruptible
from drive_files import make_bag, make_video
from support import tiny_model

from wsvs_ros.drives import open_drive
from wsvs_ros.perception import FlowSettings, LabelSet, ModelBundle
from wsvs_ros.runs.domains import free_domain


def test_demo_records_a_label_for_each_frame(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    video = make_video(tmp_path / "drive.mp4", 60, fps=15)
    arguments = ["--drive", video, "--model", tiny_bundle.path, "-o", tmp_path / "demo"]
    done = wsvs("demo", *arguments)
    out = tmp_path / "demo" / "run-001"
    logs = "\n".join(path.read_text() for path in out.glob("*.log"))
    assert done.returncode == 0, done.stderr + logs
    assert "end-to-end latency" in done.stdout
    record = json.loads((out / "record.json").read_text())
    assert json.loads((out / "play.json").read_text())["frames"] == 60
    assert record["labels"] >= 50
    assert record["labels_without_image"] <= 3  # of images that were sent before the recorder had met the camera
    with open_drive(out / "bag", topic="/segmentation/label") as drive:
        assert len(list(drive)) == record["labels"]
    with open_drive(out / "overlay.mp4") as overlay:
        # 60 frames at 15 Hz last so long, however many of them were labelled
        assert len(list(overlay)) == pytest.approx(60, abs=12)
    again = wsvs("demo", *arguments, "--seconds", "1")
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "demo" / "run-002" / "bag").is_dir()
    assert (out / "record.json").exists()


def test_what_is_wrong_is_said_before_anything_starts(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    demo = ["demo", "-o", tmp_path / "demo"]
    (tmp_path / "model").mkdir()
    bag = make_bag(tmp_path / "bag", 2, topics=("/left", "/right"))
    model = ["--model", tiny_bundle.path]
    for arguments, says in [
        (["--drive", bag, "--model", tmp_path / "model"], "has no bundle.yaml"),
        (["--drive", tmp_path / "none.mp4", *model], "none.mp4: no such file"),
        (["--drive", bag, *model], "several image topics, choose one: /left, /right"),
    ]:
        done = wsvs(*demo, *arguments)
        assert done.returncode == 2
        assert says in done.stderr
    assert not (tmp_path / "demo").exists()


def test_a_node_that_does_not_start_is_reported_by_its_last_words(tmp_path: Path, wsvs: Any) -> None:
    bundle = write_bundle(tmp_path / "model", b"no network", labels=LabelSet.load("camvid11"))
    video = make_video(tmp_path / "drive.mp4", 5)
    done = wsvs("demo", "--drive", video, "--model", bundle.path, "-o", tmp_path / "demo")
    assert done.returncode == 2
    assert "`wsvs run` did not start" in done.stderr
    assert "ONNX Runtime cannot load the model" in done.stderr


def test_a_drive_without_labels_is_no_success(tmp_path: Path, wsvs: Any) -> None:
    bundle = write_bundle(tmp_path / "model", failing_model(), labels=LabelSet.load("camvid11"))
    video = make_video(tmp_path / "drive.mp4", 10)
    done = wsvs("demo", "--drive", video, "--model", bundle.path, "-o", tmp_path / "demo")
    assert done.returncode == 2
    log = tmp_path / "demo" / "run-001" / "run.log"
    assert f"no label came of this drive; what the node says about it: {log}" in done.stderr
    assert "inference failed" in log.read_text()


def test_a_demo_keeps_out_of_domains_in_use(tiny_bundle: ModelBundle) -> None:
    domain = free_domain()
    words = command("run", "--model", tiny_bundle.path, "--localhost", "--domain", domain)
    node = subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert node.stdout is not None
        assert any("->" in line for line in node.stdout)
        found = free_domain()
    finally:
        node.kill()
        node.communicate()
    assert found != domain


@pytest.fixture
def running(tmp_path: Path, tiny_bundle: ModelBundle) -> Iterator[subprocess.Popen[str]]:
    """A demo in the midst of a long drive."""
    video = make_video(tmp_path / "drive.mp4", 900, fps=15)
    arguments = ["--drive", video, "--model", tiny_bundle.path, "-o", tmp_path / "demo"]
    child = subprocess.Popen(
        command("demo", *arguments),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=interruptible,
    )
    until = time.monotonic() + 60
    painted = tmp_path / "demo" / "run-001" / "overlay.partial.mp4"  # once camera and labels have come
    while not painted.exists() and time.monotonic() < until:
        time.sleep(0.05)
    yield child
    child.kill()
    child.communicate()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_ends_its_processes_and_keeps_the_recording(
    tmp_path: Path, running: subprocess.Popen[str], stop: int
) -> None:
    started = children(running.pid)
    running.send_signal(stop)
    running.communicate(timeout=60)
    assert running.returncode == 130
    assert len(started) == 3
    assert not [pid for pid in started if Path(f"/proc/{pid}").exists()]
    with open_drive(tmp_path / "demo" / "run-001" / "bag", topic="/camera/image_raw") as drive:
        assert len(list(drive)) > 0
    with open_drive(tmp_path / "demo" / "run-001" / "overlay.mp4") as overlay:
        assert len(list(overlay)) > 0


def test_a_node_that_dies_ends_the_demo_at_once(running: subprocess.Popen[str]) -> None:
    (node,) = [pid for pid in children(running.pid) if b"\0run\0" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(node, signal.SIGKILL)
    _, errors = running.communicate(timeout=40)
    assert running.returncode == 2
    assert "`wsvs run` ended in the midst of it" in errors
    assert "model tiny" in errors


def children(parent: int) -> list[int]:
    """Process ids of a process's children."""
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def failing_model() -> bytes:
    """A network that loads but cannot run: it reads an element of a table of one that is not there."""
    model = tiny_model(11, (96, 72), 10)
    model.graph.node[-1].output[0] = "softmax"
    model.graph.initializer.extend(
        [
            onnx.numpy_helper.from_array(np.zeros(1, np.float32), "table"),
            onnx.numpy_helper.from_array(np.array(1000, np.int64), "beyond"),
        ]
    )
    model.graph.node.extend(
        [
            onnx.helper.make_node("Cast", ["image"], ["numbers"], to=onnx.TensorProto.INT64),
            onnx.helper.make_node("ReduceMax", ["numbers"], ["largest"], keepdims=0),
            onnx.helper.make_node("Add", ["largest", "beyond"], ["index"]),
            onnx.helper.make_node("Gather", ["table", "index"], ["nothing"]),
            onnx.helper.make_node("Add", ["softmax", "nothing"], ["scores"]),
        ]
    )
    return bytes(model.SerializeToString())


def write_bundle(path: Path, model: bytes, *, labels: LabelSet) -> ModelBundle:
    """A bundle that is whole, whatever its network is."""
    return ModelBundle.write(
        path,
        model,
        name="broken",
        labels=labels,
        working_size=(96, 72),
        window_length=10,
        lookahead=0,
        flow=FlowSettings("dis", "fast"),
        trained_on=["nothing"],
        metrics={},
    )
