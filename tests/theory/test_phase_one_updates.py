"""The updates of s and g: rates against finite differences, the missing term, and what turns the verdicts."""

import math

import mpmath
import numpy as np
import pytest
import torch

from src import verdicts
from src.dynamics import three_variables
from src.model import landscape, population
from src.theory import bounds, phase_one_updates, search
from src.theory.phase_one_updates import GUpdate, SUpdate
from tests.theory.draws import generator

GAMMAS = (0.001, 0.01, 0.1)


def gaussian(*shape, seed=0, scale=0.1):
    return scale * torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


FLAT = SUpdate(smaller=np.full(3, 2.0), larger=np.full(3, 2.0), proved=np.full(3, 9.0))


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, verdicts.HOLDS),
        ({"larger": (4.1, 2.0, 2.0)}, verdicts.FAILS),  # more than twice the smaller dimension's
        ({"larger": (3.9, 2.0, 2.0)}, verdicts.HOLDS),
        ({"larger": (4.1, 2.0, 2.0), "smaller": (2.1, 2.0, 2.0)}, verdicts.HOLDS),
        ({"larger": (6.1, 2.0, 2.0), "smaller": (3.5, 2.0, 2.0)}, verdicts.FAILS),  # three times as gamma falls
        ({"larger": (5.9, 2.0, 2.0), "smaller": (3.5, 2.0, 2.0)}, verdicts.HOLDS),
        ({"proved": (9.0, 1.9, 9.0)}, verdicts.FAILS),  # above what is proved: one of the two is wrong
        ({"proved": (9.0, 2.1, 9.0)}, verdicts.HOLDS),
        ({"smaller": (2.0, 9.1, 2.0)}, verdicts.FAILS),
    ],
)
def test_every_quotient_of_s_can_turn_the_verdict(change, verdict):
    assert FLAT._replace(**{name: np.array(values) for name, values in change.items()}).verdict == verdict


BROKEN = GUpdate(
    worst=np.array([100.0, 10.0, 1.0]),
    corrected_smaller=np.full(3, 2.0),
    corrected_larger=np.full(3, 2.0),
    proved=np.full(3, 20.0),
    gammas=(1e-2, 1e-4),
    floats=(80.0, 8000.0),
    digits=(80.0, 8000.0),
)


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, verdicts.CORRECTED),
        ({"worst": np.array([2.9, 1.0, 1.0])}, verdicts.HOLDS),
        ({"worst": np.array([3.1, 1.0, 1.0])}, verdicts.CORRECTED),
        ({"floats": (80.0, 8009.0)}, verdicts.HOLDS),  # the two precisions disagree
        ({"floats": (80.1, 8000.0)}, verdicts.HOLDS),
        ({"floats": (79.9, 8000.0)}, verdicts.HOLDS),
        ({"floats": (80.0, 2300.0), "digits": (80.0, 2300.0)}, verdicts.HOLDS),  # does not grow like 1 / gamma
        ({"floats": (-80.0, -2500.0), "digits": (-80.0, -2500.0)}, verdicts.CORRECTED),
        ({"gammas": (1e-2, 1e-5)}, verdicts.HOLDS),
        ({"corrected_larger": np.array([6.1, 2.0, 2.0]), "corrected_smaller": np.full(3, 4.0)}, verdicts.FAILS),
        ({"corrected_larger": np.array([4.1, 2.0, 2.0])}, verdicts.FAILS),  # more than twice the smaller dimension's
        ({"corrected_smaller": np.array([20.1, 2.0, 2.0])}, verdicts.FAILS),
        ({"proved": np.array([20.0, 1.9, 20.0])}, verdicts.FAILS),
    ],
)
def test_every_number_can_turn_the_verdict_on_g(change, verdict):
    assert BROKEN._replace(**change).verdict == verdict


