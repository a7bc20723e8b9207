"""Heatmaps, their competition, agreement and masks."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wsvs_ros[train]'")

from small_training import take_caches  # noqa: E402

from training import flow, look  # noqa: E402
from training.config import load_config  # noqa: E402
from training.cues.heatmap import classifiers, evidence  # noqa: E402
from training.cues.heatmap.classifiers import build_heatmap_model  # noqa: E402
from training.cues.heatmap.heatmaps import (  # noqa: E402
    Clusters,
    HeatmapModel,
    agree,
    binary_masks,
    cluster_votes,
    compete,
    object_labels,
)
from training.running.stages import load_samples  # noqa: E402
from wsvs_ros.perception.labels import LabelSet  # noqa: E402

CONFIG = Path(__file__).resolve().parents[4] / "training" / "configs" / "light.yaml"


def test_compete_leaves_tagged_classes_only() -> None:
    heat = torch.tensor([[[0.9, 0.1]], [[0.9, 0.3]], [[0.8, 0.0]]])
    found = compete(heat, torch.tensor([True, True, False]))
    assert found[2].sum() == 0
    assert found[0, 0, 0] == found[1, 0, 0]
    assert found[:, 0, 0].sum() == pytest.approx(1.8 / 1.85)


def test_masks_exceed_a_fifth_of_the_maximum_and_are_disjoint() -> None:
    heat = torch.tensor([[[1.0, 0.5, 0.19, 0.21]], [[0.1, 0.6, 0.1, 0.1]], [[5.0, 5.0, 5.0, 5.0]]])
    masks = binary_masks(heat, torch.tensor([True, True, False]), threshold=0.2)
    assert masks[0, 0].tolist() == [True, False, False, True]
    assert masks[1, 0].tolist() == [False, True, False, False]
    assert not masks[2].any()
    assert masks.sum(0).max() <= 1


def test_masks_of_an_image_without_evidence_are_empty() -> None:
    assert not binary_masks(torch.zeros(3, 2, 2), torch.tensor([True, True, False]), threshold=0.2).any()


def test_certain_objects_stand_over_what_is_voted() -> None:
    labels = torch.tensor([[0, 0, 255, 1]], dtype=torch.uint8)
    share = torch.zeros(4, 1, 4)
    share[2, 0] = torch.tensor([0.5, 0.3, 0.6, 0.5])  # an object: certain, unsure, certain, less than another class
    share[3, 0, 3] = 0.51  # no object, however certain
    found = object_labels(labels, share, [2], certain=0.4)
    assert found.tolist() == [[2, 0, 2, 1]]
    assert found.dtype == torch.uint8


def test_clusters_let_the_many_outvote_the_one() -> None:
    """Two kinds of surface; a third of one kind's cells are misjudged."""
    torch.manual_seed(0)
    centres = torch.randn(2, 32) * 4
    kind = torch.arange(400) % 2
    features = centres[kind] + torch.randn(400, 32)
    evidence = torch.nn.functional.one_hot(kind, 2).float() * 0.8 + 0.1
    wrong = (kind == 0) & (torch.rand(400) < 0.33)
    evidence[wrong] = evidence[wrong].flip(1)
    clusters = Clusters(features, count=2, seed=0, dimensions=8).assign(features.T.reshape(32, 20, 20))
    heat = evidence.T.reshape(2, 20, 20)
    votes = cluster_votes([(clusters, heat)], clusters=2, classes=2)
    # the cell's own evidence counts by its root, the vote of its kind in full
    voted = agree(votes, clusters, torch.ones_like(heat))
    assert (voted.argmax(0).flatten() == kind).all()
    finer, ids = (each.repeat_interleave(2, -2).repeat_interleave(2, -1) for each in (heat, clusters))
    assert torch.allclose(cluster_votes([(ids, finer)], clusters=2, classes=2), votes, atol=1e-5)


def test_a_class_weighs_what_its_weight_says() -> None:
    head = (torch.zeros(1000, 4), torch.log(torch.tensor([3.0, 1.0, *[1e-9] * 998])))
    model = HeatmapModel(
        LabelSet.load("camvid11"), None, head, {"car": (0,), "sign": (1,)}, None, {}, (1.0,), {"car": 0.5, "sign": 9.0}
    )
    found = model.classify(torch.zeros(1, 4))[0]
    assert found[8].item() == pytest.approx(0.375)
    assert found[6].item() == 1  # never more than certain


