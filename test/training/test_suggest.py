"""Suggestions of the heatmaps' classifiers, for the page on which drives are tagged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("lightning", reason="training needs lightning: pip install 'wsvs_ros[train]'")

from small_training import CLASSES

from training import suggest
from wsvs_ros.perception import LabelSet
from wsvs_ros.tagging.seeking import FrameSource
from wsvs_ros.tagging.suggestions import FileSuggester


def test_the_streets_surfaces_are_suggested_in_a_file_that_the_page_reads(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drive, output = config.parent / "street", tmp_path / "suggestions.json"
    arguments = [str(config), str(drive), "-o", str(output), "--every", "0.9"]
    assert suggest.main(arguments) == 0
    found = json.loads(output.read_text())["drives"]["street"]
    assert found["times"] == [pytest.approx(time, abs=1e-3) for time in (0, 14 / 15, 28 / 15, 42 / 15, 56 / 15)]
    assert set(found["scores"]) == set(CLASSES)
    suggester = FileSuggester(output, LabelSet.load("camvid11"))
    source = FrameSource.__new__(FrameSource)  # a file's suggestions look at no frame
    scores = suggester.scores(source, str(drive), 0.0, 4.0)
    assert max(scores["sky"], scores["road"], scores["building"]) > 0.9
    assert all(0 <= score <= 1 for score in scores.values())

    before = output.read_text()
    assert suggest.main(arguments) == 2
    assert "exists and is not overwritten" in capsys.readouterr().err
    assert output.read_text() == before


def test_two_drives_of_one_name_are_refused(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drive = str(config.parent / "street")
    assert suggest.main([str(config), drive, drive, "-o", str(tmp_path / "s.json")]) == 2
    assert "two drives have the same name: street, street" in capsys.readouterr().err
