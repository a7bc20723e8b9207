"""Mixtures of colours: known ones are found again, and fitting never makes them less likely."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wsvs_ros[train]'")

from training.cues.motion.colour_mixture import FLOOR, ColourMixtures, fit_mixtures  # noqa: E402


def weighted(mixtures: ColourMixtures, colours: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return (weights * mixtures.log_likelihood(colours)).sum(1)


def test_the_density_is_that_of_gaussians() -> None:
    from scipy.stats import multivariate_normal

    covariances = [np.diag([4.0, 9.0, 25.0]), np.array([[30.0, 5, 1], [5, 20, -3], [1, -3, 40]])]
    means = [[10.0, 200.0, 90.0], [120.0, 30.0, 250.0]]
    mixtures = ColourMixtures(*(torch.tensor(np.array([part])) for part in ([0.3, 0.7], means, covariances)))
    colours = np.random.default_rng(0).normal(means[1], 30, (1, 20, 3))  # near, where scipy's densities are not 0
    by_hand = sum(
        share * multivariate_normal(mean, covariance).pdf(colours[0])
        for share, mean, covariance in zip([0.3, 0.7], means, covariances, strict=True)
    )
    found = mixtures.log_likelihood(torch.tensor(colours))[0].numpy()
    np.testing.assert_allclose(found, np.log(by_hand), rtol=1e-9)
    at_mean = float(mixtures.log_likelihood(torch.tensor([[means[0]]]))[0, 0])
    assert at_mean == pytest.approx(math.log(0.3) - 1.5 * math.log(2 * math.pi) - 0.5 * math.log(900), rel=1e-9)


def test_known_mixtures_are_found_several_at_once() -> None:
    rng = np.random.default_rng(1)
    true_means = np.array([[[40, 60, 50], [200, 180, 90]], [[120, 20, 220], [90, 200, 30]]], float)
    colours = np.stack(
        [
            np.concatenate([rng.normal(means[0], [5, 8, 3], (3000, 3)), rng.normal(means[1], 10, (1000, 3))])
            for means in true_means
        ]
    )
    found = fit_mixtures(torch.tensor(colours), torch.ones(2, 4000), components=2, iterations=20)
    for group, (means, shares) in enumerate(zip(found.means.numpy(), found.weights.numpy(), strict=True)):
        order = np.argsort(-shares)
        np.testing.assert_allclose(shares[order], [0.75, 0.25], atol=0.02)
        np.testing.assert_allclose(means[order], true_means[group], atol=1.5)
        np.testing.assert_allclose(
            np.diagonal(found.covariances.numpy()[group][order], 0, 1, 2), [[25, 64, 9], [100] * 3], rtol=0.15
        )


def test_what_weighs_nothing_teaches_nothing() -> None:
    rng = np.random.default_rng(2)
    colours = torch.tensor(rng.uniform(0, 255, (1, 400, 3)))
    weights = torch.zeros(2, 400)
    weights[0, :150] = 1
    weights[1, 150:] = 2
    found = fit_mixtures(colours, weights, components=3)
    for group, part in enumerate((colours[:, :150], colours[:, 150:])):
        alone = fit_mixtures(part, torch.ones(1, part.shape[1]), components=3)
        torch.testing.assert_close(found.means[group], alone.means[0])
        torch.testing.assert_close(found.covariances[group], alone.covariances[0])


def test_no_pixel_at_all_is_a_broad_grey_or_what_it_was() -> None:
    colours = torch.rand(2, 10, 3) * 255
    weights = torch.tensor([[1.0], [0.0]]).expand(2, 10)
    found = fit_mixtures(colours, weights, components=2)
    assert torch.isfinite(found.log_likelihood(colours)).all()
    assert (found.means[1] == 127.5).all()
    assert float(found.covariances[1, 0, 0, 0]) == 255**2 / 12
    kept = fit_mixtures(colours, torch.zeros(2, 10), start=found)
    torch.testing.assert_close(kept.means, found.means)
    torch.testing.assert_close(kept.weights, found.weights)


def test_pixels_of_one_colour_are_as_wide_as_the_floor() -> None:
    colours = torch.full((1, 50, 3), 77.0)
    found = fit_mixtures(colours, torch.ones(1, 50), components=5)
    expected = -1.5 * math.log(2 * math.pi * FLOOR)
    torch.testing.assert_close(found.log_likelihood(colours), torch.full((1, 50), expected).double())


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    distinct=st.integers(1, 40),
    pixels=st.integers(1, 60),
    components=st.integers(1, 6),
)
def test_no_iteration_lowers_the_likelihood(seed: int, distinct: int, pixels: int, components: int) -> None:
    """Few distinct colours, so that components shrink onto points and the floor holds them."""
    rng = np.random.default_rng(seed)
    palette = rng.integers(0, 256, (distinct, 3))
    colours = torch.tensor(palette[rng.integers(0, distinct, (3, pixels))])
    weights = torch.tensor(rng.choice([0, 0.3, 1, 5], (3, pixels)))
    mixtures = fit_mixtures(colours, weights, components=components, iterations=0)
    likelihood = weighted(mixtures, colours, weights)
    for _ in range(6):
        mixtures = fit_mixtures(colours, weights, iterations=1, start=mixtures)
        after = weighted(mixtures, colours, weights)
        assert (after >= likelihood - 1e-8 * (1 + likelihood.abs())).all()
        assert torch.linalg.eigvalsh(mixtures.covariances).min() >= FLOOR * (1 - 1e-9)
        torch.testing.assert_close(mixtures.weights.sum(1), torch.ones(3).double())
        likelihood = after
