"""The bound on the Hessian, on thousands of pairs and directions, and what follows for the gradient."""

import math

import pytest
import torch
from test_local_convergence import start

from src.model import population
from src.theory import curvature, search


def largest(W, W_star, generator, steps=30):
    """pi |Hessian|_2 from below, by the power method."""
    V = torch.randn(W.shape, generator=generator, dtype=W.dtype)
    for _ in range(steps):
        V = population.hessian_product(W, W_star, V / V.norm(dim=(-2, -1), keepdim=True))
    return math.pi * V.norm(dim=(-2, -1))


def bounds(W, W_star, gamma):
    columns = (W_star - W).norm(dim=-2).sum(-1)
    return torch.tensor([curvature.bound(W.shape[-1], gamma, float(x)) for x in columns], dtype=W.dtype)


@pytest.mark.parametrize(("d", "pairs"), [(3, 2500), (6, 1500), (40, 12)])
@pytest.mark.parametrize("gamma", [0.01, 0.15, 0.45])
def test_no_hessian_is_above_the_bound(d, pairs, gamma):
    draws = torch.Generator().manual_seed(d)
    W, W_star = search.with_corners(d, gamma, pairs, draws)
    found, bound = largest(W, W_star, draws), bounds(W, W_star, gamma)
    assert (found < bound).all()
    assert found.max() > 0.25 * bound.min(), "nor far below it"


def test_the_second_part_is_needed():
    """A single long teacher column: pi d alone is no bound."""
    d = 2
    W, W_star = torch.zeros(2, d, d, dtype=torch.float64)
    W_star[0, 0] = 40.0
    found = largest(W[None], W_star[None], torch.Generator().manual_seed(0))
    assert found > 3 * math.pi * d
    assert found < curvature.bound(d, 1e-9, 40.0)


@pytest.mark.parametrize("d", [3, 10, 40])
def test_the_gradient_and_its_changes_obey_it(d):
    gamma = 0.1
    near, teacher = start(d, gamma / 2, gamma / 2, d)
    L = curvature.bound(d, gamma, d**0.5 * gamma / 2)
    ratio = population.lemma_2_1(near, teacher).norm(dim=(-2, -1)) / (teacher - near).norm(dim=(-2, -1))
    assert 0.3 * L < ratio.max() < L
    S = torch.randn(near.shape, generator=torch.Generator().manual_seed(1), dtype=near.dtype)
    S = S + 3 * S.mean(-1, keepdim=True)  # along u too, where R changes most
    S = 1e-3 * S / S.norm(dim=(-2, -1), keepdim=True)
    change = population.lemma_2_1(near + S, teacher) - population.lemma_2_1(near, teacher)
    assert (change.norm(dim=(-2, -1)) <= curvature.bound(d, gamma + 1e-3, d**0.5 * (gamma / 2 + 1e-3)) * 1e-3).all()


def test_the_number():
    assert curvature.bound(10, 0.2, 3.0) == pytest.approx(10 * math.pi + 15, rel=1e-12)
    assert curvature.bound(10, 0.2, 0.0) >= 10 * math.pi
