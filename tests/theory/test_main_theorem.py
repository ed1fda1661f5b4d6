"""Theorem 3.1: Phase I with the book's constants, thresholds of its verdict, and the experiments' step sizes."""

import math

import pytest
import torch

from src import verdicts
from src.dynamics import three_variables
from src.model import landscape, population, weights
from src.theory import bounds, main_theorem
from tests.theory.draws import generator


def test_the_radius_is_the_largest_distance_within_a_hundredth():
    d, I = 7, torch.eye(7, dtype=torch.float64)
    assert main_theorem.phase_two_radius(d) == pytest.approx((0.01 * I + 0.01 * I).norm().item())


def test_the_largest_start_is_what_the_printed_rate_leaves_time_for():
    gamma_0 = main_theorem.largest_start(0.01)
    for d in (100, 137, 500, 2000):
        step = bounds.phase_one_step(d, gamma_0)
        left = 2 * gamma_0 * d * bounds.phase_one_factor(d, step) ** bounds.phase_one_steps(step)
        assert left <= bounds.phase_one_potential(0.01)
        if d == 100:
            assert left > 0.99 * bounds.phase_one_potential(0.01)  # the hardest dimension, and no room left there
    with pytest.raises(ValueError, match="d_most"):
        main_theorem.largest_start(0.01, 100, 99)


RIGHT = main_theorem.PhaseOne(
    gamma=0.01, gamma_0=5e-4, allowed=0.0197, printed=0.001, true=0.014, slowest=0.9, noise=0.001
)


@pytest.mark.parametrize(
    "changes, verdict",
    [
        ({}, verdicts.HOLDS),
        ({"printed": 0.0198}, verdicts.FAILS),
        ({"true": 0.0198}, verdicts.CORRECTED),
        ({"slowest": 0.0009}, verdicts.FAILS),
        ({"slowest": -0.1}, verdicts.FAILS),
        ({"slowest": math.inf}, verdicts.HOLDS),  # g was never above
        ({"noise": 1.0}, verdicts.FAILS),
        ({"gamma": 4e-4}, verdicts.FAILS),
        ({"gamma_0": 0.0}, verdicts.FAILS),
        ({"gamma_0": 0.02}, verdicts.FAILS),
        ({"allowed": 0.1001}, verdicts.FAILS),  # Theorem 3.3 could not begin there
        ({"allowed": 0.0005}, verdicts.FAILS),
    ],
)
def test_each_number_turns_the_verdict_at_its_threshold(changes, verdict):
    assert RIGHT._replace(**changes).verdict == verdict


def test_phase_one_with_the_book_s_constants_and_with_larger_ones():
    found = main_theorem.phase_one(dimensions=(100,))
    assert found.verdict == verdicts.HOLDS and found.gamma == 0.01 and found.allowed == pytest.approx(0.0197)
    assert found.noise == pytest.approx(1e-4 / (10 * 0.0197))
    larger = main_theorem.phase_one(gamma_0=main_theorem.largest_start(0.01), dimensions=(100,))
    assert larger.verdict == verdicts.CORRECTED  # the true gradient is not fast enough
    assert main_theorem.phase_one(0.01, 0.0099, (100,)).verdict == verdicts.FAILS  # g rises where it is to fall
    with pytest.raises(ValueError, match="gamma_0"):
        main_theorem.phase_one(gamma_0=0)


def test_the_end_of_phase_one_is_that_of_steps_on_the_matrix():
    """W = -x I, W* = x I stays in the span of I and J: plain steps along the gradient, d = 100."""
    d, x, steps = 100, 5e-4, 400
    eye = torch.eye(d, dtype=torch.float64)
    ends = []
    for end in (math.pi / 16, 1 / 16):
        W = -x * eye
        for _ in range(steps):
            W = W - end / steps * population.gradient(W, x * eye)
        ends.append(landscape.potential(W, x * eye).item())
    found = main_theorem.phase_one(0.01, x, (d,))
    # The worst of the corners is at least as bad, and this one is close to it.
    assert ends[0] < 1.15 * found.printed and found.printed < 2 * ends[0]
    assert ends[1] < 1.05 * found.true and found.true < 1.1 * ends[1]


def test_the_fall_is_that_of_a_short_step():
    d, h = 103, 1e-6
    W, W_star = (-0.002, 0.001, 0.003), (0.001, 0.0, -0.002)
    student, teacher = (three_variables.matrix(X, d) for X in (W, W_star))
    g = [
        landscape.potential(student - t * math.pi * population.gradient(student, teacher), teacher) for t in (-h, 0, h)
    ]
    assert main_theorem.fall(W, d, W_star) == pytest.approx(float((g[0] - g[2]) / (2 * h * d * g[1])), rel=1e-6)