@pytest.mark.parametrize("gamma", [1e-3, 0.03, 0.1])
def test_the_remainders_stay_below_what_is_proved(gamma):
    """The proposition of chapter 6 and the constant in the update of s, on corners, random and structured pairs."""
    for d in (5, 40):
        W, W_star = search.with_corners(d, gamma, 40, generator())
        found = phase_one_updates.quotients(W, W_star, gamma)
        g, s = landscape.potential(W, W_star), landscape.way_along_ones(W, W_star)
        slope = phase_one_updates.potential_slope(W, W_star)
        remainder = (slope + (d + math.pi / 2 - 1) * g + math.pi / 2 * s.sum(-1)).abs()
        for value, length in zip(remainder.tolist(), s.norm(dim=-1).tolist()):
            assert value <= phase_one_updates.proved_remainder(gamma, d, length)
        assert float(found.g_corrected.max()) <= phase_one_updates.proved_quotient(gamma)
        assert float(found.s.max()) <= phase_one_updates.proved_quotient_of_s(gamma)


def test_the_proved_constants_are_those_of_the_page():
    assert max(phase_one_updates.proved_quotient(y) for y in np.linspace(1e-4, 0.1, 30)) <= 36
    beta, xi, turn = 0.2 / 0.9, (1.1 / 0.9) ** 2 - 1, 2 * math.asin(0.2 / 0.9)
    by_hand = math.pi / 2 * beta * 3 * 0.5 + 9 * 1.1 * (math.pi * beta**2 + (math.pi / 2 - 1) * xi**2 + turn**3 / 3)
    assert phase_one_updates.proved_remainder(0.1, 9, 0.5) == pytest.approx(by_hand)
    with pytest.raises(ValueError, match="gamma must be below 1/3"):
        phase_one_updates.proved_remainder(0.34, 9, 0.5)


def test_neither_of_the_two_terms_alone_repairs_the_update_of_g():
    d, eye = 20, torch.eye(20, dtype=torch.float64)
    rest = eye - 1 / d
    growth = {}
    for gamma in (1e-2, 1e-4):
        pairs = torch.stack([-gamma * rest, gamma / (d - 1) * (1 - eye)]), torch.stack([gamma * rest, 0 * eye])
        g, s = landscape.potential(*pairs), landscape.way_along_ones(*pairs)
        left = phase_one_updates.potential_slope(*pairs) + d * g
        allowed = gamma * math.sqrt(d) * s.norm(dim=-1) + d * gamma**2
        without_factor, without_s = left + math.pi / 2 * s.sum(-1), left + (math.pi / 2 - 1) * g
        growth[gamma] = float((without_factor / allowed)[0].abs()), float((without_s / allowed)[1].abs())
    assert all(tiny > 50 * small for tiny, small in zip(growth[1e-4], growth[1e-2]))


def test_a_step_of_any_size_shrinks_g_at_least_as_its_slope_says():
    W, W_star, X = gaussian(50, 7, 7), gaussian(50, 7, 7, seed=1), gaussian(50, 7, 7, seed=2, scale=1.0)
    eye = torch.eye(7, dtype=torch.float64)
    slope = -((W + eye) / (W + eye).norm(dim=-2, keepdim=True) * X).sum((-2, -1))
    for eta in (1e-3, 0.1, 3.0):
        after = landscape.potential(W + eta * X, W_star)
        assert (after <= landscape.potential(W, W_star) + eta * slope + 1e-12).all()


def test_the_slope_of_g_is_a_finite_difference():
    W, W_star = gaussian(3, 6, 6), gaussian(6, 6, seed=1)
    R, h = population.lemma_2_1(W, W_star), 1e-6
    difference = (landscape.potential(W + h * R, W_star) - landscape.potential(W - h * R, W_star)) / (2 * h)
    torch.testing.assert_close(phase_one_updates.potential_slope(W, W_star), difference, rtol=1e-6, atol=1e-8)


