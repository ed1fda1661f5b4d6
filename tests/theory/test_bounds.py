"""The theory's quantities against independent routes, and planted errors that must show."""

import math

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src.dynamics import three_variables
from src.model import landscape, population
from src.theory import bounds


def gaussian(*shape, seed=0, scale=0.1):
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(*shape, generator=generator, dtype=torch.float64)


def columns(W):
    A = torch.eye(W.shape[-1], dtype=W.dtype) + W
    return A, A / A.norm(dim=-2, keepdim=True)


@given(st.integers(2, 12), st.integers(0, 1000), st.sampled_from([1e-4, 1e-2, 0.3]))
@settings(max_examples=30, deadline=None)
def test_parts_sum_to_the_printed_gradient(d, seed, distance):
    W = gaussian(d, d, seed=seed)
    W_star = W + gaussian(d, d, seed=seed + 1, scale=distance)
    R = -math.pi * population.gradient(W, W_star)
    assert (sum(landscape.gradient_parts(W, W_star)) - R).norm() < 1e-8 * R.norm()
    exact = math.pi * landscape.inner_product(W, W_star)
    assert abs(sum(landscape.inner_product_parts(W, W_star)) - exact) < 1e-8 * R.norm() * (W - W_star).norm()


def test_each_part_vanishes_with_the_distance_and_the_last_is_of_second_order():
    W, direction = gaussian(9, 9), gaussian(9, 9, seed=1)
    near, nearer = (landscape.gradient_parts(W, W + t * direction) for t in (1e-3, 1e-4))
    for part, smaller in zip(near, nearer):
        assert smaller.norm() < 0.11 * part.norm()
    both = [landscape.gradient_parts(t * W, t * direction) for t in (1e-2, 1e-3)]
    assert float(both[1].first_order.norm()) == pytest.approx(0.1 * float(both[0].first_order.norm()), rel=0.02)
    assert float(both[1].higher_order.norm()) == pytest.approx(0.01 * float(both[0].higher_order.norm()), rel=0.05)


def test_constant_part_is_the_gradient_with_every_angle_a_right_one():
    W, W_star = gaussian(6, 6), gaussian(6, 6, seed=1)
    (A, A_bar), (B, _) = columns(W), columns(W_star)
    for j in range(6):
        column = math.pi * (W_star - W)[:, j]  # i = j: both angles zero
        for i in range(6):
            if i != j:
                column = column + math.pi / 2 * (B - A)[:, i] + (B[:, i].norm() - A[:, i].norm()) * A_bar[:, j]
        torch.testing.assert_close(landscape.gradient_parts(W, W_star).constant[:, j], column)


def test_definitions_2_2_and_2_3_as_sums_over_columns():
    W, W_star = gaussian(5, 5), gaussian(5, 5, seed=1)
    (A, A_bar), (B, B_bar) = columns(W), columns(W_star)
    terms = [torch.outer(B[:, i], B_bar[:, i]) - torch.outer(A[:, i], A_bar[:, i]) for i in range(5)]
    torch.testing.assert_close(landscape.outer_difference(W, W_star), sum(terms))
    for j in range(5):
        torch.testing.assert_close(landscape.outer_difference(W, W_star, without=j), sum(terms) - terms[j])
    growth = B.norm(dim=0) - A.norm(dim=0)
    torch.testing.assert_close(landscape.potentials_of_others(W, W_star), growth.sum() - growth)
    torch.testing.assert_close(landscape.way_along_ones(W, W_star), (W_star - W) @ torch.ones(5, dtype=W.dtype))
    with pytest.raises(ValueError, match="without"):
        landscape.outer_difference(W, W_star, without=5)


@pytest.mark.parametrize("wrong", ["transposed", "sign", "with the own column"])
def test_planted_errors_in_the_first_order_part_show(wrong):
    W, W_star = gaussian(8, 8, scale=1e-3), gaussian(8, 8, seed=1, scale=1e-3)
    R, (constant, first, _) = population.lemma_2_1(W, W_star), landscape.gradient_parts(W, W_star)
    planted = {
        "transposed": first.mT,
        "sign": -first,
        "with the own column": landscape.outer_difference(W, W_star) @ columns(W)[1],
    }[wrong]
    assert (R - constant - first).norm() < 0.02 * first.norm()
    assert (R - constant - planted).norm() > 0.2 * first.norm()


def test_parts_are_differentiable_where_student_and_teacher_are_aligned():
    W = torch.zeros(4, 4, dtype=torch.float64, requires_grad=True)
    sum(landscape.inner_product_parts(W, 0.1 * torch.eye(4, dtype=torch.float64))).backward()
    assert torch.isfinite(W.grad).all()


