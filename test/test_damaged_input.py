"""
Damaged, cut, empty and foreign input: one clear error or what is readable; no traceback, no change of the input.

A few cases of each kind run always. `WSVS_FUZZ=2000` runs that many in all, which takes minutes.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from drive_files import make_bag, make_folder, make_video
from run_folders import make_run

from wsvs_ros.cli.main import main
from wsvs_ros.perception import ModelBundle

_CASES = int(os.environ.get("WSVS_FUZZ", "60"))
_MEMORY = 1_500_000_000  # bytes that all cases together may take beyond what is taken at the beginning


def bag(storage: str) -> Callable[[Path], Path]:
    return lambda folder: make_bag(folder / "bag", 4, storage=storage)


def storage_file(storage: str) -> Callable[[Path], Path]:
    """A single file of a bag, without the metadata."""

    def make(folder: Path) -> Path:
        made = make_bag(folder / "whole", 4, storage=storage)
        (file,) = [path for path in made.iterdir() if path.name != "metadata.yaml"]
        return file.rename(folder / f"drive{file.suffix}")

    return make


def table(folder: Path) -> Path:
    run = make_run(folder / "run", frames=3)
    return run / "frames.csv"


def label_set(folder: Path) -> Path:
    path = folder / "labels.yaml"
    path.write_text("name: two\nclasses:\n  - {name: road, color: [1, 2, 3]}\n  - {name: sky, color: [4, 5, 6]}\n")
    return path


def segment(drive: Path, model: Path, out: Path) -> list[str]:
    return ["segment", str(drive), "-o", str(out), "--model", str(model), "--quiet", "--no-overlay"]


def evaluate(path: Path, _model: Path, _out: Path) -> list[str]:
    run = next(parent for parent in (path, *path.parents) if parent.name == "run")
    return ["evaluate", "--pred", str(run), "--labels", str(run.parent / "truth"), "--quiet", "--allow-missing"]


def resume(path: Path, model: Path, _out: Path) -> list[str]:
    run = next(parent for parent in (path, *path.parents) if parent.name == "run")
    return [*segment(run.parent / "images", model, run), "--resume"]


Make = Callable[[Path], Path]
Words = Callable[[Path, Path, Path], list[str]]
_KINDS: dict[str, tuple[Make, Words]] = {
    "sqlite3 bag": (bag("sqlite3"), segment),
    "mcap bag": (bag("mcap"), segment),
    "db3 file": (storage_file("sqlite3"), segment),
    "mcap file": (storage_file("mcap"), segment),
    "mp4": (lambda folder: make_video(folder / "a.mp4", 4), segment),
    "avi": (lambda folder: make_video(folder / "a.avi", 4, codec="MJPG"), segment),
    "images": (lambda folder: make_folder(folder / "images", 3), segment),
    "label PNGs": (lambda folder: make_run(folder / "run", frames=3) / "labels", evaluate),
    "summary": (lambda folder: make_run(folder / "run", frames=3) / "summary.json", evaluate),
    "frames.csv": (table, evaluate),
    "resumed summary": (lambda folder: make_run(folder / "run", frames=3) / "summary.json", resume),
    "label set": (
        label_set,
        lambda path, _model, out: ["evaluate", "--pred", str(path.parent), "--label-set", str(path), "--quiet"],
    ),
}


def damage(path: Path, random: np.random.Generator) -> None:
    """Change one file: cut it, empty it, flip bytes, put foreign bytes in, repeat or drop a part."""
    files = sorted(file for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())
    file = files[random.integers(len(files))]
    content = bytearray(file.read_bytes())
    size = max(1, len(content))
    at, length = int(random.integers(size)), int(random.integers(1, 200))
    way = random.integers(7)
    if way == 0:
        content = content[:at]
    elif way == 1:
        content = bytearray()
    elif way == 2:
        for place in random.integers(size, size=int(random.integers(1, 40))):
            if content:
                content[place] ^= int(random.integers(1, 256))
    elif way == 3:
        content[at : at + length] = random.bytes(length)
    elif way == 4:
        content[at:at] = content[at : at + length]
    elif way == 5:
        del content[at : at + length]
    else:
        content = bytearray(random.bytes(int(random.integers(1, 5000))))
    file.write_bytes(content)


def digest(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.parametrize("kind", _KINDS)
def test_damage_ends_in_one_line_or_in_what_is_readable(
    tmp_path: Path, tiny_bundle: ModelBundle, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make, words = _KINDS[kind]
    (tmp_path / "whole").mkdir()
    whole = make(tmp_path / "whole")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    for case in range(max(1, -(-_CASES // len(_KINDS)))):
        random = np.random.default_rng([case, *kind.encode()])
        folder, out = tmp_path / f"case-{case}", tmp_path / f"out-{case}"
        shutil.copytree(tmp_path / "whole", folder)
        path = folder / whole.relative_to(tmp_path / "whole")
        damage(path, random)
        given = digest(folder)
        with contextlib.redirect_stderr(io.StringIO()) as errors:
            status = main(words(path, tiny_bundle.path, out))
        told = errors.getvalue()
        assert status in (0, 2), f"case {case}: {told}"
        assert "Traceback" not in told
        if status == 2:
            lines = [line for line in told.splitlines() if line.startswith("error: ")]
            assert len(lines) == 1, f"case {case}: {told}"
        elif (out / "summary.json").exists():
            assert json.loads((out / "summary.json").read_text())["complete"] is True
        if words is not resume:  # which goes on in the folder that was damaged
            assert digest(folder) == given, f"case {case} changed its input"
        shutil.rmtree(folder)
        shutil.rmtree(out, ignore_errors=True)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before < _MEMORY
    capsys.readouterr()
