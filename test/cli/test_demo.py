"""`wsvs demo`: the whole live job, three processes over real DDS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from drive_files import make_video

from wsvs_ros.drives import open_drive
from wsvs_ros.perception import ModelBundle


def test_demo_records_a_label_for_each_frame(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    video = make_video(tmp_path / "drive.mp4", 60, fps=15)
    arguments = ["--drive", video, "--model", tiny_bundle.path, "-o", tmp_path / "demo", "--domain", "91"]
    done = wsvs("demo", *arguments)
    out = tmp_path / "demo" / "run-001"
    logs = "\n".join(path.read_text() for path in out.glob("*.log"))
    assert done.returncode == 0, done.stderr + logs
    assert "end-to-end latency" in done.stdout
    record = json.loads((out / "record.json").read_text())
    assert json.loads((out / "play.json").read_text())["frames"] == 60
    assert record["labels"] >= 50
    assert record["labels_without_image"] <= 3
    with open_drive(out / "bag", topic="/segmentation/label") as drive:
        assert len(list(drive)) == record["labels"]
    with open_drive(out / "overlay.mp4") as overlay:
        assert len(list(overlay)) == record["labels"] - record["labels_without_image"]
    again = wsvs("demo", *arguments, "--seconds", "1")
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "demo" / "run-002" / "bag").is_dir()
    assert (out / "record.json").exists()


def test_demo_with_a_broken_model_shows_the_nodes_last_words(tmp_path: Path, wsvs: Any) -> None:
    (tmp_path / "model").mkdir()
    video = make_video(tmp_path / "drive.mp4", 5)
    done = wsvs("demo", "--drive", video, "--model", tmp_path / "model", "-o", tmp_path / "demo", "--domain", "92")
    assert done.returncode == 2
    assert "`wsvs run` did not start" in done.stderr
    assert "bundle.yaml" in done.stderr
