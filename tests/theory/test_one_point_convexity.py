"""Definition 2.4, the surface for Figure 4 and Lemma 2.5: verdicts, derivatives, second moments, planted errors."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar

from src import verdicts
from src.model import landscape
from src.theory import critical_points
from src.theory import one_point_convexity as one_point


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def grid(n=60):
    axis = np.linspace(-math.pi, math.pi, n)
    return np.meshgrid(axis, axis)


@pytest.mark.parametrize("left, verdict", [(0.0, verdicts.CORRECTED), (1e-9, verdicts.HOLDS), (-1e-9, verdicts.FAILS)])
def test_definition_2_4_at_the_optimum(left, verdict):
    assert one_point.Strictness(left, 0.0).verdict == verdict
    assert one_point.Strictness(0.0, -left).verdict == verdict


def test_both_sides_vanish_at_the_teacher():
    found = one_point.at_the_optimum(weights.gaussian((4, 4), 0.3, generator()), 0.03)
    assert found == (0.0, 0.0) and found.verdict == verdicts.CORRECTED
    with pytest.raises(ValueError, match="delta"):
        one_point.at_the_optimum(torch.zeros(2, 2), 0)


@pytest.mark.parametrize("field, value", [("one_point", 0.68), ("curvature", 0.0), ("chord_gap", 0.0)])
def test_each_property_of_the_surface_counts(field, value):
    right = one_point.NotConvex(0.7, -4.0, -1.8)
    assert right.verdict == verdicts.HOLDS
    assert right._replace(**{field: value}).verdict == verdicts.FAILS


def test_slope_is_the_derivative_of_the_surface_and_curvature_that_of_the_slope():
    x, h = np.linspace(-3, 3, 31), 1e-5
    difference = (one_point.surface(x + h, 1.0) - one_point.surface(x - h, 1.0)) / (2 * h)
    np.testing.assert_allclose(one_point.slope(x), difference, atol=1e-8)
    curvature = (one_point.slope(x + h) - one_point.slope(x - h)) / (2 * h)
    assert one_point.not_convex(x, 0 * x + 1).curvature == pytest.approx(curvature.min(), abs=1e-7)


def test_the_surface_is_as_the_proof_says():
    found = one_point.not_convex(*grid())
    lowest = minimize_scalar(lambda z: math.sin(z) / z, bounds=(4, 5), method="bounded").fun
    assert found.verdict == verdicts.HOLDS
    assert 2 + 6 * lowest <= found.one_point < 2 + 6 * lowest + 0.01  # the bound of the text, approached on the grid
    assert found.curvature == pytest.approx(-4, abs=0.01)
    # The chord from (pi, pi) to the centre, by hand.
    part = np.linspace(0.02, 0.98, 49)
    by_hand = (part * 2 * math.pi**2 - 2 * ((part * math.pi) ** 2 + 3 * np.sin(part * math.pi) ** 2)).min()
    corner = np.array([math.pi])
    assert one_point.chord_gap(corner, corner)[0] == pytest.approx(by_hand)


def test_a_convex_surface_does_not_pass():
    assert one_point.not_convex(*grid(), height=0.5).verdict == verdicts.FAILS
    with pytest.raises(ValueError, match="origin"):
        one_point.not_convex(*grid(61))


def test_ex_landscape_ripples():
    lowest = minimize_scalar(lambda z: math.sin(z) / z, bounds=(4, 5), method="bounded").fun
    assert -1 / lowest == pytest.approx(4.60, abs=0.005)
    x, y = grid(200)
    assert one_point.not_convex(x, y, height=4.5).one_point == pytest.approx(0.045, abs=5e-4)
    assert one_point.not_convex(x, y, height=4.7).one_point == pytest.approx(-0.042, abs=5e-4)
    assert one_point.not_convex(x, y, height=1.0).curvature >= 0 > one_point.not_convex(x, y, height=1.1).curvature


ARRIVAL = one_point.Arrival("quadratic", 100, 0.5, 0.01, True, True)


@pytest.mark.parametrize(
    "field, value, verdict",
    [
        ("square", 1.02, verdicts.HOLDS),  # above the bound, but within three standard errors
        ("square", 1.04, verdicts.FAILS),
        ("error", 0.2, verdicts.HOLDS),
        ("enough_steps", False, verdicts.UNDECIDED),
        ("convex", False, verdicts.UNDECIDED),
    ],
)
def test_each_number_of_an_arrival_counts(field, value, verdict):
    assert one_point.Arrivals((ARRIVAL, ARRIVAL)).verdict == verdicts.HOLDS
    assert one_point.Arrivals((ARRIVAL, ARRIVAL._replace(**{field: value}))).verdict == verdict


def test_the_tightest_arrival():
    other = ARRIVAL._replace(T=1000, square=0.7)
    assert one_point.Arrivals((ARRIVAL, other, ARRIVAL)).tightest == other


def exact_square(curvatures, noise, step, T):
    """E |x_T|^2 and the largest E |G_t|^2 of noisy descent on a quadratic, by the recursion of second moments."""
    n, second, largest = len(curvatures), np.full(len(curvatures), 1 / len(curvatures)), 0.0
    for _ in range(T):
        largest = max(largest, float((curvatures**2 * second).sum()) + noise**2)
        second = (1 - step * curvatures) ** 2 * second + (step * noise) ** 2 / n
    return float(second.sum()), largest


@pytest.mark.parametrize("last, noise", [(1, 10.0), (4, 0.3)])
def test_noisy_descent_has_the_second_moments_of_its_recursion(last, noise):
    T, alpha, curvatures = 200, 0.1, torch.linspace(1, last, 20, dtype=torch.float64)
    setting = {"quadratic": one_point.quadratic(curvatures, noise)}
    (found,) = one_point.lemma_2_5(setting, [T], alpha, 500, generator()).each
    step = one_point.step_size(T, alpha, 1.0)
    square, G_squared = exact_square(curvatures.numpy(), noise, step, T)
    expected = square / one_point.bound(T, alpha, 1.0, math.sqrt(G_squared))
    assert abs(found.square - expected) < 4 * found.error and found.error < 0.03 * expected
    assert found.enough_steps and found.convex


def test_ex_main_theorem_half():
    T, alpha, sigma = 1000, 0.1, 10.0
    step = one_point.step_size(T, alpha, 1.0)
    assert 1 / (2 - step) == pytest.approx(0.502, abs=5e-4)
    square, G_squared = exact_square(np.ones(20), sigma, step, T)
    assert square == pytest.approx(step * sigma**2 / (2 - step), rel=1e-6)
    assert square / one_point.bound(T, alpha, 1.0, math.sqrt(G_squared)) == pytest.approx(0.497, abs=5e-4)


def test_the_settings_of_the_chapter():
    found = one_point.settings(generator())
    assert [setting.noise for setting in found.values()] == [10.0, 0.3, 10.0, 0.3]
    x = torch.randn(3, 20, generator=generator(1), dtype=torch.float64)
    for name in list(found)[:3]:
        # delta-one-point strongly convex, with no room to spare in the first direction
        gradient, square = found[name].gradient(x), x.square()
        assert ((gradient * x).sum(1) >= found[name].delta * square.sum(1) * (1 - 1e-12)).all()
        torch.testing.assert_close(gradient[:, 0], found[name].delta * x[:, 0])
        assert found[name].offset.norm().item() == pytest.approx(1)


def test_descent_on_the_exact_loss_watches_the_one_point_ratio():
    setting = one_point.exact_loss(4, 0.3, 0.12, generator())
    assert torch.linalg.matrix_norm(setting.optimum, 2).item() == pytest.approx(0.1)
    assert torch.linalg.matrix_norm(setting.offset, 2).item() == pytest.approx(0.3)
    x, G_squared, ratio = one_point.descend(setting, 0.01, 1, 10, generator(1))
    start = setting.optimum + setting.offset
    assert ratio == pytest.approx(landscape.one_point_ratio(start, setting.optimum).item())
    assert G_squared == pytest.approx(setting.gradient(start).square().sum().item() + 0.3**2)
    moved = (x - start + 0.01 * setting.gradient(start)) / 0.01  # the noise of one step
    assert moved.square().sum((1, 2)).mean().item() == pytest.approx(0.3**2, rel=0.5)
    too_much = setting._replace(delta=1.0)
    assert one_point.lemma_2_5({"L": too_much}, [20], 0.1, 10, generator()).verdict == verdicts.UNDECIDED


@pytest.mark.parametrize("wrong", ["step without its logarithm", "step ten times too long", "bound of a tenth"])
def test_a_planted_error_overturns_the_verdict(wrong, monkeypatch):
    settings = {"isotropic": one_point.quadratic(torch.ones(20, dtype=torch.float64), 10.0)}
    assert one_point.lemma_2_5(settings, [100], 0.1, 100, generator()).verdict == verdicts.HOLDS
    step, bound = one_point.step_size, one_point.bound
    if wrong == "step without its logarithm":  # with little noise, so that the start still counts
        settings = {"still": one_point.quadratic(torch.ones(20, dtype=torch.float64), 0.3)}
        monkeypatch.setattr(one_point, "step_size", lambda T, alpha, delta: step(T, alpha, delta) / math.log(T) ** 2)
    elif wrong == "step ten times too long":
        monkeypatch.setattr(one_point, "step_size", lambda T, alpha, delta: 10 * step(T, alpha, delta))
    else:
        monkeypatch.setattr(one_point, "bound", lambda *arguments: bound(*arguments) / 10)
    assert one_point.lemma_2_5(settings, [100], 0.1, 100, generator()).verdict == verdicts.FAILS


def test_formulas_of_lemma_2_5():
    T, alpha, delta, G = 1000, 0.5, 0.1, 3.0
    assert one_point.step_size(T, alpha, delta) == pytest.approx(1.5 * math.log(1000) / 100)
    assert one_point.bound(T, alpha, delta, G) == pytest.approx(1.5 * math.log(1000) * 9 / (0.01 * 1000))
    assert one_point.bound(T, alpha, delta, G) == pytest.approx(one_point.step_size(T, alpha, delta) * G**2 / delta)
    edge = math.sqrt((1 + alpha) * T**alpha * math.log(T)) * G / delta  # of D
    assert one_point.enough_steps(T, alpha, delta, G, 0.999 * edge)
    assert not one_point.enough_steps(T, alpha, delta, G, 1.001 * edge)
    # What the proof needs of it: (1 - 2 eta delta)^T D^2 is at most half the bound.
    assert (1 - 2 * one_point.step_size(T, alpha, delta) * delta) ** T * edge**2 < one_point.bound(
        T, alpha, delta, G
    ) / 2
    with pytest.raises(ValueError, match="T must"):
        one_point.bound(1, alpha, delta, G)
    with pytest.raises(ValueError, match="alpha"):
        one_point.step_size(T, 0, delta)
    with pytest.raises(TypeError, match="generator"):
        one_point.lemma_2_5({}, [100], alpha, 10, 0)
    with pytest.raises(ValueError, match="runs"):
        one_point.lemma_2_5({}, [100], alpha, 1, generator())