def test_corner_starts_are_corners_and_just_above_the_threshold():
    d, gamma_0, least = 100, 0.002, 0.0197
    pairs = main_theorem.corner_starts(d, gamma_0, least)
    norms = [three_variables.spectral_norm(X) for pair in pairs for X in pair]
    assert max(norms) == gamma_0 and len(pairs) == 15
    potentials = [three_variables.potential(W, d, W_star) for W, W_star in pairs]
    assert max(potentials) == pytest.approx(2 * gamma_0 * d, rel=0.01)
    assert sum(least < g < 1.2 * least for g in potentials) == 1
    assert len(main_theorem.corner_starts(d, 1e-5, least)) == 12  # too small for such a potential


def uphill(monkeypatch):
    right = three_variables._gradient
    monkeypatch.setattr(three_variables, "_gradient", lambda *a: tuple(-x for x in right(*a)))


def without_one_over_pi(monkeypatch):
    """The sum of Lemma 2.1 in place of the gradient: the flow would be faster, and nothing would tell the scales."""
    right = three_variables._gradient
    monkeypatch.setattr(three_variables, "_gradient", lambda *a: tuple(x / math.pi for x in right(*a)))


@pytest.mark.parametrize("plant", [uphill, without_one_over_pi])
def test_a_planted_error_overturns_the_verdict(plant, monkeypatch):
    plant(monkeypatch)
    assert main_theorem.phase_one(dimensions=(100,)).verdict != verdicts.HOLDS


@pytest.mark.parametrize(
    "changes, verdict",
    [
        ({}, verdicts.HOLDS),
        ({"largest": 1.01}, verdicts.FAILS),
        ({"attained": 0.99}, verdicts.FAILS),
    ],
)
def test_each_number_turns_the_verdict_on_frobenius_norms(changes, verdict):
    assert main_theorem.FrobeniusNorms(1.0, 1.0)._replace(**changes).verdict == verdict


def test_frobenius_norms_reach_root_d(monkeypatch):
    found = main_theorem.frobenius_norms((3, 30), generator())
    assert found == (pytest.approx(1), pytest.approx(1)) and found.verdict == verdicts.HOLDS
    # Gaussian matrices alone have about half of it: the share is 1/2 for large d.
    right = weights.with_norms
    monkeypatch.setattr(weights, "with_norms", lambda d, s, f, g: right(d, s, min(f, 0.7 * d**0.5), g))
    assert main_theorem.frobenius_norms((30,), generator()).attained == pytest.approx(0.7)
    assert main_theorem.frobenius_norms((30,), generator()).verdict == verdicts.FAILS
    with pytest.raises(TypeError, match="generator"):
        main_theorem.frobenius_norms((3,), 0)


def test_excess_is_the_ratio_of_the_step_sizes():
    printed, true = main_theorem.excess(1e-3, 100, 0.6)
    G_2 = 6 * 100 * 0.6 + 0.36
    assert true == pytest.approx(1e-3 * (G_2 / 0.6) ** 2) and printed == pytest.approx(true / math.pi)
    with pytest.raises(ValueError, match="step"):
        main_theorem.excess(0, 100, 0.6)


def test_descent_of_section_5_3_in_three_variables_is_that_of_the_matrix():
    d, frobenius, trace = 103, 2.0, -3.0
    found = main_theorem.section_5_3(5, 1e-2, d, frobenius, trace)
    W = three_variables.matrix(three_variables.start(d, frobenius, trace), d)
    zero, g = torch.zeros_like(W), []
    for _ in range(5):
        g.append(landscape.potential(W, zero).item())
        W = W - 1e-2 * population.gradient(W, zero)
    g.append(landscape.potential(W, zero).item())
    assert found.g == pytest.approx(g, rel=1e-8)


def test_the_experiments_take_steps_a_hundred_times_longer_and_end_phase_one():
    for run, steps in ((main_theorem.section_5_2(generator()), 201), (main_theorem.section_5_3(), 201)):
        assert len(run.g) == steps and run.excess > 100 and run.excess_true == pytest.approx(math.pi * run.excess)
        assert abs(run.g[-1]) < 0.1 * abs(run.g[0])


def test_the_largest_start_by_hand():
    assert main_theorem.largest_start(0.01, 100) == pytest.approx(0.0022, abs=5e-5)
    assert main_theorem.largest_start(0.01, 200) == pytest.approx(0.0255, abs=5e-5)
