"""The flow in the plane of trace and skew part, against full matrices."""

import math

import numpy as np
import pytest
import torch

from src.dynamics import flow, portrait, three_variables
from src.model import landscape, population

D = 19


def test_the_plane_places_a_matrix():
    W = three_variables.matrix(portrait.at(D, -6.0, 3.0), D)
    skew = (W - W.mT) / 2
    assert W.trace().item() == pytest.approx(-6.0) and skew.norm().item() == pytest.approx(3.0)
    assert W.sum(1).abs().max() < 1e-13
    assert portrait.plane(portrait.at(D, -6.0, 3.0), D) == pytest.approx((-6.0, 3.0))
    several = np.array([portrait.at(D, *point) for point in ((-6.0, 3.0), (2.0, 1.0))]).T
    assert np.allclose(portrait.plane(several, D), [[-6.0, 2.0], [3.0, 1.0]])
    start = three_variables.start(D, 3.0, -6.0)
    assert portrait.at(D, *portrait.plane(start, D)) == pytest.approx(start)


def test_the_portrait_is_the_full_models():
    traces, skews = (-6.0, 1.0, 4.0), (0.5, 3.0)
    field = portrait.portrait(D, traces, skews)
    assert field.velocity.shape == (2, 3, 2) and field.inner.shape == field.potential.shape == (2, 3)
    zero = torch.zeros(D, D, dtype=torch.float64)
    for k, skew in enumerate(skews):
        for j, trace in enumerate(traces):
            W = three_variables.matrix(portrait.at(D, trace, skew), D)
            slope, direction = -population.gradient(W, zero), (W - W.mT) / (W - W.mT).norm()
            assert field.velocity[k, j] == pytest.approx([slope.trace().item(), (slope * direction).sum().item()])
            assert field.inner[k, j] == pytest.approx(landscape.inner_product(W, zero).item())
            assert field.potential[k, j] == pytest.approx(landscape.potential(W, zero).item())


def test_the_wrong_way_is_a_lens_that_needs_large_weights():
    """Leading order: negative between -F^2 and -F^2 / 2, and only if F^2 > 16 (pi / 2 - 1)."""
    traces = np.linspace(-27, 0, 109)
    small, large = portrait.portrait(1499, traces, [2.5, 4.5]).inner
    assert (small > -1e-12).all()
    wrong = traces[large < 0]
    assert len(wrong) and wrong.min() > -(4.5**2) * 1.1 and wrong.max() < -(4.5**2) / 2


def test_paths_follow_the_full_flow():
    starts, t = [(-6.0, 3.0), (5.0, 1.0)], np.array([0.0, 0.05, 2.0])
    paths = portrait.paths(D, starts, t)
    assert paths.shape == (2, 2, 3)
    for path, start in zip(paths, starts, strict=True):
        W = three_variables.matrix(portrait.at(D, *start), D)
        assert path[:, 0] == pytest.approx(start)
        W = flow.integrate(W, torch.zeros_like(W), 2.0, rtol=1e-7).W
        assert path[:, 2] == pytest.approx([W.trace().item(), ((W - W.mT) / 2).norm().item()], rel=1e-5)


def test_bad_input():
    with pytest.raises(ValueError, match="d must be from 3"):
        portrait.at(2, -1.0, 1.0)
    with pytest.raises(ValueError, match="increasing times"):
        portrait.paths(D, [(-6.0, 3.0)], [1.0, 0.5])
    with pytest.raises(ValueError, match="entry 0 of starts must be two numbers"):
        portrait.paths(D, [(-6.0, 3.0, 0.0)], [1.0])
    assert math.isfinite(portrait.at(3, -1.0, 1.0)[0])
