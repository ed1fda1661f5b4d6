"""Figure 5 and the joint expansion: parts, bounds and errors against other routes, and verdicts that turn."""

import math

import mpmath
import numpy as np
import pytest
import torch

from src import verdicts
from src.model import landscape, weights
from src.theory import bounds, phase_two, search, taylor
from tests.theory.draws import generator

HOLDS, CORRECTED, FAILS, OPEN = verdicts.HOLDS, verdicts.CORRECTED, verdicts.FAILS, verdicts.OPEN


def test_parts_in_both_readings_add_up_to_the_whole():
    W, W_star, _ = search.starts(5, 0.3, 8, generator(3))
    whole = search.printed_ratio(W, W_star)
    for reading in ("g", "g_j"):
        parts = [taylor.part_ratio(part, reading)(W, W_star) for part in landscape.Parts._fields]
        torch.testing.assert_close(sum(parts), whole, rtol=1e-9, atol=1e-10)
    with pytest.raises(ValueError, match="reading"):
        taylor.part_ratio("constant", "g_i")


def test_the_constant_part_is_its_formula_with_g_and_with_g_j():
    W, W_star, _ = search.starts(5, 0.3, 1, generator(4))
    W, W_star = W[0], W_star[0]
    A, B, M = torch.eye(5, dtype=W.dtype) + W, torch.eye(5, dtype=W.dtype) + W_star, W_star - W
    r = B.norm(dim=0) - A.norm(dim=0)
    along = (A / A.norm(dim=0) * M).sum(0)
    base = math.pi / 2 * (M.sum(1).square().sum() + M.square().sum())
    for reading, potential in (("g", r.sum()), ("g_j", r.sum() - r)):
        expected = (base + (potential * along).sum()) / M.square().sum()
        torch.testing.assert_close(taylor.part_ratio("constant", reading)(W, W_star), expected)


def test_the_diagonal_pair_has_no_trace_no_potential_and_lowers_the_constant_part():
    W, W_star = taylor.diagonal_pair(100, 1e-4)
    M = W_star - W
    assert torch.linalg.matrix_norm(M, 2) == pytest.approx(1e-4)
    assert M.sum(1).norm() < 1e-16 and abs(M.trace()) < 1e-16
    assert M.diagonal().square().sum() > 0.97 * M.square().sum()
    assert abs(landscape.potential(W, W_star)) < 1e-5
    assert taylor.part_ratio("constant", "g_j")(W, W_star) == pytest.approx(math.pi / 2 - 1, abs=0.02)
    assert taylor.part_ratio("constant", "g")(W, W_star) == pytest.approx(math.pi / 2, abs=1e-3)
    with pytest.raises(ValueError, match="d must be from 2 to 10000 in steps of 2"):
        taylor.diagonal_pair(5, 0.1)


PROVED = bounds.Figure5Bounds(1.520, -1.102, -0.065)


def three_parts(constant=1.57, first=-1.01, higher=-0.02, proved=PROVED, **numbers):
    worst = {key: [0.0] for key in taylor.READINGS} | {
        ("constant", "g"): [constant],
        ("first_order", "g"): [first],
        ("higher_order", "g"): [higher],
    }
    numbers = {"diagonal": 0.58, "diagonal_with_g": 1.57, "diagonal_g": 1e-7} | numbers
    return taylor.ThreeParts([0.01], worst, proved, 0.0285, 0.0129, **numbers)


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, CORRECTED),
        ({"constant": math.pi / 2 - 0.101}, FAILS),  # below pi/2 - g
        ({"first": -1.31}, FAILS),
        ({"higher": -0.086}, FAILS),
        ({"constant": 1.519}, OPEN),  # pairs that contradict the proof
        ({"first": -1.103}, OPEN),
        ({"higher": -0.066}, OPEN),
        ({"proved": PROVED._replace(constant=1.46)}, OPEN),  # bounds that are not proved
        ({"proved": PROVED._replace(first_order=-1.31)}, OPEN),
        ({"proved": PROVED._replace(higher_order=-0.086)}, OPEN),
        ({"diagonal": 1.08}, HOLDS),  # then the printed reading would stand
        ({"diagonal_g": 1e-4}, HOLDS),
        ({"diagonal_g": -1e-4}, HOLDS),  # also when it is far below zero
    ],
)
def test_figure_5_is_judged_by_its_three_bounds(change, verdict):
    assert three_parts(**change).verdict == verdict


@pytest.mark.parametrize("gamma", [0.01, 0.1, 0.16])
def test_figure_5s_bounds_hold_for_many_pairs(gamma):
    floor = bounds.figure_5(gamma, 0.0)
    for d in (3, 6, 12):
        W, W_star, _ = search.starts(d, gamma, 100, generator(d))
        g = landscape.potential(W, W_star).clamp(min=0)
        extra = (1 + (1 + gamma) / (1 - gamma)) / 4 * g
        values = (taylor.part_ratio(part, "g")(W, W_star) for part in floor._fields)
        for part, value, less in zip(floor._fields, values, (extra, 0 * g, 0 * g)):
            assert (value >= getattr(floor, part) - less - 1e-9).all(), part


def test_figure_5_is_proved_up_to_its_thresholds():
    for part, level, gamma in (("first_order", -1.3, 0.0285), ("higher_order", -0.085, 0.0129)):
        found = taylor.figure_5_up_to(part, level)
        assert found == pytest.approx(gamma, abs=5e-5)
        assert getattr(bounds.figure_5(0.999 * found), part) > level > getattr(bounds.figure_5(1.001 * found), part)
    with pytest.raises(ValueError, match="first_order"):
        taylor.figure_5_up_to("first_order", -0.9)


