"""Readers of public datasets, on miniatures in the formats that they have on disk."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("pycocotools", reason="training needs pycocotools: pip install 'wsvs_ros[train]'")
pytest.importorskip("pydantic", reason="training needs pydantic: pip install 'wsvs_ros[train]'")

import dataset_miniatures as mini

from training.caches import Contents
from training.datasets.cityscapes import LABEL_IDS, write_submission
from training.datasets.dataset import lookup
from training.datasets.dataset_samples import dataset_samples
from training.datasets.errors import DatasetError
from training.datasets.numbered_frames import NumberedFrames, evenly
from training.datasets.registry import open_dataset
from training.datasets.sample import Sample
from training.datasets.tag_file import write_tags
from training.datasets.youtube_objects import CLASSES, YouTubeObjects
from wsvs_ros.perception import FlowSettings, LabelSet, create_flow

MINIATURES: dict[str, tuple[Callable[[Path], Path], str, list[str]]] = {
    "camvid": (mini.camvid_segnet, "train", ["train"]),
    "cityscapes": (mini.cityscapes, "train", ["leftImg8bit/train", "leftImg8bit"]),
    "voc": (mini.voc, "train", ["JPEGImages", "ImageSets/Segmentation/train.txt"]),
    "coco": (mini.coco, "val2014", ["val2014"]),
    "youtube_objects": (mini.youtube_objects, "train", ["Ranges/ranges_dog.mat", "horse", "cat/00000008.jpg"]),
    "imagenet_vid": (mini.imagenet_vid, "train", ["Data/VID/train"]),
}


def names_in(dataset, labels: np.ndarray) -> set[str]:
    names = LabelSet.load(dataset.labels).names
    return {names[index] for index in np.unique(labels) if index != 255}


@pytest.mark.parametrize("name", MINIATURES)
def test_what_is_missing_is_named_with_its_place(tmp_path: Path, name: str) -> None:
    make, split, needed = MINIATURES[name]
    root = make(tmp_path / "data")
    assert open_dataset(name, root, split).items()
    for part in needed:
        away = tmp_path / "away"
        shutil.move(root / part, away)
        with pytest.raises(DatasetError, match=rf"{name}: .*{part}.* is missing below {root}; .*datasets/{name}\.py"):
            open_dataset(name, root, split).items()
        shutil.move(away, root / part)
    with pytest.raises(DatasetError, match=f"{name}: {tmp_path}/nowhere is missing; get it from .*http"):
        open_dataset(name, tmp_path / "nowhere", split)
    with pytest.raises(DatasetError):
        open_dataset(name, root, "holiday")


def test_an_unknown_dataset_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="'mars': there are camvid, cityscapes, youtube_objects, voc, coco"):
        open_dataset("mars", tmp_path, "train")


@pytest.mark.parametrize("make", [mini.camvid_segnet, mini.camvid_original])
def test_both_layouts_of_camvid_hold_the_same_labels(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    dataset = open_dataset("camvid", make(tmp_path), "train")
    truths = [load() for _, load in dataset.truths()]
    for truth, still in zip(truths, (5, 9), strict=True):
        expected = mini.street()[still].labels.copy()
        expected[:4, :4] = 255
        np.testing.assert_array_equal(truth, expected)
    assert [item.video for item in dataset.items()] == [None, None]


def test_a_still_of_camvid_has_its_sequence_around_it(tmp_path: Path) -> None:
    root = mini.camvid_original(tmp_path)
    mini.sequence(root / "sequences" / "0006R0", "0006R0_f{:05d}.png", 930)
    items = open_dataset("camvid", root, "train").items()
    assert [item.key for item in items] == ["0006R0_f00935", "0006R0_f00939"]
    names = [path.name for path in items[0].video.around(items[0].number, length=3, lookahead=1)]
    assert names == [f"0006R0_f{number:05d}.png" for number in (933, 934, 935, 936)]

    shutil.rmtree(root / "sequences")
    mini.sequence(root / "sequences" / "0006R0", "0006R0_f{:05d}.png", 928)  # extracted two frames too early
    with pytest.raises(DatasetError, match="frame 933 shows the picture of the still .*the numbers are off by -2"):
        open_dataset("camvid", root, "train").items()
    shutil.rmtree(root / "sequences")
    mini.sequence(root / "sequences" / "0006R0", "frame{:05d}.png", 930)
    with pytest.raises(DatasetError, match="no frame is named as the still 0006R0_f00935"):
        open_dataset("camvid", root, "train").items()


def test_real_frames_in_segnets_layout(tmp_path: Path, shared_data: Path) -> None:
    (tmp_path / "val").symlink_to(shared_data / "camvid" / "val" / "images")
    (tmp_path / "valannot").symlink_to(shared_data / "camvid" / "val" / "labels")
    dataset = open_dataset("camvid", tmp_path, "val")
    assert len(dataset.items()) == 101
    truths = {item.unit: load for item, load in dataset.truths()}
    truth = truths["0016E5_07959"]()
    assert truth.shape == (360, 480)
    assert {"sky", "road", "building"} <= names_in(dataset, truth)
    assert set(np.unique(truth)) <= {*range(11), 255}


def test_cityscapes_labels_are_train_ids_and_go_back(tmp_path: Path) -> None:
    dataset = open_dataset("cityscapes", mini.cityscapes(tmp_path), "val")
    items = dataset.items()
    assert [item.unit for item in items] == ["aachen_000001_000019", "bad-honnef_000001_000294"]
    item, load = next(iter(dataset.truths()))
    truth = load()
    assert (truth[:4, :4] == 255).all()
    street = mini.street()[8].labels
    cityscapes = LabelSet.load("cityscapes19")
    assert (truth[6:][street[6:] == 3] == cityscapes.id_of("road")).all()
    assert (truth[6:][street[6:] == 8] == cityscapes.id_of("car")).all()

    path = write_submission(tmp_path, item, truth)
    assert path.name == "aachen_000001_000019_labelIds.png"  # <city>_123456_123456*.png
    written = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    original = cv2.imread(str(next(tmp_path.glob("gtFine/val/aachen/*.png"))), cv2.IMREAD_UNCHANGED)
    original[original == 1] = 0
    np.testing.assert_array_equal(written, original)
    assert len(LABEL_IDS) == 19
    with pytest.raises(DatasetError, match="not a map of the train ids 0 to 18"):
        write_submission(tmp_path, item, np.full((4, 4), 26, np.uint8))


def test_the_labels_of_cityscapes_test_are_not_public(tmp_path: Path) -> None:
    dataset = open_dataset("cityscapes", mini.cityscapes(tmp_path, ("test",), labels=False), "test")
    with pytest.raises(DatasetError, match="labels of test are not public"):
        next(iter(dataset.truths()))


def test_voc_reads_palette_images_and_sbds_matrices(tmp_path: Path) -> None:
    root = mini.voc(tmp_path)
    dataset = open_dataset("voc", root, "trainaug")
    truths = {item.unit: load() for item, load in dataset.truths()}
    assert {unit: names_in(dataset, truth) for unit, truth in truths.items()} == {
        "2007_000032": {"background", "aeroplane"},
        "2007_000039": {"background", "tvmonitor"},
        "2008_000002": {"background", "aeroplane"},
    }
    assert (truths["2007_000032"] == 255).sum() == 40
    assert (truths["2008_000002"] == 1).sum() == 1200
    assert len(open_dataset("voc", tmp_path, "train").items()) == 2
    mini.image(tmp_path / "SegmentationClass" / "2007_000032.png", np.zeros((4, 4, 3), np.uint8))
    (tmp_path / "sbd" / "cls" / "2008_000002.mat").write_bytes(b"no matrix")
    (root / "SegmentationClass" / "2007_000039.png").write_bytes(b"no picture")
    says = ("2007_000032.png: RGB picture", "2007_000039.png: not a readable", "2008_000002.mat: not a MATLAB file")
    for (_, load), what in zip(dataset.truths(), says, strict=True):
        with pytest.raises(DatasetError, match=what):
            load()
    with pytest.raises(DatasetError, match="ROOT is the folder VOC2012"):
        (tmp_path / "above" / "VOCdevkit").mkdir(parents=True)
        open_dataset("voc", tmp_path / "above", "train")


def test_the_smallest_object_of_coco_wins(tmp_path: Path) -> None:
    dataset = open_dataset("coco", mini.coco(tmp_path), "val2014")
    (_, first), (_, second) = dataset.truths()
    labels = LabelSet.load("coco81")
    truth = first()
    assert truth[35, 35] == labels.id_of("fork")
    assert truth[35, 60] == labels.id_of("dining table")
    assert truth[5, 5] == labels.id_of("background")
    assert not second().any()
    assert dict(dataset.annotated_classes()) == {
        "COCO_val2014_000000000009": ["background", "dining table", "fork"],
        "COCO_val2014_000000000025": ["background"],
    }


def test_shots_boxes_and_pixels_of_youtube_objects(tmp_path: Path) -> None:
    root = mini.youtube_objects(tmp_path)
    dataset = YouTubeObjects(root, "train", per_shot=2)
    items = dataset.items()
    assert len(items) == 10 * 2 * 2
    assert [item.key for item in items[:4]] == [
        "aeroplane/0003/0001/00000002",
        "aeroplane/0003/0001/00000006",
        "aeroplane/0003/0002/00000009",
        "aeroplane/0003/0002/00000013",
    ]
    window = items[2].video.around(9, length=4, lookahead=0)
    assert [path.stem for path in window] == ["00000008", "00000009"]  # the shot begins at 8
    np.testing.assert_array_equal(dataset.boxes("car", "Test")[4], [[10, 12, 40, 50]])
    assert dict(dataset.annotated_classes())["dog/0003/0002"] == ["background", "dog"]
    assert len(dict(dataset.annotated_classes())) == 2 * len(CLASSES)

    with pytest.raises(DatasetError, match="to evaluate on; learn from train"):
        YouTubeObjects(root, "test").items()
    ((item, load),) = YouTubeObjects(root, "test").truths()
    assert item.image == root / "v1/car/data/0002/shots/011/frame0003.jpg"
    assert len(item.video) == mini.FRAMES
    truth = load()
    car = LabelSet.load("youtube_objects10").id_of("car")
    assert set(np.unique(truth)) == {0, car}
    assert abs(int((truth == car).sum()) - 1200) < 150  # a JPEG's edges


def test_snippets_of_imagenet_vid(tmp_path: Path) -> None:
    dataset = open_dataset("imagenet_vid", mini.imagenet_vid(tmp_path), "train", per_shot=3)
    assert [item.number for item in dataset.items()[:3]] == [2, 7, 11]
    unit = "ILSVRC2015_VID_train_0000/ILSVRC2015_train_00000000"
    assert dict(dataset.annotated_classes()) == {unit: ["background", "car", "dog"]}


def test_a_snippets_flow_is_the_flow_between_its_frames(tmp_path: Path) -> None:
    """Frames 16 to 20 of the snippet around the annotated one, for L = 3 and one field of future."""
    root = mini.cityscapes(tmp_path / "data", ("train",), labels=False)
    write_tags(tmp_path / "tags.json", {"aachen_000001_000019": ["road", "sky"]}, {"from": "people"})
    settings = FlowSettings("dis", "balanced")
    samples = dataset_samples(
        open_dataset("cityscapes", root, "train"),
        tmp_path / "tags.json",
        LabelSet.load("cityscapes19"),
        cache=tmp_path / "cache",
        contents=Contents(tmp_path / "contents.json"),
        size=mini.SIZE,
        flow=settings,
        window=(3, 1),
    )
    (sample,) = samples  # the other city has no tags
    assert sample.key == "cityscapes-train/aachen_000001_000019"
    assert {LabelSet.load("cityscapes19").names[index] for index in np.flatnonzero(sample.tags)} == {"road", "sky"}
    np.testing.assert_array_equal(sample.load_image(), mini.street()[8].frame.image[:, :, ::-1])
    grays = [cv2.cvtColor(item.frame.image, cv2.COLOR_BGR2GRAY) for item in mini.street()]
    compute = create_flow(settings)
    stack = sample.load_flow().reshape(3, 2, 72, 96)
    for place, later in enumerate((7, 8, 9)):
        np.testing.assert_allclose(stack[place], compute(grays[later - 1], grays[later]), atol=0.03)
        assert np.abs(stack[place]).max() > 0.5


def test_a_frame_that_was_replaced_has_other_flow(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = mini.cityscapes(tmp_path / "data", ("train",), labels=False)
    units = ["aachen_000001_000019", "bad-honnef_000001_000294"]
    write_tags(tmp_path / "tags.json", {unit: ["road", "sky"] for unit in units}, {"from": "people"})

    def samples(**settings: bool) -> list[Sample]:
        with Contents(tmp_path / "contents.json") as contents:
            return dataset_samples(
                open_dataset("cityscapes", root, "train"),
                tmp_path / "tags.json",
                LabelSet.load("cityscapes19"),
                cache=tmp_path / "cache",
                contents=contents,
                size=mini.SIZE,
                flow=FlowSettings("dis", "ultrafast"),
                window=(3, 1),
                **settings,
            )

    before = samples()
    (previous,) = root.rglob("aachen_000001_000018_leftImg8bit.png")
    cv2.imwrite(str(previous), 255 - cv2.imread(str(previous)))
    caplog.set_level(logging.INFO)
    after = samples(shots=True)
    assert "1 of 2 taken; 1 to make: changed: frames" in caplog.text
    assert [one.flow_content == other.flow_content for one, other in zip(before, after, strict=True)] == [False, True]
    assert not np.array_equal(before[0].load_flow(), after[0].load_flow())
    assert all(sample.shot is not None and sample.shot.content for sample in after)


def test_tags_without_a_frame_and_frames_that_are_gone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = mini.voc(tmp_path / "data")
    dataset = open_dataset("voc", root, "train")
    settings = {"cache": tmp_path / "cache", "size": mini.SIZE, "flow": FlowSettings(), "window": (3, 0)}
    settings["contents"] = Contents(tmp_path / "contents.json")
    labels = LabelSet.load("voc21")
    write_tags(tmp_path / "a.json", {"2007_000032": ["cat"], "2012_000001": ["cat"]}, {})
    with pytest.raises(DatasetError, match=r"2012_000001: voc train has no such .*\(1 of 2 names\).*like 2007_000032"):
        dataset_samples(dataset, tmp_path / "a.json", labels, **settings)
    write_tags(tmp_path / "b.json", {"2007_000032.jpg": ["cat"], "2007_000039": ["dog"]}, {})
    (root / "JPEGImages" / "2007_000032.jpg").unlink()
    with pytest.raises(DatasetError, match=r"2007_000032\.jpg: missing; restore it or take 2007_000032 out of"):
        dataset_samples(dataset, tmp_path / "b.json", labels, **settings)
    (sample,) = dataset_samples(dataset, tmp_path / "b.json", labels, on_error="skip", **settings)
    assert sample.load_flow is None
    assert "left out: " in caplog.text


def test_helpers() -> None:
    assert evenly(3, 6, 9) == [3, 4, 5, 6]
    assert evenly(0, 99, 4) == [12, 37, 62, 87]
    video = NumberedFrames(Path("v"), "{:03d}.jpg", 1, 5)
    assert [path.name for path in video.around(5, length=2, lookahead=1)] == ["004.jpg", "005.jpg"]
    with pytest.raises(DatasetError, match=r"006\.jpg: missing; .*the frames there go from 1 to 5"):
        video.around(6, length=2, lookahead=1)
    table = lookup(LabelSet.load("voc21"), LabelSet.load("youtube_objects10"))
    voc, part = LabelSet.load("voc21"), LabelSet.load("youtube_objects10")
    assert table[voc.id_of("motorbike")] == part.id_of("motorbike")
    assert table[voc.id_of("sofa")] == part.id_of("background")
    assert table[255] == 255
    assert lookup(LabelSet.load("cityscapes19"), LabelSet.load("camvid11"))[13] == 8  # car
    assert lookup(LabelSet.load("cityscapes19"), LabelSet.load("camvid11"))[14] == 255  # truck
