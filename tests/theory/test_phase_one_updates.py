"""The updates of s and g: rates against finite differences, the missing term, and what turns the verdicts."""

import math

import mpmath
import numpy as np
import pytest
import torch

from src import verdicts
from src.dynamics import three_variables
from src.model import landscape, population
from src.theory import bounds, phase_one_updates
from src.theory.phase_one_updates import GUpdate, SUpdate

GAMMAS = (0.001, 0.01, 0.1)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def gaussian(*shape, seed=0, scale=0.1):
    return scale * torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


@pytest.mark.parametrize(
    ("smaller", "larger", "verdict"),
    [
        ((2.0, 2.0, 2.0), (2.0, 2.0, 2.0), verdicts.HOLDS),
        ((2.0, 2.0, 2.0), (5.9, 2.0, 2.0), verdicts.FAILS),  # more than twice the smaller dimension's
        ((3.0, 2.0, 2.0), (5.9, 2.0, 2.0), verdicts.HOLDS),
        ((3.5, 2.0, 2.0), (6.1, 2.0, 2.0), verdicts.FAILS),  # more than three times as gamma falls
        ((2.0, 2.0, 2.0), (2.0, 2.0, 4.1), verdicts.FAILS),
        ((2.0, 2.0, 2.0), (2.0, 2.0, 3.9), verdicts.HOLDS),
    ],
)
def test_a_quotient_of_s_that_grows_turns_the_verdict(smaller, larger, verdict):
    assert SUpdate(np.array(smaller), np.array(larger)).verdict == verdict


BROKEN = GUpdate(worst=np.array([100.0, 10.0, 1.0]), gammas=(1e-2, 1e-4), floats=(80.0, 8000.0), digits=(80.0, 8000.0))


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, verdicts.FAILS),
        ({"worst": np.array([2.9, 1.0, 1.0])}, verdicts.HOLDS),
        ({"worst": np.array([3.1, 1.0, 1.0])}, verdicts.FAILS),
        ({"floats": (80.0, 8009.0)}, verdicts.HOLDS),  # the two precisions disagree
        ({"floats": (80.1, 8000.0)}, verdicts.HOLDS),
        ({"floats": (80.0, 2300.0), "digits": (80.0, 2300.0)}, verdicts.HOLDS),  # does not grow like 1 / gamma
        ({"floats": (80.0, 2500.0), "digits": (80.0, 2500.0)}, verdicts.FAILS),
        ({"gammas": (1e-2, 1e-5)}, verdicts.HOLDS),
    ],
)
def test_every_number_can_turn_the_verdict_on_g(change, verdict):
    assert BROKEN._replace(**change).verdict == verdict


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


def test_worst_quotients_hold_for_s_and_fail_for_g():
    worst = phase_one_updates.worst_quotients((10, 30), GAMMAS, 4, generator())
    assert worst.s.shape == worst.g.shape == worst.g_corrected.shape == (2, 3)
    assert SUpdate(*worst.s).verdict == verdicts.HOLDS
    assert phase_one_updates.g_update(30, worst.g[1]).verdict == verdicts.FAILS
    assert phase_one_updates.g_update(30, worst.g_corrected[1]).verdict == verdicts.HOLDS
    assert worst.g_corrected.max() < 4


def s_backwards(monkeypatch):
    right = landscape.way_along_ones
    monkeypatch.setattr(landscape, "way_along_ones", lambda W, W_star: -right(W, W_star))


def true_scale(monkeypatch):
    monkeypatch.setattr(population, "lemma_2_1", lambda W, W_star: -population.gradient(W, W_star))


@pytest.mark.parametrize("plant", [s_backwards, true_scale])
def test_a_planted_error_overturns_the_verdict_on_s(plant, monkeypatch):
    plant(monkeypatch)
    worst = phase_one_updates.worst_quotients((10, 30), GAMMAS, 4, generator())
    assert SUpdate(*worst.s).verdict == verdicts.FAILS


def test_a_potential_of_the_wrong_sign_shows_in_the_corrected_update(monkeypatch):
    right = landscape.potential
    monkeypatch.setattr(landscape, "potential", lambda W, W_star: -right(W, W_star))
    worst = phase_one_updates.worst_quotients((10, 30), GAMMAS, 4, generator())
    assert worst.g_corrected.max() > 100


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
    d, W = 11, (-0.05, 0.1, 0.02)
    full = three_variables.matrix(W, d)
    step = full + 0.01 * population.lemma_2_1(full, torch.zeros_like(full))
    moved = phase_one_updates.coordinate_step(W, d, 0.01)
    torch.testing.assert_close(three_variables.matrix(moved, d), step, rtol=1e-10, atol=1e-12)
    floats, digits = phase_one_updates.in_floats_and_digits(
        lambda X: phase_one_updates.coordinate_step(X, d, 0.01)[1], W
    )
    assert floats == pytest.approx(digits, rel=1e-12) and mpmath.mp.dps == 15
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
    with pytest.raises(ValueError, match="gamma must be positive"):
        phase_one_updates.quotients(W, W, 0.0)
    with pytest.raises(ValueError, match="W_star must have the dimension"):
        phase_one_updates.potential_slope(W, gaussian(3, 3))
    with pytest.raises(ValueError, match="d must be at least 3"):
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
