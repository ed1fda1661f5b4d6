"""SGD near the teacher: the noise's mean square, the mean square of runs, how often they leave, the verdict."""

import math

import pytest
import torch
from test_local_convergence import start

from src import verdicts
from src.model import population
from src.theory import minibatch_convergence


@pytest.mark.parametrize("d", [3, 10, 40])
def test_the_noise_is_bounded_in_the_mean(d):
    W, W_star = start(d, 0.01, 0.02, d)
    x = torch.randn(20_000, d, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    shares = minibatch_convergence.noise_shares(W, W_star, x)
    mean, error = shares.mean(-1), shares.std(-1) / len(x) ** 0.5
    assert (mean + 4 * error < 1).all()
    assert mean[1] > 0.2, "for M along u both Cauchy-Schwarz inequalities lose only what units that are off lose"


def test_a_share_is_the_size_of_the_gradient_of_one_input():
    W, W_star = (M[0].requires_grad_() for M in start(4, 0.01, 0.02))
    x = torch.randn(3, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    f, f_star = ((x @ (torch.eye(4) + V)).relu().sum(-1) for V in (W, W_star))
    square = (W - W_star).square().sum().item()
    for error, share in zip((f - f_star).square(), minibatch_convergence.noise_shares(W, W_star, x), strict=True):
        (gradient,) = torch.autograd.grad(error, W, retain_graph=True)
        size = math.pi**2 * gradient.square().sum().item()
        assert share.item() == pytest.approx(size / (2 * math.pi**2 * 16 * 6 * square), rel=1e-10)


def test_runs_keep_the_promise():
    d, batch, T = 6, 10, 200
    at = minibatch_convergence.constants(d, 0.01, 0.02, batch)
    W, W_star = start(d, 0.01, 0.5 * at.distance)
    eta = math.pi * at.step  # at the true scale
    for one, teacher in zip(W, W_star, strict=True):
        run = minibatch_convergence.run(one, teacher, at, T, 50)
        square = run.distance.square()  # [T + 1, runs]
        mean, error = square.mean(1), square.std(1) / 50**0.5
        promised = (0.5 * at.distance) ** 2 * (1 - at.rate) ** torch.arange(T + 1, dtype=torch.float64)
        assert (mean <= promised + 4 * error + 1e-15).all() and mean[-1] < 0.999 * mean[0]
        assert (run.distance.max(0).values > at.distance).double().mean() <= 0.25
        first = one + eta * -population.gradient(one, teacher)  # the drift of the first step is that of the theorem
        assert ((run.W - W_star[0]).norm() > 0) and (first - teacher).norm() < (one - teacher).norm()


def test_the_step_obeys_its_bound_and_shrinks_with_the_batch():
    one, many = (minibatch_convergence.constants(100, 0.01, 0.02, batch) for batch in (1, 10**8))
    for at in (one, many):
        assert at.verdict == verdicts.HOLDS
        assert at.step * (at.curvature**2 + at.moment / at.batch) <= at.margin
        assert at.step == pytest.approx(at.margin / (at.curvature**2 + at.moment / at.batch), rel=1e-12)
    assert one.step < many.step / 20
    assert one.moment == pytest.approx(2 * math.pi**2 * 100**2 * 102, rel=1e-12) and one.moment >= 2e6 * math.pi**2


def test_start_and_steps_meet_the_probabilities():
    at = minibatch_convergence.constants(100, 0.01, 0.02, 300)
    D_0 = minibatch_convergence.start_within(at, 0.05)
    assert 0.0499 < (D_0 / at.distance) ** 2 <= 0.05
    T = minibatch_convergence.steps_to(at, D_0, 1e-4, 0.05)
    left = math.exp(T * math.log1p(-at.rate)) * (D_0 / 1e-4) ** 2
    assert left <= 0.05 < left * 1.01
    assert minibatch_convergence.steps_to(at, 1e-5, 1e-4, 0.5) == 0


def test_the_verdict():
    at = minibatch_convergence.constants(10, 0.01, 0.02, 5)
    kept = minibatch_convergence.Kept(at, at, 0.0, 0.5)
    assert kept.verdict == verdicts.HOLDS
    for change in ({"excess": 4.1}, {"share": 1.01}, {"excess": math.nan}, {"share": math.nan}):
        assert kept._replace(**change).verdict == verdicts.FAILS
    none = at._replace(margin=0.0)
    assert kept._replace(small=none).verdict == kept._replace(large=none).verdict == verdicts.OPEN


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="gamma_0"):
        minibatch_convergence.constants(10, 0.1, 0.1, 5)
    with pytest.raises(ValueError, match="batch"):
        minibatch_convergence.constants(10, 0.01, 0.02, 0)
    with pytest.raises(ValueError, match="at must hold"):
        at = minibatch_convergence.constants(10, 0.05, 0.1, 5)
        minibatch_convergence.steps_to(at, 0.01, 0.001, 0.5)
    zero = torch.zeros(3, 3)
    with pytest.raises(ValueError, match="W must differ"):
        minibatch_convergence.noise_shares(zero, zero, torch.zeros(2, 3))
    with pytest.raises(ValueError, match="x must"):
        minibatch_convergence.noise_shares(zero + 0.1, zero, torch.zeros(2, 4))
