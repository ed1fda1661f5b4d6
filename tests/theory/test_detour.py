"""Path over straight way: against known paths, full matrices and a brute-force maximum; what overturns the verdict."""

import math

import numpy as np
import pytest
import torch

from src import verdicts
from src.dynamics import linearised, three_variables
from src.model import population
from src.theory import detour


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


SHORT = detour.Detour(small=1.5, wrong_way=1.1, gaussian=1.4, searched=1.5)


@pytest.mark.parametrize("name", detour.Detour._fields)
def test_each_path_turns_the_verdict(name):
    assert SHORT.verdict == verdicts.FAILS
    assert SHORT._replace(**{name: 1.99}).verdict == verdicts.FAILS
    assert SHORT._replace(**{name: 2.0}).verdict == verdicts.CORRECTED
    long = detour.Detour(2.0, 2.0, 2.0, 2.0)
    assert long.verdict == verdicts.HOLDS
    assert long._replace(**{name: 1.99}).verdict == verdicts.CORRECTED


def test_the_path_of_the_flow_is_that_of_small_steps_of_matrices():
    d, W, W_star = 7, (-0.2, 0.3, 0.7), (0.1, -0.2, 0.0)
    A, B = three_variables.matrix(W, d), three_variables.matrix(W_star, d)
    straight, path = float((A - B).norm()), 0.0
    for _ in range(8000):
        step = 2.5e-3 * population.gradient(A, B)
        A, path = A - step, path + float(step.norm())
    expected = (path + float((A - B).norm())) / straight
    assert detour.length_in_span(W, d, W_star) == pytest.approx(expected, rel=2e-3)
    assert detour.length_in_span(W, d, W_star, points=100) == pytest.approx(expected, rel=5e-3)


def test_a_stretched_identity_goes_straight_and_an_interrupted_way_counts_as_straight():
    assert detour.length_in_span((0.3, 0.0, 0.3), 11) < 1.05  # I is nearly an eigenvector
    assert detour.length_in_span((0.2, 0.3, 0.1), 11, t_end=1e-4) == pytest.approx(1, abs=1e-4)


def test_the_longest_path_of_a_quadratic_against_brute_force():
    """The path of dM/dt = -L M by its coordinates: sampled shares never give more, and two rates give an L."""
    d = 20
    rates = np.array([family.rate for family in linearised.families(d)])
    longest = detour.longest_for_small_weights(d)
    draws, t = np.random.default_rng(0), np.concatenate([[0], np.geomspace(1e-5, 400, 4000)])
    decay = np.exp(-np.outer(t, rates))
    found = []
    for _ in range(400):
        shares = draws.normal(size=len(rates)) ** 2
        shares /= np.linalg.norm(shares)
        moves = np.diff(shares * decay, axis=0)
        found.append(np.linalg.norm(moves, axis=1).sum())
    assert max(found) <= longest * (1 + 1e-3) and max(found) > longest - 0.03
    assert math.sqrt(5) > longest > 1.3  # legs at right angles, one for each rate: at most the root of their number


def test_the_search_is_allowed_to_grow_and_beats_its_start():
    few, more = (detour.longest_in_span(103, 0.15, n) for n in (8, 40))
    start = detour.length_in_span((-0.15 / 2**0.5, -0.15 / 2**0.5, -0.02), 103, (0.15 / 2**0.5, 0.15 / 2**0.5, 0.02))
    assert start - 0.05 < few <= more < 2
    assert more < math.sqrt(3) + 0.01  # three coordinates, monotone in each but for a few per cent


def test_gaussian_starts_by_a_plain_loop(monkeypatch):
    d, draws = 6, 2
    found = detour.longest_from_gaussian(d, draws, generator(1), t_end=3.0)
    W, W_star = torch.randn(2, 3, draws, d, d, generator=generator(1), dtype=torch.float64) / math.sqrt(d)
    lengths = []
    for k, nu in enumerate((0.0, 0.5, 0.6)):
        for w, w_star in zip(0.5 * W[k], nu * W_star[k]):
            straight, path = (w - w_star).norm(), 0
            for _ in range(36):  # 3 over 1 / 12
                step = population.gradient(w, w_star) / 12
                w, path = w - step, path + step.norm()
            lengths.append(float((path + (w - w_star).norm()) / straight))
    assert found == pytest.approx(max(lengths), rel=1e-12)
    assert found > 1.1


def test_the_chapter_s_evidence(monkeypatch):
    """Each number in its place; the longest of the wrong-way starts, and what the others are asked for."""
    monkeypatch.setattr(detour, "longest_from_gaussian", lambda *asked: asked[:2])
    monkeypatch.setattr(detour, "longest_in_span", lambda *asked: asked)
    found = detour.detour(30, 43, generator())
    ways = [detour.length_in_span(three_variables.start(n, F, -0.75 * F**2), n) for n, F in ((103, 4.5), (43, 5.0))]
    assert found == detour.Detour(detour.longest_for_small_weights(30), max(ways), (30, 4), (103, 0.15))


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="gamma"):
        detour.longest_in_span(103, 0.0)
    with pytest.raises(ValueError, match="draws"):
        detour.longest_from_gaussian(5, 0, generator())
    with pytest.raises(TypeError, match="generator"):
        detour.longest_from_gaussian(5, 1, 0)
