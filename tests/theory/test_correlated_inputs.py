"""Section 6 for N(0, Sigma): the proved bound, the kinds of covariance, descent, and the verdict."""

import math

import pytest
import torch

from src import verdicts
from src.model import correlated, landscape, population, weights
from src.theory import bounds, correlated_inputs, search
from src.theory.correlated_inputs import Extension


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def pair(d=5, size=0.3):
    g = generator(1)
    return [size * torch.randn(d, d, generator=g, dtype=torch.float64) / d**0.5 for _ in range(2)]


def test_loss_by_kernels_is_the_exact_loss():
    (W, W_star), P = pair(), correlated_inputs.directions(5, generator())
    for Sigma in correlated_inputs.covariances([0.6], P)[0]:
        assert correlated_inputs.loss_by_kernels(W, W_star, Sigma).item() == pytest.approx(
            correlated.loss(W, W_star, Sigma).item(), rel=1e-10
        )


def test_directions_are_symmetric_of_norm_one():
    for d in (4, 7):
        P = correlated_inputs.directions(d, generator())
        assert len(P) == len(correlated_inputs.KINDS)
        assert torch.equal(P[1:], P[1:].mT) and torch.allclose(P, P.mT)
        assert torch.linalg.matrix_norm(P, 2).tolist() == pytest.approx([1.0] * 5)
    signs = torch.linalg.eigvalsh(P[0])
    assert torch.allclose(
        signs.abs(), torch.ones(7, dtype=torch.float64)
    )  # d = 7: three of one sign, four of the other
    assert not torch.allclose(P[0], torch.diag(P[0].diagonal()))


@pytest.mark.parametrize("gamma", [0.005, 0.01])
@pytest.mark.parametrize("delta", [0.0, 0.01, 0.03])
def test_no_pair_is_below_the_proved_bound(delta, gamma):
    P = correlated_inputs.directions(6, generator())
    W, W_star, _ = search.starts(6, gamma, 50, generator(2))
    for Sigma in correlated_inputs.covariances([delta], P)[0]:
        seen = correlated.standardised(W, W_star, Sigma)
        ratios = correlated_inputs.ratio(W, W_star, Sigma)[landscape.potential(*seen) <= bounds.G_LIMIT]
        assert ratios.min() >= correlated_inputs.lower_bound(delta, gamma)


def test_the_proved_radius_is_where_the_bound_is_the_ratio():
    delta = correlated_inputs.proved_radius(0.01)
    assert correlated_inputs.lower_bound(delta, 0.01) == pytest.approx(bounds.DELTA)
    assert correlated_inputs.lower_bound(0, 0.01) == pytest.approx(bounds.one_point_ratio(0.01))
    assert 0.01 < delta < 0.1
    # A negative bound gets worse, not better, as the variances grow.
    assert correlated_inputs.lower_bound(0.1, 0.04) < (1 - 0.1) * bounds.one_point_ratio(
        math.sqrt(1.1) * 0.04 + 1 - math.sqrt(0.9)
    )


def test_tilted_weights_hide_their_potential():
    found = correlated_inputs.tilted([-0.1, 0.0], 30, 0.3, 0.1, generator())
    assert found.g.tolist() == pytest.approx([0.0999, 0.0999], abs=1e-9)
    assert found.g_seen[0] > found.g_seen[1] + 0.1  # about -t delta d / 2 = 0.15
    assert found.ratio[0] < found.standard[0]


def test_smallest_ratios_are_those_of_pairs():
    P = correlated_inputs.directions(4, generator())
    found = correlated_inputs.smallest_ratios(0.2, [0.5], P, 5, 5, generator())
    assert found.shape == (2, 5)
    assert (found[0] == found[0, 0]).all()  # Sigma = I for every kind
    plain = search.minimize(*search.starts(4, 0.2, 5, generator())[:2], 0.2, steps=5).best
    assert found[0, 0].item() == pytest.approx(plain, abs=0.05)


def test_crossing():
    deltas = (0.0, 0.1, 0.3)
    assert correlated_inputs.crossing(deltas, [0.3, 0.1, -0.1], 0.2) == pytest.approx(0.05)
    assert correlated_inputs.crossing(deltas, [0.3, 0.1, -0.1], 0.0) == pytest.approx(0.2)
    assert correlated_inputs.crossing(deltas, [0.3, 0.1, -0.1], 0.3) == 0.0
    assert math.isnan(correlated_inputs.crossing(deltas, [0.3, 0.2, 0.1], 0.0))


