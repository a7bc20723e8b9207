"""Training crops: image, flow and labels stay together."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wsvs_ros[train]'")

from training.config import Augmentation  # noqa: E402
from training.datasets import Sample  # noqa: E402
from training.datasets.drive_cache import CachedDrive  # noqa: E402
from training.datasets.endless_order import EndlessOrder  # noqa: E402
from training.datasets.training_set import TrainingSet, WholeFrames  # noqa: E402
from wsvs_ros.errors import WsvsError  # noqa: E402


def striped_set(folder: Path, augmentation: Augmentation) -> TrainingSet:
    """Label k fills the k-th of ten vertical stripes, whose gray is 20 k and whose flow is (k, -k)."""
    stripe = np.repeat(np.arange(10), 32)
    image = np.repeat(np.tile((20 * stripe).astype(np.uint8), (240, 1))[..., None], 3, 2)
    flow = np.tile(np.stack([stripe, -stripe]).astype(np.float32)[:, None], (2, 240, 1))
    np.save(folder / "a.npy", np.tile((np.repeat(np.arange(10), 4)).astype(np.uint8), (30, 1)))
    sample = Sample("a", np.ones(11, bool), lambda: image, lambda: flow)
    return TrainingSet([sample], folder, length=2, augmentation=augmentation, seed=0)


@pytest.mark.parametrize("position", range(8))
def test_labels_image_and_flow_are_cropped_alike(tmp_path: Path, position: int) -> None:
    augmentation = Augmentation(crop=(160, 120), scale=(0.8, 1.3), motion_dropout=0.0, jitter=0.0)
    item = striped_set(tmp_path, augmentation)[position]
    labels = item["labels"].numpy()
    assert labels.shape == (15, 20)
    image = item["image"].numpy()[0, 4::8, 4::8]
    flow = item["flow"].numpy()[:, 4::8, 4::8]
    inside = labels != 255
    assert inside.mean() > 0.8
    near = np.abs(image / 20 - labels) < 1.01  # a cell may lie on the line between two stripes
    assert near[inside].mean() > 0.97
    mirrored = np.diff(labels[7][labels[7] != 255].astype(int)).sum() < 0
    sign = -1 if mirrored else 1
    scale = np.median(-flow[1][inside & (labels > 2)] / labels[inside & (labels > 2)])
    assert 0.75 < scale < 1.35
    assert np.median(np.abs(sign * flow[0] + flow[1])[inside]) < 1e-3


def test_motion_dropout_sets_all_of_the_flow_to_zero(tmp_path: Path) -> None:
    dropped = striped_set(tmp_path, Augmentation(crop=(160, 120), motion_dropout=1.0))[0]
    assert dropped["flow"].shape == (4, 120, 160)
    assert not dropped["flow"].any()


def test_crops_depend_on_seed_and_position_alone(tmp_path: Path) -> None:
    augmentation = Augmentation(crop=(160, 120))
    first, again = striped_set(tmp_path, augmentation), striped_set(tmp_path, augmentation)
    assert torch.equal(first[5]["image"], again[5]["image"])
    assert not torch.equal(first[5]["image"], first[6]["image"])


@pytest.mark.parametrize("step", [1, 2, 5, 50])
def test_a_drives_stack_is_the_segmenters_window(tmp_path: Path, step: int) -> None:
    """In whatever pieces it lies."""
    flow = np.arange(6, dtype=np.float16)[:, None, None, None] * np.ones((6, 2, 3, 4), np.float16)
    drive = CachedDrive(tmp_path, 6, (4, 3), step=step)
    for first in range(0, 6, step):
        drive.piece(first).save({}, {number: flow[number] for number in range(max(first, 1), min(first + step, 6))})
    assert drive.stack(4, length=3, lookahead=0)[:, 0, 0].tolist() == [2, 2, 3, 3, 4, 4]
    assert drive.stack(1, length=3, lookahead=0)[:, 0, 0].tolist() == [0, 0, 0, 0, 1, 1]
    assert drive.stack(5, length=3, lookahead=1)[:, 0, 0].tolist() == [4, 4, 5, 5, 0, 0]


def test_order_visits_each_sample_once_an_epoch_and_resumes() -> None:
    whole = list(EndlessOrder(7, count=21, seed=3))
    assert [position // 7 for position in whole] == [0] * 7 + [1] * 7 + [2] * 7
    assert all(sorted(p % 7 for p in whole[k : k + 7]) == list(range(7)) for k in (0, 7, 14))
    assert list(EndlessOrder(7, count=21, seed=3, first=10)) == whole[10:]


def test_what_fills_a_groups_batch_is_cropped_anew(tmp_path: Path) -> None:
    """A shot of one sample, in batches of four: four crops of it."""
    order = list(EndlessOrder(4, count=24, seed=1, groups=["a", "b", "b", "b"], batch=4))
    assert len(set(order)) == 24
    batches = {frozenset(p % 4 for p in order[k : k + 4]) for k in range(0, 24, 4)}
    assert batches == {frozenset({0}), frozenset({1, 2, 3})}
    assert list(EndlessOrder(4, count=24, seed=1, groups=["a", "b", "b", "b"], batch=4, first=9)) == order[9:]
    crops = striped_set(tmp_path, Augmentation(crop=(160, 120)))
    first = next(order[k : k + 4] for k in range(0, 24, 4) if order[k] % 4 == 0)
    pictures = [crops[position]["image"] for position in first]
    assert not any(torch.equal(one, other) for one, other in pairwise(pictures))


def test_processes_share_an_order() -> None:
    whole = list(EndlessOrder(7, count=20, seed=3))
    each = [EndlessOrder(7, count=20, seed=3, first=4, rank=rank, world=2) for rank in (0, 1)]
    assert [len(order) for order in each] == [10, 10]  # of the whole
    assert list(each[0]) == whole[4::2]
    assert list(each[1]) == whole[5::2]


def test_whole_frames_are_neither_cropped_nor_changed(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    np.save(tmp_path / "a.npy", np.arange(12, dtype=np.uint8).reshape(3, 4))  # cells of 20 pixels
    lone = Sample("a", np.ones(11, bool), lambda: image)
    item = WholeFrames([lone], tmp_path, length=2)[0]
    assert np.array_equal(item["image"].numpy(), image.transpose(2, 0, 1))
    assert item["flow"].shape == (4, 60, 80)
    assert item["labels"].shape == (8, 10)
    assert item["labels"][:, 0].tolist() == [0, 0, 0, 4, 4, 8, 8, 8]
    assert item["labels"][0].tolist() == [0, 0, 0, 1, 1, 2, 2, 2, 3, 3]
    untold = WholeFrames([lone], None, length=2)[0]["labels"]
    assert untold.unique().tolist() == [255]


def test_an_unreadable_sample_stops_or_gives_way(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    image = np.full((60, 80, 3), 7, np.uint8)

    def broken() -> np.ndarray:
        raise WsvsError("b.png: not a readable image")

    samples = [Sample("b", np.ones(11, bool), broken), Sample("a", np.ones(11, bool), lambda: image)]
    settings = {"length": 2, "augmentation": Augmentation(crop=(64, 48), jitter=0.0), "seed": 0}
    with pytest.raises(WsvsError, match=r"b\.png"):
        TrainingSet(samples, None, **settings)[0]
    assert TrainingSet(samples, None, skip=True, **settings)[0]["image"].unique().tolist() == [7]
    assert "b.png: not a readable image" in caplog.text
    with pytest.raises(WsvsError, match="no training sample can be read"):
        TrainingSet(samples[:1], None, skip=True, **settings)[0]


def test_batches_of_one_group() -> None:
    groups = ["a"] * 5 + ["b"] * 3 + [""] * 4
    whole = list(EndlessOrder(12, count=64, seed=3, groups=groups, batch=4))
    for first in range(0, 64, 4):
        assert len({groups[position % 12] for position in whole[first : first + 4]}) == 1
    epoch = whole[:16]  # two batches of a, one of b, one of the rest
    assert {position % 12 for position in epoch} == set(range(12))
    assert len(set(whole)) == 64  # each with a crop of its own
    assert list(EndlessOrder(12, count=64, seed=3, groups=groups, batch=4, first=20)) == whole[20:]
    assert [position % 12 for position in epoch] != [position % 12 for position in whole[16:32]]
