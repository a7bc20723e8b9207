"""From a work directory to a bundle."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest

pytest.importorskip("lightning", reason="training needs lightning: pip install 'wsvs_ros[train]'")

from small_training import SIZE

from training import export
from wsvs_ros.drives.synthetic import SyntheticDrive, SyntheticFrame
from wsvs_ros.perception import EngineOptions, ModelBundle, VideoSegmenter, create_engine


def test_export_writes_what_was_trained_and_measured(work: Path, tmp_path: Path) -> None:
    figures = {"miou": 0.5, "class_accuracy": 0.6, "global_accuracy": 0.7, "per_class": {"sky": 0.5, "car": None}}
    (tmp_path / "m.json").write_text(json.dumps(figures))
    arguments = ["--metrics", str(tmp_path / "m.json"), "--measured-on", "the street", "--precision", "float32"]
    assert export.main([str(work), "-o", str(tmp_path / "bundle"), *arguments]) == 0
    bundle = ModelBundle.load(tmp_path / "bundle")
    assert (bundle.window_length, bundle.working_size, bundle.metrics["miou"]) == (3, SIZE, 0.5)
    card = (tmp_path / "bundle" / "README.md").read_text()
    assert "| mIoU | 50.0 |" in card
    assert "| car | no such pixels |" in card


def test_every_file_of_an_export_agrees_with_the_network(work: Path, tmp_path: Path) -> None:
    assert export.main([str(work), "-o", str(tmp_path / "bundle")]) == 0
    bundle = ModelBundle.load(tmp_path / "bundle")
    assert set(bundle.models) == {"float32", "float16", "int8", "int8-symmetric", "program"}
    for variant, model in bundle.models.items():
        assert model.parity is not None, variant
        assert model.parity.frames == 30, "the drive's tagged frames"
        assert model.parity.agreement > 0.93, variant
    assert bundle.models["float32"].parity.max_error < 1e-3
    frames = list(SyntheticDrive(SIZE, frames=3, seed=6, fps=10))
    labels = {}
    for engine in ("onnxruntime", "torch"):
        with VideoSegmenter(bundle, engine=EngineOptions(engine, providers=("cpu",))) as segmenter:
            labels[engine] = [found.labels for frame in frames for found in segmenter.push(frame)]
    np.testing.assert_array_equal(labels["onnxruntime"], labels["torch"])


def test_a_graph_of_any_number_of_frames_gives_each_its_own(work: Path, tmp_path: Path) -> None:
    arguments = ["-o", str(tmp_path / "bundle"), "--precision", "float32", "--dynamic-batch"]
    assert export.main([str(work), *arguments]) == 0
    bundle = ModelBundle.load(tmp_path / "bundle")
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (3, *bundle.input_shapes["image"][1:]), np.uint8)
    flows = random.normal(0, 2, (3, *bundle.input_shapes["flow"][1:])).astype(np.float32)
    session = onnxruntime.InferenceSession(bundle.model_path, providers=["CPUExecutionProvider"])
    together = session.run(None, {"image": images, "flow": flows})[0]
    engine = create_engine(bundle)
    for index in range(3):
        np.testing.assert_allclose(together[index], engine.infer(images[index], flows[index]), atol=1e-5)


def test_frames_of_another_drive_calibrate_and_compare(work: Path, tmp_path: Path, drive: list[SyntheticFrame]) -> None:
    (tmp_path / "street").mkdir()
    for item in drive[:5]:
        cv2.imwrite(str(tmp_path / "street" / f"{item.frame.name}.png"), item.frame.image)
    arguments = ["-o", str(tmp_path / "bundle"), "--frames", str(tmp_path / "street"), "--precision", "float16"]
    assert export.main([str(work), *arguments]) == 0
    parity = ModelBundle.load(tmp_path / "bundle").models["float16"].parity
    assert parity is not None
    assert parity.frames == 5
