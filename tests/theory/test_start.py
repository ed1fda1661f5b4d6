"""The potential and the hidden units' covariances at a start, against sampling and closed forms."""

import math

import numpy as np
import pytest
import torch

from src import verdicts
from src.model import landscape, population, weights
from src.theory import start
from tests.theory.draws import generator

SIZES = (100, 400)


def table(zero=(-1.0, -4.0), same=(0.0, 0.0), larger=(1.0, 4.0)):
    return np.array([zero, same, larger])


POTENTIAL = start.PotentialAtStart(
    SIZES,
    draws=16,
    mean=table(),
    deviation=np.ones((3, 2)),
    expected=table(),
    ratio=np.zeros((3, 2, 2)),
)


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, verdicts.HOLDS),
        ({"expected": table(larger=(1, 2.1)), "mean": table(larger=(1, 2.1))}, verdicts.HOLDS),
        ({"expected": table(larger=(1, 1.9)), "mean": table(larger=(1, 1.9))}, verdicts.FAILS),
        ({"mean": table(larger=(-0.1, 4))}, verdicts.FAILS),
        ({"expected": table(larger=(-1, -4))}, verdicts.FAILS),
        ({"mean": table(same=(0, 1.2))}, verdicts.HOLDS),
        ({"mean": table(same=(0, 1.3))}, verdicts.FAILS),
        ({"mean": table(zero=(-1.0, -5.3))}, verdicts.FAILS),
        ({"mean": table(same=(0, 1.3)), "deviation": 2 * np.ones((3, 2))}, verdicts.HOLDS),
        ({"mean": table(same=(0, 1.2)), "draws": 25}, verdicts.FAILS),
        ({"dimensions": (100, 2000)}, verdicts.FAILS),  # the same growth over a wider range is a lower power
    ],
)  # fmt: skip
def test_verdict_on_the_potential_at_the_start(change, verdict):
    assert POTENTIAL._replace(**change).verdict == verdict


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, verdicts.CORRECTED),
        ({"diagonal": 0.009}, verdicts.HOLDS),
        ({"aligned_larger": 0.16}, verdicts.CORRECTED),
        ({"aligned_larger": 0.14}, verdicts.FAILS),
        ({"aligned": -0.3, "aligned_larger": -0.1}, verdicts.FAILS),
        ({"aligned": 0.7}, verdicts.FAILS),
    ],
)
def test_verdict_on_the_covariances(change, verdict):
    right = start.CorrelatedUnits(d=100, diagonal=0.3, aligned=0.3, aligned_larger=0.3, random=0.0)
    assert right._replace(**change).verdict == verdict


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, verdicts.HOLDS),
        ({"covariance": 1e-9}, verdicts.FAILS),
        ({"covariance": -1e-9}, verdicts.FAILS),
        ({"both_active": 1e-9}, verdicts.FAILS),
        ({"both_active": -1e-9}, verdicts.FAILS),
        ({"otherwise": 1e-4}, verdicts.FAILS),
    ],
)
def test_verdict_on_orthonormal_units(change, verdict):
    right = start.OrthonormalUnits(d=100, covariance=1e-16, both_active=1e-16, otherwise=0.1)
    assert right._replace(**change).verdict == verdict


def test_potential_at_start_follows_the_exact_mean_and_its_formula():
    found = start.potential_at_start((30, 60, 120), generator(1), draws=40)
    assert found.verdict == verdicts.HOLDS and found.largest_z < 4
    for k, teacher in enumerate((0.0, 0.5, 0.6)):
        for size, expected in zip(found.dimensions, found.expected[k]):
            assert expected == pytest.approx(start.mean_potential(size, 0.5, teacher), abs=0.15)
            assert expected == start.exact_mean_potential(size, 0.5, teacher)
    assert found.growth == pytest.approx(1, abs=0.05)
    assert found.mean.shape == found.deviation.shape == found.expected.shape == (3, 3)


