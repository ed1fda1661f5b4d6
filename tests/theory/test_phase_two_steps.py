"""Theorem 3.1, Phase II: formulas retyped, the counterexample by a plain loop, and the thresholds of the verdicts."""

import math

import pytest
import torch

from src import verdicts
from src.model import landscape, population
from src.theory import main_theorem, noisy_descent, phase_two_steps
from tests.theory.draws import generator


def test_formulas_of_theorem_3_1():
    d, gamma, alpha, T = 100, 0.01, 0.5, 1e6
    G_F = 6 * d**1.5 * gamma + gamma**2
    expected = 100**2 * (1 + alpha) * math.log(T) * G_F**2 / (9 * T)
    assert phase_two_steps.bound(T, alpha, d, gamma, gamma**2) == pytest.approx(expected)
    assert phase_two_steps.step_size(T, alpha) == pytest.approx((1 + alpha) * math.log(T) / (0.03 * T))
    asked = phase_two_steps.required(alpha, d, gamma, gamma**2)
    assert asked == pytest.approx(36 * d / (100**4 * (1 + alpha) * G_F**2))
    # It is the condition of Lemma 2.5 with D = sqrt(d) / 50 and delta = 0.03.
    D = main_theorem.phase_two_radius(d)
    for T, enough in ((2.0, True), (1 + 0.9 * asked, False)):
        assert noisy_descent.enough_steps(2, alpha, 0.03, G_F * math.sqrt(2**alpha * math.log(2) / asked), D * 0.999)
        assert (T**alpha * math.log(T) >= asked) == enough


def test_numbers_of_steps_solve_their_equations():
    alpha, d, gamma = 0.5, 100, 0.01
    useful = phase_two_steps.useful_steps(alpha, d, gamma)
    assert phase_two_steps.bound(useful, alpha, d, gamma) == pytest.approx(d / 2500)
    assert phase_two_steps.bound(1.01 * useful, alpha, d, gamma) < d / 2500
    assert phase_two_steps.useful_steps(alpha, 1, 1e-9) == 2
    nearer = phase_two_steps.useful_steps(alpha, d, gamma, distance=0.05)
    assert phase_two_steps.bound(nearer, alpha, d, gamma) == pytest.approx(0.05**2)
    covered = phase_two_steps.covered_steps(alpha, d, gamma)
    G_2 = 6 * d * gamma + gamma**2
    assert phase_two_steps.step_size(covered, alpha) == pytest.approx(gamma**2 / G_2**2)
    for quotient in (3.0, 1e3, 1e12):
        T = phase_two_steps.from_steps(quotient)
        assert quotient * math.log(T) == pytest.approx(T) and math.e < T


@pytest.mark.parametrize("scale, place", [(math.pi, 0), (1.0, 1)])
def test_descent_is_stable_from_there_on(scale, place):
    """Steps a little longer blow a small pair up, steps a little shorter do not: the fastest mode of W - W*."""
    alpha, d = 0.01, 12
    T = phase_two_steps.stable_steps(alpha, d)[place]
    for factor, grows in ((0.9, True), (1.1, False)):
        W, W_star = main_theorem.standard_pair(d, 1e-6, generator(1))
        first = (W - W_star).norm()
        for _ in range(200):
            W = W - scale * phase_two_steps.step_size(factor * T, alpha) * population.gradient(W, W_star)
        assert bool((W - W_star).norm() > first) == grows


@pytest.mark.parametrize("scale", [math.pi, 1.0])
@pytest.mark.parametrize("size", [1e-2, 1e-6])
def test_the_counterexample_by_a_plain_loop(size, scale):
    d, T, alpha = 100, 10, 0.01
    assert T**alpha * math.log(T) > 36 * d / (100**4 * 1.01 * (6 * d**1.5 * 0.01) ** 2)  # the theorem admits it
    W, W_star = main_theorem.standard_pair(d, size, generator(3))
    if landscape.potential(W, W_star) > 0:
        W, W_star = W_star, W
    assert torch.linalg.matrix_norm(torch.stack([W, W_star]), 2).max() <= size * (1 + 1e-9)
    for _ in range(T):
        W = W - scale * 1.01 * math.log(T) / (0.03 * T) * population.gradient(W, W_star)
    bound = 100**2 * 1.01 * math.log(T) * (6 * d**1.5 * 0.01) ** 2 / (9 * T)
    square = float((W - W_star).norm() ** 2)
    assert square > 1e3 * bound
    found = phase_two_steps.overshoot(T, alpha, size, generator(3), d, scale)
    assert found == pytest.approx(square / bound, rel=1e-6)


def test_five_of_a_thousand_steps():
    found = phase_two_steps.overshoot(1000, 0.01, 0.01, generator(), steps=5)
    assert found > 1e8
    assert phase_two_steps.overshoot(5, 0.01, 0.01, generator(), steps=5) == phase_two_steps.overshoot(
        5, 0.01, 0.01, generator()
    )


