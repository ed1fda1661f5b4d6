"""A fixed training set: its Hessian against the training loss, the edge against a direct solution, the verdict."""

import numpy as np
import pytest
import torch

from src import verdicts
from src.dynamics import linearised
from src.theory import training_set


def test_the_rates_are_those_of_the_training_loss():
    d, n = 4, 30
    draws = torch.Generator().manual_seed(0)
    x = torch.randn(n, d, generator=draws, dtype=torch.float64)
    teacher = x.relu().sum(1)

    def loss(W):
        # the pattern of W* = 0, near which it does not change
        return (((x + x @ W) * (x > 0)).sum(1) - teacher).square().mean()

    H = torch.autograd.functional.hessian(loss, torch.zeros(d, d, dtype=torch.float64)).reshape(d * d, d * d)
    assert torch.allclose(torch.linalg.eigvalsh(H), training_set.rates(x), atol=1e-12)
    many = training_set.rates(torch.randn(300_000, d, generator=draws, dtype=torch.float64))
    exact = linearised.numerical_rates(d)
    assert torch.allclose(many, exact, rtol=0.05, atol=0.01)


def test_the_edge_solves_the_equation_of_marchenko_and_pastur():
    """At the edge the companion Stieltjes transform ceases to be real."""
    d, n = 30, 4500
    families = linearised.families(d)
    l, m = (np.array([getattr(one, name) for one in families]) for name in ("rate", "multiplicity"))

    def density(rate):
        z, s = rate + 1e-7j, 1j
        for _ in range(200_000):
            s = 0.5 * s + 0.5 / (-z + np.sum(m * l / (1 + l * s)) / n)
        return s.imag

    edge = training_set.slowest(d, n)
    assert density(0.98 * edge) < 1e-3 < 1e-1 < density(1.02 * edge)


def test_the_edge_of_one_rate_is_the_classical_one(monkeypatch):
    one = [linearised.Family("all", 0.5, 100)]
    monkeypatch.setattr(linearised, "families", lambda d: one)
    for n in (150, 400, 10_000):
        assert training_set.slowest(10, n) == pytest.approx(0.5 * (1 - (100 / n) ** 0.5) ** 2, rel=1e-6)


def test_from_no_input_to_all():
    assert training_set.slowest(20, 1) == training_set.slowest(20, 400) == 0.0
    rates = [training_set.slowest(20, n) for n in (401, 500, 1000, 10_000, 10**9)]
    assert rates == sorted(rates) and 0 < rates[0] < 1e-6
    assert rates[-1] == pytest.approx(linearised.families(20)[-1].rate, rel=2e-3)
    assert training_set.slowest(100, 100_000) / linearised.families(100)[-1].rate == pytest.approx(0.557, abs=0.001)


def test_sets_agree_and_a_wrong_law_does_not(monkeypatch):
    size = {"d": 20, "ratios": [0.5, 2, 10], "generator": torch.Generator().manual_seed(0)}
    found = training_set.compare(**size)
    assert found.verdict == verdicts.HOLDS and [one.flat for one in found.sets] == [200, 0, 0]
    assert [one.n for one in found.sets] == [200, 800, 4000]
    one = found.sets[-1]
    assert one.share == one.slowest / one.population
    for bad in (one._replace(law=1.15 * one.law), found.sets[0]._replace(flat=199)):
        assert found._replace(sets=(bad,)).verdict == verdicts.FAILS
    assert found._replace(sets=()).verdict == verdicts.FAILS


def test_bad_input_is_named():
    for x in (torch.zeros(3), torch.zeros(3, 2), torch.zeros(3, 41), [1.0]):
        with pytest.raises((TypeError, ValueError), match="x must"):
            training_set.rates(x)
