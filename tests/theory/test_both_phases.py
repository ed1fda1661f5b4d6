"""SGD through both phases: what the proof uses, on runs and pairs; the step from its parts; the verdict."""

import math

import pytest
import torch

from src import verdicts
from src.model import landscape, population
from src.theory import both_phases, curvature, joint_margin, norm_stays


@pytest.mark.parametrize("d", [100, 101, 135, 1500, 10**5])
@pytest.mark.parametrize("batch", [1, 300, 10**6])
def test_the_step_obeys_every_condition_of_the_theorem(d, batch):
    failure = 0.05
    at = both_phases.guarantee(d, batch, failure)
    assert at.verdict == verdicts.HOLDS
    V, mu = 2 * math.pi**2 * d**2 * (d + 2), 0.009
    s, D = at.excursion, at.distance
    assert s * math.pi * (1 + 4 * mu / math.pi) * d <= 1e-4 < s * math.pi * 1.013 * d
    assert (mu + s) * math.sqrt(d) <= D < (mu + 1e-6) * math.sqrt(d) * (1 + 1e-9)
    assert at.step * 36 * d**2 <= 1 and at.step * (at.curvature**2 + V / batch) <= at.margin
    chance = at.step * V / batch * D**2 * (at.step * at.phase_one + 1 / at.margin) / s**2
    assert 0.99 * failure < chance <= failure
    assert at.inputs >= 2.8e-7, "which chapter 17 says"
    # After phase_one steps the potential of W~ leaves room for |S|.
    f = math.exp(at.phase_one * math.log1p(-0.97 * at.step * d))
    assert 0.002 * d * f + 0.00065 + math.sqrt(d) * s <= 0.1
    assert at.margin <= joint_margin.certified(0.01 + s, 0.1)


def test_the_typed_constant_is_enough_in_every_dimension():
    """2.8e-7 grows to its limit with d, and the other two conditions are weaker as long as it is the smallest."""
    constants = [both_phases.guarantee(d, d, 0.1).inputs for d in (100, 120, 200, 1000, 10**4, 10**5)]
    assert min(constants) >= 2.8e-7 and max(constants) < 3e-7


@pytest.mark.parametrize("k", range(4))
def test_runs_do_what_the_proof_says(k):
    W, W_star = norm_stays.hard_pairs(100)
    found = both_phases.watch(W[k], W_star[k], 1e-4, 300, 30, range(3))
    assert found.kept and found.excursion > 0.01 and found.curvature > 0.1


def test_the_potential_differs_by_at_most_the_excursion():
    d, draws = 100, torch.Generator().manual_seed(0)
    W = 0.01 * torch.randn(50, d, d, generator=draws, dtype=torch.float64) / 20
    S = torch.eye(d, dtype=torch.float64) * 1e-4 + 1e-6 * torch.randn(50, d, d, generator=draws, dtype=torch.float64)
    change = (landscape.potential(W + S, 0 * W) - landscape.potential(W, 0 * W)).abs()
    bound = d**0.5 * S.norm(dim=(-2, -1))
    assert (change <= bound).all() and (change > 0.9 * bound).any()


def test_the_gradient_of_a_minibatch_is_that_of_its_loss():
    draws = torch.Generator().manual_seed(0)
    W, W_star = 0.1 * torch.randn(2, 5, 5, generator=draws, dtype=torch.float64)
    W.requires_grad_()
    x = torch.randn(7, 5, generator=draws, dtype=torch.float64)
    f, f_star = ((x + x @ V).relu().sum(1) for V in (W, W_star))
    (gradient,) = torch.autograd.grad((f - f_star).square().mean(), W)
    assert torch.allclose(both_phases._minibatch_gradient(W.detach(), W_star, x), gradient, rtol=1e-12)
    many = torch.randn(200_000, 5, generator=draws, dtype=torch.float64)
    mean = both_phases._minibatch_gradient(W.detach(), W_star, many)
    assert (mean - population.gradient(W.detach(), W_star)).norm() < 0.1 * mean.norm()


def test_the_number_of_steps():
    at = both_phases.guarantee(100, 300, 0.05)
    T = both_phases.steps_to(at, 1e-3, 0.05) - at.phase_one
    left = math.exp(-T * at.rate) * (at.distance / 1e-3) ** 2  # 1 - rate is 1 in floats
    assert left <= 0.05 * (1 + 1e-9) and left > 0.0499
    assert both_phases.steps_to(at, 1.0, 0.05) == at.phase_one
    with pytest.raises(ValueError, match="at must hold"):
        both_phases.steps_to(at._replace(margin=0.0), 1e-3, 0.05)


def test_the_verdict():
    at, certificate = both_phases.guarantee(100, 300, 0.05), norm_stays.certify()
    watched = both_phases.Watched(0.2, 0.4)
    proved = both_phases.Proved((at,), certificate, watched)
    assert proved.verdict == verdicts.HOLDS
    for name in watched._fields:
        for value in (1.1, math.nan):
            assert proved._replace(watched=watched._replace(**{name: value})).verdict == verdicts.FAILS
    assert proved._replace(guarantees=()).verdict == verdicts.OPEN
    assert proved._replace(guarantees=(at, at._replace(step=0.0))).verdict == verdicts.OPEN
    bad = certificate._replace(slacks={"Arb": {"x": -1.0}})
    assert proved._replace(certificate=bad).verdict == verdicts.OPEN


def test_bad_input_is_named():
    W, W_star = norm_stays.hard_pairs(100)
    with pytest.raises(ValueError, match="d must be"):
        both_phases.guarantee(99, 300, 0.05)
    with pytest.raises(ValueError, match="failure"):
        both_phases.guarantee(100, 300, 1.0)
    for pair in ((W, W_star), (2 * W[0], W_star[0]), (W[0][:50, :50], W_star[0][:50, :50])):
        with pytest.raises(ValueError, match="W and W_star must be"):
            both_phases.watch(*pair, 1e-4, 10, 2, [0])
    assert curvature.bound(100, 0.01, 1.0) > 0
