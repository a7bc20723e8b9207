"""Heatmaps, their competition, agreement and masks."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wsvs_ros[train]'")

from training.config import load_config  # noqa: E402
from training.cues.heatmaps import Agreement, binary_masks, compete  # noqa: E402
from training.stages import build_heatmap_model  # noqa: E402

CONFIG = Path(__file__).resolve().parents[2] / "training" / "configs" / "light.yaml"


def test_compete_leaves_tagged_classes_only() -> None:
    heat = torch.tensor([[[0.9, 0.1]], [[0.9, 0.3]], [[0.8, 0.0]]])
    found = compete(heat, torch.tensor([True, True, False]))
    assert found[2].sum() == 0
    assert found[0, 0, 0] == found[1, 0, 0]
    assert found[:, 0, 0].sum() == pytest.approx(1.8 / 1.85)


def test_masks_exceed_a_fifth_of_the_maximum_and_are_disjoint() -> None:
    heat = torch.tensor([[[1.0, 0.5, 0.19, 0.21]], [[0.1, 0.6, 0.1, 0.1]], [[5.0, 5.0, 5.0, 5.0]]])
    masks = binary_masks(heat, torch.tensor([True, True, False]))
    assert masks[0, 0].tolist() == [True, False, False, True]
    assert masks[1, 0].tolist() == [False, True, False, False]
    assert not masks[2].any()
    assert masks.sum(0).max() <= 1


def test_masks_of_an_image_without_evidence_are_empty() -> None:
    assert not binary_masks(torch.zeros(3, 2, 2), torch.tensor([True, True, False])).any()


def test_agreement_lets_the_many_outvote_the_one() -> None:
    """Two kinds of surface; a third of one kind's cells are misjudged."""
    torch.manual_seed(0)
    centres = torch.randn(2, 32) * 4
    kind = torch.arange(400) % 2
    features = centres[kind] + torch.randn(400, 32)
    evidence = torch.nn.functional.one_hot(kind, 2).float() * 0.8 + 0.1
    wrong = (kind == 0) & (torch.rand(400) < 0.33)
    evidence[wrong] = evidence[wrong].flip(1)
    agreement = Agreement(features, clusters=2, seed=0, dimensions=8)
    grid = features.T.reshape(32, 20, 20)
    clusters = agreement.assign(grid)
    heat = evidence.T.reshape(2, 20, 20)
    agreement.vote([(clusters, heat)], 2)
    # the cell's own evidence counts by its root, the vote of its kind in full
    voted = agreement.apply(clusters, torch.ones_like(heat), torch.tensor([True, True]))
    assert (voted.argmax(0).flatten() == kind).all()


def test_real_classifiers_find_what_a_street_shows(shared_data: Path) -> None:
    """Houses on the left, trees on the right, a car in the middle: a frame that no classifier was trained on."""
    config = load_config(CONFIG, [f"data.root={shared_data}", "heatmaps.iconic.views=1"])
    model = build_heatmap_model(config)
    frame = next(iter(sorted((shared_data / "camvid" / "val" / "images").glob("*.jpg"))))
    heat, features = model(cv2.cvtColor(cv2.imread(str(frame)), cv2.COLOR_BGR2RGB))
    assert heat.shape == (11, 23, 30)
    assert features.shape == (1280, 23, 30)
    assert float(heat.min()) >= 0
    assert float(heat.max()) <= 1
    building, car, vegetation = heat[1], heat[8], heat[5]
    assert building[:11, :10].mean() > 2 * building[:11, 18:].mean()
    assert vegetation[:11, 18:].mean() > 2 * vegetation[:11, :10].mean()
    row, column = np.unravel_index(int(car.argmax()), car.shape)
    assert 8 <= row <= 14  # the cars drive in the middle of the picture
    assert column >= 8