def test_batches_and_bad_input():
    W, W_star = gaussian(3, 4, 4), gaussian(4, 4, seed=1)
    batch = landscape.inner_product_parts(W, W_star)
    one = landscape.inner_product_parts(W[1], W_star)
    torch.testing.assert_close(torch.stack(batch)[:, 1], torch.stack(one))
    with pytest.raises(ValueError, match="W_star"):
        landscape.gradient_parts(W, W_star[:3, :3])
    with pytest.raises(TypeError, match="W"):
        landscape.way_along_ones([[0.0]], W_star)


def test_phase_one_formulas():
    assert bounds.phase_one_step(100, 0.01) == pytest.approx(1 / (36 * 100**2))
    step = bounds.phase_one_step(100, 0.01, 1e-4)
    assert step < 1 / (36 * 100**2)
    assert bounds.phase_one_factor(100, step) ** bounds.phase_one_steps(step) == pytest.approx(
        math.exp(-100 / 32), rel=1e-3
    )
    assert bounds.phase_one_potential(0.0225) < bounds.G_LIMIT < bounds.phase_one_potential(0.0226)
    with pytest.raises(ValueError, match="gamma"):
        bounds.gradient_spectral(100, -0.1)
    with pytest.raises(TypeError, match="d must"):
        bounds.gradient_frobenius(10.5, 0.1)


@pytest.mark.parametrize("gamma", [1e-3, 0.01, 0.1])
@pytest.mark.parametrize("g", [-3.0, 0.0, 0.1])
def test_the_margin_is_the_formula_of_the_first_edition_without_its_slack(gamma, g):
    """With kappa = 1 / (1 - gamma), rho = (1 + gamma) kappa and epsilon = rho^2 - 1, and the six pieces one by one."""
    kappa = 1 / (1 - gamma)
    rho = (1 + gamma) * kappa
    epsilon = rho**2 - 1
    mu = 1 / math.sqrt(1 - epsilon**2)
    pieces = {
        "square": math.pi / 2,
        "own": -2 * gamma * kappa**2,
        "turned": -mu * rho**2 - 2 * gamma * kappa,
        "gram": -math.asin(epsilon),
        "radial": -kappa * max(g, 0) / 2,
        "sines": -(1 + gamma) * mu * epsilon * rho * kappa - mu * epsilon**2 / 2,
    }
    assert bounds.margin_pieces(gamma, g)._asdict() == pytest.approx(pieces, rel=1e-12)
    assert bounds.one_point_ratio(gamma, g) == pytest.approx(sum(pieces.values()), rel=1e-12)
    assert bounds.margin_constants(gamma) == pytest.approx((rho, epsilon, mu))


def test_the_margin_and_figure_5_at_one_hundredth():
    assert bounds.one_point_ratio(0.01) == pytest.approx(0.3538, abs=5e-5)
    assert bounds.one_point_ratio(0.01, 0.0) == pytest.approx(0.4043, abs=5e-5)
    assert bounds.figure_5(0.01) == pytest.approx((math.pi / 2 - 0.1 / (2 * 0.99), -1.1018, -0.0646), abs=5e-5)
    # In their sum the slope of the arcsine, zeta, is split into 1 and zeta - 1: the parts add up to the margin.
    assert sum(bounds.figure_5(0.05)) == pytest.approx(bounds.one_point_ratio(0.05), rel=1e-12)


@pytest.mark.parametrize("function", [bounds.margin_constants, bounds.margin_pieces, bounds.figure_5])
def test_the_margin_is_defined_for_small_weights_only(function):
    for gamma in (0.1716, 1.0, 2.0):
        with pytest.raises(ValueError, match="gamma must be below"):
            function(gamma)
    with pytest.raises(ValueError, match="gamma must be positive"):
        function(0.0)
    function(0.1715)


def test_the_term_that_the_printed_update_of_g_lacks():
    """W = c (u u^T - I), W* = 0: dg/d(eta) is -(pi/2) <u, s> to leading order, not a multiple of d gamma^2."""
    d, gamma = 100, mpmath.mpf("1e-5")
    W = (-gamma / (d - 1), mpmath.mpf(0), gamma)
    with mpmath.workdps(30):
        R = [-mpmath.pi * v for v in three_variables.gradient(W, d)]
        rate = -three_variables.inner((1 + W[0], 0, 1 + W[2]), R, d)  # -sum <a_j, R_j>, columns of length close to one
        assert float(rate / (mpmath.pi / 2 * gamma * d)) == pytest.approx(1, rel=1e-3)


def test_g_grows_in_one_step_inside_the_ball_above_the_threshold():
    d, gamma = 100, 0.002
    a = 2.84e-5
    identity, J = torch.eye(d, dtype=torch.float64), torch.full((d, d), 1 / d, dtype=torch.float64)
    W, W_star = gamma * J - a * (identity - J), torch.zeros(d, d, dtype=torch.float64)
    before = landscape.potential(W, W_star)
    after = landscape.potential(W + bounds.phase_one_step(d, gamma) * population.lemma_2_1(W, W_star), W_star)
    assert torch.linalg.matrix_norm(W, 2) <= gamma * (1 + 1e-12)
    assert after > before > bounds.phase_one_potential(gamma)
