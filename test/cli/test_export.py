"""`wsvs export` and `wsvs bench`, as users run them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support import make_tiny_bundle

from wsvs_ros.drives.synthetic import SyntheticDrive
from wsvs_ros.drives.video_writer import VideoWriter
from wsvs_ros.perception import EngineOptions, ModelBundle, create_engine


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    path = tmp_path / "street.mp4"
    writer = VideoWriter(path, 10)
    for frame in SyntheticDrive((96, 72), frames=6, seed=5, fps=10):
        writer.write(frame.image)
    writer.close()
    return path


def test_export_adds_precisions_and_keeps_what_there_was(tmp_path: Path, drive: Path, wsvs: Any) -> None:
    bundle = make_tiny_bundle(tmp_path / "tiny", lookahead=3)
    done = wsvs("export", bundle.path, "-o", tmp_path / "new", "--frames", drive, "--precision", "float16")
    assert done.returncode == 0, done.stderr
    assert "float16: model-float16.onnx" in done.stdout
    assert "% of the pixels of 6 frames" in done.stdout
    new = ModelBundle.load(tmp_path / "new")
    assert set(new.models) == {"float32", "float16"}
    assert (new.sha256, new.lookahead, new.labels) == (bundle.sha256, 3, bundle.labels)
    assert new.models["float16"].parity is not None
    assert create_engine(new, EngineOptions("onnxruntime", "float16", ("cpu",))).precision == "float16"
    again = wsvs("export", new.path, "-o", new.path, "--frames", drive, "--precision", "float16")
    assert again.returncode == 0, again.stderr
    assert ModelBundle.load(new.path).models["float16"].sha256 == new.models["float16"].sha256


def test_export_builds_ahead_of_the_drive(tmp_path: Path, wsvs: Any) -> None:
    bundle = make_tiny_bundle(tmp_path / "tiny")
    done = wsvs("export", bundle.path, "--build-only", "--engine", "onnxruntime", "--providers", "cpu")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("onnxruntime (cpu, float32): ready after ")
    assert list((bundle.path / ".engines").glob("onnxruntime-float32-*.bin"))
    missing = wsvs("export", bundle.path, "--build-only", "--engine", "tensorrt", "--precision", "float16")
    assert missing.returncode == 2
    assert "tensorrt on cuda: no, " in missing.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-o", "new"], "--output and --frames are needed, or --build-only"),
        (["-o", "new", "--frames", "street.mp4", "--precision", "float32"], "float16 or int8 can be made"),
        (["-o", "new", "--frames", "street.mp4", "--count", "0"], "a whole number, 1 or more, is needed"),
        (["-o", "new", "--build-only"], "--build-only writes no bundle"),
        (["-o", "new", "--frames", "nowhere.mp4"], "nowhere.mp4"),
        (["-o", "street.mp4", "--frames", "street.mp4", "--precision", "float16"], "is not a model bundle"),
    ],
)
def test_mistakes_are_one_clear_line(
    tmp_path: Path, drive: Path, tiny_bundle: ModelBundle, wsvs: Any, arguments: list[str], says: str
) -> None:
    here = [str(tmp_path / item) if item in ("new", "street.mp4", "nowhere.mp4") else item for item in arguments]
    done = wsvs("export", tiny_bundle.path, *here)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "new").exists()


def test_bench_measures_what_runs_and_names_what_does_not(tmp_path: Path, tiny_bundle: ModelBundle, wsvs: Any) -> None:
    done = wsvs("bench", tiny_bundle.path, "--count", "5", "--size", "128x96", "--json", tmp_path / "bench.json")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "bench.json").read_text())
    assert found["camera_size"] == [128, 96]
    (result,) = [item for item in found["results"] if (item["engine"], item["provider"]) == ("onnxruntime", "cpu")]
    assert 0 < result["engine_ms"]["median"] <= result["engine_ms"]["p95"] < result["start_s"] * 1e3
    assert 0 < result["load_s"] < result["start_s"]
    assert 50 < result["memory_mb"] < 2000
    assert result["fps"] > 1
    assert "| onnxruntime on cpu, float32 |" in done.stdout
    assert any(line.startswith("onnxruntime on cpu: no, the bundle has no int8") for line in found["unusable"])
    assert "- tensorrt on cuda: " in done.stdout or any(item["engine"] == "tensorrt" for item in found["results"])


def test_bench_refuses_sizes_that_are_none(tiny_bundle: ModelBundle, wsvs: Any) -> None:
    done = wsvs("bench", tiny_bundle.path, "--size", "big")
    assert done.returncode == 2
    assert "--size big: write WIDTHxHEIGHT" in done.stderr


def test_an_engine_that_fails_leaves_the_others_their_figures(tmp_path: Path, wsvs: Any) -> None:
    """As one does whose libraries are broken: here a network that is none, though its hash is right."""
    bundle = make_tiny_bundle(tmp_path / "tiny")
    broken = ModelBundle.write(
        tmp_path / "broken",
        bundle.model_path,
        name="broken",
        labels=bundle.labels,
        working_size=bundle.working_size,
        window_length=bundle.window_length,
        variants={"int8": b"no network"},
    )
    done = wsvs("bench", broken.path, "--count", "2")
    assert done.returncode == 0, done.stderr
    lines = {line.split("|")[1].strip(): line for line in done.stdout.splitlines() if line.startswith("| onnx")}
    assert "model-int8.onnx: ONNX Runtime cannot load" in lines["onnxruntime on cpu, int8"]
    assert "cannot load" not in lines["onnxruntime on cpu, float32"]
