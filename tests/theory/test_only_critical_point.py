"""The proof that W* is the only critical point near the identity: its two inequalities, on pairs, and its constants."""

import math

import pytest
import torch

from src.model import population, weights
from src.theory import bounds, search
from src.theory import only_critical_point as only

GAMMAS = (1e-3, 0.01, 0.03, 0.1)


def pairs(d, gamma):
    """Pairs of norm gamma: corners of the span of I and J, orthogonal, skew, Gaussian, and near to one another."""
    generator = torch.Generator().manual_seed(d)
    W, W_star = search.with_corners(d, gamma, 12, generator)
    near = weights.gaussian((2, d, d), gamma, generator)
    extra = torch.stack([near[0], near[0], near[1]]), torch.stack([0.99 * near[0], -near[0], near[0].mT])
    return torch.cat([W, extra[0]]), torch.cat([W_star, extra[1]])


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("d", [3, 10, 30])
def test_the_two_inequalities(d, gamma):
    W, W_star = pairs(d, gamma)
    R, eye, u = population.lemma_2_1(W, W_star), torch.eye(d, dtype=W.dtype), torch.ones(d, dtype=W.dtype)
    A, B = eye + W, eye + W_star
    a, b = A.norm(dim=-2), B.norm(dim=-2)
    A_bar, s = A / a[:, None, :], (W_star - W) @ u
    g = (b - a).sum(-1)
    # rho_j, the coefficient of a_bar_j in Lemma 2.1, angle by angle, and h = rho - g.
    theta = (A_bar.mT @ A_bar).clamp(-1, 1).acos()
    theta_star = ((B / b[:, None, :]).mT @ A_bar).clamp(-1, 1).acos()
    rho = (b[:, :, None] * theta_star.sin() - a[:, :, None] * theta.sin()).sum(-2)
    psi, along, own, inner = only.constants(gamma)
    assert torch.linalg.matrix_norm(A_bar, 2).max() <= psi * (1 + 1e-12)
    assert (rho - g[:, None]).abs().max() <= own
    first = R @ u - math.pi / 2 * (d + 1) * s - (A_bar @ rho[..., None])[..., 0]
    assert first.norm(dim=-1).max() <= along * math.sqrt(d)
    crossed = (s * (A_bar @ u)).sum(-1)
    second = (R * A_bar).sum((-2, -1)) - (d + math.pi / 2 - 1) * g - math.pi / 2 * crossed
    assert second.abs().max() <= inner * d
    if gamma < 0.1:  # the constants are not far too large either: an error of a factor would go unnoticed otherwise
        assert first.norm(dim=-1).max() > 0.05 * along * math.sqrt(d) and second.abs().max() > 0.01 * inner * d
        assert (rho - g[:, None]).abs().max() > 0.4 * own


def test_what_follows_for_the_potential():
    """The conclusion once more, by iteration: s from g, then g from s, until nothing changes."""
    for gamma, d in ((0.01, 100), (0.01, 3), (0.02, 1000)):
        psi, along, own, inner = only.constants(gamma)
        g = 0.0
        for _ in range(500):
            s = 2 / (math.pi * (d + 1)) * math.sqrt(d) * (along + psi * (g + own))  # largest length
            g = (inner * d + math.pi / 2 * s * psi * math.sqrt(d)) / (d + math.pi / 2 - 1)
        assert g <= only.largest_potential(gamma, d) < 1.5 * g
    assert only.largest_potential(0.15, 1) == math.inf and only.margin(0.15, 1) == -math.inf


def test_the_teacher_is_alone_within_a_hundredth_in_every_dimension():
    assert only.largest_potential(0.01, 100) < 0.01 < bounds.G_LIMIT
    potentials = [only.largest_potential(0.01, d) for d in (1, 2, 3, 10, 100, 10**4, 10**8)]
    assert potentials == sorted(potentials, reverse=True)
    assert all(only.margin(0.01, d) > 0 for d in (1, 2, 3, 100, 10**8))


@pytest.mark.parametrize("d", [3, 100, 10**6])
def test_the_radius_is_where_the_margin_vanishes(d):
    gamma = only.radius(d)
    assert only.margin(0.999 * gamma, d) > 0 > only.margin(1.001 * gamma, d)
    assert 0.01 < gamma < 0.04


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="gamma"):
        only.constants(0.18)
    with pytest.raises(ValueError, match="gamma"):
        only.constants(1.0)
    with pytest.raises(ValueError, match="d must"):
        only.largest_potential(0.01, 0)
