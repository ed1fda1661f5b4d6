"""Descent near the teacher: the Lipschitz constant on pairs, the promise on runs with noise, the verdict."""

import math

import pytest
import torch

from src import verdicts
from src.model import landscape, weights
from src.theory import joint_margin, local_convergence


def start(d, gamma_0, distance, seed=0):
    """Teachers of norm gamma_0 and starts at that distance from them: random, and with all of M in one column."""
    generator = torch.Generator().manual_seed(seed)
    W_star = weights.gaussian((4, d, d), 1.0, generator)
    W_star = gamma_0 * W_star / torch.linalg.matrix_norm(W_star, 2)[:, None, None]
    M = weights.gaussian((4, d, d), 1.0, generator)
    M[1] = 1.0  # along u
    M[2, :, 1:] = 0  # one column
    M[3] = M[3] - M[3].mT  # skew, where the ratio is small
    return W_star + distance * M / M.norm(dim=(-2, -1), keepdim=True), W_star


@pytest.mark.parametrize("d", [3, 10])
def test_runs_keep_the_promise(d):
    noise = 1e-3
    at = local_convergence.constants(d, 0.01, 0.02, noise=noise)
    assert at.verdict == verdicts.HOLDS
    W, W_star = start(d, 0.01, 0.02)
    found = local_convergence.descent(W, W_star, at, 400, torch.Generator().manual_seed(1))
    t = torch.arange(401.0)[:, None]
    promised = at.distance * (1 - at.rate) ** t + at.floor
    assert (found <= promised * (1 + 1e-12)).all() and found[-1].max() < 0.99 * found[0].max()
    assert (math.pi * landscape.one_point_ratio(W, W_star)).min() > at.margin


def test_the_steps_are_enough_and_not_far_too_many():
    at = local_convergence.constants(100, 0.01, 0.02)
    T = local_convergence.steps_to(at, 1e-4)
    assert at.distance * (1 - at.rate) ** T <= 1e-4 < at.distance * (1 - at.rate) ** (T / 1.01)
    assert local_convergence.steps_to(at, 0.02) <= 1


def test_the_constants_in_every_dimension():
    few, many = (local_convergence.constants(d, 0.01, 0.02) for d in (100, 10**6))
    assert few.margin == many.margin > 0.3  # no dimension enters
    assert many.step == pytest.approx(few.step / 1e8, rel=0.1)
    assert few.margin > joint_margin.certified(0.0301)  # no condition on g, and more margin
    assert few.step * few.curvature**2 <= few.margin


def test_the_verdict_asks_for_margin_and_little_noise():
    good = local_convergence.constants(10, 0.01, 0.02, noise=1e-4)
    assert good.verdict == verdicts.HOLDS
    assert good._replace(margin=0.0).verdict == good._replace(noise=good.allowed * 1.01).verdict == verdicts.OPEN
    assert good._replace(noise=good.allowed).verdict == verdicts.HOLDS
    assert local_convergence.constants(10, 0.05, 0.1).verdict == verdicts.OPEN


def test_a_broken_promise_fails():
    good = local_convergence.constants(10, 0.01, 0.02)
    bad = local_convergence.constants(10, 0.05, 0.1)
    kept = local_convergence.Kept(good, good, 1.0)
    assert kept.verdict == verdicts.HOLDS and kept._replace(worst=1.01).verdict == verdicts.FAILS
    assert kept._replace(small=bad).verdict == kept._replace(large=bad).verdict == verdicts.OPEN


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="gamma_0"):
        local_convergence.constants(10, 0.1, 0.1)
    with pytest.raises(ValueError, match="step must be at most"):
        local_convergence.constants(10, 0.01, 0.02, step=1.0)
    with pytest.raises(ValueError, match="at must hold"):
        local_convergence.steps_to(local_convergence.constants(10, 0.01, 0.02, noise=1.0), 0.01)
