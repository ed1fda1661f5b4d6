"""Where the gradient points the wrong way: every number against full matrices, another formula or brute force."""

import math

import mpmath
import numpy as np
import pytest
import torch

from src import verdicts
from src.dynamics import three_variables
from src.model import landscape, population, weights
from src.theory import search, wrong_way


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def eye_and_ones(d):
    return torch.eye(d, dtype=torch.float64), torch.full((d, d), 1 / d, dtype=torch.float64)


NAIVE = wrong_way.NaiveGradient((0.001, 0.1), (1.8, 3.0), (0.004, 0.5), factor=0.57, pairs=3)
PATH = wrong_way.Figure3(
    103, *[np.zeros(2)] * 4, np.zeros(10), inner=-7.0, rise=0.01, descent=-1e-4, approach=-1e-5
)  # fmt: skip
PAIR = wrong_way.WrongWay(onset=2e4, d=20011, ratio=-0.01, precise_ratio=-0.01, g=2.0)


@pytest.mark.parametrize(
    ("evidence", "change", "verdict"),
    [
        (NAIVE, {}, verdicts.FAILS),
        (NAIVE, {"naive": (0.51, 3.0)}, verdicts.FAILS),
        (NAIVE, {"naive": (0.49, 3.0)}, verdicts.HOLDS),
        (NAIVE, {"factor": math.pi / 2 - 0.49}, verdicts.HOLDS),
        (NAIVE, {"factor": math.pi / 2 + 0.49}, verdicts.HOLDS),
        (NAIVE, {"factor": math.pi / 2 + 0.51}, verdicts.FAILS),
        (PATH, {}, verdicts.ILLUSTRATED),
        (PATH, {"inner": 1e-9}, verdicts.FAILS),
        (PATH, {"rise": 0.0}, verdicts.FAILS),
        (PATH, {"descent": 1e-9}, verdicts.FAILS),
        (PATH, {"approach": 1e-9}, verdicts.FAILS),
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


def test_approximation_errors_against_sums_over_columns():
    W, W_star = 0.2 * torch.randn(2, 1, 5, 5, generator=generator(), dtype=torch.float64)
    w = W[0].clone().requires_grad_()
    R = -math.pi * torch.autograd.grad(population.loss(w, W_star[0]), w)[0]
    A, B = torch.eye(5, dtype=torch.float64) + W[0], torch.eye(5, dtype=torch.float64) + W_star[0]
    naive, corrected = torch.zeros(5, 5, dtype=torch.float64), torch.zeros(5, 5, dtype=torch.float64)
    for j in range(5):
        a_bar = A[:, j] / A[:, j].norm()
        naive[:, j] = math.pi / 2 * ((B - A)[:, j] + (B - A).sum(1))
        for i in range(5):
            if i != j:
                naive[:, j] += (B[:, i].norm() - A[:, i].norm()) * a_bar
                corrected[:, j] += torch.outer(B[:, i], B[:, i]) @ a_bar / B[:, i].norm()
                corrected[:, j] -= torch.outer(A[:, i], A[:, i]) @ a_bar / A[:, i].norm()
    expected = [float(rest.norm() / R.norm()) for rest in (R - naive, R - naive - corrected)]
    assert wrong_way.approximation_errors(W, W_star)[:, 0].tolist() == pytest.approx(expected, rel=1e-8)


def test_naive_gradient_does_not_improve_and_the_corrected_one_does():
    found = wrong_way.naive_gradient(12, (1e-3, 1e-2), 5, generator())
    assert found.pairs == 12 + 5 + 1 and found.verdict == verdicts.FAILS
    assert min(found.naive) >= 1 / (math.pi / 2 - 1) - 0.01  # the skew pair is among them
    assert found.first_order[0] == pytest.approx(found.first_order[1] / 10, rel=0.2)


def test_where_the_naive_gradient_is_the_gradient_it_holds(monkeypatch):
    def naive(W, W_star):
        return landscape.gradient_parts(W, W_star).constant

    monkeypatch.setattr(population, "lemma_2_1", naive)
    found = wrong_way.naive_gradient(12, (1e-3, 1e-2), 5, generator())
    assert max(found.naive) == 0 and found.verdict == verdicts.HOLDS


def test_skew_factor_in_three_arithmetics():
    factor = wrong_way.skew_factor()
    assert factor == pytest.approx(math.pi / 2 - 1, abs=1e-5)
    W = 1e-4 * weights.flat_skew(103)
    assert float(search.printed_ratio(W, 0 * W)) == pytest.approx(wrong_way.skew_factor(103, 1e-4), rel=1e-8)


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

    monkeypatch.setattr(three_variables, "gradient", convex)
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


def test_first_prime():
    primes = [n for n in range(3, 300) if n % 4 == 3 and all(n % k for k in range(2, n))]
    for least in range(3, 250):
        assert wrong_way.first_prime(least) == min(p for p in primes if p >= least)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: wrong_way.naive_gradient(12, (0.1, 0.01), 5, generator()), "gammas"),
        (lambda: wrong_way.naive_gradient(12, (0.0, 0.01), 5, generator()), "gammas"),
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


def test_ex_wrong_way_naive():
    W, W_star = torch.diag_embed(0.8 * torch.rand(2, 1, 9, generator=generator(), dtype=torch.float64) - 0.4)
    assert wrong_way.approximation_errors(W, W_star)[0, 0] < 1e-14
    # symmetric, zero diagonal, W u = 0: the neighbours on a ring minus the next ones
    one, two = (torch.eye(20, dtype=torch.float64).roll(k, 0) for k in (1, 2))
    W = 1e-3 * (one + one.mT - two - two.mT)[None] / 4
    assert W.sum(-1).abs().max() < 1e-15 and torch.linalg.matrix_norm(W, 2) <= 1e-3 * (1 + 1e-9)
    error = float(wrong_way.approximation_errors(W, 0 * W)[0])
    assert error == pytest.approx(1 / (math.pi / 2 + 1), abs=0.005) and f"{error:.2f}" == "0.39"
