"""The pairs that are hardest on Theorem 3.2, by matrices and by other searches."""

import math

import pytest
import torch
from scipy.optimize import brentq

from src.dynamics import three_variables
from src.model import landscape, population
from src.theory import norm_growth, phase_one, phase_one_pairs
from tests.theory.draws import generator


def test_the_rate_in_coordinates_is_that_of_matrices():
    d, W, W_star = 12, (-0.03, 0.0, 0.02), (0.01, 0.0, -0.04)
    full = tuple(phase_one_pairs.matrices(X, d) for X in (W, W_star))
    R, h = population.lemma_2_1(*full), 1e-6
    g, after = (float(landscape.potential(full[0] + step * R, full[1])) for step in (0, h))
    rate = phase_one_pairs.shrink_rate(W, W_star, d)
    assert rate == pytest.approx((g - after) / (h * d * g), rel=1e-4)
    assert rate == pytest.approx(float(phase_one.shrink_rate(*full)), rel=1e-9)
    assert phase_one_pairs.shrink_rate(W, W, d) == math.inf


def test_matrices_have_the_eigenvalues_of_their_coordinates():
    W, u = phase_one_pairs.matrices((0.2, 0.0, -0.7), 5), torch.ones(5, dtype=torch.float64)
    torch.testing.assert_close(W @ u, -0.7 * u)
    torch.testing.assert_close(torch.linalg.eigvalsh(W), torch.tensor([-0.7, 0.2, 0.2, 0.2, 0.2], dtype=torch.float64))


def test_the_slowest_pair_is_slower_than_a_grid_and_than_others():
    """gamma_0 = 0.01, gamma = 0.0225, d = 100: 0.738 by the first edition's grid, 0.684 by the search."""
    d, gamma_0, gamma = 100, 0.01, 0.0225
    W, W_star = phase_one_pairs.slowest_pair(d, gamma_0, gamma)
    assert max(map(abs, (*W, *W_star))) <= gamma_0
    full = torch.stack([phase_one_pairs.matrices(X, d) for X in (W, W_star)])
    g = float(landscape.potential(*full))
    assert 197 * gamma**2 < g < 197 * gamma**2 * (1 + 1e-6)
    rate = phase_one_pairs.shrink_rate(W, W_star, d)
    assert rate < 0.6845
    for q, kappa, kappa_star in (0.9 * (2 * torch.rand(200, 3, generator=generator()) - 1)).tolist():  # other pairs
        W_star, most = (
            (gamma_0 * q, gamma_0 * kappa_star * (1 - q**2) ** 0.5, -gamma_0),
            gamma_0 * (1 - kappa**2) ** 0.5,
        )

        def excess(alpha, W_star=W_star, kappa=kappa):
            return three_variables.potential((alpha, gamma_0 * kappa, gamma_0), d, W_star) - 197 * gamma**2

        if excess(most) < 0 < excess(-most):
            alpha = brentq(excess, -most, most, xtol=1e-17)
            assert phase_one_pairs.shrink_rate((alpha, gamma_0 * kappa, gamma_0), W_star, d) > rate
    assert phase_one_pairs.slowest_pair(20, 0.001, gamma) is None  # so large a potential needs a larger d


def test_the_largest_gamma_0_is_where_the_slowest_pair_halves():
    gamma = 0.0225
    found = {d: phase_one_pairs.largest_gamma_0(d, gamma) for d in (100, 400)}
    for d, gamma_0 in found.items():
        rates = [
            phase_one_pairs.shrink_rate(*phase_one_pairs.slowest_pair(d, x * gamma_0, gamma), d) for x in (0.99, 1.01)
        ]
        assert rates[0] > 0.5 > rates[1]
    assert found[400] < found[100] < 31 * gamma**2 < 0.0158  # the typed relations of the first edition were too large


def test_the_starts_hold_every_kind_of_worst_case():
    d, gamma_0, gamma = 100, 0.002, 0.0225
    growth = norm_growth.largest_growth(d, steps=0)
    W, W_star = phase_one_pairs.worst_starts(d, gamma_0, gamma, growth, generator())
    assert W.shape == W_star.shape == (12, d, d)
    assert float(torch.linalg.matrix_norm(torch.stack((W, W_star)), 2).max()) == pytest.approx(gamma_0)
    torch.testing.assert_close(W[:2], gamma_0 * torch.stack((growth.W, norm_growth.at_one_column(d)[0])))
    g = landscape.potential(W, W_star)
    assert float(g.max()) == pytest.approx(2 * gamma_0 * d, rel=0.01)
    rates = phase_one.shrink_rate(W, W_star)[g > 197 * gamma**2]
    slowest = phase_one_pairs.slowest_pair(d, gamma_0, gamma)
    assert float(rates.min()) == pytest.approx(phase_one_pairs.shrink_rate(*slowest, d))


def test_corners_are_twelve_different_pairs():
    corners = phase_one_pairs.corners(0.1)
    assert len(corners) == len(set(corners)) == 12 and all(W_star != W for W, W_star in corners)
    assert {abs(x) for pair in corners for W in pair for x in (W[0], W[2])} == {0.1}
