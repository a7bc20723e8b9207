from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wsvs_ros.perception.labels import LabelClass, LabelSet, LabelSetError

CAMVID = "sky building pole road sidewalk vegetation sign fence car pedestrian cyclist"


def test_camvid_ids_are_those_of_the_label_images() -> None:
    labels = LabelSet.load("camvid11")
    assert labels.names == tuple(CAMVID.split())
    assert labels.vehicle_ids == (8,)
    assert labels.id_of("road") == 3


def test_cityscapes_has_nineteen_train_ids() -> None:
    labels = LabelSet.load("cityscapes19")
    assert len(labels) == 19
    assert (labels.id_of("road"), labels.id_of("car"), labels.id_of("bicycle")) == (0, 13, 18)


def test_palette_is_black_where_there_is_no_class() -> None:
    labels = LabelSet("two", (LabelClass("a", (1, 2, 3)), LabelClass("b", (4, 5, 6))))
    assert labels.colors.shape == (256, 3)
    assert labels.colors.dtype == np.uint8
    assert labels.colors[1].tolist() == [4, 5, 6]
    assert not labels.colors[2:].any()


@pytest.mark.parametrize("name", ["camvid11", "cityscapes19", "coco81", "voc21", "youtube_objects10"])
def test_a_set_survives_its_dictionary(name: str) -> None:
    labels = LabelSet.load(name)
    assert LabelSet.from_dict(labels.to_dict()) == labels


def test_a_set_of_ones_own_is_loaded_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nclasses:\n  - {name: tram, color: [9, 8, 7], vehicle: true}\n")
    labels = LabelSet.load(path)
    assert labels == LabelSet("mine", (LabelClass("tram", (9, 8, 7), True),))


def test_an_unknown_class_names_those_there_are() -> None:
    with pytest.raises(LabelSetError, match="no class 'tree'; its classes are: sky, building"):
        LabelSet.load("camvid11").id_of("tree")


def test_an_unknown_set_names_those_there_are() -> None:
    with pytest.raises(LabelSetError, match=r"coco: neither .* \(camvid11, cityscapes19, .*voc21.*\) nor a file"):
        LabelSet.load("coco")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "got nothing, expected a mapping"),
        ("[", "not a YAML file"),
        ("name: a", "missing key classes"),
        ("name: a\nclasses: []", "0 classes, expected 1 to 255"),
        ("name: a\nclasses: 3", "classes: got 3, expected a list"),
        ("name: 4\nclasses: [{name: x, color: [0, 0, 0]}]", "name: got 4, expected a text"),
        ("name: a\nclasses: [{name: x}]", r"classes\[0\]: missing key color"),
        (
            "name: a\nclasses: [{name: x, color: [0, 0, 256]}]",
            r"color: got \[0, 0, 256\], expected",
        ),
        (
            "name: a\nclasses: [{name: x, color: [0, 0, 0], vehicle: 1}]",
            "vehicle: got 1, expected true",
        ),
        ("name: a\nclasses: [{name: x, color: [0, 0, 0], id: 1}]", "unknown key id"),
        (
            "name: a\nclasses: [{name: x, color: [0, 0, 0]}, {name: x, color: [0, 0, 0]}]",
            "x occurs",
        ),
    ],
)
def test_a_malformed_file_is_refused_with_its_name_and_key(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(LabelSetError, match=message) as caught:
        LabelSet.load(path)
    assert str(path) in str(caught.value)
