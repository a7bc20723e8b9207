"""The offline journey in small: a rendered tagged drive in, a bundle out that segments it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

pytest.importorskip("lightning", reason="training needs lightning: pip install 'wsvs_ros[train]'")

from random_weights import random_mobilenet, random_vgg16

from training import export, fit
from wsvs_ros.drives.synthetic import SyntheticDrive, SyntheticFrame
from wsvs_ros.evaluation.metrics import ConfusionMatrix
from wsvs_ros.perception import ModelBundle, VideoSegmenter

SIZE = (160, 120)
CLASSES = ["sky", "building", "road", "sidewalk", "vegetation"]  # what a random trunk can tell by texture


@pytest.fixture(scope="module")
def drive() -> list[SyntheticFrame]:
    return list(SyntheticDrive(SIZE, frames=60, seed=5, fps=10).truth())


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, drive: list[SyntheticFrame]) -> Path:
    """A tagged drive, iconic images of the same street, and random weights; no label is written anywhere."""
    root = tmp_path_factory.mktemp("data")
    (root / "street").mkdir()
    for item in drive:
        cv2.imwrite(str(root / "street" / f"{item.frame.name}.png"), item.frame.image)
    tags = {"street": [{"start": 0.0, "end": 6.0, "tags": [*CLASSES, "fence", "car", "pole", "sign", "pedestrian"]}]}
    (root / "tags.yaml").write_text(yaml.safe_dump(tags))
    make_iconic(root / "iconic")
    random_mobilenet(root / "weights.safetensors")
    content = {
        "name": "small",
        "working_size": list(SIZE),
        "window": {"length": 3, "lookahead": 0},
        "data": {
            "root": str(root),
            "weights": "weights.safetensors",
            "drives": [{"tags": "tags.yaml", "step": 2, "fps": 10}],
        },
        "heatmaps": {
            "foreground": {},
            "scales": [4.0],
            "clusters": 40,
            "iconic": {"folder": "iconic", "classes": {name: name for name in CLASSES}, "views": 1},
        },
        "optimiser": {"steps": 120, "batch_size": 4, "lr": 1e-3, "head_lr": 3e-3, "frozen_blocks": 2},
        "losses": {"tag": 0.1, "area_power": 1.0},
        "augmentation": {"crop": [128, 96], "scale": [0.8, 1.1], "jitter": 0.1},
    }
    path = root / "small.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def make_iconic(folder: Path) -> None:
    """Squares that show one class only, cut from another drive along the street."""
    labels_of = {"sky": 0, "building": 1, "road": 3, "sidewalk": 4, "vegetation": 5}
    for item in list(SyntheticDrive((640, 480), frames=16, seed=5, fps=2).truth())[::2]:
        for name, label in labels_of.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            inside = cv2.erode((item.labels == label).astype(np.uint8), np.ones((25, 25), np.uint8), borderValue=0)
            places = np.argwhere(inside)
            for number, (y, x) in enumerate(places[:: max(1, len(places) // 4)]):
                crop = item.frame.image[y - 12 : y + 12, x - 12 : x + 12]
                cv2.imwrite(str(folder / name / f"{item.frame.name}_{number}.png"), crop)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, config: Path) -> Path:
    """The trained work directory."""
    folder = tmp_path_factory.mktemp("work")
    assert fit.main([str(config), "--work", str(folder)]) == 0
    return folder


def test_learns_the_street_from_its_tags(work: Path, drive: list[SyntheticFrame], tmp_path: Path) -> None:
    assert export.main([str(work), "-o", str(tmp_path / "bundle")]) == 0
    bundle = ModelBundle.load(tmp_path / "bundle")
    matrix = ConfusionMatrix(bundle.labels)
    with VideoSegmenter(bundle) as segmenter:
        for item in drive:
            (found,) = segmenter.push(item.frame)
            matrix.update(found.labels, item.labels)
    learnt = np.mean([matrix.per_class[name] or 0.0 for name in CLASSES])
    assert learnt > 0.35, matrix.per_class  # one class everywhere gives less than 0.1
    assert matrix.global_accuracy is not None
    assert matrix.global_accuracy > 0.6


def test_export_writes_what_was_trained_and_measured(work: Path, tmp_path: Path) -> None:
    figures = {"miou": 0.5, "class_accuracy": 0.6, "global_accuracy": 0.7, "per_class": {"sky": 0.5, "car": None}}
    (tmp_path / "m.json").write_text(json.dumps(figures))
    arguments = ["--metrics", str(tmp_path / "m.json"), "--measured-on", "the street"]
    assert export.main([str(work), "-o", str(tmp_path / "bundle"), *arguments]) == 0
    bundle = ModelBundle.load(tmp_path / "bundle")
    assert (bundle.window_length, bundle.working_size, bundle.metrics["miou"]) == (3, SIZE, 0.5)
    card = (tmp_path / "bundle" / "README.md").read_text()
    assert "| mIoU | 50.0 |" in card
    assert "| car | no such pixels |" in card


def test_caches_are_taken_and_training_resumes(
    work: Path, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    masks = {path: path.stat().st_mtime_ns for path in work.glob("masks/*/*/*.npy")}
    assert len(masks) == 30
    last = str(work / "checkpoints" / "last.ckpt")
    arguments = [str(config), "optimiser.steps=122", "--work", str(work), "--resume", last]
    assert fit.main(arguments) == 0
    assert "trained 122 steps" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in work.glob("masks/*/*/*.npy")} == masks


def test_a_teacher_labels_the_frames_for_the_network(config: Path, tmp_path: Path) -> None:
    settings = [str(config), "self_training.rounds=2", "self_training.scales=[1.0]", "optimiser.steps=4"]
    assert fit.main([*settings, "--work", str(tmp_path)]) == 0
    teachers = sorted(path.parents[1].name for path in tmp_path.glob("teachers/*/checkpoints/last.ckpt"))
    labels = {path.name: sorted(path.rglob("*.npy")) for path in (tmp_path / "pseudo_labels").iterdir()}
    (masks,) = (path.name for path in (tmp_path / "masks").iterdir())
    assert len(teachers) == len(labels) == 2
    assert teachers[0] == f"0-{masks}"  # the first learns from the heatmaps, the second from the first
    assert teachers[1].removeprefix("1-") in labels
    for frames in labels.values():
        assert len(frames) == 30
        assert np.load(frames[0]).shape == (15, 20)
        assert {int(k) for path in frames for k in np.unique(np.load(path))} <= {*range(11), 255} - {10}  # no cyclist

    before = {path: path.stat().st_mtime_ns for path in [*tmp_path.glob("teachers/*/checkpoints/*"), *frames]}
    assert fit.main([*settings, "--work", str(tmp_path)]) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_an_interrupted_teacher_goes_on_where_it_was(config: Path, tmp_path: Path) -> None:
    settings = [str(config), "self_training.rounds=1", "self_training.scales=[1.0]"]
    assert fit.main([*settings, "optimiser.steps=3", "--work", str(tmp_path)]) == 0
    (teacher,) = (tmp_path / "teachers").iterdir()
    assert fit.main([*settings, "optimiser.steps=5", "--work", str(tmp_path)]) == 0
    assert [path.name for path in (tmp_path / "teachers").iterdir()] == [teacher.name]
    assert fit._steps_of(teacher / "checkpoints" / "last.ckpt") == 5
    assert len(list((tmp_path / "pseudo_labels").iterdir())) == 2  # each state of the teacher has labels of its own


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("data.weights=none.pt", "none.pt: no such weights file"),
        ("heatmaps.iconic.folder=none", "none/building: no readable images of iconic class 'building'"),
        ("data.drives=[]", "names no data"),
        ("data.drives=[{tags: none.yaml}]", "none.yaml: cannot be read"),
        ("labels=cityscapes19", "label set cityscapes19"),
    ],
)
def test_data_errors_name_the_file(
    config: Path, tmp_path: Path, override: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit.main([str(config), override, "--work", str(tmp_path)]) == 2
    assert says in capsys.readouterr().err


def test_a_checkpoint_that_is_none(
    work: Path, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.ckpt").write_bytes(b"nothing")
    assert fit.main([str(config), "--work", str(work), "--resume", str(tmp_path / "bad.ckpt")]) == 2
    assert "bad.ckpt: not a checkpoint to resume from" in capsys.readouterr().err
    assert export.main([str(work), "-o", str(tmp_path / "b"), "--checkpoint", str(tmp_path / "bad.ckpt")]) == 2
    assert "bad.ckpt: not a checkpoint" in capsys.readouterr().err


def test_vgg16_learns_by_the_same_path(config: Path, tmp_path: Path) -> None:
    """The papers' backbone: its own weights, the heatmaps from the light classifier; two small steps."""
    vgg = random_vgg16(tmp_path / "vgg16.pt")
    settings = ["backbone=vgg16", f"data.weights={vgg}", "heatmaps.weights=weights.safetensors", "optimiser.steps=2"]
    settings += ["optimiser.batch_size=1", "augmentation.crop=[64, 64]", "working_size=[96, 72]"]
    assert fit.main([str(config), *settings, "--work", str(tmp_path)]) == 0
    assert (tmp_path / "checkpoints" / "last.ckpt").stat().st_size > 50e6
