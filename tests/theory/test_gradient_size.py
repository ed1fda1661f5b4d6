"""How large gradients can be: the proof piece by piece, shares of the paper's bounds, and what turns the verdict."""

import math

import pytest
import torch

from src import verdicts
from src.model import landscape, population
from src.theory import bounds, gradient_size, search
from src.theory.gradient_size import Pieces, Sizes


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def gaussian(*shape, seed=0, scale=0.1):
    return scale * torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


SMALL = Sizes((0.01, 0.1, 0.3), spectral=(0.8, 0.9, 0.9), frobenius=(0.3,) * 3, ascended=(0.9, 0.3), proved=0.95)


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, verdicts.HOLDS),
        ({"spectral": (1.0, 0.9, 0.9)}, verdicts.HOLDS),
        ({"spectral": (1.01, 0.9, 0.9)}, verdicts.FAILS),
        ({"spectral": (0.8, 1.01, 0.9)}, verdicts.FAILS),
        ({"spectral": (0.8, 0.9, 1.5)}, verdicts.HOLDS),  # 0.3 is no small weight
        ({"frobenius": (0.3, 1.01, 0.3)}, verdicts.FAILS),
        ({"frobenius": (0.3, 0.3, 1.5)}, verdicts.HOLDS),
        ({"ascended": (1.01, 0.3)}, verdicts.FAILS),
        ({"ascended": (0.9, 1.01)}, verdicts.FAILS),
        ({"gammas": (0.01, 0.05, 0.1), "spectral": (0.8, 0.9, 1.5)}, verdicts.FAILS),
    ],
)
def test_every_size_can_turn_the_verdict(change, verdict):
    assert SMALL._replace(**change).verdict == verdict


def test_the_evidence_is_a_proof_only_where_it_reaches():
    assert SMALL.evidence == verdicts.PROVED == SMALL._replace(proved=1.0).evidence
    assert SMALL._replace(proved=1.001).evidence == verdicts.SEARCHED


def norms_of_pieces(W, W_star):
    """The spectral norms of the five pieces of R, written out from the columns."""
    d = W.shape[-1]
    eye, u = torch.eye(d, dtype=W.dtype), torch.ones(d, 1, dtype=W.dtype)
    A_bar = (eye + W) / (eye + W).norm(dim=-2, keepdim=True)
    M, parts = W_star - W, landscape.gradient_parts(W, W_star)
    g_j = landscape.potentials_of_others(W, W_star)
    pieces = math.pi / 2 * M @ u @ u.mT, math.pi / 2 * M, A_bar * g_j[..., None, :]
    torch.testing.assert_close(sum(pieces), parts.constant)
    every = Pieces(*pieces, parts.first_order, parts.higher_order)
    torch.testing.assert_close(sum(every), population.lemma_2_1(W, W_star), rtol=1e-9, atol=1e-11)
    return Pieces(*(torch.linalg.matrix_norm(piece, 2) for piece in every))


@pytest.mark.parametrize("gamma", [1e-3, 0.01, 0.05, 0.1])
@pytest.mark.parametrize("d", [6, 40])
def test_every_step_of_the_proof_bounds_its_piece(d, gamma):
    pairs = search.with_corners(d, gamma, 40, generator())
    proved, found = gradient_size.proved_norms(d, gamma), norms_of_pieces(*pairs)
    for name, bound, sizes in zip(Pieces._fields, proved, found):
        assert float(sizes.max()) <= bound * (1 + 1e-9), name
    for name in ("columns", "itself", "potential"):  # of the other two the bound adds up what no pair has at once
        assert float(getattr(found, name).max()) > 0.8 * getattr(proved, name), name
    assert float(found.first_order.max()) > 0.2 * proved.first_order


def test_the_bound_to_first_order_is_the_one_of_the_proposition():
    for d in (3, 100):
        gamma = 1e-7
        assert sum(gradient_size.proved_norms(d, gamma)) / gamma == pytest.approx(
            (math.pi + 2) * d + math.pi + 6, rel=1e-5
        )


def test_the_pieces_by_hand():
    """gamma = 1/10, d = 100: beta = 2/9, psi = 11/9, xi = 40/81."""
    beta, psi, xi, theta = 2 / 9, 11 / 9, 40 / 81, 2 * math.asin(2 / 9)
    by_hand = {
        "columns": math.pi * 10,
        "itself": math.pi / 10,
        "potential": 0.2 * 99 * psi,
        "first_order": 0.4 * xi + 4.4 * beta * psi,
        "higher_order": 1.1 * (math.asin(2 * xi) + math.asin(xi) - 3 * xi)
        + 1.1 * psi * xi**2
        + 1.1 * (2 * beta * math.sin(theta) + psi * (theta - math.sin(theta))),
    }
    assert gradient_size.proved_norms(100, 0.1)._asdict() == pytest.approx(by_hand)
    assert gradient_size.proved_share(100, 0.1) == pytest.approx(sum(by_hand.values()) / 60)