def test_real_classifiers_find_what_a_street_shows(shared_data: Path) -> None:
    """Houses on the left, trees on the right, a car in the middle: a frame that no classifier was trained on."""
    settings = [f"data.root={shared_data}", "heatmaps.iconic.views=1", "heatmaps.scales=[2.0, 1.0]"]
    model = build_heatmap_model(load_config(CONFIG, settings))
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


def test_heatmaps_are_shown(work: Path, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Image, masks and a heatmap a tagged class, from the caches of the training."""
    before = {path: path.stat().st_mtime_ns for path in work.glob("heatmaps/frames/*/*.npz")}
    assert len(before) == 30
    arguments = [str(config), "--work", str(work), "-o", str(tmp_path), "--frames", "3"]
    assert look.main(arguments) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before
    pictures = sorted(tmp_path.rglob("*.png"))
    assert [path.name for path in pictures] == ["000000.png", "000028.png", "000058.png"]
    sheet = cv2.imread(str(pictures[0]))
    assert sheet.shape == (3 * 120, 4 * 160, 3)  # image, masks and ten tagged classes
    assert f"3 pictures: {tmp_path}" in capsys.readouterr().out


def test_frames_that_do_not_teach_the_clusters_get_masks_too(
    work: Path, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More frames than are kept in memory."""
    (tmp_path / "drives").symlink_to(work / "drives")
    monkeypatch.setattr(evidence, "_CLUSTER_FRAMES", 10)
    assert look.main([str(config), "--work", str(tmp_path), "--frames", "0"]) == 0
    few, all_ = (sorted(folder.glob("masks/*/*/*.npy")) for folder in (tmp_path, work))
    assert len(few) == len(all_) == 30
    same = [(np.load(one) == np.load(other)).mean() for one, other in zip(few, all_, strict=True)]
    assert np.mean(same) > 0.6  # other clusters, the same street


@pytest.mark.parametrize("teachers", [1000, 10])
def test_an_interrupted_run_goes_on_and_ends_with_the_same_bits(
    work: Path, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, teachers: int
) -> None:
    monkeypatch.setattr(evidence, "_CLUSTER_FRAMES", teachers)
    settings = load_config(config)
    samples = load_samples(settings, work)
    whole = evidence.Heatmaps(settings, samples, tmp_path / "whole")
    whole.make()
    calls = 0

    def stop_at_the_twentieth(self: HeatmapModel, image: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        nonlocal calls
        calls += 1
        if calls == 20:
            raise KeyboardInterrupt
        return see(self, image)

    see = HeatmapModel.__call__
    monkeypatch.setattr(HeatmapModel, "__call__", stop_at_the_twentieth)
    with pytest.raises(KeyboardInterrupt):
        evidence.Heatmaps(settings, samples, tmp_path / "parts").make()
    monkeypatch.setattr(classifiers, "learn_iconic_classifiers", None)  # they are kept
    parts = evidence.Heatmaps(settings, samples, tmp_path / "parts")
    parts.make()
    assert calls == 20 + 11  # each of the 30 frames is looked at once, but for the one that stopped it
    for sample in samples:
        one, other = whole.of(sample), parts.of(sample)
        assert torch.equal(one.heatmaps, other.heatmaps)
        assert torch.equal(one.clusters, other.clusters)


def test_frames_that_come_later_do_not_ask_the_classifiers_of_the_others(
    work: Path, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clusters are others then, but what they are learnt from is kept."""
    take_caches(work, tmp_path)
    settings = load_config(config)
    samples = load_samples(settings, tmp_path)
    for cache in ("frames", "features"):
        for path in (tmp_path / "heatmaps" / cache).rglob("000004-*.npz"):
            path.unlink()
    few = [sample for sample in samples if sample.key != "street/000004"]
    monkeypatch.setattr(HeatmapModel, "__call__", None)
    evidence.Heatmaps(settings, few, tmp_path).make()
    monkeypatch.undo()
    seen: list[int] = []
    see = HeatmapModel.__call__

    def counted(self: HeatmapModel, image: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        seen.append(1)
        return see(self, image)

    monkeypatch.setattr(HeatmapModel, "__call__", counted)
    evidence.Heatmaps(settings, samples, tmp_path).make()
    assert len(seen) == 1


def test_flow_is_computed_ahead(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert flow.main([str(config), "--work", str(tmp_path)]) == 0
    assert "30 samples, 30 of them with flow" in capsys.readouterr().out
    assert [path.name for path in sorted(tmp_path.glob("drives/*/*.safetensors"))] == [
        "000000.safetensors",
        "000050.safetensors",
    ]
