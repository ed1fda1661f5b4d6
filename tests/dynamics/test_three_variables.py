"""The model over the span of I, J and K, against the full model, high precision and a library's solver."""

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from src.dynamics import flow, linearised, three_variables
from src.model import landscape, population, weights

D = 19  # a prime congruent to 3 modulo 4
START = three_variables.start(D, 3.0, -6.0)
COORDINATES = st.tuples(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3), st.floats(-0.3, 0.3))
PRIMES = st.sampled_from([7, 11, 19, 23, 31])


@settings(max_examples=25, deadline=None)
@given(COORDINATES, COORDINATES, PRIMES)
def test_the_reduction_is_the_full_model(X, X_star, d):
    W, W_star = three_variables.matrix(X, d), three_variables.matrix(X_star, d)
    full = population.gradient(W, W_star)
    assert torch.allclose(three_variables.matrix(three_variables.gradient(X, d, X_star), d), full, atol=1e-7)
    distance, potential, inner, loss = three_variables.curves(X, d, X_star)
    assert distance == pytest.approx((W - W_star).norm().item(), abs=1e-12)
    assert potential == pytest.approx(landscape.potential(W, W_star).item(), abs=1e-12)
    assert inner == pytest.approx(landscape.inner_product(W, W_star).item(), rel=1e-9, abs=1e-9)
    assert loss == pytest.approx(population.loss(W, W_star).item(), rel=1e-9, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(COORDINATES, COORDINATES, PRIMES)
def test_coordinates_give_norms_products_and_the_trace(X, Y, d):
    W = three_variables.matrix(X, d)
    assert three_variables.spectral_norm(X) == pytest.approx(torch.linalg.matrix_norm(W, 2).item(), abs=1e-12)
    assert three_variables.trace(X, d) == pytest.approx(W.trace().item(), abs=1e-12)
    assert three_variables.inner(X, Y, d) == pytest.approx((W * three_variables.matrix(Y, d)).sum().item(), abs=1e-12)
    lengths = (torch.eye(d, dtype=torch.float64) + W).norm(dim=0)
    assert torch.allclose(lengths, torch.full_like(lengths, three_variables.column_length(X, d)), atol=1e-13)


def test_the_start_has_two_constructions():
    for d, frobenius, trace in ((19, 1.0, -0.8), (103, 5.0, -18.75)):
        W = three_variables.matrix(three_variables.start(d, frobenius, trace), d)
        torch.testing.assert_close(W, weights.wrong_way_start(d, frobenius, trace), rtol=0, atol=1e-14)


def test_the_reduction_against_the_full_flow_at_d_103():
    d = 103
    start = three_variables.start(d, 5.0, -18.75)
    history = flow.integrate(three_variables.matrix(start, d), torch.zeros(d, d, dtype=torch.float64), 0.2, rtol=1e-8)
    exact = three_variables.integrate(start, d, history.t[1:])
    for name in ("distance", "potential", "inner", "loss"):
        ours, theirs = getattr(history, name)[1:], getattr(exact, name)
        assert ((ours - theirs).abs() <= 1e-8 * theirs.abs().max()).all(), name


def test_the_reduced_gradient_in_high_precision():
    with mpmath.workdps(40):
        exact = three_variables.gradient(tuple(mpmath.mpf(x) for x in START), D)
    assert three_variables.gradient(START, D) == pytest.approx(tuple(map(float, exact)), rel=1e-10)


def test_bad_input_to_the_reduction():
    with pytest.raises(ValueError, match="trace must be between"):
        three_variables.start(19, 1.0, -50.0)
    with pytest.raises(ValueError, match="t must be a list of increasing times"):
        three_variables.integrate(START, D, [1.0, 0.5])
    with pytest.raises(ValueError, match="prime congruent to 3 modulo 4"):
        three_variables.matrix(START, 20)
    with pytest.raises(ValueError, match="W_star must be the three coordinates"):
        three_variables.gradient(START, D, START[:2])
    with pytest.raises(ValueError, match="W must hold three numbers, not arrays"):
        three_variables.curves(np.ones((3, 2)), D)
    with pytest.raises(TypeError, match="W must be a list or numpy array of the coordinates"):
        three_variables.gradient(torch.tensor(START), D)


@settings(max_examples=25, deadline=None)
@given(COORDINATES, COORDINATES, PRIMES)
def test_matrices_multiply_and_transpose_as_a_complex_number_and_a_real_one(X, Y, d):
    (z, t), (w, s) = ((complex(alpha, kappa), tau) for alpha, kappa, tau in (X, Y))
    product = three_variables.matrix(((z * w).real, (z * w).imag, t * s), d)
    A, B = three_variables.matrix(X, d), three_variables.matrix(Y, d)
    torch.testing.assert_close(A @ B, product, rtol=0, atol=1e-13)
    torch.testing.assert_close(A.mT, three_variables.matrix((X[0], -X[1], X[2]), d), rtol=0, atol=1e-14)


@pytest.mark.parametrize("d", [7, 11, 31])
def test_the_matrices_that_commute_with_the_permutations_are_the_span(d):
    """x -> sx + c for the squares s: by averaging a random matrix over the group, and the gradient's own symmetry."""
    generator = torch.Generator().manual_seed(d)
    G = torch.randn(d, d, generator=generator, dtype=torch.float64)
    x = torch.arange(d)
    group = [(s * x + c) % d for s in {k * k % d for k in range(1, d)} for c in range(d)]
    mean = torch.stack([G[p][:, p] for p in group]).mean(0)
    basis = torch.stack([three_variables.matrix(X, d) for X in np.eye(3)]).view(3, -1)
    coordinates = torch.linalg.lstsq(basis.T, mean.flatten()[:, None]).solution
    torch.testing.assert_close((basis.T @ coordinates)[:, 0], mean.flatten(), rtol=0, atol=1e-12)
    W, W_star = 0.1 * G, 0.1 * G.mT
    p = group[d + 1]
    turned = population.gradient(W[p][:, p], W_star[p][:, p])
    torch.testing.assert_close(turned, population.gradient(W, W_star)[p][:, p], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("d", "t_end"), [(19, 20.0), (1499, 0.1)])
def test_the_trajectory_is_another_solvers(d, t_end):
    start, t = three_variables.start(d, 3.0, -6.0), np.geomspace(1e-3, 1, 12) * t_end

    def field(_, X):
        return np.negative(three_variables.gradient(X.tolist(), d))

    other = solve_ivp(field, (0, t_end), start, method="Radau", t_eval=t, rtol=1e-9, atol=1e-13).y
    difference = three_variables.trajectory(start, d, t) - other
    for error, X in zip(difference.T, other.T, strict=True):
        assert three_variables.inner(error, error, d) < 1e-16 * three_variables.inner(X, X, d)


def test_columns_that_vanish_are_named():
    with pytest.raises(ValueError, match="must leave the columns of I \\+ W and I \\+ W\\* non-zero"):
        three_variables.gradient((-1.0, 0.0, -1.0), D)


# The exercises of chapter 04.


def test_ex_three_product():
    for W, d in (((0.6, 0.8, -1.0), 31), ((0.3, -0.2, 0.7), 19)):
        A = three_variables.matrix(W, d)
        square = W[0] ** 2 + W[1] ** 2
        torch.testing.assert_close(A.mT @ A, three_variables.matrix((square, 0.0, W[2] ** 2), d), rtol=0, atol=1e-13)
        expected = sorted([math.sqrt(square)] * (d - 1) + [abs(W[2])])
        assert sorted(torch.linalg.svdvals(A).tolist()) == pytest.approx(expected, abs=1e-12)
    assert torch.linalg.svdvals(three_variables.matrix((0.6, 0.8, -1.0), 31)).tolist() == pytest.approx([1.0] * 31)


def test_ex_three_phase_one():
    times_d = []
    for d in (103, 499, 1499):
        t = np.linspace(0, 10 / d, 401)
        path = three_variables.trajectory(three_variables.start(d, 5.0, -18.75), d, t)
        g = np.array([three_variables.potential(W, d) for W in path.T])
        times_d.append(np.interp(math.log(10), -np.log(g / g[0]), t) * d)
    assert times_d == pytest.approx([7.5, 7.3, 7.3], abs=0.06)
    assert times_d == pytest.approx([math.pi * math.log(10)] * 3, rel=0.05)
    assert times_d[-1] / 1499 / 1e-4 == pytest.approx(48, abs=1)


def test_ex_three_symmetric():
    d = 13  # 1 modulo 4, so -1 is a square
    squares = {k * k % d for k in range(1, d)}
    entries = [[0 if i == j else 1 if (j - i) % d in squares else -1 for j in range(d)] for i in range(d)]
    K = torch.tensor(entries, dtype=torch.float64) / math.sqrt(d)
    I, J = torch.eye(d, dtype=torch.float64), torch.ones(d, d, dtype=torch.float64)
    torch.testing.assert_close(K, K.mT, rtol=0, atol=0)
    torch.testing.assert_close(K @ K, I - J / d, rtol=0, atol=1e-14)
    gradient = population.gradient(0.2 * I - 0.1 * J / d + 0.3 * K, torch.zeros_like(K))
    basis = torch.stack([I, J, K]).view(3, -1)
    rest = gradient.flatten() - basis.T @ torch.linalg.lstsq(basis.T, gradient.flatten()[:, None]).solution[:, 0]
    assert rest.norm() < 1e-13
    torch.testing.assert_close(linearised.operator(K), (1 / 2 + 1 / math.pi) * K, rtol=0, atol=1e-14)
