"""Definition 2.4, what follows from convexity, and the surface for Figure 4: verdicts, derivatives, known values."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar

from src import verdicts
from src.theory import one_point_convexity as one_point
from tests.theory.draws import generator


def grid(n=60):
    axis = np.linspace(-math.pi, math.pi, n)
    return np.meshgrid(axis, axis)


@pytest.mark.parametrize(
    "at_optimum, elsewhere, verdict",
    [
        (0.0, 0.1, verdicts.CORRECTED),
        (1e-9, 0.1, verdicts.HOLDS),
        (-1e-9, 0.1, verdicts.FAILS),
        (0.0, 0.0, verdicts.FAILS),
        (0.0, -0.1, verdicts.FAILS),
        (1e-9, 0.0, verdicts.FAILS),
    ],
)
def test_definition_2_4_at_the_optimum_and_elsewhere(at_optimum, elsewhere, verdict):
    assert one_point.Strictness(at_optimum, elsewhere).verdict == verdict


def test_leaving_out_the_optimum_saves_the_definition_up_to_the_surface_s_constant():
    x, y = grid()
    assert one_point.strictness(x, y, 0.69) == (0.0, pytest.approx(one_point.not_convex(x, y).one_point - 0.69))
    assert one_point.strictness(x, y, 0.69).verdict == verdicts.CORRECTED
    assert one_point.strictness(x, y, 0.71).verdict == verdicts.FAILS
    assert one_point.strictness(x, y, 0.1, height=4.7).verdict == verdicts.FAILS
    with pytest.raises(ValueError, match="delta"):
        one_point.strictness(x, y, 0)


@pytest.mark.parametrize(
    "changes, verdict",
    [
        ({}, verdicts.CORRECTED),
        ({"at_optimum": 1e-9}, verdicts.HOLDS),
        ({"at_optimum": -1e-9}, verdicts.CORRECTED),
        ({"smallest": 0.99}, verdicts.FAILS),
        ({"smallest": 0.99, "at_optimum": 1e-9}, verdicts.FAILS),
    ],
)
def test_what_follows_from_strong_convexity(changes, verdict):
    assert one_point.FromConvexity(0.0, 1.0)._replace(**changes).verdict == verdict


def test_strongly_convex_functions_have_their_modulus():
    gradient, modulus = one_point.strongly_convex(4, generator(3))
    x = torch.randn(6, 4, generator=generator(4), dtype=torch.float64)
    for hessian in map(torch.func.jacrev(gradient), x):
        torch.testing.assert_close(hessian, hessian.mT)
        assert torch.linalg.eigvalsh(hessian)[0] >= modulus * (1 - 1e-12)
    far = torch.func.jacrev(gradient)(1e6 * x[0])  # where the sum is flat, the modulus is what is left
    assert torch.linalg.eigvalsh(far)[0].item() == pytest.approx(modulus)
    assert gradient(one_point.minimiser(gradient, 4)).norm() < 1e-12


def test_the_constant_is_the_modulus_and_no_larger_one():
    found = one_point.from_convexity(3, 10, 200, generator())
    assert found.at_optimum == 0 and 1 <= found.smallest < 1.5 and found.verdict == verdicts.CORRECTED
    with pytest.raises(ValueError, match="functions"):
        one_point.from_convexity(3, 1, 10, generator())


def test_a_larger_modulus_is_refuted(monkeypatch):
    right = one_point.strongly_convex

    def wrong(n, generator):
        gradient, modulus = right(n, generator)
        return gradient, 2 * modulus

    monkeypatch.setattr(one_point, "strongly_convex", wrong)
    assert one_point.from_convexity(3, 10, 200, generator()).verdict == verdicts.FAILS


@pytest.mark.parametrize(
    "field, value", [("proved", 0.0), ("proved", 0.71), ("one_point", 0.68), ("curvature", 0.0), ("chord_gap", 0.0)]
)
def test_each_property_of_the_surface_counts(field, value):
    right = one_point.NotConvex(0.69, 0.7, -4.0, -1.8)
    assert right.verdict == verdicts.HOLDS
    assert right._replace(**{field: value}).verdict == verdicts.FAILS


def test_slope_is_the_derivative_of_the_surface_and_curvature_that_of_the_slope():
    x, h = np.linspace(-3, 3, 31), 1e-5
    difference = (one_point.surface(x + h, 1.0) - one_point.surface(x - h, 1.0)) / (2 * h)
    np.testing.assert_allclose(one_point.slope(x), difference, atol=1e-8)
    curvature = (one_point.slope(x + h) - one_point.slope(x - h)) / (2 * h)
    assert one_point.not_convex(x, 0 * x + 1).curvature == pytest.approx(curvature.min(), abs=1e-7)


def test_the_surface_is_as_the_proof_says():
    found = one_point.not_convex(*grid())
    lowest = minimize_scalar(lambda z: math.sin(z) / z, bounds=(4, 5), method="bounded").fun
    assert found.verdict == verdicts.HOLDS and found.proved == pytest.approx(0.69660, abs=5e-6)
    assert 2 + 6 * lowest <= found.one_point < 2 + 6 * lowest + 0.01  # the bound of the text, approached on the grid
    assert found.curvature == pytest.approx(-4, abs=0.01)
    # The chord from (pi, pi) to the centre, by hand.
    part = np.linspace(0.02, 0.98, 49)
    by_hand = (part * 2 * math.pi**2 - 2 * ((part * math.pi) ** 2 + 3 * np.sin(part * math.pi) ** 2)).min()
    corner = np.array([math.pi])
    assert one_point.chord_gap(corner, corner)[0] == pytest.approx(by_hand)


def test_a_convex_surface_does_not_pass():
    assert one_point.not_convex(*grid(), height=0.5).verdict == verdicts.FAILS
    with pytest.raises(ValueError, match="origin"):
        one_point.not_convex(*grid(61))


def test_ex_landscape_ripples():
    lowest = minimize_scalar(lambda z: math.sin(z) / z, bounds=(4, 5), method="bounded").fun
    assert -1 / lowest == pytest.approx(4.60, abs=0.005)
    x, y = grid(200)
    assert one_point.not_convex(x, y, height=4.5).one_point == pytest.approx(0.045, abs=5e-4)
    assert one_point.not_convex(x, y, height=4.7).one_point == pytest.approx(-0.042, abs=5e-4)
    assert one_point.not_convex(x, y, height=1.0).curvature >= 0 > one_point.not_convex(x, y, height=1.1).curvature
