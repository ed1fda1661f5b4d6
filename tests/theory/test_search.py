"""The adversarial search of chapter 7: allowed pairs, formulas that agree with the gradient, an uncrossed bound."""

import math

import mpmath
import pytest
import torch

from src.dynamics import three_variables
from src.model import landscape, population, weights
from src.theory import bounds, search, span
from tests.theory.draws import generator


def random_coordinates(seed):
    return tuple((0.6 * torch.rand(3, generator=generator(seed), dtype=torch.float64) - 0.3).tolist())


def test_clip_is_the_projection_onto_the_spectral_ball():
    W = torch.randn(4, 7, 7, generator=generator(), dtype=torch.float64)
    P = search.clip(W, 1.5)
    assert torch.linalg.matrix_norm(P, 2).max() <= 1.5 + 1e-12
    torch.testing.assert_close(search.clip(P, 1.5), P)
    for seed in range(20):  # a projection onto a convex set: <W - P, Z - P> <= 0 for every Z in it
        Z = search.clip(torch.randn(4, 7, 7, generator=generator(seed), dtype=torch.float64), 1.5)
        assert ((W - P) * (Z - P)).sum((-2, -1)).max() <= 1e-10


@pytest.mark.parametrize("d", [3, 6, 11])
def test_starts_are_allowed_reproducible_and_of_every_kind(d):
    W, W_star, kinds = search.starts(d, 0.3, 12, generator(1))
    assert W.shape == W_star.shape == (12, d, d) and set(kinds) == set(search.KINDS)
    assert torch.linalg.matrix_norm(torch.stack((W, W_star)), 2).max() <= 0.3 + 1e-12
    again = search.starts(d, 0.3, 12, generator(1))
    assert torch.equal(W, again[0]) and torch.equal(W_star, again[1])


def test_corners_come_first_and_are_those_of_the_span_of_i_and_j():
    d, gamma = 6, 0.3
    W, W_star = search.with_corners(d, gamma, 5, generator(1))
    assert W.shape == W_star.shape == (12 + 5, d, d)
    u, v = torch.ones(d, dtype=torch.float64), torch.tensor([1.0, -1, 0, 0, 0, 0], dtype=torch.float64)
    found = set()
    for w, w_star in zip(W[:12], W_star[:12]):
        eigenvalues = []
        for X in (w, w_star):
            torch.testing.assert_close(X, X.mT)
            torch.testing.assert_close(torch.linalg.svdvals(X), torch.full((d,), gamma, dtype=torch.float64))
            for x in (v, u):
                value = float(x @ X @ x / (x @ x))
                torch.testing.assert_close(X @ x, value * x)
                eigenvalues.append(round(value / gamma, 9))
        assert eigenvalues[:2] != eigenvalues[2:]
        found.add(tuple(eigenvalues))
    assert len(found) == 12  # of 16, without the four with W = W*
    for ours, starts in zip((W, W_star), search.starts(d, gamma, 5, generator(1))):
        assert torch.equal(ours[12:], starts)


def test_bad_input_of_the_pairs_is_named():
    for call in (search.starts, search.with_corners):
        with pytest.raises(ValueError, match="d must"):
            call(2, 0.3, 5, generator())
        with pytest.raises(ValueError, match="gamma"):
            call(6, 0.0, 5, generator())
        with pytest.raises(ValueError, match="count"):
            call(6, 0.3, 0, generator())
        with pytest.raises(TypeError, match="generator"):
            call(6, 0.3, 5, 0)


@pytest.mark.parametrize(("low", "high"), [(-math.inf, 0.1), (-0.1, 0.1), (-math.inf, -0.3)])
def test_every_pair_found_is_allowed_and_has_the_reported_value(low, high):
    W, W_star, _ = search.starts(5, 0.3, 10, generator(2))
    found = search.minimize(W, W_star, 0.3, g_min=low, g_max=high, steps=40)
    g = landscape.potential(found.W, found.W_star).item()
    assert low <= g <= high
    assert torch.linalg.matrix_norm(torch.stack((found.W, found.W_star)), 2).max() <= 0.3 + 1e-12
    M = found.W_star - found.W
    ratio = (population.lemma_2_1(found.W, found.W_star) * M).sum() / M.square().sum()
    assert found.best == pytest.approx(ratio.item(), rel=1e-10)
    assert found.best == found.values.min() == found.history[-1]
    assert (found.history.diff() <= 0).all() and len(found.history) == 40


