"""A report over an archive: a row a drive, the worst first, each with its own page behind it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from cli_support import Wsvs
from run_folders import make_run

from wsvs_ros.errors import WsvsError
from wsvs_ros.evaluation.archive import RunRow, find_runs, worst_first
from wsvs_ros.evaluation.drive_pool import evaluate_here, evaluate_on_ray


def make_archive(folder: Path, drives: dict[str, float], *, truth: frozenset[str] = frozenset()) -> Path:
    """Runs by name with the share of each that is wrong, as `wsvs segment` leaves them; truths in `truth/`."""
    out = folder / "out"
    entries = []
    for number, (name, wrong) in enumerate(drives.items()):
        work = folder / "work" / str(number)
        run = out / name
        run.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(make_run(work / "run", frames=4, wrong=wrong, seed=number), run)
        if name in truth:
            (folder / "truth" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(work / "truth", folder / "truth" / name)
        entries.append({"input": f"{name}.mp4", "output": str(run), "state": "done", "error": "", "frames": 4})
    (out / "manifest.json").write_text(json.dumps({"drives": entries}))
    return out


def note(out: Path, **entry: Any) -> None:
    """One more drive in the manifest."""
    content = json.loads((out / "manifest.json").read_text())
    content["drives"].append({"error": "", "frames": 0, "seconds": 0.0, **entry})
    (out / "manifest.json").write_text(json.dumps(content))


def test_the_worst_drive_comes_first_and_every_name_leads_to_its_page(wsvs: Wsvs, browser: Any, tmp_path: Path) -> None:
    drives = {"monday/good": 0.05, "a <b> bad one": 0.5, "untold": 0.2}
    out = make_archive(tmp_path, drives, truth=frozenset({"monday/good", "a <b> bad one"}))
    summary = json.loads((out / "untold" / "summary.json").read_text())
    (out / "untold" / "summary.json").write_text(json.dumps({**summary, "refused": ["3 of 7 images are missing"]}))
    note(out, input="gone.mp4", output=str(out / "gone"), state="failed", error="gone.mp4: not a video")
    report, figures = tmp_path / "report", tmp_path / "figures.json"
    told = ("--pred", out, "--labels", tmp_path / "truth", "--report", report, "--json", figures, "--jobs", 2)
    for _ in range(2):  # a second time over the earlier report
        done = wsvs("evaluate", *told)
        assert done.returncode == 0, done.stderr
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((report / "index.html").as_uri())
    names = [name.strip() for name in page.locator("tbody td:first-child").all_inner_texts()]
    assert names == ["gone", "a <b> bad one", "monday/good", "untold"], "failed, by mIoU, then those without truth"
    assert "not a video" in page.locator("tr.failed").inner_text()
    assert "3 of 7 images are missing" in page.locator("tbody tr").nth(3).inner_text()
    for name in names[1:]:
        page.locator("tbody a", has_text=name).first.click()
        assert name.rpartition("/")[2] in page.locator("h1").inner_text()
        assert page.locator("#frames img").count() > 0
        page.go_back()
    assert errors == []
    page.close()
    content = json.loads(figures.read_text())
    assert [row["name"] for row in content["drives"]] == names
    assert (content["drives_measured"], content["drives_failed"], content["frames"]) == (3, 1, 12)
    own = json.loads((report / "drives" / "monday" / "good" / "report.json").read_text())
    assert content["drives"][2]["miou"] == own["miou"]
    assert 0 < content["drives"][1]["uncertainty"] < 1


def test_drives_are_ordered_by_what_was_measured() -> None:
    rows = [
        RunRow("steady", page="p", steadiness=0.9),
        RunRow("right", page="p", miou=0.8, steadiness=0.1),
        RunRow("nothing", page="p"),
        RunRow("wrong", page="p", miou=0.2, steadiness=0.99),
        RunRow("failed", error="why"),
        RunRow("shaky", page="p", steadiness=0.3),
    ]
    assert [row.name for row in worst_first(rows)] == ["failed", "wrong", "right", "shaky", "steady", "nothing"]


def test_cameras_have_rows_of_their_own_and_archives_may_be_moved(tmp_path: Path) -> None:
    out = make_archive(tmp_path, {"bag/left": 0.1, "bag/right": 0.2})
    (out / "manifest.json").write_text('{"drives": []}')
    with pytest.raises(WsvsError, match="names no drive"):
        find_runs(out)
    note(out, input="bag", output=str(out / "bag"), state="done")
    note(out, input="b.mp4", output=str(out / "b"), state="interrupted")
    moved = out.rename(tmp_path / "moved")
    assert [(run.name, run.error) for run in find_runs(moved)] == [
        ("bag/left", ""),
        ("bag/right", ""),
        ("b", "is interrupted"),
    ]
    (moved / "manifest.json").write_text("[]")
    with pytest.raises(WsvsError, match="not a manifest of `wsvs segment`"):
        find_runs(moved)


def test_mistakes_are_named_before_the_work(wsvs: Wsvs, tmp_path: Path) -> None:
    out = make_archive(tmp_path, {"a": 0.1})
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").touch()
    for options, says in [
        (("--pred", out, "--images", "x.mp4"), "--images belongs to one drive"),
        (("--pred", out, "--labels", tmp_path / "notes"), "has nothing of the drives' names"),
        (("--pred", out, "--report", tmp_path / "notes"), "holds mine.txt, which is no report"),
        (("--pred", out, "--json", tmp_path / "no" / "f.json"), "cannot be written"),
        (("--pred", out / "a", "--jobs", 2), "has no manifest.json"),
        (("--pred", out, "--jobs", 0), "1 or more, is needed"),
    ]:
        done = wsvs("evaluate", *options)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False), says
        assert says in done.stderr
    shutil.rmtree(out / "a" / "labels")
    done = wsvs("evaluate", "--pred", out)
    assert done.returncode == 2
    assert "nothing could be measured: a:" in done.stderr


def test_a_process_that_is_killed_fails_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    killer = tmp_path / "python"
    killer.write_text(f'#!/bin/sh\ncase "$*" in *end-me*) kill -9 $$ ;; *) exec {sys.executable} "$@" ;; esac\n')
    killer.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(killer))
    ends = dict(evaluate_here([["--version"], ["end-me"], ["evaluate", "--pred", str(tmp_path / "none")]], 2))
    assert ends[0] == ""
    assert ends[1] == "its process was ended by SIGKILL"
    assert "none" in ends[2]


def test_a_drive_whose_worker_is_lost_is_tried_again(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray", reason="needs the extra `ray`")
    out = make_archive(tmp_path, {f"drive{k}": 0.1 * k for k in range(3)})
    ray.init("local", num_cpus=2, _node_ip_address="127.0.0.1", include_dashboard=False, log_to_driver=False)
    killed: list[int] = []

    def kill_one() -> None:
        """The first process in which Ray evaluates a drive."""
        while not killed:
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    if not killed and entry.read_bytes().startswith(b"ray::run_command"):
                        os.kill(int(entry.parent.name), signal.SIGKILL)
                        killed.append(int(entry.parent.name))

    try:
        threading.Thread(target=kill_one, daemon=True).start()
        commands = [
            ["evaluate", "--pred", str(run.path), "--report", str(tmp_path / "r" / run.name), "--quiet"]
            for run in find_runs(out)
        ]
        assert dict(evaluate_on_ray(commands, "auto")) == dict.fromkeys(range(3), "")
        assert len(killed) == 1
        assert len(list((tmp_path / "r").glob("*/index.html"))) == 3
    finally:
        killed.append(0)
        ray.shutdown()
