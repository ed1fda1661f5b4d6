"""Matrices with prescribed norms, and the start of section 5.3."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src.model import landscape, weights


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def spectral(W):
    return torch.linalg.matrix_norm(W, 2).item()


@given(st.integers(1, 40), st.floats(1e-3, 1e3), st.floats(0, 1), st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_with_norms_has_them(d, norm, share, seed):
    frobenius = norm * d ** (share / 2)  # from rank one (share 0) to a flat spectrum (share 1)
    W = weights.with_norms(d, norm, frobenius, generator(seed))
    assert W.shape == (d, d) and W.dtype == torch.float64
    assert spectral(W) == pytest.approx(norm, rel=1e-10)
    assert W.norm().item() == pytest.approx(frobenius, rel=1e-8)


def test_with_norms_at_the_ends():
    rank_one = torch.linalg.svdvals(weights.with_norms(6, 2.0, 2.0, generator()))
    assert rank_one[1:].max() < 1e-6 * rank_one[0]
    flat = torch.linalg.svdvals(weights.with_norms(6, 2.0, 2.0 * math.sqrt(6), generator()))
    assert torch.allclose(flat, torch.full_like(flat, 2.0), rtol=1e-7)


def test_with_norms_hangs_on_the_generator():
    one, again, other = (weights.with_norms(5, 0.5, 0.8, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert (one - other).norm() > 0.1


def test_with_norms_prefers_no_direction():
    W = torch.stack([weights.with_norms(4, 1.0, 1.5, generator(seed)) for seed in range(2000)])
    z = W.mean(0) / (W.std(0) / len(W) ** 0.5)
    assert z.abs().max() < 4
    squares = W.square()
    z = (squares.mean(0) - 1.5**2 / 16) / (squares.std(0) / len(W) ** 0.5)
    assert z.abs().max() < 4


@pytest.mark.parametrize(
    "arguments, error, allowed",
    [
        ((5, 1.0, 0.9), ValueError, "frobenius must lie between"),
        ((5, 1.0, 2.3), ValueError, "frobenius must lie between"),
        ((5, 0.0, 1.0), ValueError, "spectral must be positive"),
        ((5, -1.0, 1.0), ValueError, "spectral must be positive"),
        ((5, math.nan, 1.0), ValueError, "spectral must be positive and finite"),
        ((5, 1.0, math.inf), ValueError, "frobenius must be positive and finite"),
        ((5, "1", 1.0), TypeError, "spectral must be a number"),
        ((0, 1.0, 1.0), ValueError, "d must be from 1"),
        ((5.0, 1.0, 1.0), TypeError, "d must be an integer"),
        ((True, 1.0, 1.0), TypeError, "d must be an integer"),
    ],
)
def test_with_norms_refuses_norms_no_matrix_has(arguments, error, allowed):
    with pytest.raises(error, match=allowed):
        weights.with_norms(*arguments, generator())


def test_with_norms_needs_a_generator():
    with pytest.raises(TypeError, match=r"generator must be a torch\.Generator"):
        weights.with_norms(5, 1.0, 1.5, 0)


@pytest.mark.parametrize("d, drawn", [(3, False), (7, False), (103, False), (3, True), (10, True), (101, True)])
def test_flat_skew(d, drawn):
    K = weights.flat_skew(d, generator() if drawn else None)
    assert torch.allclose(K, -K.T, atol=1e-14)
    assert K.sum(1).abs().max() < 1e-12
    zeros = 1 if d % 2 else 2
    expected = torch.cat([torch.ones(d - zeros), torch.zeros(zeros)]).double()
    assert torch.allclose(torch.linalg.svdvals(K), expected, atol=1e-10)


@pytest.mark.parametrize("d", [4, 5, 9, 15, 1500])
def test_flat_skew_without_generator_needs_paleys_primes(d):
    with pytest.raises(ValueError, match="generator must be given unless d is a prime congruent to 3 modulo 4"):
        weights.flat_skew(d)
    with pytest.raises(ValueError, match="generator must be given unless d is a prime congruent to 3 modulo 4"):
        weights.wrong_way_start(d, 1.0, -0.5)


@pytest.mark.parametrize("d, drawn", [(103, False), (100, True)])
def test_wrong_way_start(d, drawn):
    frobenius, trace = 4.0, -12.0  # halfway between -frobenius^2 and half of it
    W = weights.wrong_way_start(d, frobenius, trace, generator() if drawn else None)
    assert W.norm().item() == pytest.approx(frobenius, rel=1e-12)
    assert W.trace().item() == pytest.approx(trace, rel=1e-12)
    assert W.sum(1).abs().max() < 1e-12
    assert spectral(W) == pytest.approx(frobenius / d**0.5, rel=0.05)
    zero = torch.zeros_like(W)
    assert landscape.inner_product(W, zero) < 0
    assert landscape.potential(W, zero).item() == pytest.approx(-trace - frobenius**2 / 2, rel=0.1)


def test_the_start_of_section_5_3_at_a_third_of_its_dimension():
    W = weights.wrong_way_start(499, 5.0, -18.75)
    zero = torch.zeros_like(W)
    assert landscape.inner_product(W, zero) < 0
    assert landscape.inner_product(W.T.contiguous(), zero) < 0  # the transpose is a start of the same kind
    assert landscape.inner_product(-W, zero) > 0  # the other sign is not


@pytest.mark.parametrize("trace", [-9.0, 9.0, math.nan, "small", None])
def test_wrong_way_start_refuses_a_trace_that_leaves_no_room(trace):
    with pytest.raises((TypeError, ValueError), match=r"trace must be (a number|finite)"):
        weights.wrong_way_start(7, 1.0, trace)


@pytest.mark.parametrize(
    "d, frobenius, error, allowed",
    [
        (2, 1.0, ValueError, "d must be from 3"),
        (7.0, 1.0, TypeError, "d must be an integer"),
        (7, 0.0, ValueError, "frobenius must be positive"),
        (7, math.nan, ValueError, "frobenius must be positive and finite"),
    ],
)
def test_wrong_way_start_refuses_bad_sizes(d, frobenius, error, allowed):
    with pytest.raises(error, match=allowed):
        weights.wrong_way_start(d, frobenius, -0.5)


def test_gaussian_matrices_have_the_spectral_norm_asked_for():
    W = weights.gaussian((3, 4, 4), 0.7, torch.Generator().manual_seed(0))
    torch.testing.assert_close(torch.linalg.matrix_norm(W, 2), torch.full((3,), 0.7, dtype=torch.float64))
    X = torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(W / W[:, :1, :1], X / X[:, :1, :1])
    with pytest.raises(ValueError, match="spectral"):
        weights.gaussian((4, 4), -1, torch.Generator())
    with pytest.raises(TypeError, match="generator"):
        weights.gaussian((4, 4), 1, 0)
    for shape in ((4,), (4, 3), (2, 0, 0), (10**4, 10**3, 10**3), 4):
        with pytest.raises((TypeError, ValueError), match="shape must be"):
            weights.gaussian(shape, 1.0, torch.Generator())
    assert weights.gaussian((0, 4, 4), 1.0, torch.Generator()).shape == (0, 4, 4)
