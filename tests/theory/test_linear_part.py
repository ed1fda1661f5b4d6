"""The gradient's linear part: the decomposition, every bound on pairs made for it, and that none is far too large."""

import math

import pytest
import torch
from test_joint_margin import pairs

from src.theory import linear_part
from src.theory.intervals import Checked, Interval

GAMMAS = ((0.01, 0.001), (0.06, 0.06), (0.1, 0.01))


def structured(d):
    """Matrices of spectral norm 1: along I or u, rank one, signs, skew, symmetric, orthogonal, cyclic, normal."""
    generator = torch.Generator().manual_seed(d)
    eye, u = torch.eye(d, dtype=torch.float64), torch.full((d,), d**-0.5, dtype=torch.float64)
    J, G = torch.outer(u, u), torch.randn(d, d, generator=generator, dtype=torch.float64)
    signs = G[0].sign()
    v = G[1] - (G[1] @ u) * u
    v = v / v.norm()
    e = eye[0]
    outer = torch.outer
    found = [eye, J, eye - 2 * J, J * d - eye, outer(v, u), outer(u, v), outer(e, u), outer(u, e), outer(v, v) - J]
    found += [
        torch.diag(signs),
        torch.diag(signs) @ J,
        eye - 2 * outer(e, e),
        eye.roll(1, 0),
        outer(v, u) - outer(u, v),
    ]
    found += [G, G - G.mT, G + G.mT, torch.linalg.qr(G)[0]]
    found = torch.stack(found)
    found = found / torch.linalg.matrix_norm(found, 2)[:, None, None]
    return torch.cat([found, -found])


def every(d, gamma, gamma_0):
    """All pairs of these, and pairs a thousandth as far apart."""
    some = structured(d)
    i, j = torch.cartesian_prod(torch.arange(len(some)), torch.arange(len(some))).T
    keep = torch.randperm(len(i), generator=torch.Generator().manual_seed(0))[: max(40, 4000 // d)]
    W, W_star = gamma * some[i[keep]], gamma_0 * some[j[keep]]
    W, W_star = torch.cat([W, W_star + 1e-3 * (W - W_star)]), torch.cat([W_star, W_star])
    different = (W - W_star).flatten(1).norm(dim=1) > 1e-9
    return W[different], W_star[different]


@pytest.mark.parametrize("gammas", GAMMAS)
@pytest.mark.parametrize("d", [3, 8, 20, 60])
def test_every_bound_is_met(d, gammas):
    for W, W_star in (every(d, *gammas), pairs(d, min(gammas))):
        for name, slack in linear_part.slacks(W, W_star, *gammas).items():
            assert slack.min() > -1e-7, name


@pytest.mark.parametrize("name", ["N1", "N2", "N3", "H2", "H3", "N", "rho", "diagonal of N1", "diagonal of N2"])
def test_no_bound_is_far_too_large(name):
    """A planted factor of four in a constant of leading order would show."""
    gamma, at = 0.06, linear_part.bounds(Interval(0.06), Interval(0.06))
    bound = {"rho": at.potential, "N": at.rest, **dict(zip(linear_part.PIECES, at.pieces, strict=True))}
    bound |= {f"diagonal of {key}": value for key, value in zip(linear_part.PIECES, at.diagonals, strict=True)}
    least = min(linear_part.slacks(*every(d, gamma, gamma), gamma, gamma)[name].min().item() for d in (3, 8, 20))
    assert least < 0.75 * -(-bound[name]).at_least()


def test_both_arithmetics_and_small_norms():
    one, other = (linear_part.bounds(kind(1) / 100, kind(1) / 1000) for kind in (Interval, Checked))
    for name in ("rest", "diagonal", "potential"):
        assert getattr(one, name).at_least() == pytest.approx(getattr(other, name).at_least(), rel=1e-12)
    small = linear_part.bounds(Interval(1e-6), Interval(1e-6))
    assert 0 < small.rest.at_least() < 1e-4 and 0 < small.diagonal.at_least() < 1e-4


def test_the_parts_of_a_pair_far_from_each_other_add_up():
    W, W_star = 0.15 * structured(7)[:12], -0.15 * structured(7)[12:24]
    found = linear_part.split(W, W_star)
    own = torch.diag_embed((W_star - W).diagonal(dim1=-2, dim2=-1))
    M, half = W_star - W, math.pi / 2
    g = (torch.eye(7) + W_star).norm(dim=-2).sum(-1) - (torch.eye(7) + W).norm(dim=-2).sum(-1)
    A = torch.eye(7) + W
    linear = half * M.sum(-1, keepdim=True) + half * M + M.mT - 2 * own
    torch.testing.assert_close(found.linear, linear + g[:, None, None] * A / A.norm(dim=-2, keepdim=True))


def test_bad_input_is_named():
    W, W_star = 0.05 * torch.eye(3, dtype=torch.float64), torch.zeros(3, 3, dtype=torch.float64)
    with pytest.raises(ValueError, match=r"gamma = 0.01 must be"):
        linear_part.slacks(W, W_star, 0.01, 0.001)
    with pytest.raises(ValueError, match=r"gamma_0 = 0.01 must be at least"):
        linear_part.slacks(W_star, W, 0.1, 0.01)
    with pytest.raises(ValueError, match="at most gamma"):
        linear_part.slacks(W_star, W_star + 1e-3, 0.01, 0.1)
    with pytest.raises(ArithmeticError):
        linear_part.bounds(Interval(0.6), Interval(0.1))