def test_quotients_are_remainders_over_allowed_sizes():
    """From one short step of W itself, against the formulas of section 4 written out."""
    d, gamma, h = 6, 0.3, 1e-7
    W, W_star = gaussian(d, d, scale=0.05), gaussian(d, d, seed=1, scale=0.05)
    u = torch.ones(d, dtype=torch.float64)
    after = W + h * population.lemma_2_1(W, W_star)
    s, s_after = ((W_star - X) @ u for X in (W, after))
    g, g_after = (float(landscape.potential(X, W_star)) for X in (W, after))
    found = phase_one_updates.quotients(W, W_star, gamma)
    remainder_s = float(((s_after - s) / h + math.pi / 2 * d * s).norm())
    assert float(found.s) == pytest.approx(remainder_s / (math.sqrt(d) * (abs(g) + gamma)), rel=1e-4)
    allowed = gamma * math.sqrt(d) * float(s.norm()) + d * gamma**2
    remainder_g = (g_after - g) / h + d * g
    assert float(found.g) == pytest.approx(abs(remainder_g) / allowed, rel=1e-4)
    corrected = remainder_g + (math.pi / 2 - 1) * g + math.pi / 2 * float(u @ s)
    assert float(found.g_corrected) == pytest.approx(abs(corrected) / allowed, rel=1e-4)


def test_the_remainder_of_the_corrected_update_is_of_second_order():
    """The proposition of chapter 6: it is bounded by gamma sqrt(d) |s| + d gamma^2, the printed update's is not."""
    W, W_star = gaussian(20, 9, 9, scale=1 / 3), gaussian(20, 9, 9, seed=1, scale=1 / 3)
    small, tiny = (phase_one_updates.quotients(y * W, y * W_star, y) for y in (1e-3, 1e-5))
    assert (tiny.g_corrected / small.g_corrected).max() < 1.5
    assert (tiny.g / small.g).median() > 50


def judged(dimensions=(10, 30)):
    worst = phase_one_updates.worst_quotients(dimensions, GAMMAS, 4, generator())
    return worst, phase_one_updates.s_update(worst, GAMMAS), phase_one_updates.g_update(dimensions[1], worst, GAMMAS)


def test_the_update_of_s_holds_and_that_of_g_is_corrected():
    worst, s, g = judged()
    assert worst.s.shape == worst.g.shape == worst.g_corrected.shape == (2, 3)
    assert (s.verdict, g.verdict) == (verdicts.HOLDS, verdicts.CORRECTED) and worst.g_corrected.max() < 4
    np.testing.assert_array_equal(g.worst, worst.g[1])
    np.testing.assert_array_equal((g.corrected_smaller, g.corrected_larger), worst.g_corrected)
    np.testing.assert_array_equal((s.smaller, s.larger), worst.s)


def s_backwards(monkeypatch):
    right = landscape.way_along_ones
    monkeypatch.setattr(landscape, "way_along_ones", lambda W, W_star: -right(W, W_star))


def true_scale(monkeypatch):
    monkeypatch.setattr(population, "lemma_2_1", lambda W, W_star: -population.gradient(W, W_star))


@pytest.mark.parametrize("plant", [s_backwards, true_scale])
def test_a_planted_error_overturns_the_verdicts(plant, monkeypatch):
    plant(monkeypatch)
    _, s, g = judged()
    assert (s.verdict, g.verdict) == (verdicts.FAILS, verdicts.FAILS)


def test_a_potential_of_the_wrong_sign_shows_in_the_corrected_update(monkeypatch):
    right = landscape.potential
    monkeypatch.setattr(landscape, "potential", lambda W, W_star: -right(W, W_star))
    assert judged()[2].verdict == verdicts.FAILS


def test_the_counterexample_by_matrices():
    d, gamma = 30, 1e-3
    eye, zero = torch.eye(d, dtype=torch.float64), torch.zeros(d, d, dtype=torch.float64)
    W = gamma / (d - 1) * (torch.ones(d, d, dtype=torch.float64) - eye)
    assert float(torch.linalg.matrix_norm(W, 2)) == pytest.approx(gamma)
    assert float(landscape.way_along_ones(W, zero).sum()) == pytest.approx(-gamma * d)
    eta = bounds.phase_one_step(d, gamma)
    before = float(landscape.potential(W, zero))
    after = float(landscape.potential(W + eta * population.lemma_2_1(W, zero), zero))
    remainder = (after - before) / eta + d * before
    allowed = gamma * math.sqrt(d) * float(landscape.way_along_ones(W, zero).norm()) + d * gamma**2
    for quotient in phase_one_updates.counterexample(d, gamma):
        assert quotient == pytest.approx(remainder / allowed, rel=1e-5)
        assert quotient == pytest.approx(math.pi / 4 / gamma, rel=0.02)  # (pi/2) gamma d over 2 gamma^2 d


