"""EM-Adapt's labels: the shares are reached, by the cells that lose least."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wsvs_ros[train]'")

from training.config.cues import EmAdapt  # noqa: E402
from training.cues.em_adapt.labels import em_adapt_labels, shares  # noqa: E402
from training.networks.marks import NONE  # noqa: E402


def test_the_object_takes_the_cells_where_it_is_behind_by_least() -> None:
    """Ten cells, all the background's by the network; two of them have to be the object's."""
    probability = torch.tensor([0.1, 0.4, 0.2, 0.3, 0.05, 0.45, 0.1, 0.2, 0.1, 0.15])
    scores = torch.stack([1 - probability, probability, torch.full((10,), 5.0)]).log().view(1, 3, 2, 5)
    labels = em_adapt_labels(scores, torch.tensor([[True, True, False]]), [1, 2], EmAdapt())
    assert labels.flatten().tolist() == [0, 1, 0, 0, 0, 1, 0, 0, 0, 0]


def test_the_background_takes_its_part_back() -> None:
    probability = torch.tensor([0.9, 0.6, 0.8, 0.7, 0.95, 0.55, 0.9, 0.8, 0.9, 0.85])
    scores = torch.stack([1 - probability, probability]).log().view(1, 2, 10, 1)
    labels = em_adapt_labels(scores, torch.tensor([[True, True]]), [1], EmAdapt())
    assert labels.flatten().tolist() == [1, 0, 0, 0, 1, 0, 1, 1, 1, 1]


def test_where_the_shares_are_there_the_network_decides() -> None:
    torch.manual_seed(0)
    scores = torch.randn(3, 3, 20, 20)
    scores[:, 0] += 0.5
    labels = em_adapt_labels(scores, torch.ones(3, 3).bool(), [1, 2], EmAdapt())
    assert (labels == scores.argmax(1)).all()


def test_the_shares_of_many_tags_fit() -> None:
    tags = torch.tensor(
        [
            [True, False, True, False, False, False, False],  # a background, an object
            [True, True, True, True, True, True, True],  # two backgrounds, five objects
            [False, False, True, True, True, False, False],  # objects alone
            [True, True, False, False, False, False, False],  # backgrounds alone
        ]
    )
    found = shares(tags, [2, 3, 4, 5, 6], EmAdapt())
    assert found[0].tolist() == pytest.approx([0.4, 0, 0.2, 0, 0, 0, 0])
    assert found[1].tolist() == pytest.approx([0.2, 0.2] + [0.6 / 5] * 5)
    assert found[2].tolist() == pytest.approx([0, 0, 0.2, 0.2, 0.2, 0, 0])
    assert found[3].tolist() == pytest.approx([0.2, 0.2, 0, 0, 0, 0, 0])


def test_an_image_without_tags_teaches_nothing() -> None:
    scores = torch.randn(2, 3, 4, 4)
    labels = em_adapt_labels(scores, torch.tensor([[False] * 3, [True] * 3]), [1, 2], EmAdapt())
    assert (labels[0] == NONE).all()
    assert (labels[1] < 3).all()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    spread=st.sampled_from([0.0, 0.01, 1.0]),
    lean=st.floats(-20, 20),
    object_share=st.floats(0, 1),
    background_share=st.floats(0, 1),
)
def test_every_share_is_reached_and_nothing_untagged_occurs(
    seed: int, spread: float, lean: float, object_share: float, background_share: float
) -> None:
    """Also where the network tells no cell or class from another, and where several objects want the same cells."""
    torch.manual_seed(seed)
    scores = spread * torch.randn(4, 6, 7, 9)
    scores[:, 0] += lean
    tags = torch.rand(4, 6) < 0.6
    asked = EmAdapt(object_share=object_share, background_share=background_share)
    labels = em_adapt_labels(scores.log_softmax(1), tags, [2, 3, 4, 5], asked).flatten(1)
    least = (shares(tags, [2, 3, 4, 5], asked) * 63 + 1e-6).long()
    for row, present, needed in zip(labels, tags, least, strict=True):
        if present.any():
            counts = torch.bincount(row, minlength=6)
            assert (counts >= needed).all()
            assert counts[~present].sum() == 0