def test_potential_and_ratio_at_start_are_those_of_the_draws():
    found = start.potential_at_start((6, 9), generator(2), draws=3)
    draws = generator(2)
    for k, teacher in enumerate((0.0, 0.5, 0.6)):
        for n, d in enumerate((6, 9)):
            W, W_star = torch.randn(2, 3, d, d, generator=draws, dtype=torch.float64) / math.sqrt(d)
            W, W_star = 0.5 * W, teacher * W_star
            eye = torch.eye(d, dtype=torch.float64)
            g = (eye + W_star).norm(dim=1).sum(1) - (eye + W).norm(dim=1).sum(1)
            R, M = population.lemma_2_1(W, W_star), W_star - W
            q = (R * M).sum((1, 2)) / M.square().sum((1, 2))
            assert found.mean[k, n] == pytest.approx(float(g.mean())) and found.deviation[k, n] == pytest.approx(
                float(g.std())
            )
            assert found.ratio[k, n].tolist() == pytest.approx([float(q.min()), float(q.max())])


@pytest.mark.parametrize(("d", "nu"), [(3, 0.5), (40, 0.6), (400, 0.1)])
def test_the_mean_length_of_a_column_against_sampling(d, nu):
    w = nu / math.sqrt(d) * torch.randn(20000, d, generator=generator(3), dtype=torch.float64)
    w[:, 0] += 1
    length = w.norm(dim=1)
    assert start.mean_length(d, nu) == pytest.approx(float(length.mean()), abs=4 * float(length.std()) / 20000**0.5)
    assert start.mean_length(d, 0) == 1 and start.mean_length(d, 1e-3) == pytest.approx(1, abs=1e-6)
    assert abs(start.mean_length(d, nu) - math.sqrt(1 + nu**2)) < nu**2 / d


def test_the_ratio_falls_with_d_as_the_formula_says():
    """Differences of means over draws at two dimensions; and the order of g between one and d."""
    for student, teacher in ((0.5, 0.6), (0.3, 0.4)):
        means = []
        for d in (150, 300):
            W, W_star = torch.randn(2, 6, d, d, generator=generator(5), dtype=torch.float64) / math.sqrt(d)
            means.append(math.pi * float(landscape.one_point_ratio(student * W, teacher * W_star).mean()))
        slope = start.ratio_slope(student, teacher)
        assert slope < 0 and (means[1] - means[0]) / 150 == pytest.approx(slope, rel=0.15)
    assert start.ratio_slope(0.5, 0.0) > 0 == start.ratio_slope(0.5, 0.5)


def test_a_start_with_the_paper_s_order_exactly():
    for d in (10, 400):
        W_star = torch.eye(d, dtype=torch.float64) / math.sqrt(d)
        assert float(landscape.potential(0 * W_star, W_star)) == pytest.approx(math.sqrt(d), rel=1e-12)


def test_a_wrong_potential_is_noticed(monkeypatch):
    right = landscape.potential
    monkeypatch.setattr(landscape, "potential", lambda W, W_star: right(W_star, W))
    assert start.potential_at_start((30, 60, 120), generator(1)).verdict == verdicts.FAILS


def test_orthonormal_units_against_sampling():
    found = start.orthonormal_units(5, generator(1))
    assert found.verdict == verdicts.HOLDS
    A, other = weights.with_norms(5, 1.0, math.sqrt(5), generator(1)), torch.eye(5, dtype=torch.float64)
    other[:, 1] = other[:, 0]
    x = torch.randn(200000, 5, generator=generator(2), dtype=torch.float64)
    for B in (A, other):
        sampled = torch.cov((x @ B).relu().T)
        assert torch.allclose(start.covariances(B), sampled, atol=0.01)
        active = (x @ B > 0).double()
        both = (active.T @ active / len(x))[0, 1]
        assert float((math.pi - start.angles(B)[0, 1]) / (2 * math.pi)) == pytest.approx(float(both), abs=0.01)


def test_units_of_other_weights_are_not_taken_for_independent(monkeypatch):
    monkeypatch.setattr(weights, "with_norms", lambda d, *_: torch.eye(d, dtype=torch.float64) + 0.1)
    found = start.orthonormal_units(5, generator(1))
    assert found.verdict == verdicts.FAILS and found.covariance > 0.01 and found.both_active > 0.01


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
    assert units.verdict == verdicts.CORRECTED
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
    for call in (start.correlated_units, start.orthonormal_units):
        with pytest.raises(ValueError, match="d must"):
            call(1, generator())
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
