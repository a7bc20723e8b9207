"""A run's folder: who may begin it anew, who may go on with it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from drive_files import make_folder
from run_folders import make_run

from wsvs_ros.runs.fingerprint import fingerprint
from wsvs_ros.runs.options import OptionsError, SegmentOptions
from wsvs_ros.runs.run_folder import RunError, RunFolder
from wsvs_ros.runs.task import SegmentTask


def test_leftovers_of_a_crash_do_not_stop_overwrite(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    (run / "bag.partial" / "bag").mkdir(parents=True)
    for name in (
        "overlay.partial.mp4",
        "frames.csv.partial",
        ".summary.json.12-34.partial",
        "labels/.000001.png.12-34.partial",
        "labels/000002.partial",
        "confidence/000002.partial",
    ):
        (run / name).write_bytes(b"half")
    RunFolder(run).prepare(overwrite=True, source="elsewhere")
    assert not list(run.iterdir())


def test_what_is_not_ours_stops_it(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    (run / "labels" / "notes.txt").write_text("mine")
    before = sorted(run.rglob("*"))
    with pytest.raises(RunError, match=r"labels/notes.txt is none of our results"):
        RunFolder(run).prepare(overwrite=True, source="elsewhere")
    assert sorted(run.rglob("*")) == before


def test_only_the_same_run_is_gone_on_with(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    summary = json.loads((run / "summary.json").read_text())
    identity = {"engine": "onnxruntime (cpu, float32)", "confidence": False}
    (run / "summary.json").write_text(json.dumps({**summary, "fingerprint": "f", "settings": identity}))
    folder = RunFolder(run)
    assert len(folder.earlier("f", identity, context=5).done) == 12
    for changed in ({"engine": "onnxruntime (cpu, int8)"}, {"confidence": True}):
        with pytest.raises(RunError, match=f"was made with {next(iter(changed))}"):
            folder.earlier("f", {**identity, **changed}, context=5)
    with pytest.raises(RunError, match="the input is another now"):
        folder.earlier("g", identity, context=5)


def test_a_summary_of_garbage_is_none(tmp_path: Path) -> None:
    for text in ("", "[]", "{", "[" * 100_000, "null", "\x00"):
        (tmp_path / "summary.json").write_text(text)
        assert RunFolder(tmp_path).summary() == {}
        assert not RunFolder(tmp_path).is_run


def test_a_fingerprint_tells_recordings_apart_and_knows_copies(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a", 5)
    shutil.copytree(folder, tmp_path / "b")
    first = fingerprint(folder)
    assert fingerprint(tmp_path / "b") == first
    (tmp_path / "b" / "4.png").unlink()
    assert fingerprint(tmp_path / "b") != first
    large = tmp_path / "large.mp4"
    large.write_bytes(bytes(5_000_000))
    before = fingerprint(large)
    content = bytearray(large.read_bytes())
    content[2_600_000:3_000_000] = b"x" * 400_000
    large.write_bytes(content)
    assert fingerprint(large) != before


def test_options_survive_the_way_to_another_process(tmp_path: Path) -> None:
    options = SegmentOptions(providers=("cuda", "cpu"), topics=("/a", "/b"), end=3.5, lookahead=0)
    task = SegmentTask("in", tmp_path, options, resume=True)
    assert SegmentTask.from_dict(json.loads(json.dumps(task.to_dict()))) == task


@pytest.mark.parametrize("wrong", [{"device": "gpu"}, {"start": 5.0, "end": 5.0}, {"every": 0}, {"start": -1.0}])
def test_options_out_of_range(wrong: dict[str, object]) -> None:
    with pytest.raises(OptionsError):
        SegmentOptions(**wrong)  # type: ignore[arg-type]
