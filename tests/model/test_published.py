"""The exact loss and gradient against what others published of the same model: Tian's analytical formula.

Y. Tian, "An Analytical Formula of Population Gradient for two-layered ReLU network and its Applications in Convergence
and Critical Point Analysis" (ICML 2017): for K students w_j and K teachers w*_j, ReLU and N(0, I) inputs, the negative
gradient of (1/2) E (f - f*)^2 in w_j is a sum over the teachers less the same sum over the students of

    (1 / 2 pi) [(pi - theta) w + (|w| / |w_j|) sin(theta) w_j],        theta the angle between w and w_j.

Eq. 2 has no factor 1/2. Numbers are those that his code (https://github.com/yuandong-tian/ICML17_ReLU) prints.
"""

import math

import numpy as np
import pytest
import torch

from src.model import population


def tian(students, teachers):
    """His formula, node by node: [d, K] and [d, K] -> [d, K], the negative gradient of half the squared error."""

    def towards(w, w_j):
        cosine = w @ w_j / (np.linalg.norm(w) * np.linalg.norm(w_j))
        theta = math.acos(min(1.0, max(-1.0, cosine)))
        turned = np.linalg.norm(w) / np.linalg.norm(w_j) * math.sin(theta) * w_j
        return ((math.pi - theta) * w + turned) / (2 * math.pi)

    return np.stack(
        [sum(towards(w, w_j) for w in teachers.T) - sum(towards(w, w_j) for w in students.T) for w_j in students.T], 1
    )


def saddle(K):
    """x = y of the saddle in the plane that Theorem 4.1 gives for K orthonormal teachers."""
    return (math.sqrt(K - 1) - math.acos(1 / math.sqrt(K)) + math.pi) / (math.pi * K)


def in_plane(K, x, y):
    """W [K, K] with the students x w*_j + y (sum of the other teachers), the teachers being the unit vectors."""
    return torch.full((K, K), y, dtype=torch.float64) + (x - y - 1) * torch.eye(K, dtype=torch.float64)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("K", [1, 2, 6])
def test_gradient_is_minus_twice_tians_formula(K, seed):
    students, teachers = np.random.default_rng(seed).standard_normal((2, K, K))
    W, W_star = (torch.from_numpy(X) - torch.eye(K, dtype=torch.float64) for X in (students, teachers))
    expected = -2 * torch.from_numpy(tian(students, teachers))
    assert (population.gradient(W, W_star) - expected).norm() < 1e-12 * expected.norm()


AT_SADDLE = {  # K: x = y of the saddle, half the loss there, half the loss at w_1 = ... = w_K = 0
    2: (0.534154943, 0.088511937, 0.659154943),
    5: (0.256840678, 0.780076497, 2.841549431),
    10: (0.155734604, 3.598655711, 9.661972439),
}


@pytest.mark.parametrize("K", AT_SADDLE)
def test_the_symmetric_saddle(K):
    s, at_saddle, at_zero = AT_SADDLE[K]
    assert saddle(K) == pytest.approx(s, abs=1e-9)
    zero, W = torch.zeros(K, K, dtype=torch.float64), in_plane(K, s, s)
    # 1e-6: the columns are parallel to rounding only, and the arc cosine of 1 - 1e-16 is 1e-8.
    assert population.gradient(W, zero).norm() < 1e-6
    assert population.loss(W, zero).item() / 2 == pytest.approx(at_saddle, abs=1e-8)
    assert population.loss(in_plane(K, 1e-9, 1e-9), zero).item() / 2 == pytest.approx(at_zero, abs=1e-6)
    # Equal nodes: the best multiple of one ReLU along the sum of the teachers.
    theta = math.acos(1 / math.sqrt(K))
    kernel = (math.sin(theta) + (math.pi - theta) * math.cos(theta)) / (2 * math.pi)
    assert saddle(K) == pytest.approx(2 * kernel / math.sqrt(K), rel=1e-12)
    # Together the nodes are held, apart they fall.
    together = torch.ones(K, K, dtype=torch.float64)
    assert plane_curvature(W, together, 1e-3) == pytest.approx(K / 2, rel=1e-6)
    apart = torch.eye(K, dtype=torch.float64) - together / K
    assert plane_curvature(W, apart, 1e-4) == pytest.approx(-K / (2 * math.pi * s * math.sqrt(K - 1)), rel=2e-3)


def plane_curvature(W, V, h):
    """<V, H V> / <V, V> of half the loss by a difference of exact gradients, W* = 0."""
    zero = torch.zeros_like(W)
    slope = (population.gradient(W + h * V, zero) - population.gradient(W - h * V, zero)) / (4 * h)
    return ((V * slope).sum() / (V * V).sum()).item()


@pytest.mark.parametrize("K, error", [(2, 2.2101348e-3), (5, 9.38598e-7), (10, 3.99823e-13)])
def test_descent_gives_the_errors_of_tians_code(K, error):
    """dynamics.py: x = 0.001, y = 0, step 0.01; (x - 1)^2 + (K - 1) y^2 after 1000 steps."""
    zero, W = torch.zeros(K, K, dtype=torch.float64), in_plane(K, 1e-3, 0.0)
    for _ in range(1000):
        W -= 0.01 * population.gradient(W, zero) / 2
    assert W[:, 0].square().sum().item() == pytest.approx(error, rel=2e-6)


@pytest.mark.parametrize("K, curvature", [(2, 0.40915), (5, 0.75465), (10, 1.46238)])
def test_the_slow_direction_at_the_teacher(K, curvature):
    """Of half the loss: larger K is faster inside the plane, but (pi - 2) / (4 pi) for every K outside."""
    zero = torch.zeros(K, K, dtype=torch.float64)
    eye = torch.eye(K, dtype=torch.float64)
    plane = torch.stack([eye / math.sqrt(K), (1 - eye) / math.sqrt(K * (K - 1))])
    HV = population.hessian_product(zero, zero, plane) / 2
    inside = torch.linalg.eigvalsh(torch.einsum("aij,bij->ab", plane, HV))
    assert inside[0].item() == pytest.approx(curvature, abs=1e-5)
    directions = torch.eye(K * K, dtype=torch.float64).reshape(K * K, K, K)
    whole = torch.linalg.eigvalsh(population.hessian_product(zero, zero, directions).flatten(1) / 2)
    assert whole[0].item() == pytest.approx((math.pi - 2) / (4 * math.pi), rel=1e-10)