def test_a_step_in_coordinates_is_a_step_of_matrices():
    d, W, precision = 11, (-0.05, 0.1, 0.02), mpmath.mp.dps
    full = three_variables.matrix(W, d)
    step = full + 0.01 * population.lemma_2_1(full, torch.zeros_like(full))
    moved = phase_one_updates.coordinate_step(W, d, 0.01)
    torch.testing.assert_close(three_variables.matrix(moved, d), step, rtol=1e-10, atol=1e-12)
    floats, digits = phase_one_updates.in_floats_and_digits(
        lambda X: phase_one_updates.coordinate_step(X, d, 0.01)[1], W
    )
    assert floats == pytest.approx(digits, rel=1e-12) and mpmath.mp.dps == precision
    floats, digits = phase_one_updates.in_floats_and_digits(lambda X: X[0] + 1e-30 - X[0], (1.0, 0.0, 0.0))
    assert floats == 0 and digits == pytest.approx(1e-30)


def test_the_term_that_the_printed_update_of_g_lacks():
    """W = c (J - I), W* = 0: dg / d eta is -(pi/2) <u, s> to leading order, not a multiple of d gamma^2."""
    d, gamma = 100, mpmath.mpf("1e-5")
    W = (-gamma / (d - 1), mpmath.mpf(0), gamma)
    with mpmath.workdps(30):
        R = [-mpmath.pi * v for v in three_variables.gradient(W, d)]
        rate = -three_variables.inner((1 + W[0], 0, 1 + W[2]), R, d)  # -sum <a_j, R_j>, columns of length close to one
        assert float(rate / (mpmath.pi / 2 * gamma * d)) == pytest.approx(1, rel=1e-3)


def test_bad_input_is_named():
    W = gaussian(4, 4)
    with pytest.raises(ValueError, match="gamma must be between 0 and 1"):
        phase_one_updates.quotients(W, W, 0.0)
    with pytest.raises(ValueError, match="W_star must have the dimension"):
        phase_one_updates.potential_slope(W, gaussian(3, 3))
    with pytest.raises(ValueError, match="d must be from 3"):
        phase_one_updates.counterexample(2, 0.01)


def test_ex_phase_one_rise():
    """From W = gamma (J - I) / (d - 1), W* = 0, the potential rises to about gamma (pi/2)^(-1 / (pi/2 - 1))."""
    beta = math.pi / 2
    x = math.log(beta) / (beta - 1)
    assert x == pytest.approx(0.79, abs=0.005) and math.exp(-x) == pytest.approx(0.453, abs=5e-4)
    rises = {}
    for d, gamma in ((100, 1e-3), (1000, 1e-3), (1000, 1e-2)):
        t = np.linspace(0, 4 * math.pi / d, 121)
        run = three_variables.integrate((-gamma / (d - 1), 0.0, gamma), d, t)
        rises[d, gamma] = float(run.potential.max()) / gamma
        assert d / math.pi * float(run.t[run.potential.argmax()]) == pytest.approx(x, abs=0.05)
    assert rises[100, 1e-3] == pytest.approx(0.449, abs=5e-4)
    assert rises[1000, 1e-3] == pytest.approx(math.exp(-x), rel=5e-3)
    assert rises[1000, 1e-2] == pytest.approx(math.exp(-x), rel=5e-3)
    largest = math.exp(-x) / 197
    assert largest == pytest.approx(0.0023, abs=5e-5)
    assert rises[100, 1e-3] * 1e-3 > bounds.phase_one_potential(1e-3)  # 0.001 is below it
    assert rises[1000, 1e-2] * 1e-2 < bounds.phase_one_potential(1e-2)