@pytest.mark.parametrize("gamma", [1e-3, 0.1, 0.9])
@pytest.mark.parametrize("d", [4, 50])
def test_with_g_j_the_first_bound_fails_as_the_proposition_says(d, gamma):
    W, W_star = taylor.diagonal_pair(d, gamma)
    assert -1e-12 <= landscape.potential(W, W_star) <= gamma**2 * d / 2
    value = taylor.part_ratio("constant", "g_j")(W, W_star)
    assert value <= math.pi / 2 - (1 - 1 / d) / math.sqrt(1 + gamma**2) + 1e-12


def test_three_parts_are_searched_and_the_crossings_interpolated():
    parts = taylor.three_parts(4, [0.01, 0.2], starts=5, steps=6, seed=0)
    assert parts.verdict == CORRECTED and parts.proved == bounds.figure_5(0.01)
    assert parts.passed("first_order") == phase_two.crossing([0.01, 0.2], parts.worst["first_order", "g"], -1.3)
    assert 0.01 < parts.passed("higher_order") < 0.2


def test_a_planted_error_in_the_first_order_part_overturns_figure_5(monkeypatch):
    right = landscape.inner_product_parts

    def twice(W, W_star):
        parts = right(W, W_star)
        return parts._replace(first_order=2 * parts.first_order)

    monkeypatch.setattr(landscape, "inner_product_parts", twice)
    assert taylor.three_parts(4, [0.01], starts=5, steps=6, seed=0).verdict == FAILS


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, HOLDS),
        ({"furthest": 0.04}, FAILS),
        ({"separate": 9e-4, "limit": 9e-4}, FAILS),
        ({"separate": 0.029}, FAILS),  # not yet at its limit
        ({"limit": 0.031}, FAILS),
        ({"distance": 1e-5}, FAILS),  # not close to the teacher
    ],
)
def test_one_angle_is_judged_next_to_the_teacher(change, verdict):
    assert taylor.OneAngle(1e-8, 0.6, 0.03, 0.03)._replace(**change).verdict == verdict


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, HOLDS),
        ({"slope": 0.9}, FAILS),
        ({"smallest": 0.166}, FAILS),
        ({"largest": 0.2177}, FAILS),
        ({"constant": 0.217}, FAILS),
        ({"cosine": 1.0}, FAILS),
    ],
)
def test_the_joint_expansion_is_judged_by_its_error(change, verdict):
    assert taylor.JointError(1.0, 0.16667, 0.2176, 0.55, 0.2176)._replace(**change).verdict == verdict


def test_the_quotient_is_that_of_cauchys_mean_value_theorem():
    assert taylor.quotient_at(0.6) == pytest.approx(0.25 / 1.08)  # (1 / 0.8 - 1) / (3 * 0.36)
    assert taylor.quotient_at(1e-9) == pytest.approx(1 / 6)
    for c in np.linspace(-0.6, 0.6, 25):
        for c_star in np.linspace(-0.59, 0.58, 24):
            quotient = (math.asin(c_star) - math.asin(c) - (c_star - c)) / (c_star**3 - c**3)
            assert 1 / 6 - 1e-9 < quotient < taylor.quotient_at(0.6)


def test_angle_errors_are_those_of_high_precision():
    d, gamma, e = 5, 0.3, 1e-6
    found = taylor.angle_errors(d, gamma, [e, 1.0], generator(5))
    Q = weights.with_norms(d, gamma, gamma * math.sqrt(d), generator(5))
    W_star = -gamma * torch.eye(d, dtype=torch.float64)
    W_star[:2, :2] += gamma
    W = W_star + e * (Q - W_star)

    with mpmath.workdps(40):
        A, B = (mpmath.matrix(X.tolist()) + mpmath.eye(d) for X in (W, W_star))

        def cosine(X, Y, i, j):
            x, y = X[:, i], Y[:, j]
            return (x.T * y)[0] / mpmath.norm(x) / mpmath.norm(y)

        joint = separate = furthest = cubes = 0
        quotients = []
        for i in range(d):
            for j in set(range(d)) - {i}:
                c, c_star = cosine(A, A, i, j), cosine(B, A, i, j)
                theta, theta_star = mpmath.acos(c), mpmath.acos(c_star)
                error, cube = abs(theta_star - theta - (c - c_star)), abs(c_star**3 - c**3)
                joint, cubes = max(joint, error), max(cubes, cube)
                quotients.append(error / cube)
                separate = max(separate, abs(theta_star - (mpmath.pi / 2 - c_star)))
                furthest = max(furthest, abs(theta_star - mpmath.pi / 2))
    assert found.joint[0] == pytest.approx(float(joint), rel=1e-6)
    assert found.separate[0] == pytest.approx(float(separate), rel=1e-9)
    assert found.furthest[0] == pytest.approx(float(furthest), rel=1e-9)
    assert found.cubes[0] == pytest.approx(float(cubes), rel=1e-6)
    assert found.quotients[0, 1] == pytest.approx(float(max(quotients)), rel=1e-4)
    c = 2 * gamma / (1 + gamma**2)  # of the teacher's first two columns
    assert found.limit == pytest.approx(math.asin(c) - c)


def test_the_joint_error_falls_like_the_distance():
    errors = taylor.angle_errors(10, 0.3, np.geomspace(1e-8, 1, 17), generator())
    angle, joint = errors.one_angle, errors.joint_error
    assert angle.verdict == HOLDS and angle.separate == errors.separate[0] and angle.furthest == errors.furthest[0]
    assert joint.verdict == HOLDS and joint.slope == pytest.approx(1, abs=0.02)
    assert joint.constant == taylor.quotient_at(errors.cosines.max())
