"""Where the gradient points the wrong way: every number against full matrices, another formula or brute force."""

import math

import mpmath
import numpy as np
import pytest
import torch

from src import verdicts
from src.dynamics import three_variables
from src.model import landscape, population, weights
from src.theory import bounds, search, wrong_way
from tests.theory.draws import generator


def eye_and_ones(d):
    return torch.eye(d, dtype=torch.float64), torch.full((d, d), 1 / d, dtype=torch.float64)


PATH = wrong_way.Figure3(
    103, *[np.zeros(2)] * 4, np.zeros(10), inner=-7.0, rise=0.01, descent=-1e-4, approach=-1e-5
)  # fmt: skip
INSIDE = wrong_way.InPhaseOne(d=100, starts=10, wrong=10, lowest=-1.0, bound=-1.0)
PAIR = wrong_way.WrongWay(onset=2e4, d=20011, ratio=-0.01, precise_ratio=-0.01, g=2.0)


@pytest.mark.parametrize(
    ("evidence", "change", "verdict"),
    [
        (PATH, {}, verdicts.ILLUSTRATED),
        (PATH, {"inner": 1e-9}, verdicts.FAILS),
        (PATH, {"rise": 0.0}, verdicts.FAILS),
        (PATH, {"descent": 1e-9}, verdicts.FAILS),
        (PATH, {"approach": 1e-9}, verdicts.FAILS),
        (INSIDE, {}, verdicts.HOLDS),
        (INSIDE, {"wrong": 9}, verdicts.FAILS),
        (INSIDE, {"starts": 11}, verdicts.FAILS),
        (INSIDE, {"bound": 0.01}, verdicts.FAILS),
        (PAIR, {}, verdicts.HOLDS),
        (PAIR, {"ratio": 1e-9}, verdicts.FAILS),
        (PAIR, {"precise_ratio": 1e-9}, verdicts.FAILS),
        (PAIR, {"g": 0.11}, verdicts.HOLDS),
        (PAIR, {"g": 0.1}, verdicts.FAILS),
        (PAIR, {"g": -2.0}, verdicts.FAILS),
    ],
)
def test_verdicts(evidence, change, verdict):
    assert evidence._replace(**change).verdict == verdict


def test_figure_3_is_as_drawn_and_is_the_flow_of_the_matrices():
    assert wrong_way.figure_3().verdict == verdicts.ILLUSTRATED
    d, F = 43, 3.0
    path = wrong_way.figure_3(d, F)
    assert (np.diff(path.marks) > 0).all() and path.times[path.marks[0]] == 0
    W = weights.wrong_way_start(d, F, -0.75 * F**2)
    zero, between = torch.zeros_like(W), 4  # steps of Runge and Kutta from one point to the next, up to W_6
    h = path.times[path.marks[1]] / between
    assert path.inner == pytest.approx(float(landscape.inner_product(W, zero)), rel=1e-9)
    for mark in path.marks[:6]:
        assert path.distance[mark] == pytest.approx(float(W.norm()), rel=1e-6)
        assert path.potential[mark] == pytest.approx(float(landscape.potential(W, zero)), rel=1e-3)
        for _ in range(between):
            slopes = [-population.gradient(W, zero)]
            for part in (h / 2, h / 2, h):
                slopes.append(-population.gradient(W + part * slopes[-1], zero))
            W = W + h / 6 * (slopes[0] + 2 * slopes[1] + 2 * slopes[2] + slopes[3])
    for name in ("rise", "descent", "approach"):  # by their definitions
        values = {"rise": path.distance / path.distance[0] - 1, "descent": np.diff(path.potential)[: path.marks[5]]}
        values["approach"] = np.diff(path.distance)[path.marks[5] :]
        assert getattr(path, name) == pytest.approx(values[name].max(), rel=1e-9)


