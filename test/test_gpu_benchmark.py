"""The one command for a GPU, in miniature: its parts may fail, hang or leave processes behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from benchmarks.gpu.__main__ import Part, run_all, run_part, table

ROW = "import sys, json; print('begun'); open(sys.argv[1], 'a').write(json.dumps({'what': 'a', 'ms': 1.5}) + '\\n');"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_part_that_fails_keeps_what_it_measured_and_says_why() -> None:
    part = run_part(python(ROW + "raise ValueError('no such thing')"), 30)
    assert (part.status, part.rows) == ("failed", [{"what": "a", "ms": 1.5}])
    assert part.output.startswith("begun")
    assert part.output.endswith("ValueError: no such thing")


def test_a_part_that_crashes_half_way_through_a_line_keeps_the_whole_ones() -> None:
    part = run_part(python(ROW + "open(sys.argv[1], 'a').write('{\"what'); import os; os.abort()"), 30)
    assert (part.status, part.rows) == ("failed", [{"what": "a", "ms": 1.5}])


def test_a_part_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    child = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    hanging = ROW + f"import subprocess; subprocess.run([sys.executable, '-c', {child!r}])"
    start = time.monotonic()
    part = run_part(python(hanging), 4)
    assert time.monotonic() - start < 30
    assert (part.status, part.rows) == ("timed out", [{"what": "a", "ms": 1.5}])
    process = int((tmp_path / "pid").read_text())
    for _ in range(100):
        if not Path(f"/proc/{process}").exists() or "Z" in Path(f"/proc/{process}/stat").read_text().split()[2]:
            return
        time.sleep(0.1)
    pytest.fail("what the part had started is still there")


def test_the_time_is_kept_and_the_results_are_there_after_each_part(tmp_path: Path) -> None:
    look = f"import os; assert os.path.exists({str(tmp_path / 'found.json')!r});"
    commands = {
        "first": python(ROW),
        "second": python(look + ROW),
        "hangs": python("import time; time.sleep(60)"),
        "last": python(ROW),
    }
    start = time.monotonic()
    parts = run_all(commands, dict.fromkeys(commands, 1.0), 18, tmp_path / "found")
    assert time.monotonic() - start < 25
    assert [part.status for part in parts.values()] == ["ok", "ok", "timed out", "ok"]
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["second"]["rows"] == [{"what": "a", "ms": 1.5}]
    assert found["hangs"]["limit"] < 16
    assert "| | a | ms 1.5 |" in (tmp_path / "found.md").read_text()


def test_parts_for_which_no_time_is_left_are_told_from_those_that_ran(tmp_path: Path) -> None:
    parts = run_all({"first": python(ROW)}, {"first": 1.0}, 2.0, tmp_path / "found")
    assert parts == {"first": Part()}
    assert "| **first** | not begun |" in (tmp_path / "found.md").read_text()


def test_a_table_shows_the_end_of_what_failed() -> None:
    text = table({"flow": Part("failed", 2.0, 9.0, [{"what": "x|y", "AEE": 0.51234}], "line\nError: so")})
    assert "| | x/y | AEE 0.5123 |" in text
    assert text.endswith("The end of what flow printed (failed):\n\n    line\n    Error: so")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here: run the benchmark itself")
def test_without_a_gpu_each_part_says_so_and_runs_what_it_can(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.gpu", "--minutes", "2.5", "--output", str(tmp_path / "out" / "gpu")]
    command += ["--parts", "machine,crf,flow-times,frame,tests"]
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    found = json.loads((tmp_path / "out" / "gpu.json").read_text())
    assert {name: part["status"] for name, part in found.items()} == dict.fromkeys(found, "no GPU")
    assert list(found) == ["machine", "crf", "flow-times", "frame", "tests"]
    assert found["machine"]["rows"][0] == {"what": "package torch", "version": torch.__version__}
    assert found["crf"]["rows"][1]["same label, %"] > 95
    assert found["frame"]["rows"][1]["what"].startswith("frame to label map, 480x360, flow on cpu, onnxruntime")
    assert found["frame"]["rows"][1]["ms"] > 0
    assert "no CUDA device here" in done.stdout


def test_an_unknown_part_is_refused_with_those_there_are() -> None:
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", "--parts", "flow,fan"], capture_output=True, text=True, cwd=root
    )
    assert done.returncode == 2
    assert "['fan'], expected some of machine, flow, flow-times, crf, engines, frame, tests" in done.stderr
