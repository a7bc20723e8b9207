"""Public datasets on the way from annotations to tags, to a trained network, to figures and a submission."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

pytest.importorskip("lightning", reason="training needs lightning: pip install 'wsvs_ros[train]'")
pytest.importorskip("pycocotools", reason="training needs pycocotools: pip install 'wsvs_ros[train]'")

import dataset_miniatures as mini
from hypothesis import given
from hypothesis import strategies as st
from random_weights import random_mobilenet
from support import make_tiny_bundle

from training import ablate, evaluate, fit, submit, tags
from training.config import ConfigError
from training.datasets.cityscapes import Cityscapes
from training.datasets.errors import DatasetError
from training.datasets.registry import open_dataset
from training.datasets.tag_file import read_tags
from training.running import evaluation
from wsvs_ros.drives.tags import TagError
from wsvs_ros.evaluation.metrics import ConfusionMatrix
from wsvs_ros.perception import Frame, LabelSet, ModelBundle, VideoSegmenter
from wsvs_ros.perception.bundle import default_bundle_path

CITY = LabelSet.load("cityscapes19")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything below one data.root: miniatures, weights, a tag file and a configuration."""
    root = tmp_path_factory.mktemp("data")
    mini.cityscapes(root / "cityscapes", ("train", "val", "test"))
    assert tags.main(["cityscapes", str(root / "cityscapes"), "-o", str(root / "tags.json")]) == 0
    shutil.rmtree(root / "cityscapes" / "gtFine" / "train")  # training does without
    random_mobilenet(root / "weights.safetensors")
    content = {
        "name": "small",
        "labels": "cityscapes19",
        "working_size": list(mini.SIZE),
        "window": {"length": 3, "lookahead": 1},
        "data": {
            "root": str(root),
            "weights": "weights.safetensors",
            "datasets": [{"name": "cityscapes", "root": "cityscapes", "tags": "tags.json"}],
        },
        "heatmaps": {"scales": [4.0], "clusters": 10, "foreground": {"car": [817], "bus": [779]}},
        "optimiser": {"steps": 3, "batch_size": 2},
        "augmentation": {"crop": [64, 48]},
        "runtime": {"workers": 0},
    }
    (root / "small.yaml").write_text(yaml.safe_dump(content))
    return root


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """The work directory of that configuration's training."""
    folder = tmp_path_factory.mktemp("work")
    assert fit.main([str(data / "small.yaml"), "--work", str(folder)]) == 0
    return folder


def test_derived_tags_say_what_they_are_from(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = json.loads((data / "tags.json").read_text())
    assert content["derived"]["dataset"] == "cityscapes"
    assert content["derived"]["split"] == "train"
    assert content["derived"]["root"] == str((data / "cityscapes").resolve())
    assert "gtFine" in content["derived"]["from"]
    assert content["derived"]["at"].startswith("20")
    shown = content["tags"]["aachen_000001_000019"]
    expected = {mini.LABEL_IDS[label] for label in np.unique(mini.street()[8].labels[4:])}
    assert {"road", "sky", "building", "car"} <= set(shown)
    assert len(shown) == len(expected)
    assert tags.main(["cityscapes", str(data / "cityscapes"), "--split", "val", "-o", str(data / "tags.json")]) == 2
    assert "tags.json: exists; tags are derived once" in capsys.readouterr().err
    assert tags.main(["cityscapes", str(data / "cityscapes"), "-o", str(tmp_path / "t.json")]) == 2
    assert "gtFine/train is missing below" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_tags_of_some_classes_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """MC 4.1: images that show other classes only are left out."""
    root, path = mini.voc(tmp_path / "voc"), tmp_path / "tags.json"
    command = ["voc", str(root), "--split", "trainaug", "-o", str(path), "--only"]
    assert tags.main([*command, "aeroplane", "bird"]) == 0
    known = read_tags(path, LabelSet.load("youtube_objects10"))
    assert known == dict.fromkeys(("2007_000032", "2008_000002"), frozenset({"background", "aeroplane"}))
    assert tags.main([*command, "spaceship"]) == 2
    assert "no class spaceship; there are background, aeroplane" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a.png": ["sky"], "a.jpg": ["sky"]}', "a occurs twice"),
        ('{"a": ["sky"], "a": ["road"]}', "a occurs twice"),
        ('{"a": ["tree"]}', "a: unknown class 'tree'; label set cityscapes19 has road"),
        ('{"a": "sky"}', "a: a list of class names is needed, got 'sky'"),
        ("[1]", "a mapping of images or shots"),
        ("{}", "a mapping of images or shots"),
        ('{"derived": {}, "tags": {}}', "a mapping of images or shots"),
        ("a: [sky]", "not a JSON tag file"),
    ],
)
def test_mistakes_in_a_tag_file_are_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(TagError, match=rf"t\.json: .*{says}"):
        read_tags(tmp_path / "t.json", CITY)
    assert read_tags_of(tmp_path, '{"a.PNG": ["sky", "moon"]}', ignore=("moon",)) == {"a": {"sky"}}
    with pytest.raises(TagError, match=r"none\.json: cannot be read: .*training\.tags"):
        read_tags(tmp_path / "none.json", CITY)


