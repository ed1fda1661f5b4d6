"""Where an easy case hides an error: dimensions above a block, large weights near their teacher, a broken limit."""

import math

import pytest
import torch

from src.dynamics import flow
from src.model import landscape, population
from src.theory import closed_form, search

LARGE = population._WHOLE + 88  # more columns than the loss sums at once, and no multiple


def draw(*shape, seed=0, size=1.0):
    G = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return size * G / shape[-1] ** 0.5


def kernels(P, Q):
    """E of the product of two networks with columns P and Q: the sum of arc-cosine kernels over all pairs."""
    p, q = P.norm(dim=0), Q.norm(dim=0)
    theta = ((P / p).T @ (Q / q)).clamp(-1, 1).acos()
    return p @ (theta.sin() + (math.pi - theta) * theta.cos()) @ q / (2 * math.pi)


@pytest.fixture(scope="module")
def large():
    """A student and a teacher in more dimensions than a block, whose columns differ in kind from place to place."""
    slope = torch.linspace(0.2, 1, LARGE, dtype=torch.float64)
    return draw(LARGE, LARGE, seed=1) * slope, 0.5 * draw(LARGE, LARGE, seed=2) * slope.flip(0)


def test_the_loss_above_a_block_is_the_sum_over_all_pairs(large):
    """Also where a batch has different matrices, and for the two orders of student and teacher."""
    W, W_star = large
    A, B = (torch.eye(LARGE, dtype=torch.float64) + X for X in large)
    expected = (kernels(A, A) - 2 * kernels(A, B) + kernels(B, B)).item()
    both = population.loss(torch.stack([W, W_star]), torch.stack([W_star, W]))
    assert both.tolist() == pytest.approx([expected] * 2, rel=1e-8)
    assert population.loss_and_gradient(W, W_star)[0].item() == pytest.approx(expected, rel=1e-8)


def test_the_gradient_above_a_block_is_the_slope_of_the_loss(large):
    """In directions that live in the first block, in the last one, and in all."""
    W, W_star = large
    gradient = population.gradient(W, W_star)
    for columns in (slice(0, 300), slice(population._WHOLE, None), slice(None)):
        V = torch.zeros_like(W)
        V[:, columns] = draw(LARGE, LARGE, seed=3)[:, columns]
        h = 1e-4
        slope = (population.loss(W + h * V, W_star) - population.loss(W - h * V, W_star)) / (2 * h)
        assert (gradient * V).sum().item() == pytest.approx(slope.item(), rel=1e-5)


@pytest.mark.parametrize("size", [1e-1, 1e-3, 1e-5])
def test_large_weights_close_to_their_teacher(size):
    """|W| is near 20 and |W - W*| is `size`: the loss keeps its digits relative to the distance, not to the weights."""
    W_star = 10 * draw(4, 4, seed=4)
    W = W_star + size * draw(4, 4, seed=5) / draw(4, 4, seed=5).norm()
    assert W.norm() > 100 * size
    exact = float(closed_form.loss_in_digits(W, W_star))
    assert population.loss(W, W_star).item() == pytest.approx(exact, rel=1e-6)
    V = W - W_star
    curvature = (V * population.hessian_product(W_star, W_star, V)).sum().item() / 2
    assert exact == pytest.approx(curvature, rel=20 * size)


def test_the_flows_tolerance_is_relative_to_the_distance_not_to_the_weights():
    """Near a large teacher the flow is the linear one, W - W* = exp(-t H) V; 1 % of |W| is a hundred distances."""
    d, t = 8, 16.0
    W_star, V = 4 * draw(d, d, seed=6), draw(d, d, seed=7)
    V *= 1e-3 / V.norm()
    basis = torch.eye(d * d, dtype=torch.float64).view(-1, d, d)
    H = torch.stack([population.hessian_product(W_star, W_star, one).flatten() for one in basis])
    expected = (torch.linalg.matrix_exp(-t * H) @ V.flatten()).norm().item()
    history = flow.integrate(W_star + V, W_star, t, rtol=1e-2)
    assert history.distance[-1].item() == pytest.approx(expected, rel=2e-2)
    assert W_star.norm() > 1e4 * V.norm()


@pytest.mark.parametrize("g_max", [0.1, 0.0, -0.5])
def test_a_pair_beyond_the_limit_counts_for_nothing(g_max):
    """Half of the starts are beyond the limit by far, where the objective is smallest: none of them is reported."""
    d, gamma = 6, 0.3
    W, W_star, _ = search.starts(d, gamma, 10, torch.Generator().manual_seed(0))
    eye = gamma * torch.eye(d, dtype=torch.float64)
    beyond = torch.stack([-eye, eye])  # g = 2 gamma d, the largest there is
    W[::2], W_star[::2] = beyond[0], beyond[1]

    def objective(W, W_star):
        return -landscape.potential(W, W_star)

    found = search.minimize(W, W_star, gamma, g_max=g_max, steps=30, objective=objective)
    g = landscape.potential(found.W, found.W_star).item()
    assert g <= g_max and found.best == pytest.approx(-g, abs=1e-12)
    assert (found.values >= -g_max).all() and (found.history >= -g_max).all()


def test_a_search_whose_pairs_are_all_beyond_the_limit_says_so():
    eye = 0.3 * torch.eye(4, dtype=torch.float64)
    with pytest.raises(ValueError, match="no start met a pair"):
        search.minimize(-eye[None], eye[None], 0.3, g_max=-2.0, steps=1)
