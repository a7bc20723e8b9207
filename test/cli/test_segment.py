"""`wsvs segment` on real files: what it writes, what it refuses, what an interruption leaves."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from cli_support import command, environment, interruptible
from drive_files import frames, make_bag, make_folder, make_video

from wsvs_ros.drives import open_drive
from wsvs_ros.drives.frame_log import read_frame_log
from wsvs_ros.perception import VIDEO_CRF, Frame, ModelBundle, VideoSegmenter


def labels_of(out: Path) -> dict[str, np.ndarray]:
    return {path.stem: cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in (out / "labels").glob("*.png")}


def test_folder_gives_the_segmenters_labels(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    out = tmp_path / "out"
    done = wsvs("segment", make_folder(tmp_path / "in"), "-o", out, "--model", tiny_bundle.path)
    assert done.returncode == 0, done.stderr
    found = labels_of(out)
    with VideoSegmenter(tiny_bundle) as segmenter:
        for index, picture in enumerate(frames(10)):
            (expected,) = segmenter.push(Frame(picture, round(index / 15 * 1e9)))
            assert np.array_equal(found[str(index)], expected.labels)
    summary = json.loads((out / "summary.json").read_text())
    assert summary["frames"] == 10
    assert summary["complete"] is True
    assert summary["model"]["sha256"] == tiny_bundle.sha256
    assert summary["fps"] == pytest.approx(10 / summary["seconds"])
    assert 0 < summary["latency_ms"]["p50"] <= summary["latency_ms"]["p95"] <= summary["latency_ms"]["p99"]
    with open_drive(out / "overlay.mp4") as video:
        assert len(list(video)) == 10


def test_no_motion_treats_each_frame_alone(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    folder, model = make_folder(tmp_path / "in"), ["--model", tiny_bundle.path]
    wsvs("segment", folder, "-o", tmp_path / "alone", *model, "--no-motion", "--no-overlay")
    wsvs("segment", folder, "-o", tmp_path / "moving", *model, "--no-overlay")
    alone, moving = labels_of(tmp_path / "alone"), labels_of(tmp_path / "moving")
    assert np.array_equal(alone["0"], moving["0"])
    assert not np.array_equal(alone["9"], moving["9"])
    assert not (tmp_path / "alone" / "overlay.mp4").exists()


def test_crf_refines_the_labels(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    folder, model = make_folder(tmp_path / "in"), ["--model", tiny_bundle.path]
    done = wsvs("segment", folder, "-o", tmp_path / "out", *model, "--crf", "--no-overlay")
    assert done.returncode == 0, done.stderr
    found = labels_of(tmp_path / "out")
    with VideoSegmenter(tiny_bundle, crf=VIDEO_CRF) as segmenter:
        for index, picture in enumerate(frames(10)):
            (expected,) = segmenter.push(Frame(picture, round(index / 15 * 1e9)))
            assert np.array_equal(found[str(index)], expected.labels)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["settings"]["crf"] is True
    assert summary["stages_ms"]["crf"] > 0


def test_video(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    done = wsvs("segment", make_video(tmp_path / "a.mp4"), "-o", tmp_path / "out", "--model", tiny_bundle.path)
    assert done.returncode == 0, done.stderr
    assert sorted(labels_of(tmp_path / "out")) == [f"{k:06d}" for k in range(10)]


@pytest.mark.parametrize("storage", ["sqlite3", "mcap"])
def test_bag_gets_its_label_topic(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle, storage: str) -> None:
    bag, out = make_bag(tmp_path / "bag", storage=storage), tmp_path / "out"
    done = wsvs("segment", bag, "-o", out, "--model", tiny_bundle.path, "--lookahead", "3")
    assert done.returncode == 0, done.stderr
    pngs = labels_of(out)
    with open_drive(out / "bag", topic="/segmentation/label") as drive:
        for frame in drive:
            assert np.array_equal(frame.image[..., 0], pngs[frame.name])
            assert frame.frame_id == "front"
            assert frame.stamp_ns == 100_000_000_000 + int(frame.name) * 100_000_000
    with open_drive(out / "bag", topic="/camera/image_raw") as drive:
        assert len(list(drive)) == 10


def test_output_that_exists_is_refused_untouched(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "precious.txt").write_text("mine")
    done = wsvs("segment", make_folder(tmp_path / "in"), "-o", out, "--model", tiny_bundle.path)
    assert done.returncode == 2
    assert "exists and is not empty (precious.txt)" in done.stderr
    assert [path.name for path in out.iterdir()] == ["precious.txt"]


def test_overwrite_replaces_results_and_nothing_else(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    out = tmp_path / "out"

    def segment(drive: Path, *more: str) -> Any:
        return wsvs("segment", drive, "-o", out, "--model", tiny_bundle.path, "--quiet", *more)

    first, second = make_folder(tmp_path / "ten", 10), make_folder(tmp_path / "three", 3)
    assert segment(first).returncode == 0
    assert "--overwrite" in segment(second).stderr
    inside = segment(out / "overlay.mp4", "--overwrite")
    assert inside.returncode == 2
    assert "holds the input" in inside.stderr
    (out / "labels" / "notes.txt").write_text("mine")
    foreign = segment(second, "--overwrite")
    assert foreign.returncode == 2
    assert "labels/notes.txt is none of our results" in foreign.stderr
    assert len(labels_of(out)) == 10
    (out / "labels" / "notes.txt").unlink()
    assert segment(second, "--overwrite").returncode == 0
    assert sorted(labels_of(out)) == ["0", "1", "2"]
    (out / "summary.json").write_text("{}")
    assert "has no summary.json of `wsvs segment`" in segment(first, "--overwrite").stderr
    assert sorted(labels_of(out)) == ["0", "1", "2"]


def test_bag_without_a_readable_image_says_why(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    bag = make_bag(tmp_path / "bag", 1, odd=0)
    done = wsvs("segment", bag, "-o", tmp_path / "out", "--model", tiny_bundle.path)
    assert done.returncode == 2
    assert "no frame is readable; message 0 of /camera/image_raw: encoding 'odd32'" in done.stderr
    some = wsvs("segment", make_bag(tmp_path / "b", 4, odd=1), "-o", tmp_path / "o", "--model", tiny_bundle.path)
    assert some.returncode == 0
    assert "message 1 of /camera/image_raw: encoding 'odd32'" in some.stdout


def test_video_that_breaks_off_is_told(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    video = make_video(tmp_path / "a.avi", 40, codec="MJPG")
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    done = wsvs("segment", video, "-o", tmp_path / "out", "--model", tiny_bundle.path)
    assert done.returncode == 0, done.stderr
    assert "the video breaks off after" in done.stdout
    assert "breaks off" in json.loads((tmp_path / "out" / "summary.json").read_text())["refused"][0]


@pytest.mark.parametrize("fps", ["0", "-5", "nan", "inf", "fast"])
def test_rate_that_is_none_is_refused(wsvs: Any, fps: str) -> None:
    done = wsvs("segment", "in", "-o", "out", f"--fps={fps}")
    assert done.returncode == 2
    assert "a number above 0 is needed" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.mp4"], "nowhere.mp4: no such file or folder"),
        (["in", "--engine", "abacus"], "invalid choice: 'abacus'"),
        (["in", "--lookahead", "9"], "lookahead: got 9, expected 0 to 5"),
        (["in", "--topic", "/camera"], "not a bag, so it has no topic"),
        (["in", "--model", "in"], "bundle"),
    ],
)
def test_mistakes_are_one_clear_line(
    tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle, arguments: list[str], says: str
) -> None:
    make_folder(tmp_path / "in")
    model = [] if "--model" in arguments else ["--model", tiny_bundle.path]
    done = wsvs("segment", *arguments, "-o", "out", *model, cwd=tmp_path)
    assert done.returncode == 2
    assert "error: " in done.stderr.splitlines()[-1]
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_interruption_leaves_valid_files(tmp_path: Path, tiny_bundle: ModelBundle) -> None:
    bag, out = make_bag(tmp_path / "bag", 1500, storage="mcap"), tmp_path / "out"
    child = subprocess.Popen(
        command("segment", bag, "-o", out, "--model", tiny_bundle.path),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
    )
    until = time.monotonic() + 60
    while len(list(out.glob("labels/*.png"))) < 20 and time.monotonic() < until:
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=60)
    assert child.returncode == 130
    summary = json.loads((out / "summary.json").read_text())
    found = labels_of(out)
    assert summary["complete"] is False
    assert 20 <= len(found) < 1500
    assert all(labels is not None and labels.shape == (72, 96) for labels in found.values())
    with open_drive(out / "overlay.mp4") as video:
        assert len(list(video)) == len(found)
    with open_drive(out / "bag", topic="/segmentation/label") as labelled:
        assert len(list(labelled)) == len(found)
    assert not list(out.rglob("*.partial*"))


@pytest.mark.parametrize(
    ("how", "more"),
    [
        (signal.SIGINT, ["--lookahead", "3", "--confidence"]),
        (signal.SIGKILL, ["--flow-prior", "--lookahead", "2"]),
    ],
)
def test_a_resumed_run_ends_as_one_without_a_break(
    tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle, how: int, more: list[str]
) -> None:
    bag, out, whole = make_bag(tmp_path / "bag", 200, storage="mcap"), tmp_path / "out", tmp_path / "whole"
    words = ["segment", bag, "--model", tiny_bundle.path, "--quiet", *more]
    child = subprocess.Popen(
        command(*words, "-o", out), stdout=subprocess.DEVNULL, env=environment(), preexec_fn=interruptible
    )
    until = time.monotonic() + 60
    while len(list(out.glob("labels/*.png"))) < 30 and time.monotonic() < until:
        time.sleep(0.002)
    child.send_signal(how)
    child.wait(timeout=60)
    before = {path.name: path.stat().st_mtime_ns for path in (out / "labels").glob("*.png")}
    assert 30 <= len(before) < 200
    other = wsvs(*words, "-o", out, "--resume", "--no-motion")
    assert other.returncode == 2
    assert "was made with motion True, now it is False" in other.stderr
    done = wsvs(*words, "-o", out, "--resume")
    assert done.returncode == 0, done.stderr
    assert wsvs(*words, "-o", whole).returncode == 0
    found, expected = labels_of(out), labels_of(whole)
    assert len(expected) == 200
    assert sorted(found) == sorted(expected)
    assert all(np.array_equal(found[name], labels) for name, labels in expected.items())
    kept = [name for name, at in before.items() if (out / "labels" / name).stat().st_mtime_ns == at]
    assert len(kept) >= len(before) - 2
    summary = json.loads((out / "summary.json").read_text())
    assert summary["complete"] is True
    assert summary["frames"] == 200
    assert summary["resumed_from"] == len(kept)
    with open_drive(out / "bag", topic="/segmentation/label") as drive:
        assert all(np.array_equal(frame.image[..., 0], expected[frame.name]) for frame in drive)
        counts = {c.topic: c.msgcount for c in drive.reader.connections}  # type: ignore[attr-defined]
    images = ("/camera/image_raw", "/chatter", "/segmentation/label", "/segmentation/overlay/compressed")
    assert counts == {**dict.fromkeys(images, 200), "/segmentation/label_info": 1}
    with open_drive(out / "overlay.mp4") as video:
        assert len(list(video)) == 200
    assert [*read_frame_log(out)] == [*read_frame_log(whole)] == sorted(expected)
    assert not list(out.rglob("*.partial*"))
    if "--confidence" in more:
        assert len(list((out / "confidence").glob("*.png"))) == 200
    assert "complete already" in wsvs(*words, "-o", out, "--resume").stdout


def test_a_folder_of_someone_else_is_not_resumed(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "precious.txt").write_text("mine")
    done = wsvs("segment", make_folder(tmp_path / "in"), "-o", out, "--model", tiny_bundle.path, "--resume")
    assert done.returncode == 2
    assert "cannot be resumed" in done.stderr
    assert [path.name for path in out.iterdir()] == ["precious.txt"]


def test_confidence_is_the_segmenters(tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle) -> None:
    folder, out = make_folder(tmp_path / "in", 3), tmp_path / "out"
    done = wsvs("segment", folder, "-o", out, "--model", tiny_bundle.path, "--confidence", "--quiet")
    assert done.returncode == 0, done.stderr
    log = read_frame_log(out)
    assert list(log) == ["0", "1", "2"]
    with VideoSegmenter(tiny_bundle) as segmenter:
        for index, picture in enumerate(frames(3)):
            (expected,) = segmenter.push(Frame(picture, round(index / 15 * 1e9)))
            found = cv2.imread(str(out / "confidence" / f"{index}.png"), cv2.IMREAD_UNCHANGED)
            assert np.abs(found / 255 - expected.confidence).max() <= 0.5 / 255 + 1e-6
            assert log[str(index)].stamp_ns == expected.frame.stamp_ns
            assert log[str(index)].latency_ms > 0  # type: ignore[operator]


@pytest.mark.parametrize("what", ["mcap", "sqlite3", "overlay"])
def test_full_disk_is_said_and_keeps_what_is_there(
    tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle, what: str
) -> None:
    """A limit on file sizes stands in for the disk's end: writing fails with an error of the same kind."""
    out = tmp_path / "out"

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    if what == "overlay":
        drive, more = make_video(tmp_path / "a.mp4", 200), []
    else:
        drive, more = make_bag(tmp_path / "bag", 60, storage=what), ["--no-overlay"]
    done = wsvs("segment", drive, "-o", out, "--model", tiny_bundle.path, *more, preexec_fn=limit)
    assert done.returncode == 2, done.stderr
    assert "cannot be written" in done.stderr or "cannot be finished" in done.stderr
    assert "Traceback" not in done.stderr
    found = labels_of(out)
    assert found
    assert all(labels is not None for labels in found.values())
    summary = json.loads((out / "summary.json").read_text())
    assert summary["complete"] is False
    assert summary["frames"] <= len(found)
    assert not (out / "overlay.mp4").exists()


def test_a_run_that_was_interrupted_before_its_first_frame_is_resumed(
    tmp_path: Path, wsvs: Any, tiny_bundle: ModelBundle
) -> None:
    words = ["segment", make_bag(tmp_path / "in", 6), "-o", tmp_path / "out", "--model", tiny_bundle.path]
    assert wsvs(*words).returncode == 0
    out = tmp_path / "out"
    for file in out.glob("labels/*.png"):
        file.unlink()
    (out / "frames.csv").write_text((out / "frames.csv").read_text().splitlines(keepends=True)[0])
    summary = json.loads((out / "summary.json").read_text())
    (out / "summary.json").write_text(json.dumps({**summary, "complete": False, "frames": 0}))
    done = wsvs(*words, "--resume")
    assert done.returncode == 0, done.stderr
    assert len(list(out.glob("labels/*.png"))) == 6
    assert (out / "bag" / "metadata.yaml").is_file()
