"""From one label set to another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wsvs_ros.evaluation.mapping import LabelMapping, MappingError


def test_built_in_mappings_go_there_and_back() -> None:
    there, back = LabelMapping.load("camvid11:cityscapes19"), LabelMapping.load("cityscapes19:camvid11")
    ids = np.arange(11, dtype=np.uint8)[None]
    assert np.array_equal(back(there(ids)), ids)
    city = np.array([[there.target.id_of("terrain"), there.target.id_of("truck"), 255]], np.uint8)
    assert back(city).tolist() == [[255, there.source.id_of("car"), 255]]


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(
        "name: two\nclasses: [{name: ground, color: [1, 1, 1]}, {name: rest, color: [2, 2, 2]}]"
    )
    classes = "".join(f"  {name}: rest\n" for name in LabelMapping.load("camvid11:cityscapes19").source.names[:-1])
    path = tmp_path / "map.yaml"
    path.write_text(f"from: camvid11\nto: two.yaml\nclasses:\n{classes}  cyclist: ground\n")
    assert LabelMapping.load(str(path))(np.array([[0, 10, 11]], np.uint8)).tolist() == [[1, 0, 255]]
    path.write_text(f"from: camvid11\nto: two.yaml\nclasses:\n{classes}")
    with pytest.raises(MappingError, match="cyclist of camvid11 is missing"):
        LabelMapping.load(str(path))
    path.write_text(f"from: camvid11\nto: two.yaml\nclasses:\n{classes}  cyclist: moon\n")
    with pytest.raises(MappingError, match="two has no class 'moon'; its classes are: ground, rest"):
        LabelMapping.load(str(path))


def test_an_unknown_name_names_the_known_ones() -> None:
    with pytest.raises(MappingError, match="camvid11:cityscapes19, cityscapes19:camvid11"):
        LabelMapping.load("mars:moon")
