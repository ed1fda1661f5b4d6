"""The column that vanishes: five variables against matrices, onsets against known ones, searched pairs and jumps."""

import math
import re

import numpy as np
import pytest
import torch

from src.dynamics import flow
from src.model import landscape, population
from src.theory import how_far, vanishing
from tests.theory.draws import generator


def eye(d):
    return torch.eye(d, dtype=torch.float64)


@pytest.mark.parametrize("d", [3, 4, 9])
@pytest.mark.parametrize("seed", range(3))
def test_five_variables_are_the_gradient_of_the_matrix(d, seed):
    x = np.array([0.6, 0, 0, 1.1, 0]) + 0.3 * np.random.default_rng(seed).uniform(-1, 1, 5)
    slope = -population.gradient(vanishing.matrix(x, d), -0.4 * eye(d))
    p, q, r, s_and_t, t = slope[0, 0], slope[0, 1], slope[1, 0], slope[1, 1], slope[1, 2]
    np.testing.assert_allclose(vanishing.descent_direction(x, d, 0.6), [p, q, r, s_and_t - t, t], atol=1e-13)
    assert torch.allclose(slope, vanishing.matrix([p, q, r, s_and_t - t, t], d) + eye(d), atol=1e-13)
    lengths = (eye(d) + vanishing.matrix(x, d)).norm(dim=0)
    np.testing.assert_allclose(vanishing.lengths(x, d), lengths[:2])
    assert torch.allclose(lengths[1:], lengths[1])


def test_the_pair_is_what_it_is_called_and_starts_the_five_variables():
    W, W_star = vanishing.pair(6, 0.4)
    e_1 = eye(6)[:, :1]
    torch.testing.assert_close(W, 0.4 * (eye(6) - 2 * e_1 @ e_1.T))
    torch.testing.assert_close(W_star, -0.4 * eye(6))
    torch.testing.assert_close(vanishing.matrix([1 - 0.4, 0, 0, 1 + 0.4, 0], 6), W)
    assert float(landscape.potential(W, W_star)) == pytest.approx(-2 * 0.4 * 5)


def test_the_path_is_the_flow_of_the_matrix():
    d, gamma = 10, 0.44
    path = vanishing.follow(d, gamma, 3.0)
    run = flow.integrate(*vanishing.pair(d, gamma), 3.0, rtol=1e-6)
    assert not path.vanishes and path.t[-1] == 3.0
    torch.testing.assert_close(vanishing.matrix(path.x, d), run.W, atol=1e-4, rtol=0)
    assert path.first.min() == pytest.approx(0.0241, abs=2e-4) and path.others[0] == pytest.approx(1 + gamma)


@pytest.mark.parametrize(("d", "gamma"), [(10, 0.46), (20, 0.45)])
def test_both_flows_meet_the_vanishing_column_at_the_same_time(d, gamma):
    path = vanishing.follow(d, gamma)
    assert path.vanishes
    with pytest.raises(FloatingPointError, match="column 0 of I") as stopped:
        flow.integrate(*vanishing.pair(d, gamma), 20.0)
    time = float(re.search(r"t = ([\d.]+),", str(stopped.value)).group(1))
    assert time == pytest.approx(path.t[-1], rel=1e-3)


@pytest.mark.parametrize(
    ("d", "gamma"), [(10, 0.4515), (20, 0.3941), (60, 0.3554), (200, 0.3407), (1000, 0.3350), (10**6, 0.33338)]
)
def test_the_onset_falls_to_one_third(d, gamma):
    found = vanishing.onset(d)
    assert found == pytest.approx(gamma, abs=1e-4) and found > 1 / 3
    below, above = vanishing.follow(d, found - 2e-3, 10.0), vanishing.follow(d, found + 2e-3, 10.0)
    assert not below.vanishes and above.vanishes
    assert above.first[-1] == pytest.approx(flow.SHORTEST, rel=1e-3)
    assert above.t[-1] < 20 / d  # in Phase I


def test_lengths_follow_the_formula_of_the_proof():
    """l_j(t) = l_j(0) - 2 gamma (1 - exp(-d t / pi)) up to O(1 / sqrt d), for both kinds of columns."""
    gamma, errors = 0.33, []
    for d in (10**3, 10**5, 10**7):
        path = vanishing.follow(d, gamma, 9 / d)
        lost = 2 * gamma * (1 - np.exp(-d * path.t / math.pi))
        errors.append(
            max(np.abs(path.first - (1 - gamma - lost)).max(), np.abs(path.others - (1 + gamma - lost)).max())
        )
    assert errors[0] < 1 / math.sqrt(10**3) and errors[2] < errors[1] / 5 < errors[0] / 25


def test_a_small_push_does_not_save_the_column():
    W, W_star = vanishing.pair(20, 0.43)
    G = torch.randn(4, 20, 20, generator=generator(), dtype=torch.float64)
    pushed = W + 1e-2 * 0.43 * G / math.sqrt(20)
    assert (how_far.follow(pushed, W_star.expand_as(pushed), 20.0)[1] == how_far.ZERO).all()


@pytest.mark.parametrize(("d", "gamma", "loss", "curvature"), [(20, 0.43, 0.0073, 0.110), (60, 0.38, 0.0034, 0.147)])
def test_a_descent_in_fixed_steps_jumps_into_a_strict_minimum(d, gamma, loss, curvature):
    found = vanishing.jump(d, gamma, 60.0, generator())
    assert (found.watched, found.outcome) == (how_far.ZERO, how_far.REST)
    assert found.loss == pytest.approx(loss, abs=5e-5) and found.curvature == pytest.approx(curvature, abs=5e-4)
    assert found.first < -0.4  # the first column has turned around


def test_shortest_on_the_way_is_that_of_a_plain_loop():
    d = 5
    W, W_star = vanishing.pair(d, 0.45)
    A, found = eye(d) + W, []
    for _ in range(7):
        slope = population.gradient(A - eye(d), W_star)
        found.append(float(A.norm(dim=0).min()))
        step = min([1 / (d / 2 + 2)] + [0.3 * float(A[:, j].norm() / slope[:, j].norm()) for j in range(d)])
        A = A - step * slope
    found.append(float(A.norm(dim=0).min()))
    assert vanishing.shortest_on_the_way(W[None], W_star[None], 7).item() == pytest.approx(min(found))


def test_the_search_finds_a_pair_below_the_onset_of_the_family():
    found = vanishing.hunt(10, 0.44, 3, 14, 60, generator(1))
    assert found.shortest.min() < flow.SHORTEST and found.gamma == 0.44 < vanishing.onset(10)
    assert torch.linalg.matrix_norm(torch.stack((found.W, found.W_star)), 2).max() <= 0.44 + 1e-12
    with pytest.raises(FloatingPointError, match="column 0 of I"):
        flow.integrate(found.W, found.W_star, 20.0)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="gamma"):
        vanishing.follow(10, -0.1)
    with pytest.raises(ValueError, match="d must"):
        vanishing.follow(2, 0.3)
