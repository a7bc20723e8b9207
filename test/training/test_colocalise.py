"""CorLoc by the command, on real clips with known masks and on a miniature of YouTube-Objects."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("lightning", reason="training needs lightning: pip install 'wsvs_ros[train]'")
pytest.importorskip("maxflow", reason="graph cuts need PyMaxflow: pip install 'wsvs_ros[train]'")
pytest.importorskip("skimage", reason="superpixels need scikit-image: pip install 'wsvs_ros[crf]'")
pytest.importorskip("scipy", reason="boxes are read by scipy: pip install 'wsvs_ros[train]'")

import dataset_miniatures as mini

from training import colocalise
from wsvs_ros.perception.bundle import default_bundle_path


def test_cars_are_found_in_a_real_clip(shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    clip = shared_data / "labelled_video" / "davis_car-shadow"
    for part, suffix in (("images", ".jpg"), ("masks", ".png")):
        (tmp_path / part).mkdir()
        for number in (8, 10, 12):
            shutil.copy(clip / part / f"{number:05d}{suffix}", tmp_path / part)
    (tmp_path / "masks" / "00010.png").unlink()  # not every frame has to have a mask
    arguments = ["--drive", str(tmp_path / "images"), "--masks", str(tmp_path / "masks"), "--class", "car"]
    assert colocalise.main([*arguments, "--json", str(tmp_path / "figures.json")]) == 0
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["car"]["frames"] == 2
    assert figures["car"]["corloc"] == 1
    assert "| graph cut | 100.0 | 100.0 |" in capsys.readouterr().out


@pytest.mark.parametrize(("found", "located"), [((12, 12, 40, 48), 1), ((60, 12, 90, 50), 0), (None, 0)])
def test_youtube_objects_beside_the_papers_row(
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    found: tuple[int, ...] | None,
    located: int,
) -> None:
    """The miniature's only box is that of (10, 12) to (40, 50)."""
    monkeypatch.setattr(colocalise, "locate_object", lambda *_: found)
    root = mini.youtube_objects(tmp_path / "data")
    arguments = [str(default_bundle_path()), str(root), "--part", "Test", "--class", "car"]
    assert colocalise.main([*arguments, "--json", str(tmp_path / "figures.json")]) == 0
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["car"]["frames"] == 1
    assert figures["car"]["corloc"] == located
    assert "| M-CNN (MC table 4) | 68.8 | 68.8 |" in capsys.readouterr().out


def test_the_mean_over_classes_is_the_papers() -> None:
    figures = {name: {"corloc": 0.5, "network": 0.25, "frames": 4} for name in colocalise.PUBLISHED}
    text = colocalise.table(figures, colocalise.PUBLISHED)
    assert "| 52.6 | 72.0 |" in text
    assert "| 50.0 | 50.0 |" in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--class", "zebra"], "no class 'zebra'"),
        (["--class", "car", "--masks", "{empty}"], "no mask with an object is named as a frame"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, arguments: list[str], told: str, capsys: pytest.CaptureFixture) -> None:
    for folder in ("images", "masks", "empty"):
        (tmp_path / folder).mkdir()
    cv2.imwrite(str(tmp_path / "images" / "00000.png"), np.full((90, 120, 3), 90, np.uint8))
    given = ["--drive", str(tmp_path / "images"), "--masks", str(tmp_path / "masks")]
    arguments = [each.format(empty=tmp_path / "empty") for each in arguments]
    assert colocalise.main([*given, *arguments]) == 2
    assert told in capsys.readouterr().err


def test_a_drive_needs_its_masks(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        colocalise.main(["--drive", "somewhere"])
    assert "--drive needs --masks and --class" in capsys.readouterr().err
