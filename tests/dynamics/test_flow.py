"""The flow against a library's solver, the three-variable reduction and dense matrix functions."""

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from src.dynamics import flow, three_variables
from src.model import landscape, population, weights

D = 19  # a prime congruent to 3 modulo 4
START = three_variables.start(D, 3.0, -6.0)


def draw(*shape, seed=0, size=1.0):
    return size * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def explicit_flow(W0, W_star, t):
    """The flow by a library's explicit high-order solver."""
    shape = W0.shape

    def field(_, W):
        return -population.gradient(torch.from_numpy(W).view(shape), W_star).flatten().numpy()

    solution = solve_ivp(field, (0, t[-1]), W0.flatten().numpy(), method="DOP853", t_eval=t, rtol=1e-8, atol=1e-10)
    return torch.from_numpy(solution.y.T.copy()).view(-1, *shape)


# The integrator.


@pytest.mark.parametrize("teacher", ["zero", "general"])
def test_the_flow_is_the_explicit_solvers(teacher):
    d = 12
    W0 = draw(d, d, seed=1, size=0.1)
    W_star = torch.zeros(d, d, dtype=torch.float64) if teacher == "zero" else draw(d, d, seed=2, size=0.1)
    history = flow.integrate(W0, W_star, 4.0, rtol=1e-5)
    exact = explicit_flow(W0, W_star, history.t.numpy())
    assert torch.allclose(history.W, exact[-1], atol=1e-4 * history.distance[-1].item())
    distance = (exact - W_star).norm(dim=(-2, -1))
    assert ((history.distance / distance - 1).abs() < 1e-4).all()
    middle = len(exact) // 2
    assert history.inner[middle] == pytest.approx(landscape.inner_product(exact[middle], W_star).item(), rel=1e-4)
    assert history.potential[middle] == pytest.approx(
        landscape.potential(exact[middle], W_star).item(), rel=1e-3, abs=1e-5
    )
    assert history.loss[middle] == pytest.approx(population.loss(exact[middle], W_star).item(), rel=1e-4)


@pytest.mark.parametrize("rtol", [1e-2, 1e-3, 1e-4])
def test_the_tolerance_means_something(rtol):
    """The distance within 10 rtol of the reference throughout, the other curves within that of their running scale."""
    history = flow.integrate(three_variables.matrix(START, D), torch.zeros(D, D, dtype=torch.float64), 20.0, rtol=rtol)
    exact = three_variables.integrate(START, D, history.t[1:])
    assert ((history.distance[1:] / exact.distance - 1).abs() < 10 * rtol).all()
    for name in ("potential", "inner", "loss"):
        ours, theirs = getattr(history, name)[1:], getattr(exact, name)
        scale = torch.cummax(theirs.abs(), 0).values
        assert ((ours - theirs).abs() < 10 * rtol * scale).all(), name


def test_the_order_is_four():
    W0, zero = three_variables.matrix(START, D), torch.zeros(D, D, dtype=torch.float64)
    gradient = population.gradient(W0, zero)
    errors = []
    for h in (0.02, 0.01):
        W = W0
        for _ in range(round(0.04 / h)):
            W, _ = flow._step(W, zero, population.gradient(W, zero), h)
        errors.append((W - three_variables.matrix(three_variables.trajectory(START, D, [0.04])[:, 0], D)).norm().item())
    assert 8 < errors[0] / errors[1] < 40
    assert gradient.norm() > 0


def test_few_gradients_suffice(monkeypatch):
    """An explicit solver needs about d t gradients; this one's number hardly depends on d."""
    count = 0
    original = population.gradient

    def counting(*arguments):
        nonlocal count
        count += 1
        return original(*arguments)

    monkeypatch.setattr(population, "gradient", counting)
    d = 103
    flow.integrate(weights.wrong_way_start(d, 5.0, -18.75), torch.zeros(d, d, dtype=torch.float64), 35.0, rtol=3e-3)
    assert count < 120


def test_a_batch_is_its_members_and_W_star_is_a_fixed_point():
    d = 8
    W0, W_star = draw(2, d, d, seed=3, size=0.1), draw(d, d, seed=4, size=0.1)
    together = flow.integrate(W0, W_star, 1.0, rtol=1e-5)
    for k in range(2):
        alone = flow.integrate(W0[k], W_star, 1.0, rtol=1e-5)
        assert torch.allclose(alone.W, together.W[k], atol=1e-5)
        assert together.distance.shape == (len(together.t), 2)
    still = flow.integrate(W_star, W_star, 1.0)
    assert (still.distance < 1e-14).all()


