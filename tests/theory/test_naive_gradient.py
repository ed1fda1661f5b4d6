"""The thought experiment of section 4: the naive gradient against sums over columns, its terms against matrices."""

import math

import pytest
import torch

from src import verdicts
from src.model import landscape, population, weights
from src.theory import naive_gradient, search


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


NAIVE = naive_gradient.NaiveGradient((0.001, 0.01), (1.8, 3.0), (0.004, 0.04), factor=0.57, pairs=3)
TERMS = naive_gradient.Terms(first=1.57, second=0.0, both=1.57, last_low=-0.1, last_high=9.0, pairs=3)
RIGHT = {"naive": (0.09, 0.9), "factor": math.pi / 2}


@pytest.mark.parametrize(
    ("evidence", "change", "verdict"),
    [
        (NAIVE, {}, verdicts.CORRECTED),
        (NAIVE, {"naive": (0.09, 3.0)}, verdicts.CORRECTED),
        (NAIVE, {"factor": math.pi / 2}, verdicts.CORRECTED),
        (NAIVE, RIGHT, verdicts.HOLDS),
        (NAIVE, RIGHT | {"naive": (0.11, 0.9)}, verdicts.CORRECTED),
        (NAIVE, RIGHT | {"factor": math.pi / 2 - 0.11}, verdicts.CORRECTED),
        (NAIVE, RIGHT | {"factor": math.pi / 2 + 0.11}, verdicts.CORRECTED),
        (NAIVE, {"first_order": (0.11, 1.1)}, verdicts.FAILS),
        (NAIVE, {"first_order": (0.004, 0.03)}, verdicts.FAILS),  # of a lower power than one
        (NAIVE, {"gammas": (0.001, 0.02)}, verdicts.FAILS),
        (TERMS, {}, verdicts.CORRECTED),
        (TERMS, {"second": 0.1}, verdicts.HOLDS),
        (TERMS, {"second": -0.1}, verdicts.FAILS),
        (TERMS, {"first": 0.0}, verdicts.CORRECTED),
        (TERMS, {"first": 0.0, "second": 0.1}, verdicts.CORRECTED),
        (TERMS, {"first": -0.1}, verdicts.FAILS),
        (TERMS, {"both": 0.0}, verdicts.FAILS),
        (TERMS, {"last_low": 0.1}, verdicts.FAILS),
        (TERMS, {"last_high": -0.05}, verdicts.FAILS),
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
    assert naive_gradient.approximation_errors(W, W_star)[:, 0].tolist() == pytest.approx(expected, rel=1e-8)


def test_naive_gradient_does_not_improve_and_the_corrected_one_does():
    found = naive_gradient.naive_gradient(12, (1e-3, 1e-2), 5, generator())
    assert found.pairs == 12 + 5 + 1 and found.verdict == verdicts.CORRECTED
    assert min(found.naive) >= 1 / (math.pi / 2 - 1) - 0.01  # the skew pair is among them
    assert found.first_order[0] == pytest.approx(found.first_order[1] / 10, rel=0.2)


def test_where_the_naive_gradient_is_the_gradient_it_holds(monkeypatch):
    def naive(W, W_star):
        return landscape.gradient_parts(W, W_star).constant

    monkeypatch.setattr(population, "lemma_2_1", naive)
    monkeypatch.setattr(naive_gradient, "skew_factor", lambda: math.pi / 2)
    found = naive_gradient.naive_gradient(12, (1e-3, 1e-2), 5, generator())
    assert max(found.naive) == 0 and found.verdict == verdicts.HOLDS


def test_skew_factor_in_three_arithmetics():
    factor = naive_gradient.skew_factor()
    assert factor == pytest.approx(math.pi / 2 - 1, abs=1e-5)
    W = 1e-4 * weights.flat_skew(103)
    assert float(search.printed_ratio(W, 0 * W)) == pytest.approx(naive_gradient.skew_factor(103, 1e-4), rel=1e-8)


def test_where_the_naive_gradient_is_exact_and_what_it_misses():
    W, W_star = torch.diag_embed(0.8 * torch.rand(2, 1, 9, generator=generator(), dtype=torch.float64) - 0.4)
    assert naive_gradient.approximation_errors(W, W_star)[0, 0] < 1e-14
    # symmetric, zero diagonal, W u = 0: the neighbours on a ring minus the next ones
    one, two = (torch.eye(20, dtype=torch.float64).roll(k, 0) for k in (1, 2))
    W = 1e-3 * (one + one.mT - two - two.mT)[None] / 4
    assert W.sum(-1).abs().max() < 1e-15 and torch.linalg.matrix_norm(W, 2) <= 1e-3 * (1 + 1e-9)
    error = float(naive_gradient.approximation_errors(W, 0 * W)[0])
    assert error == pytest.approx(1 / (math.pi / 2 + 1), abs=0.005) and f"{error:.2f}" == "0.39"


@pytest.mark.parametrize("gaussian", [False, True])
def test_terms_against_sums_over_columns(gaussian, monkeypatch):
    d, gamma = 7, 0.2
    if gaussian:  # one pair that is neither symmetric nor skew
        pair = torch.randn(2, 1, d, d, generator=generator(8), dtype=torch.float64)
        monkeypatch.setattr(naive_gradient, "pairs", lambda *_: pair)
    found = naive_gradient.terms(d, gamma, 6, generator())
    W, W_star = naive_gradient.pairs(d, 6, generator())
    values = []
    for w, w_star in zip(gamma * W, gamma * W_star):
        A, B, M = torch.eye(d) + w, torch.eye(d) + w_star, w_star - w
        inner = [0.0, 0.0, 0.0]
        for j in range(d):
            inner[0] += math.pi / 2 * M[:, j] @ M[:, j]
            for i in range(d):
                inner[1] += math.pi / 2 * M[:, i] @ M[:, j]
                if i != j:
                    inner[2] += (B[:, i].norm() - A[:, i].norm()) * A[:, j] @ M[:, j] / A[:, j].norm()
        values.append([float(x / M.square().sum()) for x in inner])
    first, second, last = map(list, zip(*values))
    both = min(a + b for a, b in zip(first, second))
    expected = naive_gradient.Terms(min(first), min(second), both, min(last), max(last), len(W))
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)
    if gaussian:
        return
    assert found.verdict == verdicts.CORRECTED and abs(found.second) < 1e-12  # the skew pair: M u = 0
    assert len(W) == 12 + 6 + 1 and (W_star[-1] == 0).all() and W[-1].sum(1).abs().max() < 1e-12


def test_bad_input_is_named():
    for gammas in ((0.1, 0.01), (0.0, 0.01), (0.01,)):
        with pytest.raises(ValueError, match="gammas"):
            naive_gradient.naive_gradient(12, gammas, 5, generator())
