"""`wsvs segment` on several drives and whole archives."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_support import command, environment, interruptible
from drive_files import make_bag, make_folder, make_video

from wsvs_ros.drives import open_drive
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception import ModelBundle
from wsvs_ros.runs.find_drives import find_drives


def make_archive(folder: Path) -> Path:
    """Two whole bags, one broken, a video, and things that are none of these."""
    make_bag(folder / "monday" / "front", 8, storage="mcap")
    make_bag(folder / "tuesday" / "front", 6)
    make_video(folder / "tuesday" / "phone.mp4", 5)
    (folder / "wednesday.mcap").write_bytes(b"nothing of a bag")
    (folder / "notes.txt").write_text("what the drives were")
    (folder / ".hidden").mkdir()
    make_bag(folder / ".hidden" / "bag", 2)
    return folder


def states(out: Path) -> dict[str, str]:
    found = json.loads((out / "manifest.json").read_text())["drives"]
    return {str(Path(entry["output"]).relative_to(out)): entry["state"] for entry in found}


def test_one_failure_does_not_stop_the_rest(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    archive, out = make_archive(tmp_path / "archive"), tmp_path / "out"
    words = ["segment", archive, "-o", out, "--model", tiny_bundle.path, "--jobs", "3", "--quiet"]
    done = wsvs(*words)
    assert done.returncode == 2
    assert "wednesday.mcap: cannot be read as a bag" in done.stderr
    assert "3 of 4 drives done, 19 frames" in done.stdout
    assert states(out) == {
        "monday/front": "done",
        "tuesday/front": "done",
        "tuesday/phone": "done",
        "wednesday": "failed",
    }
    with open_drive(out / "monday" / "front" / "bag", topic="/segmentation/label") as drive:
        assert len(list(drive)) == 8
    assert len(list((out / "tuesday" / "phone" / "labels").glob("*.png"))) == 5
    again = wsvs(*words)
    assert again.returncode == 2
    assert "--resume goes on with them" in again.stderr
    times = {path: path.stat().st_mtime_ns for path in out.rglob("labels/*.png")}
    (archive / "wednesday.mcap").unlink()
    make_bag(archive / "wednesday.mcap", 4)
    resumed = wsvs(*words, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert set(states(out).values()) == {"done"}
    assert all(path.stat().st_mtime_ns == before for path, before in times.items())


def test_several_inputs_of_the_same_name(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    first, second = make_folder(tmp_path / "a" / "front", 3), make_folder(tmp_path / "b" / "front", 2)
    done = wsvs("segment", first, second, "-o", tmp_path / "out", "--model", tiny_bundle.path, "--no-overlay")
    assert done.returncode == 0, done.stderr
    assert states(tmp_path / "out") == {"front": "done", "front-2": "done"}
    assert len(list((tmp_path / "out" / "front-2" / "labels").glob("*.png"))) == 2


def test_what_is_no_archive_says_so(tmp_path: Path, wsvs: Any) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(WsvsError, match="no bags or videos in it"):
        find_drives([str(tmp_path / "empty")])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious.txt").write_text("mine")
    make_video(tmp_path / "a.mp4", 2)
    done = wsvs("segment", tmp_path / "a.mp4", tmp_path / "a.mp4", "-o", tmp_path / "out", "--overwrite")
    assert done.returncode == 2
    assert "has no manifest.json" in done.stderr
    assert wsvs("segment", tmp_path / "a.mp4", "-o", tmp_path / "o", "--jobs", "0").returncode == 2


def test_an_archive_of_single_files_is_no_split_bag(tmp_path: Path) -> None:
    for name in ("monday", "tuesday"):
        bag = make_bag(tmp_path / name, 2, storage="mcap")
        next(bag.glob("*.mcap")).rename(tmp_path / f"{name}.mcap")
        (bag / "metadata.yaml").unlink()
        bag.rmdir()
    assert [str(name) for _, name in find_drives([str(tmp_path)])] == ["monday.mcap", "tuesday.mcap"]


def test_an_interruption_reaches_every_drive_and_can_be_resumed(
    tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle
) -> None:
    for name in ("a", "b", "c"):
        make_bag(tmp_path / "archive" / name, 150, storage="mcap")
    out = tmp_path / "out"
    words = ["segment", tmp_path / "archive", "-o", out, "--model", tiny_bundle.path, "--jobs", "2", "--no-overlay"]
    child = subprocess.Popen(
        command(*words), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=interruptible
    )
    until = time.monotonic() + 60
    while len(list(out.glob("*/labels/*.png"))) < 20 and time.monotonic() < until:
        time.sleep(0.005)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=60)
    assert child.returncode == 130
    assert "waiting" in states(out).values()
    assert "interrupted" in states(out).values()
    resumed = wsvs(*words, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert set(states(out).values()) == {"done"}
    assert all(len(list((out / name / "labels").glob("*.png"))) == 150 for name in ("a", "b", "c"))


def test_a_process_that_dies_fails_its_drive_alone(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    make_bag(tmp_path / "archive" / "a", 300, storage="mcap")
    make_bag(tmp_path / "archive" / "b", 5, storage="mcap")
    out = tmp_path / "out"
    words = ["segment", tmp_path / "archive", "-o", out, "--model", tiny_bundle.path, "--no-overlay"]
    child = subprocess.Popen(
        command(*words), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 60
    while len(list(out.glob("a/labels/*.png"))) < 5 and time.monotonic() < until:
        time.sleep(0.005)
    children = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    errors = child.communicate(timeout=60)[1]
    assert child.returncode == 2
    assert "its process was ended by SIGKILL" in errors
    assert states(out) == {"a": "failed", "b": "done"}


def test_a_ray_cluster_of_two_workers(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    pytest.importorskip("ray", reason="Ray is not installed; pip install 'wsvs_ros[ray]'")
    from ray.cluster_utils import Cluster

    for name in ("a", "b", "c"):
        make_bag(tmp_path / "archive" / name, 5, storage="mcap")
    (tmp_path / "archive" / "broken.mcap").write_bytes(b"nothing of a bag")
    os.environ.update(environment())  # the workers import this checkout
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        for _ in range(2):
            cluster.add_node(num_cpus=1)
        out = tmp_path / "out"
        done = wsvs(
            "segment",
            tmp_path / "archive",
            "-o",
            out,
            "--model",
            tiny_bundle.path,
            "--threads",
            "1",
            "--quiet",
            "--ray",
            cluster.address,
        )
    finally:
        cluster.shutdown()
    assert done.returncode == 2, done.stderr
    assert "broken.mcap: cannot be read as a bag" in done.stderr
    assert states(out) == {"a": "done", "b": "done", "broken": "failed", "c": "done"}
    with open_drive(out / "c" / "bag", topic="/segmentation/label") as drive:
        assert np.array_equal([frame.image.shape for frame in drive], [(72, 96, 3)] * 5)


def test_a_lost_machines_drives_go_on_elsewhere(tmp_path: Path, tiny_bundle: ModelBundle) -> None:
    pytest.importorskip("ray", reason="Ray is not installed; pip install 'wsvs_ros[ray]'")
    from ray.cluster_utils import Cluster

    for name in ("a", "b"):
        make_bag(tmp_path / "archive" / name, 600, storage="mcap")
    os.environ.update(environment())  # the workers import this checkout
    out = tmp_path / "out"
    words = ["segment", tmp_path / "archive", "-o", out, "--model", tiny_bundle.path, "--threads", "1", "--quiet"]
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        lost, _ = cluster.add_node(num_cpus=1), cluster.add_node(num_cpus=1)
        child = subprocess.Popen(
            command(*words, "--no-overlay", "--ray", cluster.address),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until = time.monotonic() + 120
        while any(len(list((out / name / "labels").glob("*.png"))) < 20 for name in "ab") and time.monotonic() < until:
            time.sleep(0.01)
        cluster.remove_node(lost, allow_graceful=False)
        errors = child.communicate(timeout=240)[1]
    finally:
        cluster.shutdown()
    assert child.returncode == 0, errors
    assert states(out) == {"a": "done", "b": "done"}
    summaries = [json.loads((out / name / "summary.json").read_text()) for name in "ab"]
    assert [summary["frames"] for summary in summaries] == [600, 600]
    assert any(summary["resumed_from"] > 0 for summary in summaries)  # what the lost machine did is kept