def test_descent_is_gradient_descent_on_the_loss():
    (W, W_star), eta = pair(4), 0.05
    Sigma = correlated_inputs.covariances([0.6], correlated_inputs.directions(4, generator()))[0, 0]
    history = correlated_inputs.descend(W, W_star, Sigma, eta, range(4))
    for k in range(4):
        assert history.loss[k].item() == pytest.approx(correlated.loss(W, W_star, Sigma).item(), rel=1e-9)
        assert history.distance[k].item() == pytest.approx((W - W_star).norm().item(), rel=1e-9)
        inner = (correlated.gradient(W, W_star, Sigma) * (W - W_star)).sum().item()
        assert history.inner[k].item() == pytest.approx(inner, rel=1e-9)
        W = W - eta * correlated.gradient(W, W_star, Sigma)
    assert history.t.tolist() == pytest.approx([0, eta, 2 * eta, 3 * eta])


def test_time_to_turn():
    history = correlated_inputs.History(
        t=torch.tensor([0.0, 0.5, 1.0]), distance=None, potential=None, loss=None, W=None,
        inner=torch.tensor([[-1.0, 2.0, -1.0], [-1.0, 1.0, -1.0], [3.0, -1.0, 0.0]]),
    )  # fmt: skip
    turned = correlated_inputs.time_to_turn(history).tolist()
    assert turned[:2] == [1.0, 0.0] and math.isnan(turned[2])


def test_arrivals_tell_who_is_late():
    teacher = weights.with_norms(6, 0.5, 0.9, generator())
    starts = torch.stack([weights.with_norms(6, 0.5, 0.9, generator(k)) for k in (1, 2)])
    P = correlated_inputs.directions(6, generator(3))
    found = correlated_inputs.arrivals(starts, teacher, [0.0, 0.99], P, 30.0)
    assert found.arrived[:, 0].all() and not found.arrived[:, 1].all()
    for name, late, first in zip(correlated_inputs.KINDS, ~found.arrived[:, 1].all(1), found.first_missed([0.0, 0.99])):
        assert first == 0.99 if late else math.isnan(first), name
    assert ((found.remaining < 0.05) == found.arrived).all()
    assert not (found.elsewhere & found.arrived).any()


RIGHT = Extension(
    autograd_error=1e-12, sampling_excess=1.0, proved_delta=0.034, smallest_ratio=0.2, turned=True, nearer=True,
    arrived=True, tilted_g=0.0999, tilted_standard=0.5, tilted_ratio=-0.2,
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, verdicts.CORRECTED),
        ({"autograd_error": 1e-3}, verdicts.FAILS),
        ({"sampling_excess": 3.0}, verdicts.FAILS),
        ({"proved_delta": 0.001}, verdicts.FAILS),
        ({"smallest_ratio": 0.02}, verdicts.FAILS),
        ({"turned": False}, verdicts.FAILS),
        ({"nearer": False}, verdicts.FAILS),
        ({"arrived": False}, verdicts.FAILS),
        ({"tilted_g": 0.11}, verdicts.HOLDS),
        ({"tilted_standard": 0.02}, verdicts.HOLDS),
        ({"tilted_ratio": 0.1}, verdicts.HOLDS),
    ],
)
def test_the_verdict_on_correlated_inputs(change, verdict):
    assert RIGHT._replace(**change).verdict == verdict


def test_ex_scaled_inputs():
    (W, W_star), I = pair(), torch.eye(5, dtype=torch.float64)
    assert correlated.loss(W, W_star, 2 * I).item() == pytest.approx(2 * population.loss(W, W_star).item(), rel=1e-12)
    assert torch.allclose(correlated.gradient(W, W_star, 2 * I), 2 * population.gradient(W, W_star), rtol=1e-12)
    seen = landscape.potential(*correlated.standardised(W, W_star, 2 * I)).item()
    assert seen == pytest.approx(2**0.5 * landscape.potential(W, W_star).item(), rel=1e-9)


def test_ex_correlated_hessian():
    d = 3
    zero = torch.zeros(d, d, dtype=torch.float64)
    for Sigma in correlated_inputs.covariances([0.95], correlated_inputs.directions(d, generator()))[0]:
        hessian = torch.autograd.functional.hessian(lambda W, S=Sigma: correlated.loss(W, zero, S), zero)
        assert torch.linalg.eigvalsh(hessian.view(d * d, d * d)).min() > 1e-4
