"""Iterative minimisation, curvature and matching of `minima`, against dense algebra and known answers."""

import pytest
import torch

from src.model import population
from src.theory import critical_points, minima


def draw(d, seed, size=0.3):
    generator = torch.Generator().manual_seed(seed)
    return size / d**0.5 * torch.randn(d, d, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("seed", range(3))
def test_lowest_curvature_is_that_of_the_dense_hessian(seed):
    W, W_star = draw(5, seed, size=1.0), draw(5, seed + 10)
    dense = torch.linalg.eigvalsh(critical_points._hessian(W[None], W_star[None]))[0, 0]
    assert minima.lowest_curvature(W, W_star, tolerance=1e-8) == pytest.approx(float(dense), rel=1e-5, abs=1e-8)


def test_descent_from_near_the_identity_ends_at_the_teacher():
    W_star = draw(6, 1)
    end = minima.descend(draw(6, 2), W_star)
    assert (end - W_star).norm() < 1e-5
    assert minima.lowest_curvature(end, W_star) > 0.05


def test_descent_elsewhere_ends_at_a_critical_point_below_its_start():
    I, W_star = torch.eye(8, dtype=torch.float64), draw(8, 4)
    start = draw(8, 5, size=1.0) - I
    end = minima.descend(start, W_star)
    assert population.loss(end, W_star) < population.loss(start, W_star)
    assert population.gradient(end, W_star).norm() < 1e-5


def test_a_permuted_teacher_is_found_and_is_the_same_function():
    I, W_star = torch.eye(7, dtype=torch.float64), draw(7, 6)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(0))
    W = (I + W_star)[:, order] - I
    assert population.loss(W, W_star).abs() < 1e-12
    assert (W - W_star).norm() > 1
    match = minima.match_columns(W, W_star)
    assert match.distance < 1e-12 and match.cosine.min() > 1 - 1e-12
    shifted = minima.match_columns(W + 0.01, W_star)
    assert shifted.distance == pytest.approx(0.07)
    reversed_twice = W + I
    reversed_twice[:, [2, 5]] *= -1
    match = minima.match_columns(reversed_twice - I, W_star)
    assert (match.cosine < -1 + 1e-12).sum() == 2 and (match.cosine > 1 - 1e-12).sum() == 5
    # Never further than with the columns as they stand.
    other = draw(7, 8, size=1.0)
    assert minima.match_columns(other, W_star).distance <= (other - W_star).norm()


@pytest.mark.parametrize("function", [minima.descend, minima.lowest_curvature, minima.match_columns])
def test_bad_input_is_named(function):
    with pytest.raises(ValueError, match="W must be one"):
        function(draw(4, 1).expand(2, 4, 4), draw(4, 2))
    with pytest.raises(ValueError, match="W must be square"):
        function(draw(4, 1)[:3], draw(4, 2))
    with pytest.raises(TypeError, match="W_star must have the dtype"):
        function(draw(4, 1), draw(4, 2).float())
    with pytest.raises(ValueError, match="W must be finite"):
        function(draw(4, 1) * float("nan"), draw(4, 2))
    with pytest.raises(ValueError, match="iterations must be from 1"):
        minima.descend(draw(4, 1), draw(4, 2), iterations=0)