def test_a_column_that_reaches_zero_stops_the_flow():
    """W_0 = gamma (I - 2 e_1 e_1^T), W* = -gamma I: at d = 20 column 0 vanishes from gamma = 0.395 on."""
    eye, signs = torch.eye(20, dtype=torch.float64), torch.ones(20, dtype=torch.float64)
    signs[0] = -1
    W0, W_star = 0.45 * torch.diag(signs), -0.45 * eye
    with pytest.raises(FloatingPointError, match=r"^column 0 of I \+ W reaches zero at t = 0\.1987"):
        flow.integrate(W0, W_star, 20.0)
    with pytest.raises(FloatingPointError, match=r"column 0 of I \+ W in run 1 of the batch"):
        flow.integrate(torch.stack([0 * W0, W0]), W_star, 20.0)
    arrives = flow.integrate(W0 * 0.39 / 0.45, W_star * 0.39 / 0.45, 20.0)
    assert arrives.distance[-1] < 0.01 * arrives.distance[0]


@pytest.mark.parametrize("d", [1, 2, 3])
def test_small_dimensions(d):
    W0, zero = draw(d, d, seed=5, size=0.1), torch.zeros(d, d, dtype=torch.float64)
    history = flow.integrate(W0, zero, 1.0, rtol=1e-6)
    assert torch.allclose(history.W, explicit_flow(W0, zero, np.array([1.0]))[-1], atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 9), st.integers(0, 2**20))
def test_functions_of_the_linear_part(d, seed):
    """The operator as its docstring writes it, and its exponential by a dense matrix exponential."""
    W, X = draw(d, d, seed=seed, size=0.2), draw(d, d, seed=seed + 1)
    part = flow._LinearPart(W)
    A = torch.eye(d, dtype=W.dtype) + W
    A_bar, ones = A / A.norm(dim=0), torch.ones(d, d, dtype=W.dtype)

    def operator(X):
        return X @ ones / 2 + X / 2 + X.T / math.pi + (A_bar * X).sum() * A_bar / math.pi

    assert torch.allclose(part.apply(lambda rates: rates, X), operator(X), atol=1e-10)
    dense = torch.stack([operator(e).flatten() for e in torch.eye(d * d, dtype=W.dtype).view(-1, d, d)], dim=1)
    exact = (torch.linalg.matrix_exp(-0.3 * dense) @ X.flatten()).view(d, d)
    assert torch.allclose(part.apply(lambda rates: flow._phi(0, -0.3 * rates), X), exact, atol=1e-9)


@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_phi_functions(k):
    """phi_k(z) = int_0^1 exp((1 - s) z) s^(k-1) / (k-1)! ds, in high precision."""
    z = torch.tensor([-700.0, -30.0, -1.001, -0.999, -1e-3, -1e-12, 0.0], dtype=torch.float64)
    for value, x in zip(flow._phi(k, z).tolist(), z.tolist(), strict=True):
        with mpmath.workdps(30):
            exact = (
                mpmath.exp(x)
                if k == 0
                else mpmath.quad(
                    lambda s, x=x: mpmath.exp((1 - s) * x) * s ** (k - 1) / mpmath.factorial(k - 1), [0, 0.9, 0.99, 1]
                )
            )
        assert value == pytest.approx(float(exact), rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"t_end": 0.0}, ValueError, "t_end must be between 0 and"),
        ({"t_end": math.nan}, ValueError, "t_end must be between 0 and"),
        ({"t_end": 1e9}, ValueError, "t_end must be between 0 and 1000000"),
        ({"rtol": -1.0}, ValueError, "rtol must be between 0 and 1"),
        ({"rtol": 2.0}, ValueError, "rtol must be between 0 and 1"),
        ({"rtol": "small"}, TypeError, "rtol must be a number"),
        ({"W0": torch.zeros(3, 2)}, ValueError, "W0 must be square"),
        ({"W0": torch.zeros(0, 3, 3, dtype=torch.float64)}, ValueError, "W0 and W_star must hold a run at least"),
        ({"W_star": torch.zeros(4, 4, dtype=torch.float64)}, ValueError, "W_star must have the dimension of W0"),
        ({"progress": 1}, TypeError, "progress must be true or false"),
        ({"W0": torch.full((3, 3), math.nan, dtype=torch.float64)}, ValueError, "W0 must be finite"),
    ],
)
def test_bad_input_to_the_flow(arguments, error, words):
    good = {"W0": draw(3, 3, size=0.1), "W_star": torch.zeros(3, 3, dtype=torch.float64), "t_end": 1.0, "rtol": 1e-3}
    with pytest.raises(error, match=words):
        flow.integrate(**(good | arguments))