def test_the_worst_start_stays_within_a_hundredth():
    gamma_0 = main_theorem.largest_start(0.01)
    found = phase_two_steps.stay(0.01, gamma_0, generator(), t_end=0.5)
    assert 2.6 * gamma_0 < found.norm < 0.01 and found.potential < 0.1
    assert 0 < found.square < (2 * gamma_0) ** 2 * 100
    # Noise counts: a hundred times more of it leaves the region.
    assert phase_two_steps.stay(0.1, gamma_0, generator(), t_end=0.5).norm > found.norm
    assert phase_two_steps.stay(0.01, 0.0053, generator(), t_end=0.5).norm > 0.01


RIGHT = phase_two_steps.PhaseTwo(
    condition=1e-8,
    overshoot=1e46,
    stable=2.8e4,
    covered=2.3e8,
    useful=2.2e9,
    norm=0.0065,
    potential=5e-4,
    square=1e-3,
    margin=0.35,
)


@pytest.mark.parametrize(
    "changes, verdict",
    [
        ({}, verdicts.CORRECTED),
        ({"condition": 1.01}, verdicts.HOLDS),  # then the counterexample is not admitted
        ({"overshoot": 0.99}, verdicts.HOLDS),
        ({"overshoot": 1.01}, verdicts.CORRECTED),
        ({"overshoot": math.nan}, verdicts.CORRECTED),
        ({"stable": 2.4e8}, verdicts.FAILS),
        ({"covered": 2.3e9}, verdicts.FAILS),  # the correction would cost a T for which the bound says something
        ({"useful": 2.2e8}, verdicts.FAILS),
        ({"norm": 0.0101}, verdicts.FAILS),
        ({"potential": 0.101}, verdicts.FAILS),
        ({"square": 1.01}, verdicts.FAILS),
        ({"margin": 0.094}, verdicts.FAILS),
        ({"norm": math.nan}, verdicts.FAILS),
    ],
)
def test_each_number_turns_the_verdict_at_its_threshold(changes, verdict):
    assert RIGHT._replace(**changes).verdict == verdict


def test_the_evidence_at_a_hundred_inputs(monkeypatch):
    real = phase_two_steps.stay
    monkeypatch.setattr(phase_two_steps, "stay", lambda *a: real(*a, t_end=0.3))
    found = phase_two_steps.phase_two(0.01, 100, generator())
    assert found.verdict == verdicts.CORRECTED
    assert found.condition < 1e-7 and found.overshoot > 1e6 and found.margin > 0.1
    assert found.stable == pytest.approx(2.8e4, rel=0.02) and found.covered == pytest.approx(2.34e8, rel=0.01)
    right = population.gradient
    monkeypatch.setattr(population, "gradient", lambda W, W_star: -right(W, W_star))
    assert phase_two_steps.phase_two(0.01, 100, generator()).verdict == verdicts.FAILS


@pytest.mark.parametrize(
    "changes, verdict",
    [
        ({}, verdicts.HOLDS),
        ({"in_d": (2.1, 2.06, 2.2)}, verdicts.FAILS),
        ({"in_accuracy": (2.1, 2.06, 2.2)}, verdicts.FAILS),
        ({"covered": 0.99}, verdicts.FAILS),
    ],
)
def test_each_number_turns_the_verdict_on_polynomial_steps(changes, verdict):
    right = phase_two_steps.Polynomial((2.1, 2.06, 2.05), (2.1, 2.06, 2.05), 8.8)
    assert right._replace(**changes).verdict == verdict


def test_the_number_of_steps_is_polynomial_and_an_exponential_would_show(monkeypatch):
    found = phase_two_steps.polynomial(0.01)
    assert found.verdict == verdicts.HOLDS and 2 < found.in_d[-1] < found.in_d[0] < 2.2 and found.covered > 1
    # By hand: 9 d^2 / 4 steps of Phase I and T / log T = 10^4 (1 + alpha) d^2.
    T = {d: phase_two_steps.useful_steps(0.01, d, 0.01) for d in (100, 200)}
    for d, steps in T.items():
        assert steps / math.log(steps) == pytest.approx(1e4 * 1.01 * d**2)
    G_2 = {d: 6 * d * 0.01 + 1e-4 for d in T}
    total = {d: steps + (G_2[d] / 0.01) ** 2 / 16 for d, steps in T.items()}
    assert found.in_d[0] == pytest.approx(math.log2(total[200] / total[100]))
    right = phase_two_steps.useful_steps
    monkeypatch.setattr(phase_two_steps, "useful_steps", lambda a, d, *rest: right(a, d, *rest) * 2 ** (d / 1e5))
    assert phase_two_steps.polynomial(0.01).verdict == verdicts.FAILS


def test_ex_main_theorem_how_many_steps():
    steps = {d: phase_two_steps.useful_steps(0.01, d, 0.01) for d in (100, 200)}
    for d, T in steps.items():
        assert T / math.log(T) == pytest.approx(1e4 * 1.01 * d**2)
    assert steps[200] / steps[100] == pytest.approx(4.27, abs=0.005)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="alpha"):
        phase_two_steps.covered_steps(0, 100, 0.01)
    with pytest.raises(TypeError, match="generator"):
        phase_two_steps.overshoot(10, 0.01, 0.01, 0)
    with pytest.raises(TypeError, match="generator"):
        phase_two_steps.stay(0.01, 0.001, 0)
    with pytest.raises(ValueError, match="quotient"):
        phase_two_steps.from_steps(-1)
