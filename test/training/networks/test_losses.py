"""Losses against their equations, written out by hand."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wsvs_ros[train]'")

from training.networks.losses import (  # noqa: E402
    balance,
    crf_loss,
    heatmap_loss,
    label_loss,
    log_sum_exp_inside,
    log_sum_exp_scores,
    mask_loss,
    tag_loss,
)


def probabilities(seed: int = 0, *, classes: int = 3) -> torch.Tensor:
    torch.manual_seed(seed)
    return torch.randn(2, classes, 4, 5).softmax(1)


def test_log_sum_exp_is_equation_3() -> None:
    p = probabilities()
    by_hand = math.log(sum(math.exp(5 * float(v)) for v in p[1, 2].flatten()) / 20) / 5
    assert float(log_sum_exp_scores(p, r=5)[1, 2]) == pytest.approx(by_hand, rel=1e-5)


def test_log_sum_exp_lies_between_mean_and_maximum() -> None:
    p = probabilities()
    assert torch.allclose(log_sum_exp_scores(p, r=1e-2), p.mean((2, 3)), atol=1e-3)
    assert torch.allclose(log_sum_exp_scores(p, r=500.0), p.amax((2, 3)), atol=1e-2)


def test_tag_loss_is_equation_2() -> None:
    p = probabilities()[:1]
    score = log_sum_exp_scores(p)[0]
    by_hand = -(math.log(score[0]) + math.log(score[2])) / 2 - math.log(1 - score[1])
    assert float(tag_loss(p, torch.tensor([[True, False, True]]))) == pytest.approx(by_hand, rel=1e-5)


def test_tag_loss_leaves_a_class_alone_that_is_in_neither_set() -> None:
    p = probabilities()[:1].requires_grad_()
    present, absent = torch.tensor([[True, False, False]]), torch.tensor([[False, True, False]])
    (gradient,) = torch.autograd.grad(tag_loss(p, present, absent), p)
    assert gradient[0, 0].abs().sum() > 0
    assert gradient[0, 1].abs().sum() > 0
    assert gradient[0, 2].abs().sum() == 0


def test_tag_loss_of_extreme_tags_is_finite() -> None:
    certain = torch.zeros(1, 3, 4, 5)
    certain[:, 0] = 1
    for tags in ([True] * 3, [False] * 3, [False, True, True]):
        assert torch.isfinite(tag_loss(certain, torch.tensor([tags])))


def test_heatmap_loss_is_equation_4() -> None:
    p = probabilities()[:1]
    masks = torch.zeros(1, 3, 4, 5, dtype=torch.bool)
    masks[0, 0, :2] = True
    masks[0, 2, 3, 1] = True
    first = -p[0, 0, :2].log().mean()
    third = -p[0, 2, 3, 1].log()
    tags = torch.tensor([[True, False, True]])
    assert float(heatmap_loss(p.log(), masks, tags)) == pytest.approx(float(first + third) / 2, rel=1e-5)
    weighted = (10 * first + third) / 11
    assert float(heatmap_loss(p.log(), masks, tags, area_power=1)) == pytest.approx(float(weighted), rel=1e-5)


def test_heatmap_loss_is_a_mean_over_all_tags_with_a_mask_or_not() -> None:
    p = probabilities()[:1]
    masks = torch.zeros(1, 3, 4, 5, dtype=torch.bool)
    masks[0, 0, 0] = masks[0, 1] = True
    tags = torch.tensor([[True, False, True]])
    inside = float(-p[0, 0, 0].log().mean())
    assert float(heatmap_loss(p.log(), masks, tags)) == pytest.approx(inside / 2, rel=1e-5)  # |L| of BF eq. 4
    assert float(heatmap_loss(p.log(), masks, tags, area_power=0.5)) == pytest.approx(inside, rel=1e-5)
    assert float(heatmap_loss(p.log(), torch.zeros_like(masks), tags)) == 0


def test_label_loss_is_mc_equation_1() -> None:
    p = probabilities()
    labels = torch.full((2, 4, 5), 255)
    labels[0, 1, 2], labels[0, 3, 4], labels[1, 0, 0] = 0, 2, 1
    by_hand = -(math.log(p[0, 0, 1, 2]) + 0.5 * math.log(p[0, 2, 3, 4]) + 0.25 * math.log(p[1, 1, 0, 0])) / 3
    assert float(label_loss(p.log(), labels, torch.tensor([1, 0.25, 0.5]))) == pytest.approx(by_hand, rel=1e-5)
    assert float(label_loss(p.log(), torch.full((2, 4, 5), 255), torch.ones(3))) == 0


def test_rare_objects_weigh_more() -> None:
    """Classes 0 and 4 are background, 3 has no frame."""
    assert balance([100, 50, 10, 0, 70], [1, 2, 3]).tolist() == pytest.approx([1, 0.2, 1, 1, 1])
    assert balance([5, 0], [1]).tolist() == [1, 1]


def test_crf_loss_is_the_mean_kl_divergence() -> None:
    network, refined = probabilities(0), probabilities(1)
    by_hand = sum(
        float(refined[b, n, y, x]) * math.log(float(refined[b, n, y, x]) / float(network[b, n, y, x]))
        for b in range(2)
        for n in range(3)
        for y in range(4)
        for x in range(5)
    ) / (2 * 4 * 5)
    assert float(crf_loss(network.log(), refined)) == pytest.approx(by_hand, rel=1e-5)


def test_crf_loss_is_zero_where_the_network_agrees_and_finite_where_the_crf_is_certain() -> None:
    certain = torch.zeros(1, 2, 3, 3)
    certain[:, 0] = 1
    assert float(crf_loss(probabilities().log(), probabilities())) == pytest.approx(0, abs=1e-6)
    assert float(crf_loss(torch.full((1, 2, 3, 3), math.log(0.5)), certain)) == pytest.approx(math.log(2))


def test_crf_loss_has_no_gradient_through_the_crf() -> None:
    scores = torch.randn(1, 3, 4, 5, requires_grad=True)
    refined = torch.randn(1, 3, 4, 5, requires_grad=True)
    crf_loss(scores.log_softmax(1), refined.softmax(1)).backward()
    assert refined.grad is None
    # the gradient of a cross entropy with softmax, divided by the pixels
    torch.testing.assert_close(scores.grad, (scores.softmax(1) - refined.softmax(1)).detach() / 20)


def masks_by_hand() -> torch.Tensor:
    """Two images, three classes: the background has the first two rows, both objects the others; one is empty."""
    masks = torch.zeros(2, 3, 4, 5, dtype=torch.bool)
    masks[:, 0, :2] = masks[:, 1:, 2:] = True
    masks[1, 2] = False
    return masks


def lse(values: torch.Tensor, r: float = 5.0) -> float:
    return math.log(sum(math.exp(r * float(v)) for v in values.flatten()) / values.numel()) / r


def test_log_sum_exp_inside_is_equations_13_14_and_16() -> None:
    p, masks = probabilities(), masks_by_hand()
    found = log_sum_exp_inside(p, masks, r=5)
    assert float(found[0, 0]) == pytest.approx(lse(p[0, 0, :2]), rel=1e-5)
    assert float(found[0, 1]) == pytest.approx(lse(p[0, 1, 2:]), rel=1e-5)
    assert float(found[1, 2]) == 0.0
    whole = torch.ones_like(masks)
    assert torch.allclose(log_sum_exp_inside(p, whole), log_sum_exp_scores(p))


def test_mask_loss_is_equation_15() -> None:
    p, masks = probabilities()[:1], masks_by_hand()[:1]
    tags = torch.tensor([[True, True, False]])
    appear = -(math.log(lse(p[0, 0, :2])) + math.log(lse(p[0, 1, 2:]))) / 2
    nowhere = -sum(math.log(1 - float(v)) for v in p[0, 2].flatten()) / 20
    assert float(mask_loss(p, masks, tags)) == pytest.approx(appear + nowhere, rel=1e-5)


def test_foreground_loss_is_equation_12() -> None:
    """Two tagged objects share their part, the background has its own."""
    p, masks = probabilities(classes=4)[:1], torch.zeros(1, 4, 4, 5, dtype=torch.bool)
    masks[:, 0, :2] = masks[:, 1:, 2:] = True
    tags, objects = torch.tensor([[True, True, True, False]]), torch.tensor([False, True, True, True])
    appear = -(math.log(lse(p[0, 1, 2:])) + math.log(lse(p[0, 2, 2:]))) / 2 - math.log(lse(p[0, 0, :2]))
    nowhere = -sum(math.log(1 - float(v)) for v in p[0, 3].flatten()) / 20
    assert float(mask_loss(p, masks, tags, objects)) == pytest.approx(appear + nowhere, rel=1e-5)


def test_a_tagged_class_without_a_mask_asks_for_nothing() -> None:
    logits = torch.randn(2, 3, 4, 5, requires_grad=True)
    tags = torch.tensor([[False, False, True]] * 2)
    masks = torch.zeros(2, 3, 4, 5, dtype=torch.bool)
    loss = mask_loss(logits.softmax(1), masks, tags)
    loss.backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    p = logits.detach().softmax(1)
    assert float(loss.detach()) == pytest.approx(float(-torch.log(1 - p[:, :2]).mean()), rel=1e-4)


def test_mask_loss_pulls_a_class_into_its_mask() -> None:
    torch.manual_seed(1)
    logits = torch.zeros(1, 3, 4, 5, requires_grad=True)
    masks, tags = masks_by_hand()[:1], torch.tensor([[True, True, False]])
    optimiser = torch.optim.Adam([logits], lr=0.2)
    for _ in range(60):
        optimiser.zero_grad()
        mask_loss(logits.softmax(1), masks, tags).backward()
        optimiser.step()
    assert (logits[0, :, :2].argmax(0) == 0).all()
    assert (logits[0, :, 2:].argmax(0) == 1).all()