def test_a_convex_loss_has_no_wrong_way(monkeypatch):
    def convex(W, d, W_star=three_variables.ZERO):
        return tuple(x - y for x, y in zip(W, W_star))

    monkeypatch.setattr(three_variables, "_gradient", convex)
    assert wrong_way.figure_3().verdict == verdicts.FAILS
    assert wrong_way.lowest_inner(103, 4.5)[0] > 0
    with pytest.raises(ValueError):  # there is no norm at which the inner product changes its sign
        wrong_way.critical_frobenius(103)


@pytest.mark.parametrize("frobenius", [2.0, 2.3, 2.5, 4.5])
def test_lowest_inner_against_matrices_over_a_grid_of_traces(frobenius):
    d = 103
    traces = np.linspace(-(frobenius**2), -(frobenius**2) / 2, 41)
    W = torch.stack([weights.wrong_way_start(d, frobenius, float(trace)) for trace in traces])
    inner = math.pi * landscape.inner_product(W, torch.zeros_like(W))
    lowest, coordinates = wrong_way.lowest_inner(d, frobenius)
    assert lowest == pytest.approx(float(inner.min()), abs=0.01) and lowest <= float(inner.min()) + 1e-9
    assert (lowest < 0) == (frobenius > wrong_way.critical_frobenius(d))
    at = three_variables.matrix(coordinates, d)
    assert float(at.norm()) == pytest.approx(frobenius, rel=1e-12)
    assert lowest == pytest.approx(math.pi * float(landscape.inner_product(at, 0 * at)), rel=1e-9)


@pytest.mark.parametrize("gamma", [0.11, 0.13])
def test_lowest_ratio_against_opposite_matrices(gamma):
    d = 103
    K, (I, J) = weights.flat_skew(d), eye_and_ones(d)
    t = torch.linspace(0, gamma**2, 13, dtype=torch.float64)[:, None, None]
    W = -t * (I - J) - (gamma**2 - t**2).sqrt() * K
    assert torch.linalg.matrix_norm(W, 2).max() <= gamma + 1e-12
    ratio = search.printed_ratio(W, -W)
    lowest, g = wrong_way.lowest_ratio(d, gamma)
    assert lowest == pytest.approx(float(ratio.min()), abs=3e-4) and lowest <= float(ratio.min()) + 1e-9
    assert g == pytest.approx(float(landscape.potential(W, -W)[ratio.argmin()]), abs=0.2)
    assert wrong_way.lowest_ratio(d, gamma, precise=True) == pytest.approx((lowest, g), abs=1e-7)
    assert (lowest < 0) == (gamma > wrong_way.smallest_norms([d]).opposite[0])


def expansion(z, F, d):
    """The proposition of chapter 5."""
    return (z - F**2 / 2) * (z - F**2) + (math.pi / 2 - 1) * F**2 - F**3 / math.sqrt(d)


@pytest.mark.parametrize(("share", "F"), [(0.75, 3.0), (0.75, 4.5), (0.5, 2.0), (0.0, 3.0), (1.2, 2.5)])
def test_expansion_in_high_dimension(share, F):
    """What is left of <R, M> is of order 1/d."""
    left = []
    with mpmath.workdps(40):
        for d in (10**5, 10**6, 10**7):
            W = tuple(map(mpmath.mpf, three_variables.start(d, F, -share * F**2)))
            exact = mpmath.pi * three_variables.inner(three_variables.gradient(W, d), W, d)
            left.append(d * float(exact - expansion(share * F**2, F, d)))
    assert max(map(abs, left)) < F**6
    assert left[2] == pytest.approx(left[1], rel=0.05, abs=0.1)