def test_a_search_for_the_lowest_potential_stops_at_its_limit():
    W, W_star, _ = search.starts(5, 0.3, 10, generator(2))
    found = search.minimize(
        W, W_star, 0.3, g_min=-0.05, steps=60, objective=lambda W, W_star: landscape.potential(W, W_star) / 10
    )
    assert -0.005 <= found.best < -0.003


def test_search_gets_below_the_random_starts_and_reaches_the_known_family():
    W, W_star, _ = search.starts(6, 0.3, 20, generator(3))
    found = search.minimize(W, W_star, 0.3, steps=120)
    assert found.best < 0.105  # the skew family alone has 0.099 in the limit of large d
    assert found.best < search.printed_ratio(W, W_star).min() - 0.02


def test_an_impossible_interval_is_refused():
    W, W_star, _ = search.starts(4, 0.1, 5, generator())
    with pytest.raises(ValueError, match="g_min"):
        search.minimize(W, W_star, 0.1, g_min=0.2, g_max=0.1)
    with pytest.raises(ValueError, match="no start"):
        search.minimize(W, W_star, 0.1, g_max=-50.0, steps=3)


def test_best_of_is_the_mean_of_the_minimum():
    values = torch.tensor([3.0, 1.0, 2.0])
    assert search.best_of(values) == pytest.approx([2.0, (1 + 1 + 2) / 3, 1.0])


@pytest.mark.parametrize("d", [7, 19])
@pytest.mark.parametrize("seed", range(3))
def test_span_formula_is_the_ratio_and_potential_of_the_matrices(d, seed):
    x, y = random_coordinates(seed), random_coordinates(seed + 10)
    W, W_star = three_variables.matrix(x, d), three_variables.matrix(y, d)
    ratio, g = span.printed_ratio(x, y, d)
    assert ratio == pytest.approx(search.printed_ratio(W, W_star).item(), rel=1e-11)
    assert g == pytest.approx(landscape.potential(W, W_star).item(), rel=1e-11)
    exact = span.printed_ratio(*(tuple(map(mpmath.mpf, z)) for z in (x, y)), d)
    assert float(exact[0]) == pytest.approx(ratio, rel=1e-12)


def test_precise_is_lemma_2_1_in_high_precision():
    W, W_star, _ = search.starts(4, 0.4, 5, generator(4))
    for w, w_star in zip(W, W_star):
        ratio, g = search.precise(w, w_star)
        assert float(ratio) == pytest.approx(search.printed_ratio(w, w_star).item(), rel=1e-11)
        assert float(g) == pytest.approx(landscape.potential(w, w_star).item(), abs=1e-13)


def test_padding_with_zeros_changes_nothing():
    W, W_star, _ = search.starts(5, 0.4, 5, generator(5))
    padded = [torch.nn.functional.pad(X, (0, 3, 0, 3)) for X in (W, W_star)]
    torch.testing.assert_close(search.printed_ratio(*padded), search.printed_ratio(W, W_star), rtol=1e-11, atol=0)
    torch.testing.assert_close(landscape.potential(*padded), landscape.potential(W, W_star), rtol=1e-11, atol=1e-14)


def test_minimize_span_is_allowed_and_meets_its_limit():
    for d in (499, 10007):
        pair = span.minimize(d, 0.3)
        assert max(map(three_variables.spectral_norm, (pair.W, pair.W_star))) <= 0.3 and pair.g <= 0.1
        assert pair.ratio == pytest.approx(span.limit(0.3), abs=2e-4)
    # gamma -> 0 with gamma^2 d = c: the ratio tends to pi/2 - 1 - 0.05 + 0.0025 / c
    c = 1e-4 * 10007
    assert span.minimize(10007, 0.01).ratio == pytest.approx(math.pi / 2 - 1.05 + 0.0025 / c, abs=0.025)


def test_lower_bound_is_below_everything_found_and_sharp_at_zero():
    assert bounds.one_point_ratio(1e-7) == pytest.approx(math.pi / 2 - 1.05, abs=1e-5)
    for gamma in (0.01, 0.05, 0.15):
        W, W_star, _ = search.starts(8, gamma, 15, generator(6))
        found = search.minimize(W, W_star, gamma, steps=40)
        assert found.values.min() > bounds.one_point_ratio(gamma)
    with pytest.raises(ValueError, match="gamma"):
        bounds.one_point_ratio(0.2)


