"""The linearised flow and its second moments, against the model's Hessian, a dense eigenproblem and SGD itself."""

import math

import numpy as np
import pytest
import torch

from src.dynamics import linearised, sgd
from src.model import population, weights


def dense(d):
    """`linearised.operator` as a [d^2, d^2] matrix."""
    basis = torch.eye(d * d, dtype=torch.float64).view(-1, d, d)
    return linearised.operator(basis).view(d * d, d * d)


@pytest.mark.parametrize("d", [3, 4, 7, 10])
def test_the_families_are_the_hessians_spectrum(d):
    basis, zero = torch.eye(d * d, dtype=torch.float64).view(-1, d, d), torch.zeros(d, d, dtype=torch.float64)
    hessian = population.hessian_product(zero, zero, basis)
    assert torch.allclose(linearised.operator(basis), hessian, atol=1e-12)
    numerical = torch.linalg.eigvalsh(hessian.view(d * d, d * d)).numpy()
    closed = np.sort(np.concatenate([[f.rate] * f.multiplicity for f in linearised.families(d)]))
    assert np.allclose(closed, numerical, atol=1e-10)


def test_the_slowest_family_and_the_trace_of_the_operator():
    families = linearised.families(1500)
    assert families[-1].rate == pytest.approx((math.pi / 2 - 1) / math.pi, rel=1e-12)
    assert sum(f.multiplicity for f in families) == 1500**2
    assert sum(f.rate * f.multiplicity for f in families) == pytest.approx(1500**2, rel=1e-12)


def test_the_decay_of_sgd_near_the_teacher():
    """Measured over seeds against the second-moment recursion, whose neglected terms are of relative order 1/d."""
    d, batch, kappa = 60, 12, 1.0
    eta = kappa * batch / d**2
    start = torch.stack([weights.flat_skew(d, torch.Generator().manual_seed(k)) for k in range(6)]).float()
    start *= 0.1 / start[0].norm()
    steps = round(9 / eta)
    record_at = np.linspace(0, steps, 25).astype(int)
    history = sgd.train(
        start, torch.zeros(d, d), eta=eta, batch=batch, steps=steps, seeds=range(6), record_at=record_at
    )
    late = history.t > 3
    measured = np.mean([-2 * np.polyfit(history.t[late], history.distance[late, k].log(), 1)[0] for k in range(6)])
    predicted = linearised.sgd_decay(eta, batch, d)
    noise_free = 2 * linearised.families(d)[-1].rate
    assert measured == pytest.approx(predicted, rel=0.05)
    assert measured < noise_free * 0.95  # the noise is seen


@pytest.mark.parametrize(("eta", "batch", "d"), [(1.2e-3, 25, 125), (4e-3, 20, 100), (2e-2, 4, 10)])
def test_the_decay_is_the_recursions_by_a_plain_loop(eta, batch, d):
    """The mean squares V_k of all families, step by step; the last setting is above the largest stable step."""
    families = linearised.families(d)
    V, steps = [*[0.0] * (len(families) - 1), 1.0], 40_000  # the slowest family, which the others then follow
    for step in range(steps):
        if step == steps // 2:
            half, V = 0.0, [v / sum(V) for v in V]
        loss = sum(family.rate * v for family, v in zip(families, V, strict=True)) / 2
        V = [
            (1 - eta * one.rate) ** 2 * v + 2 * eta**2 / batch * one.multiplicity * one.rate * loss
            for one, v in zip(families, V, strict=True)
        ]
        if step >= steps // 2:  # V is rescaled, so that nothing overflows
            half += math.log(sum(V))
            V = [v / sum(V) for v in V]
        elif sum(V) > 1e100:
            V = [v / sum(V) for v in V]
    assert linearised.sgd_decay(eta, batch, d) == pytest.approx(-half / (steps - steps // 2) / eta, rel=1e-3)


def test_the_decay_vanishes_at_the_largest_stable_step():
    for batch, d in ((300, 1500), (20, 100), (200, 100)):
        largest = linearised.largest_stable_step(batch, d)
        assert linearised.sgd_decay(0.999 * largest, batch, d) > 0 > linearised.sgd_decay(1.001 * largest, batch, d)
        assert largest < 2 * batch / d**2
    assert linearised.sgd_decay(1e-9, 300, 1500) == pytest.approx(2 * linearised.families(1500)[-1].rate, rel=1e-4)


def test_bad_input_to_the_linearisation():
    with pytest.raises(ValueError, match="d must be from 3"):
        linearised.families(2)
    with pytest.raises(ValueError, match="eta must be positive"):
        linearised.sgd_decay(-1.0, 10, 10)
    with pytest.raises(TypeError, match="batch must be an integer"):
        linearised.largest_stable_step(1.5, 10)


@pytest.mark.parametrize("d", [2, 5])
def test_the_numerical_rates_are_the_dense_operators(d):
    expected = torch.linalg.eigvalsh(dense(d))
    torch.testing.assert_close(linearised.numerical_rates(d), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("d", [3, 4, 9])
def test_energies_are_the_dense_projections(d):
    W = torch.randn(2, d, d, generator=torch.Generator().manual_seed(d), dtype=torch.float64)
    rates, vectors = torch.linalg.eigh(dense(d))
    squares = (W.view(2, -1) @ vectors) ** 2
    energies, families = linearised.energies(W), linearised.families(d)
    assert torch.allclose(energies.sum(-1), (W**2).sum((-2, -1)))
    for rate in {round(family.rate, 9) for family in families}:
        ours = sum(energies[:, k] for k, family in enumerate(families) if abs(family.rate - rate) < 1e-8)
        assert torch.allclose(ours, squares[:, (rates - rate).abs() < 1e-8].sum(1), atol=1e-12)


def test_energies_tell_the_families_apart():
    d, generator = 7, torch.Generator().manual_seed(0)
    K = weights.flat_skew(d, generator)
    v = torch.randn(d, generator=generator, dtype=torch.float64)
    v -= v.mean()
    u = torch.ones(d, dtype=torch.float64)
    slow = torch.outer(v, u) - torch.outer(u, v) - d * torch.diag(v)  # the family that shares the slowest rate
    for W, place in ((K, -1), (slow, -2)):
        energies = linearised.energies(W)
        assert energies[place] == pytest.approx(W.norm().item() ** 2) and energies.sum() == pytest.approx(
            energies[place].item()
        )
        torch.testing.assert_close(linearised.operator(W), (1 / 2 - 1 / math.pi) * W, rtol=0, atol=1e-12)


def test_small_weights_relax_family_by_family():
    d, t = 11, [0.02, 0.3, 4.0]
    W = torch.randn(d, d, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    W *= 1e-5 / W.norm()
    rates = torch.tensor([family.rate for family in linearised.families(d)], dtype=torch.float64)
    exact = linearised.energies(W) * torch.exp(-2 * rates * torch.tensor(t, dtype=torch.float64)[:, None])
    measured = linearised.energies_along_the_flow(W, t, rtol=1e-7)
    assert torch.allclose(measured, exact, rtol=1e-3, atol=1e-7 * linearised.energies(W).sum().item())


def test_bad_input_to_the_energies():
    with pytest.raises(ValueError, match="W must have d at least 3"):
        linearised.energies(torch.eye(2))
    with pytest.raises(ValueError, match="W must be square"):
        linearised.energies(torch.zeros(3, 4))
    with pytest.raises(ValueError, match="d must be from 2 to 50"):
        linearised.numerical_rates(1)
