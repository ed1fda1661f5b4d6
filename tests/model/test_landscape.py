"""The potential g and the one-point ratio: definitions, signs, invariance, bad input."""

import math

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src.model import landscape, population


def draw(*shape, seed, size=0.5):
    generator = torch.Generator().manual_seed(seed)
    return size / shape[-1] ** 0.5 * torch.randn(*shape, generator=generator, dtype=torch.float64)


@st.composite
def pairs(draw_from):
    d, size = draw_from(st.integers(1, 6)), draw_from(st.sampled_from([0.01, 0.5, 5.0]))
    seed = draw_from(st.integers(0, 10**6))
    return draw(d, d, seed=seed, size=size), draw(d, d, seed=seed + 1, size=size)


def test_potential_by_hand():
    """Columns (3, 4) and (0, 2) of the teacher, (1, 0) and (0, 1) of the student: g = (5 - 1) + (2 - 1)."""
    W_star = torch.tensor([[2.0, 0.0], [4.0, 1.0]], dtype=torch.float64)
    zero = torch.zeros(2, 2, dtype=torch.float64)
    assert landscape.potential(zero, W_star).item() == pytest.approx(5, rel=1e-15)
    assert landscape.potential(W_star, zero).item() == pytest.approx(-5, rel=1e-15)


@given(pairs())
@settings(max_examples=40, deadline=None)
def test_potential_is_its_definition(pair):
    W, W_star = pair
    eye = torch.eye(len(W), dtype=torch.float64)
    a, b = (eye + W).norm(dim=0), (eye + W_star).norm(dim=0)
    assert abs(landscape.potential(W, W_star) - (b - a).sum()) < 1e-14 * (a + b).sum()
    assert landscape.potential(W, W) == 0


def test_potential_close_to_the_teacher_in_60_digits():
    W_star, step = draw(20, 20, seed=1), draw(20, 20, seed=2)
    W = W_star + 1e-9 * step
    with mpmath.workdps(60):
        exact = mpmath.fsum(
            sign * mpmath.sqrt(mpmath.fsum((mpmath.mpf(V[k, j].item()) + (k == j)) ** 2 for k in range(20)))
            for sign, V in ((1, W_star), (-1, W))
            for j in range(20)
        )
        assert float(landscape.potential(W, W_star)) == pytest.approx(float(exact), rel=1e-12)


@given(pairs())
@settings(max_examples=40, deadline=None)
def test_one_point_ratio_is_its_definition(pair):
    W, W_star = pair
    M = W_star - W
    inner = (-population.gradient(W, W_star) * M).sum()
    assert landscape.inner_product(W, W_star) == pytest.approx(inner.item(), rel=1e-12)
    assert landscape.one_point_ratio(W, W_star) == pytest.approx((inner / M.square().sum()).item(), rel=1e-12)


@pytest.mark.parametrize("w, w_star", [(0.3, 0.1), (-0.5, 2.0)])
def test_one_dimension_by_hand(w, w_star):
    """L = (w - w*)^2 / 2 where both slopes are positive: the inner product is the squared distance, the ratio one."""
    W, W_star = torch.tensor([[w]], dtype=torch.float64), torch.tensor([[w_star]], dtype=torch.float64)
    assert landscape.inner_product(W, W_star).item() == pytest.approx((w - w_star) ** 2, rel=1e-13)
    assert landscape.one_point_ratio(W, W_star).item() == pytest.approx(1, rel=1e-13)


def test_one_point_ratio_close_to_the_identity():
    """At W* = 0 the Hessian is known by hand: on off-diagonal skew directions with zero row sums it is 1/2 - 1/pi."""
    C = torch.zeros(3, 3, dtype=torch.float64)
    C[0, 1] = C[1, 2] = C[2, 0] = 1e-6
    skew = C - C.T
    assert landscape.one_point_ratio(skew, torch.zeros_like(skew)).item() == pytest.approx(0.5 - 1 / math.pi, rel=1e-4)


def test_batches_and_derivatives():
    W, W_star = draw(2, 3, 3, seed=3).requires_grad_(), draw(3, 3, seed=4).requires_grad_()
    for function in (landscape.potential, landscape.inner_product, landscape.one_point_ratio):
        value = function(W, W_star)
        assert value.shape == (2,)
        for k in range(2):
            assert value[k].item() == pytest.approx(function(W[k], W_star).item(), rel=1e-12)
        assert torch.autograd.gradcheck(function, (W, W_star))


FUNCTIONS = [landscape.potential, landscape.inner_product, landscape.one_point_ratio]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_bad_weights(function):
    good, nan = draw(3, 3, seed=5), draw(3, 3, seed=6)
    nan[1, 1] = math.nan
    with pytest.raises(ValueError, match="W must be square"):
        function(good[:2], good)
    with pytest.raises(ValueError, match="W_star must be finite"):
        function(good, nan)
    with pytest.raises(TypeError, match="W must have a floating dtype"):
        function(good.long(), good)
    with pytest.raises(TypeError, match="W_star must have the dtype of W"):
        function(good, good.float())
    with pytest.raises(ValueError, match=r"W must leave every column of I \+ W non-zero; column 0"):
        function(-torch.eye(3, dtype=torch.float64), good)


def test_no_ratio_at_the_teacher():
    W = draw(3, 3, seed=7)
    with pytest.raises(ValueError, match="W must differ from W_star"):
        landscape.one_point_ratio(W, W.clone())
    with pytest.raises(ValueError, match="W must differ from W_star"):
        landscape.one_point_ratio(torch.stack([W + 1, W]), W)