def test_smallest_norms_go_to_their_limits():
    found = wrong_way.smallest_norms([10**7, 499, 499, 10**5])
    assert found.dimensions.tolist() == [499, 10**5, 10**7]
    root = np.sqrt(found.dimensions)
    for scaled in (found.frobenius, root * found.zero_teacher, 2 * root * found.opposite):
        assert (np.diff(scaled) > 0).all()
        assert scaled[-1] == pytest.approx(wrong_way.LIMIT, rel=1e-3)
    assert (found.safe < found.opposite).all() and 2 * root[-1] * found.safe[-1] == pytest.approx(
        wrong_way.LIMIT, rel=0.01
    )
    for d, gamma in zip(found.dimensions, found.safe):
        assert wrong_way.lowest_possible(d, gamma) == pytest.approx(0, abs=1e-6)
    # at the spectral norm found, the gradient points the wrong way just above and nowhere just below
    for d, gamma in zip(found.dimensions, found.opposite):
        assert wrong_way.lowest_ratio(d, 1.01 * gamma)[0] < 0 < wrong_way.lowest_ratio(d, 0.99 * gamma)[0]


def test_small_pair_is_one_of_matrices():
    found = wrong_way.small_pair(gamma=0.1)
    assert found.verdict == verdicts.HOLDS
    K, (I, J) = weights.flat_skew(found.d), eye_and_ones(found.d)
    W = torch.stack([-x * 0.01 * (I - J) - math.sqrt(0.01 - (x * 0.01) ** 2) * K for x in torch.linspace(0, 1, 21)])
    assert torch.linalg.matrix_norm(W[10], 2) <= 0.1 + 1e-12
    ratio = search.printed_ratio(W, -W)
    assert float(ratio.min()) == pytest.approx(found.ratio, abs=1e-4) and ratio.min() < 0
    for factor, sign in ((0.99, 1), (1.01, -1)):
        assert sign * wrong_way.lowest_ratio(factor * found.onset, 0.1)[0] > 0


def test_small_pair_in_the_ball_of_theorem_3_2():
    found = wrong_way.small_pair()
    assert found.verdict == verdicts.HOLDS
    assert 22000 < found.onset < 22100 and found.d == 22483
    # leading order and the term of the own pairs: d gamma^2 / 4 + 2 gamma = pi / 2 - 1
    assert found.onset == pytest.approx(4 * (math.pi / 2 - 1.02) / 1e-4, rel=0.01)
    assert found.g == pytest.approx(found.d * 0.02**2 / 4, rel=0.05)  # g = |M|_F^2 / 4
    assert found.precise_ratio == pytest.approx(found.ratio, abs=1e-9)


def test_the_radial_piece_without_a_condition_on_the_potential():
    """The proof's steps for <A_bar, M> = g - S, on thousands of pairs of matrices and on the worst ones known."""
    gamma, d = 0.3, 5
    W, W_star = torch.randn(2, 3000, d, d, generator=generator(1), dtype=torch.float64)
    K = weights.flat_skew(103)
    opposite = -0.5 * gamma**2 * eye_and_ones(103)[0] - gamma * (1 - gamma**2 / 4) ** 0.5 * K
    for w, w_star in ((W, W_star), (opposite[None], -opposite[None])):
        w, w_star = (gamma * X / torch.linalg.matrix_norm(X, 2)[:, None, None] for X in (w, w_star))
        eye = torch.eye(w.shape[-1], dtype=w.dtype)
        A, M = eye + w, w_star - w
        a, b = A.norm(dim=1), (eye + w_star).norm(dim=1)  # [n, d]
        along, square = (A * M).sum(1) / a, M.square().sum(1)
        torch.testing.assert_close(along, b - a - (square - (b - a) ** 2) / (2 * a))
        g, S = (b - a).sum(1), ((square - (b - a) ** 2) / (2 * a)).sum(1)
        assert (S >= 0).all() and (square.sum(1) / (2 * (1 - gamma)) >= S).all() and (a >= 1 - gamma).all()
        radial = g * along.sum(1)
        floor = -(square.sum(1) ** 2) / (16 * (1 - gamma) ** 2)
        assert (radial >= floor).all()
    assert radial < 0.45 * floor  # the bound is not far from what the flat skew pair reaches


