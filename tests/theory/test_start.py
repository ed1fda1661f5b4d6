"""The potential and the hidden units' covariances at a start, against sampling and closed forms."""

import math

import numpy as np
import pytest
import torch

from src import verdicts
from src.model import landscape
from src.theory import start


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


EMPTY = np.zeros((2, 2))


@pytest.mark.parametrize(
    ("zero", "same", "larger", "verdict"),
    [
        (0.99, -0.15, 0.95, verdicts.CORRECTED),
        (0.99, 0.50, 0.95, verdicts.HOLDS),
        (0.99, 0.41, 0.95, verdicts.HOLDS),
        (0.99, 0.39, 0.95, verdicts.CORRECTED),
        (0.99, 0.59, 0.95, verdicts.HOLDS),
        (0.99, 0.61, 0.95, verdicts.CORRECTED),
        (0.39, -0.15, 0.41, verdicts.CORRECTED),
        (0.41, -0.15, 0.39, verdicts.CORRECTED),
        (0.39, -0.15, 0.39, verdicts.FAILS),
        (-0.99, -0.15, -0.95, verdicts.FAILS),
    ],
)
def test_verdict_on_the_potential_at_the_start(zero, same, larger, verdict):
    assert start.PotentialAtStart((1, 2), 2, EMPTY, EMPTY, EMPTY, zero, same, larger).verdict == verdict


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, verdicts.HOLDS),
        ({"diagonal": -0.01}, verdicts.FAILS),
        ({"aligned_larger": 0.16}, verdicts.HOLDS),
        ({"aligned_larger": 0.14}, verdicts.FAILS),
        ({"aligned": -0.3, "aligned_larger": -0.1}, verdicts.FAILS),
        ({"aligned": 0.7}, verdicts.FAILS),
    ],
)
def test_verdict_on_the_covariances(change, verdict):
    right = start.CorrelatedUnits(d=100, diagonal=0.3, aligned=0.3, aligned_larger=0.3, random=0.0)
    assert right._replace(**change).verdict == verdict


def test_potential_at_start_follows_the_formula_in_the_mean():
    found = start.potential_at_start((30, 60, 120), generator(1), draws=40)
    assert found.verdict == verdicts.CORRECTED
    for values, teacher in ((found.zero, 0.0), (found.same, 0.5), (found.larger, 0.6)):
        for size, mean, deviation in zip(found.dimensions, *values):
            expected = start.mean_potential(size, 0.5, teacher)
            assert abs(mean - expected) < 4 * deviation / math.sqrt(40) + 0.1
    assert found.zero_growth == pytest.approx(1, abs=0.05) and found.larger_growth == pytest.approx(1, abs=0.2)
    assert abs(found.same_growth) < 0.35


def test_a_potential_without_the_diagonal_would_be_noticed(monkeypatch):
    """g = |W*|_F - |W|_F is of order sqrt(d): with it the paper's order comes out, and another verdict."""

    def wrong(W, W_star):
        return (W_star.norm(dim=(-2, -1)) - W.norm(dim=(-2, -1))) * (
            1 + 0.1 * torch.randn(len(W), generator=generator())
        )

    monkeypatch.setattr(landscape, "potential", wrong)
    found = start.potential_at_start((30, 60, 120), generator(1))
    assert found.zero_growth == pytest.approx(0.5, abs=0.05)


def test_power_of_a_power():
    sizes = np.array([10, 20, 50])
    assert start.power(sizes, 7 * sizes**-0.3) == pytest.approx(-0.3, rel=1e-12)


def test_covariances_against_sampling():
    d, n = 5, 400_000
    W = 0.4 * torch.randn(d, d, generator=generator(2), dtype=torch.float64)
    x = torch.randn(n, d, generator=generator(3), dtype=torch.float64)
    covariance = torch.cov((x + x @ W).relu().T)
    diagonal, others = start.covariance_sums(W)
    assert diagonal == pytest.approx(float(covariance.trace()) / d, abs=0.01)
    assert others == pytest.approx(float(covariance.sum() - covariance.trace()) / d, abs=0.02)


def test_covariances_of_independent_and_of_equal_units():
    diagonal, others = start.covariance_sums(torch.zeros(7, 7, dtype=torch.float64))
    assert diagonal == pytest.approx(1 / 2 - 1 / (2 * math.pi), rel=1e-12) and abs(others) < 1e-14
    # all columns e_1: every covariance is the variance, but only to rounding in the angle
    W = -torch.eye(4, dtype=torch.float64)
    W[0] += 1
    diagonal, others = start.covariance_sums(W)
    assert others == pytest.approx(3 * diagonal, rel=1e-6)


def test_covariances_of_aligned_columns_are_half_gamma_and_do_not_vanish():
    """The text: pairs of cosine 2 gamma / d have covariance gamma / 2d, so that d^2 of them give gamma / 2 per d."""
    small = [start.covariance_sums(torch.full((d, d), 0.01 / d, dtype=torch.float64))[1] for d in (50, 200)]
    assert small == pytest.approx([0.005, 0.005], rel=0.03)
    units = start.correlated_units(60, generator())
    assert units.verdict == verdicts.HOLDS
    assert units.aligned == pytest.approx(units.aligned_larger, rel=0.02)
    assert units.random == start.covariance_sums(
        0.25 * torch.randn(60, 60, generator=generator(), dtype=torch.float64) / math.sqrt(60)
    )[1]  # fmt: skip


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="dimensions"):
        start.potential_at_start((30,), generator())
    with pytest.raises(ValueError, match="draws"):
        start.potential_at_start((30, 60), generator(), draws=1)
    with pytest.raises(TypeError, match="generator"):
        start.potential_at_start((30, 60), 0)
    with pytest.raises(ValueError, match="d must"):
        start.correlated_units(1, generator())
    with pytest.raises(ValueError, match="W must be square"):
        start.covariance_sums(torch.zeros(2, 3))


def test_ex_wrong_way_start():
    assert start.mean_potential(400, 0.5, 0.6) == pytest.approx(19.3, abs=0.05)
    deviation = start.deviation_of_potential(0.5, 0.5)
    assert deviation == pytest.approx(math.sqrt((2 * 0.5**2 + 0.5**4) / (1 + 0.5**2)), rel=1e-12)
    assert deviation == pytest.approx(0.67, abs=0.005)
    for d, teacher in ((60, 0.5), (60, 0.0)):
        W, W_star = torch.randn(2, 1500, d, d, generator=generator(4), dtype=torch.float64) / math.sqrt(d)
        found = float(landscape.potential(0.5 * W, teacher * W_star).std())
        assert found == pytest.approx(start.deviation_of_potential(0.5, teacher), rel=0.04)
