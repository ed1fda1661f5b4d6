"""Lemma 2.5: second moments of noisy descent, the verdict's thresholds, the lemma's formulas, planted errors."""

import math

import numpy as np
import pytest
import torch

from src import verdicts
from src.model import landscape
from src.theory import noisy_descent


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


ARRIVAL = noisy_descent.Arrival("quadratic", 100, 0.5, 0.01, True, True)


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
    assert noisy_descent.Arrivals((ARRIVAL, ARRIVAL)).verdict == verdicts.HOLDS
    assert noisy_descent.Arrivals((ARRIVAL, ARRIVAL._replace(**{field: value}))).verdict == verdict


def test_the_tightest_arrival():
    other = ARRIVAL._replace(T=1000, square=0.7)
    assert noisy_descent.Arrivals((ARRIVAL, other, ARRIVAL)).tightest == other


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
    setting = {"quadratic": noisy_descent.quadratic(curvatures, noise)}
    (found,) = noisy_descent.lemma_2_5(setting, [T], alpha, 500, generator()).each
    step = noisy_descent.step_size(T, alpha, 1.0)
    square, G_squared = exact_square(curvatures.numpy(), noise, step, T)
    expected = square / noisy_descent.bound(T, alpha, 1.0, math.sqrt(G_squared))
    assert abs(found.square - expected) < 4 * found.error and found.error < 0.03 * expected
    assert found.enough_steps and found.convex


def test_ex_main_theorem_half():
    T, alpha, sigma = 1000, 0.1, 10.0
    step = noisy_descent.step_size(T, alpha, 1.0)
    assert 1 / (2 - step) == pytest.approx(0.502, abs=5e-4)
    square, G_squared = exact_square(np.ones(20), sigma, step, T)
    assert square == pytest.approx(step * sigma**2 / (2 - step), rel=1e-6)
    assert square / noisy_descent.bound(T, alpha, 1.0, math.sqrt(G_squared)) == pytest.approx(0.497, abs=5e-4)


def test_the_settings_of_the_chapter():
    found = noisy_descent.settings(generator())
    assert [setting.noise for setting in found.values()] == [10.0, 0.3, 10.0, 0.3]
    x = torch.randn(3, 20, generator=generator(1), dtype=torch.float64)
    for name in list(found)[:3]:
        # delta-one-point strongly convex, with no room to spare in the first direction
        gradient, square = found[name].gradient(x), x.square()
        assert ((gradient * x).sum(1) >= found[name].delta * square.sum(1) * (1 - 1e-12)).all()
        torch.testing.assert_close(gradient[:, 0], found[name].delta * x[:, 0])
        assert found[name].offset.norm().item() == pytest.approx(1)


def test_descent_on_the_exact_loss_watches_the_one_point_ratio():
    setting = noisy_descent.exact_loss(4, 0.3, 0.12, generator())
    assert torch.linalg.matrix_norm(setting.optimum, 2).item() == pytest.approx(0.1)
    assert torch.linalg.matrix_norm(setting.offset, 2).item() == pytest.approx(0.3)
    x, G_squared, ratio = noisy_descent.descend(setting, 0.01, 1, 10, generator(1))
    start = setting.optimum + setting.offset
    assert ratio == pytest.approx(landscape.one_point_ratio(start, setting.optimum).item())
    assert G_squared == pytest.approx(setting.gradient(start).square().sum().item() + 0.3**2)
    moved = (x - start + 0.01 * setting.gradient(start)) / 0.01  # the noise of one step
    assert moved.square().sum((1, 2)).mean().item() == pytest.approx(0.3**2, rel=0.5)
    too_much = setting._replace(delta=1.0)
    assert noisy_descent.lemma_2_5({"L": too_much}, [20], 0.1, 10, generator()).verdict == verdicts.UNDECIDED


@pytest.mark.parametrize("wrong", ["step without its logarithm", "step ten times too long", "bound of a tenth"])
def test_a_planted_error_overturns_the_verdict(wrong, monkeypatch):
    settings = {"isotropic": noisy_descent.quadratic(torch.ones(20, dtype=torch.float64), 10.0)}
    assert noisy_descent.lemma_2_5(settings, [100], 0.1, 100, generator()).verdict == verdicts.HOLDS
    step, bound = noisy_descent.step_size, noisy_descent.bound

    def short(T, alpha, delta):
        return step(T, alpha, delta) / math.log(T) ** 2

    if wrong == "step without its logarithm":  # with little noise, so that the start still counts
        settings = {"still": noisy_descent.quadratic(torch.ones(20, dtype=torch.float64), 0.3)}
        monkeypatch.setattr(noisy_descent, "step_size", short)
    elif wrong == "step ten times too long":
        monkeypatch.setattr(noisy_descent, "step_size", lambda T, alpha, delta: 10 * step(T, alpha, delta))
    else:
        monkeypatch.setattr(noisy_descent, "bound", lambda *arguments: bound(*arguments) / 10)
    assert noisy_descent.lemma_2_5(settings, [100], 0.1, 100, generator()).verdict == verdicts.FAILS


def test_formulas_of_lemma_2_5():
    T, alpha, delta, G = 1000, 0.5, 0.1, 3.0
    assert noisy_descent.step_size(T, alpha, delta) == pytest.approx(1.5 * math.log(1000) / 100)
    assert noisy_descent.bound(T, alpha, delta, G) == pytest.approx(1.5 * math.log(1000) * 9 / (0.01 * 1000))
    assert noisy_descent.bound(T, alpha, delta, G) == pytest.approx(
        noisy_descent.step_size(T, alpha, delta) * G**2 / delta
    )
    edge = math.sqrt((1 + alpha) * T**alpha * math.log(T)) * G / delta  # of D
    assert noisy_descent.enough_steps(T, alpha, delta, G, 0.999 * edge)
    assert not noisy_descent.enough_steps(T, alpha, delta, G, 1.001 * edge)
    # What the proof needs of it: (1 - 2 eta delta)^T D^2 is at most half the bound.
    assert (1 - 2 * noisy_descent.step_size(T, alpha, delta) * delta) ** T * edge**2 < noisy_descent.bound(
        T, alpha, delta, G
    ) / 2
    with pytest.raises(ValueError, match="T must"):
        noisy_descent.bound(1, alpha, delta, G)
    with pytest.raises(ValueError, match="alpha"):
        noisy_descent.step_size(T, 0, delta)
    with pytest.raises(TypeError, match="generator"):
        noisy_descent.lemma_2_5({}, [100], alpha, 10, 0)
    with pytest.raises(ValueError, match="runs"):
        noisy_descent.lemma_2_5({}, [100], alpha, 1, generator())