def test_no_pair_is_below_the_bound_without_a_condition_on_the_potential():
    for gamma, d in ((0.02, 8), (0.1, 8)):
        W, W_star, _ = search.starts(d, gamma, 15, generator(6))
        found = search.minimize(W, W_star, gamma, g_max=math.inf, steps=40)
        assert found.best > wrong_way.lowest_possible(d, gamma)
    for d in (10**3, 10**4, 10**5, 10**6):  # the family of the wrong way, on both sides of its onset
        for factor in (0.5, 1.0, 1.3):
            gamma = factor * wrong_way.LIMIT / 2 / math.sqrt(d)
            assert wrong_way.lowest_ratio(d, gamma)[0] > wrong_way.lowest_possible(d, gamma)


def test_the_bound_by_hand_and_the_dimension_up_to_which_it_is_positive():
    gamma = 0.01
    c = bounds.one_point_ratio(gamma, g_max=0)
    assert 0.40 < c < math.pi / 2 - 1
    assert wrong_way.lowest_possible(1000, gamma) == pytest.approx(c - 0.1 / (4 * 0.99**2), rel=1e-12)
    for delta in (0.0, bounds.DELTA, math.pi * bounds.DELTA):
        d = wrong_way.safe_dimension(gamma, delta)
        assert wrong_way.lowest_possible(d, gamma) >= delta > wrong_way.lowest_possible(d + 1, gamma)
        assert d == math.floor(4 * (c - delta) * 0.99**2 / gamma**2)
    assert wrong_way.safe_dimension(gamma) < wrong_way.small_pair(gamma).onset
    # sharp: both sides tend to gamma^2 d = 2 pi - 4
    assert wrong_way.safe_dimension(1e-5) == pytest.approx((2 * math.pi - 4) * 1e10, rel=1e-3)


def test_starts_in_phase_one_are_in_the_ball_and_have_a_large_potential(monkeypatch):
    found = wrong_way.in_phase_one(20, 0.01, 10, generator())
    assert found.verdict == verdicts.FAILS and found.wrong == 0 and found.starts > 10
    assert found.bound == wrong_way.lowest_possible(20, 0.01) <= found.lowest
    seen = []
    monkeypatch.setattr(landscape, "one_point_ratio", lambda W, W_star: seen.append((W, W_star)) or -torch.ones(len(W)))
    turned = wrong_way.in_phase_one(20, 0.01, 10, generator())
    assert turned.wrong == turned.starts and turned.lowest == pytest.approx(-math.pi)
    assert turned._replace(bound=-1.0).verdict == verdicts.HOLDS
    ((W, W_star),) = seen
    assert torch.linalg.matrix_norm(torch.stack([W, W_star]), 2).max() <= 0.01 + 1e-12
    lengths = [(torch.eye(20, dtype=torch.float64) + X).norm(dim=1).sum(1) for X in (W, W_star)]
    assert (lengths[1] - lengths[0] > 197 * 0.01**2).all()


def test_first_prime():
    primes = [n for n in range(3, 300) if n % 4 == 3 and all(n % k for k in range(2, n))]
    for least in range(3, 250):
        assert wrong_way.first_prime(least) == min(p for p in primes if p >= least)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: wrong_way.lowest_possible(0, 0.01), "d must"),
        (lambda: wrong_way.lowest_possible(100, 0.2), "gamma"),
        (lambda: wrong_way.in_phase_one(11, 0.16, 4, generator()), "leave no start"),
        (lambda: wrong_way.lowest_inner(103, -1.0), "frobenius"),
        (lambda: wrong_way.lowest_ratio(103, 0.0), "gamma"),
        (lambda: wrong_way.small_pair(-0.01), "gamma"),
        (lambda: wrong_way.first_prime(2), "least"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=name):
        call()


def test_ex_wrong_way_onset():
    root = math.sqrt(1499)
    F = math.sqrt(64 / 1499 + 16 * (math.pi / 2 - 1)) - 8 / root
    assert F**2 / 16 + F / root == pytest.approx(math.pi / 2 - 1) and abs(F - 2.82) < 0.005
    assert wrong_way.critical_frobenius(1499) == pytest.approx(2.83, abs=0.005)
    assert expansion(0.75 * F**2, F, 1499) == pytest.approx(0, abs=1e-9)