def test_the_proved_share_covers_all_small_weights_and_large_dimensions():
    last = gradient_size.proved_share(gradient_size.LEAST_D, gradient_size.SMALL)
    assert gradient_size.LEAST_D == 100 and gradient_size.SMALL == 0.1 and 0.95 < last <= 1
    gammas = torch.linspace(1e-3, 0.1, 30).tolist()
    shares = [gradient_size.proved_share(100, gamma) for gamma in gammas]
    assert shares == sorted(shares) and max(shares) <= last * (1 + 1e-6)
    assert [gradient_size.proved_share(d, 0.1) for d in (100, 101, 1000, 10**6)] == sorted(
        (gradient_size.proved_share(d, 0.1) for d in (100, 101, 1000, 10**6)), reverse=True
    )
    with pytest.raises(ValueError, match=r"gamma must be below 0\.1010"):
        gradient_size.proved_norms(10, 0.102)


def test_the_crossing_is_the_first_spectral_share_above_one():
    assert SMALL.crossing is None
    assert SMALL._replace(spectral=(0.9, 1.2, 1.5)).crossing == 0.1
    assert SMALL.largest == (0.9, 0.3)


def test_shares_are_those_of_the_printed_sum():
    W, W_star = gaussian(3, 7, 7), gaussian(7, 7, seed=1)
    R = population.lemma_2_1(W, W_star)
    for k in range(3):
        s = torch.linalg.svdvals(R[k])
        spectral, frobenius = s[0] / (6 * 7 * 0.2), s.square().sum().sqrt() / (6 * 7**1.5 * 0.2)
        assert float(gradient_size.share(W, W_star, 0.2, 2)[k]) == pytest.approx(float(spectral), rel=1e-9)
        assert float(gradient_size.share(W, W_star, 0.2, "fro")[k]) == pytest.approx(float(frobenius), rel=1e-9)
    with pytest.raises(ValueError, match="norm must be"):
        gradient_size.share(W, W_star, 0.2, 1)


def test_the_corner_comes_as_near_to_the_bound_as_the_formula_says():
    """W = -gamma I, W* = gamma I: R = pi gamma J + (2 d - 2 + pi) gamma I to first order."""
    d, gamma = 60, 1e-5
    W = -gamma * torch.eye(d, dtype=torch.float64)
    spectral, rest = (math.pi + 2) * d + math.pi - 2, 2 * d - 2 + math.pi  # the eigenvalues, over gamma
    assert float(gradient_size.share(W, -W, gamma, 2)) == pytest.approx(spectral / (6 * d), rel=1e-4)
    frobenius = math.sqrt(spectral**2 + (d - 1) * rest**2)
    assert float(gradient_size.share(W, -W, gamma, "fro")) == pytest.approx(frobenius / (6 * d**1.5), rel=1e-4)


def test_sizes_find_the_corner_and_ascent_does_not_fall_behind():
    d = 8
    W, W_star = search.with_corners(d, 1.0, 4, generator())
    found = gradient_size.sizes(W, W_star, (0.01, 0.05), ascent=3)
    corner = -torch.eye(d, dtype=torch.float64)
    for k, gamma in enumerate(found.gammas):
        assert found.spectral[k] >= float(gradient_size.share(gamma * corner, -gamma * corner, gamma, 2)) * (1 - 1e-12)
    assert found.ascended[0] >= found.spectral[0] * (1 - 1e-9) and found.ascended[1] >= found.frobenius[0] * (1 - 1e-9)
    assert found.verdict == verdicts.HOLDS
    assert found.evidence == verdicts.PROVED and max(found.spectral) <= gradient_size.proved_share(d, 0.05)
    with pytest.raises(ValueError, match="W must hold at least two pairs"):
        gradient_size.sizes(W[:1], W_star[:1], (0.01,), ascent=1)


def test_a_gradient_twice_as_large_breaks_the_bound(monkeypatch):
    right = population.gradient
    monkeypatch.setattr(population, "gradient", lambda W, W_star: 2 * right(W, W_star))
    W, W_star = search.with_corners(8, 1.0, 4, generator())
    assert gradient_size.sizes(W, W_star, (0.01,), ascent=1).verdict == verdicts.FAILS


def test_the_bounds_are_those_of_section_2():
    assert bounds.gradient_spectral(100, 0.01, 1e-4) == pytest.approx(6.0001)
    assert bounds.gradient_frobenius(100, 0.01, 1e-4) == pytest.approx(60.0001)