@pytest.mark.parametrize("gamma", [0.02, 0.1])
def test_each_step_of_the_proof_of_the_lower_bound(gamma):
    """Chapter 7's points 2 to 6, each on its own, on random, structured and searched pairs."""
    kappa = 1 / (1 - gamma)
    rho = (1 + gamma) * kappa
    epsilon = rho**2 - 1
    mu = 1 / math.sqrt(1 - epsilon**2)
    W, W_star, _ = search.starts(9, gamma, 40, generator(7))
    eye = torch.eye(9, dtype=torch.float64)
    A, B, M = eye + W, eye + W_star, W_star - W
    a, b = A.norm(dim=-2, keepdim=True), B.norm(dim=-2, keepdim=True)
    A_bar, B_bar, r, square = A / a, B / b, b - a, M.square().sum((-2, -1))
    along = (A_bar * M).sum(-2, keepdim=True)
    off = ~torch.eye(9, dtype=torch.bool)
    c, c_star = (A_bar.mT @ A_bar) * off, (B_bar.mT @ A_bar) * off
    own = 2 * torch.asin((B_bar - A_bar).norm(dim=-2, keepdim=True) / 2)
    point = {
        1: math.pi / 2 * (M.sum(-1).square().sum(-1) + square),
        2: (b * (own.sin() * A_bar - own * B_bar) * M).sum((-2, -1)),
        3: ((c_star.asin() - c.asin()) * (B.mT @ M)).sum((-2, -1)) - (r * along).sum((-2, -1)),
        4: (c.asin() * (M.mT @ M)).sum((-2, -1)),
        5: r.sum((-2, -1)) * along.sum((-2, -1)),
        6: (((b.mT * ((1 - c_star**2).sqrt() - 1) - a.mT * ((1 - c**2).sqrt() - 1)) * off) * along).sum((-2, -1)),
    }
    total = (population.lemma_2_1(W, W_star) * M).sum((-2, -1))
    torch.testing.assert_close(sum(point.values()), total, rtol=1e-8, atol=1e-10)
    g = r.sum((-2, -1)).clamp(min=0)
    floor = {
        2: -(2 * gamma * kappa**2 + 2.6 * (gamma * kappa) ** 2),
        3: -(mu * rho**2 + 2 * gamma * kappa),
        4: -math.asin(epsilon),
        5: -kappa / 2 * g,
        6: -((1 + gamma) * mu * epsilon * rho * kappa + mu * epsilon**2 / 2),
    }
    for k, value in floor.items():
        assert (point[k] >= value * square - 1e-12).all(), k
    assert (along.sum((-2, -1)) <= r.sum((-2, -1)) + 1e-12).all()


def test_wrong_way_start_is_far_below_without_the_condition_on_g():
    d = 103
    W = weights.wrong_way_start(d, 2.0, -3.0)
    zero = torch.zeros_like(W)
    assert landscape.potential(W, zero) > 0.1
    assert search.printed_ratio(W, zero) < bounds.one_point_ratio(0.01)


def test_each_kind_of_start_is_what_its_name_says():
    d, gamma = 9, 0.2
    W, W_star, kinds = search.starts(d, gamma, 40, generator(2))
    eye, sizes = torch.eye(d, dtype=torch.float64), set()
    for k, (kind, w, w_star) in enumerate(zip(kinds, W, W_star)):
        apart = float((w - w_star).norm()) / gamma
        if kind == "random":  # independent orthogonal matrices: their squared distance is near 2 d
            assert 0.6 * 2 * d < apart**2 < 1.4 * 2 * d
            torch.testing.assert_close(w_star.mT @ w_star, gamma**2 * eye)
        elif kind == "opposite" and k // 5 % 2 == 0:
            torch.testing.assert_close(w, -w_star, atol=0.02 * gamma, rtol=0)
        elif kind == "near":
            assert apart < 0.05
        elif kind == "blocks":
            symmetric = (w_star + w_star.mT) / 2 / gamma  # the identity on the second block
            m = round(d - float(symmetric.trace()))
            sizes.add(m)
            torch.testing.assert_close(w[m:, m:], w_star[m:, m:], atol=0.02 * gamma, rtol=0)
            torch.testing.assert_close(w[:m, :m], -w_star[:m, :m], atol=0.02 * gamma, rtol=0)
    assert len(sizes) > 3
