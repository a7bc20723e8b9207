"""`wsvs replay`: from a drive to its report, as fast as possible and through node and middleware."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from drive_files import make_bag, make_video

from wsvs_ros.drives.frame_log import read_frame_log
from wsvs_ros.perception import ModelBundle


def test_a_bag_ends_in_a_report(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    bag, model = make_bag(tmp_path / "bag", 12, storage="mcap"), ["--model", tiny_bundle.path, "--quiet"]
    first = wsvs("replay", bag, "-o", tmp_path / "first", *model, "--confidence")
    assert first.returncode == 0, first.stderr
    assert f"report: {tmp_path / 'first' / 'report' / 'index.html'}" in first.stdout
    words = ["replay", bag, "-o", tmp_path / "second", *model, "--labels", tmp_path / "first" / "bag"]
    second = wsvs(*words)
    assert second.returncode == 0, second.stderr
    figures = json.loads((tmp_path / "second" / "report" / "report.json").read_text())
    assert (figures["miou"], figures["frames"]) == (1.0, 12)
    assert wsvs(*words).returncode == 2
    assert wsvs(*words, "--overwrite").returncode == 0


def test_what_is_wrong_is_said_before_the_work(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    video, out = make_video(tmp_path / "a.mp4", 5), tmp_path / "out"
    words = ["replay", video, "-o", out, "--model", tiny_bundle.path]
    for more, says in [
        (["--labels", tmp_path / "none"], "no such folder"),
        (["--map", "mars:moon"], "neither a built-in mapping"),
        (["--labels-topic", "/truth"], "name its bag with --labels"),
    ]:
        done = wsvs(*words, *more)
        assert done.returncode == 2
        assert says in done.stderr
    assert not out.exists()
    refused = wsvs(*words, "--realtime", "--no-motion")
    assert refused.returncode == 2
    assert "--no-motion: the node has no such setting" in refused.stderr


def test_in_real_time_labels_belong_to_the_frames_that_were_played(
    tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle
) -> None:
    """The same labels as offline, as far as the node did not skip, and the same report."""
    bag = make_bag(tmp_path / "bag", 40, storage="mcap")
    offline = wsvs("segment", bag, "-o", tmp_path / "offline", "--model", tiny_bundle.path, "--quiet")
    assert offline.returncode == 0, offline.stderr
    out = tmp_path / "live"
    words = ["replay", bag, "-o", out, "--realtime", "--model", tiny_bundle.path, "--quiet", "--fps", "15"]
    done = wsvs(*words, "--labels", tmp_path / "offline")
    assert done.returncode == 0, done.stderr
    summary = json.loads((out / "summary.json").read_text())
    assert summary["played"] == 40
    assert summary["frames"] >= 20
    log, truth = read_frame_log(out), read_frame_log(tmp_path / "offline")
    assert len(log) == summary["frames"]
    assert all(truth[name].stamp_ns == record.stamp_ns for name, record in log.items())
    assert all(0 < (record.latency_ms or 0) < 10_000 for record in log.values())
    # the first frames lack only what came before the node had met the camera
    same = [
        np.array_equal(
            *(cv2.imread(str(folder / "labels" / f"{name}.png"), 0) for folder in (out, tmp_path / "offline"))
        )
        for name in list(log)[12:]
    ]
    assert np.mean(same) > 0.9
    figures = json.loads((out / "report" / "report.json").read_text())
    assert figures["frames_with_truth"] == len(log)
    assert figures["missing"] == 40 - len(log)
    assert figures["latency_ms"]["p50"] > 0
    assert figures["temporal"]["agreement"] is not None