def read_tags_of(folder: Path, text: str, ignore: tuple[str, ...]) -> dict[str, frozenset[str]]:
    (folder / "good.json").write_text(text)
    return read_tags(folder / "good.json", CITY, ignore=ignore)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON | st.dictionaries(st.text(), st.lists(st.sampled_from(["sky", "road"]))))
def test_a_tag_file_is_read_or_refused(content: object) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.json"
        path.write_text(json.dumps(content))
        try:
            found = read_tags(path, CITY)
        except TagError as error:
            assert str(path) in str(error)
        else:
            assert found
            assert set().union(*found.values()) <= set(CITY.names)


def test_training_needs_no_annotation(work: Path) -> None:
    assert (work / "checkpoints" / "last.ckpt").is_file()
    masks = sorted(path.stem for path in work.glob("masks/*/cityscapes-train/*.npy"))
    assert masks == ["aachen_000001_000019", "bad-honnef_000001_000294"]
    assert len(list(work.glob("drives/cityscapes-train/*/*.safetensors"))) == 2


def test_a_mistake_in_a_dataset_is_named(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    override = "data.datasets=[{name: mars, root: cityscapes, tags: tags.json}]"
    assert fit.main([str(data / "small.yaml"), override, "--work", str(tmp_path)]) == 2
    assert "dataset 'mars': there are camvid, cityscapes" in capsys.readouterr().err
    override = "data.datasets=[{name: cityscapes, root: cityscapes, split: val, tags: tags.json, step: 3}]"
    assert fit.main([str(data / "small.yaml"), override, "--work", str(tmp_path)]) == 2
    assert "data.datasets.0.step: Extra inputs are not permitted" in capsys.readouterr().err
    part = "{name: cityscapes, root: cityscapes, tags: tags.json}"
    assert fit.main([str(data / "small.yaml"), f"data.datasets=[{part}, {part}]", "--work", str(tmp_path)]) == 2
    assert "cityscapes train is given twice" in capsys.readouterr().err


def test_a_frame_missing_from_a_snippet_is_named(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = data / "cityscapes" / "leftImg8bit_sequence" / "val" / "aachen" / "aachen_000001_000018_leftImg8bit.png"
    gone.rename(tmp_path / gone.name)
    override = "data.datasets=[{name: cityscapes, root: cityscapes, split: val, tags: tags.json}]"
    assert fit.main([str(data / "small.yaml"), override, "--work", str(tmp_path / "work")]) == 2
    assert f"{gone}: missing; restore it, or do without flow by `motion: false`" in capsys.readouterr().err
    (tmp_path / gone.name).rename(gone)


@pytest.mark.parametrize("lookahead", [0, 2])
def test_frames_are_measured_in_the_video_around_them(tmp_path: Path, lookahead: int) -> None:
    """The figures are those of the whole video's segmentation, of which the labelled frame is picked."""
    bundle = make_tiny_bundle(tmp_path / "tiny", labels="cityscapes19", length=4, lookahead=lookahead)
    dataset = open_dataset("cityscapes", mini.cityscapes(tmp_path / "data", ("val",)), "val")
    expected = ConfusionMatrix(CITY)
    for item, load in dataset.truths():
        files = [item.video.path(item.number - 8 + index) for index in range(mini.FRAMES)]
        with VideoSegmenter(bundle) as segmenter:
            frames = [Frame(cv2.imread(str(path)), index * 10**8) for index, path in enumerate(files)]
            found = [each for frame in frames for each in segmenter.push(frame)] + segmenter.flush()
        assert len(found) == mini.FRAMES
        expected.update(found[8].labels, load())
    counts = evaluation.evaluate_dataset(bundle, dataset).counts
    np.testing.assert_array_equal(counts, expected.counts)
    still = evaluation.evaluate_dataset(bundle, dataset, motion=False).counts
    assert not np.array_equal(counts, still)


def test_a_video_that_ends_early_is_measured_too(tmp_path: Path) -> None:
    """The mask belongs to the shot's third frame; the window would begin before the shot."""
    root = mini.youtube_objects(tmp_path / "data")
    for path in sorted((root / "v1").rglob("*.jpg"))[3:]:
        path.unlink()  # and it would end behind it
    bundle = make_tiny_bundle(tmp_path / "tiny", labels="youtube_objects10", length=6, lookahead=2)
    matrix = evaluation.evaluate_dataset(bundle, open_dataset("youtube_objects", root, "test"))
    assert matrix.counts.sum() == 96 * 72


def test_other_classes_are_background_and_their_images_left_out(tmp_path: Path) -> None:
    """MC 4.1, on a model of ten of VOC's classes: of three images one shows a television only."""
    bundle = make_tiny_bundle(tmp_path / "tiny", labels="youtube_objects10", length=2)
    dataset = open_dataset("voc", mini.voc(tmp_path / "data"), "trainaug")
    counts = evaluation.evaluate_dataset(bundle, dataset).counts
    assert counts.sum() == 2 * 96 * 72 - 40  # less the border
    assert counts[1].sum() == 2 * 1200
    other = make_tiny_bundle(tmp_path / "other", labels="cityscapes19", length=2)
    with pytest.raises(DatasetError, match="no frame has labels of road"):
        evaluation.evaluate_dataset(other, open_dataset("camvid", empty_camvid(tmp_path / "c"), "train"))


def empty_camvid(root: Path) -> Path:
    mini.camvid_segnet(root)
    for path in root.glob("trainannot/*.png"):
        mini.image(path, np.full((72, 96), 11, np.uint8))
    return root


def test_labels_of_another_shape_are_refused(tmp_path: Path) -> None:
    root = mini.camvid_segnet(tmp_path / "data")
    mini.image(root / "trainannot" / "0016E5_07955.png", np.zeros((96, 72), np.uint8))
    bundle = make_tiny_bundle(tmp_path / "tiny", length=2)
    with pytest.raises(DatasetError, match=r"0016E5_07955\.png: 96x72 pixels, but its labels are 72x96"):
        evaluation.evaluate_dataset(bundle, open_dataset("camvid", root, "train"))


def test_the_command_measures_and_the_server_gets_label_ids(
    data: Path, work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    city = str(data / "cityscapes")
    assert evaluate.main([str(work), "--dataset", "cityscapes", city, "--json", str(tmp_path / "f.json")]) == 0
    figures = json.loads((tmp_path / "f.json").read_text())
    assert f"miou {100 * figures['miou']:.1f}" in capsys.readouterr().out
    assert set(figures["per_class"]) == set(CITY.names)

    assert submit.main([str(work), city, "-o", str(tmp_path / "results")]) == 0
    assert "2 label images" in capsys.readouterr().out
    written = sorted((tmp_path / "results").iterdir())
    assert [path.name.rsplit("_", 1)[0] for path in written] == ["aachen_000001_000019", "bad-honnef_000001_000294"]
    ids = np.unique(cv2.imread(str(written[0]), cv2.IMREAD_UNCHANGED))
    assert set(ids) <= {7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33}
    other = make_tiny_bundle(tmp_path / "tiny", length=2)
    with pytest.raises(DatasetError, match="knows camvid11; the server asks for cityscapes19"):
        submit.submit(other, Cityscapes(data / "cityscapes", "test"), tmp_path / "results")


def test_an_ablation_is_measured_on_a_dataset(
    data: Path, work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = {
        "title": "Cityscapes val, %",
        "base": str(data / "small.yaml"),
        "dataset": {"name": "cityscapes", "root": "cityscapes", "split": "val"},
        "variants": [
            {"name": "Tags", "overrides": ["losses.heatmap=0", "optimiser.steps=2"], "paper": {"miou": 8.4}},
        ],
    }
    path = tmp_path / "ablation_small.yaml"
    path.write_text(yaml.safe_dump(content))
    caches = tmp_path / "out" / "caches"
    caches.mkdir(parents=True)
    (caches / "drives").symlink_to(work / "drives")
    assert ablate.main([str(path), "--work", str(tmp_path / "out")]) == 0
    rows = (tmp_path / "out" / "table.md").read_text().splitlines()
    assert rows[-1].startswith("| *Tags, the paper* | 8.4 | - | - | - |")
    figures = json.loads((tmp_path / "out" / "figures.json").read_text())
    assert f"| Tags | {100 * figures['Tags'][0]['plain']['miou']:.1f} |" in rows[2]
    path.write_text(yaml.safe_dump({**content, "drive": "x", "labels": "y"}))
    with pytest.raises(ConfigError, match="either drive and labels or dataset"):
        ablate.load_ablation(path)


def test_real_frames_are_measured_as_a_drive_is(tmp_path: Path, shared_data: Path) -> None:
    """The shipped model on CamVid val, without motion: one by one and as a drive."""
    val = shared_data / "camvid" / "val"
    (tmp_path / "val").symlink_to(val / "images")
    (tmp_path / "valannot").symlink_to(val / "labels")
    bundle = ModelBundle.load(default_bundle_path())
    counts = evaluation.evaluate_dataset(bundle, open_dataset("camvid", tmp_path, "val")).counts
    expected = evaluation.evaluate_drive(bundle, val, val / "labels", motion=False).counts
    np.testing.assert_array_equal(counts, expected)
