"""Where the gradient jumps, by src.theory.smoothness: against its one-sided limits, and what overturns the verdict."""

import math

import numpy as np
import pytest
import torch

from src import verdicts
from src.model import population
from src.theory import closed_form, smoothness


def draw(d, seed, size=0.4):
    generator = torch.Generator().manual_seed(seed)
    return size / d**0.5 * torch.randn(d, d, generator=generator, dtype=torch.float64)


W, W_STAR, V = draw(5, 0), draw(5, 1), draw(5, 2)
V /= V.norm()


def test_a_column_is_replaced():
    column = torch.arange(5, dtype=torch.float64)
    changed = smoothness.with_column(W, 2, column)
    A = torch.eye(5, dtype=torch.float64) + changed
    assert torch.equal(A[:, 2], column)
    keep = [0, 1, 3, 4]
    assert torch.equal(changed[:, keep], W[:, keep])


def test_the_suspects_are_what_their_names_say():
    eye = torch.eye(5, dtype=torch.float64)
    generic, parallel, opposite, teacher, zero = smoothness.suspects(W, W_STAR).values()

    def cosine(place):
        A = eye + place
        return torch.cosine_similarity(A[:, 0], A[:, 1], dim=0).item()

    assert cosine(parallel) == pytest.approx(1, abs=1e-14) and cosine(opposite) == pytest.approx(-1, abs=1e-14)
    assert torch.equal(generic, W) and torch.equal(teacher, W_STAR)
    assert (eye + zero)[:, 0].count_nonzero() == 0
    with pytest.raises(ValueError, match="column 0 of it is zero"):
        population.gradient(zero, W_STAR)


def test_the_jump_is_the_difference_of_the_one_sided_limits():
    """As a_1 -> 0 along +-v the terms F(p, a_1) go to F(p, +-v), and F(a_1, a_j) to zero: only column 1 jumps."""
    A, B = (torch.eye(5, dtype=torch.float64) + X for X in (W, W_STAR))
    v = V[:, 0].expand(5, 5)
    limits = []
    for side in (1, -1):
        student = closed_form.pair(A.T[1:], side * v[1:]).sum(0)
        limits.append(2 * (student - closed_form.pair(B.T, side * v).sum(0)))
    expected = (limits[0] - limits[1]).norm().item()
    zero = list(smoothness.suspects(W, W_STAR).values())[-1]
    assert smoothness.change_across(zero, W_STAR, V, [1e-7])[0] == pytest.approx(expected, rel=1e-5)
    assert expected > 0.1


def test_elsewhere_the_change_is_the_hessian_s():
    h = np.array([1e-4])
    expected = 2e-4 * population.hessian_product(W, W_STAR, V).norm().item()
    assert smoothness.change_across(W, W_STAR, V, h)[0] == pytest.approx(expected, rel=1e-6)


def judged():
    h = np.geomspace(1e-1, 1e-7, 13)
    size = population.gradient(W, W_STAR).norm()
    return smoothness.smoothness(smoothness.changes(W, W_STAR, V, h), h, size)


def test_the_chapter_s_evidence_at_small_scale():
    found = judged()
    assert found.verdict == verdicts.CORRECTED
    assert found.slope == pytest.approx(1, abs=0.02) and found.jump == pytest.approx(found.jump_before, rel=1e-3)


def test_a_gradient_that_jumps_elsewhere_fails(monkeypatch):
    right = population.gradient
    monkeypatch.setattr(population, "gradient", lambda W, W_star: right(W, W_star) + 0.1 * (W - W_star).sign())
    assert judged().verdict == verdicts.FAILS  # at the teacher


def test_a_smooth_gradient_holds(monkeypatch):
    monkeypatch.setattr(population, "gradient", lambda W, W_star: 0.5 * (W - W_star))
    assert judged().verdict == verdicts.HOLDS


RIGHT = smoothness.Smoothness(jump=0.8, jump_before=0.8, size=1.5, slope=1.0)


@pytest.mark.parametrize(
    "change, verdict",
    [
        ({"slope": 0.94}, verdicts.FAILS),
        ({"slope": math.nan}, verdicts.FAILS),
        ({"slope": 2.0}, verdicts.CORRECTED),
        ({"jump": 1e-3, "jump_before": 1e-3}, verdicts.HOLDS),  # too small against the gradient
        ({"size": 900.0}, verdicts.HOLDS),
        ({"jump_before": 0.9}, verdicts.HOLDS),  # it goes away
        ({"jump": 0.7}, verdicts.HOLDS),
    ],
)
def test_each_number_overturns_the_verdict(change, verdict):
    assert RIGHT.verdict == verdicts.CORRECTED
    assert RIGHT._replace(**change).verdict == verdict


def test_a_slope_below_one_is_found():
    h = np.geomspace(1e-1, 1e-7, 13)
    changes = {"smooth": h, "rough": 3 * h**0.5, "jump": np.full(13, 0.7)}
    found = smoothness.smoothness(changes, h, 2.0)
    assert found == pytest.approx(smoothness.Smoothness(0.7, 0.7, 2.0, 0.5))


def test_the_cubic_coefficient_of_one_pair_of_parallel_columns():
    """psi(theta) has the term |theta|^3 / 3, and the pair (a_1, b_1) counts -2 / (2 pi) in the loss."""
    zero = torch.zeros(2, 2, dtype=torch.float64)
    turn = torch.tensor([[0.0, 0.0], [1.0, 0.0]], dtype=torch.float64)  # a_1 = e_1 + h e_2
    # Only this pair has a small angle, and the angle is |h| to first order.
    found = smoothness.cubic_coefficient(zero, turn, 1e-3)
    assert found == pytest.approx(-1 / (3 * math.pi), rel=1e-2)


def test_a_stretched_column_has_no_cube():
    zero = torch.zeros(2, 2, dtype=torch.float64)
    stretch = torch.tensor([[1.0, 0.0], [0.0, 0.0]], dtype=torch.float64)
    assert abs(smoothness.cubic_coefficient(zero, stretch, 1e-3)) < 1e-6


def test_the_cubic_coefficient_is_the_formula_s():
    """Also against an integral-free sum: only the pairs (a_j, b_j) turn, by |h| times the part across b_j."""
    B = torch.eye(5, dtype=torch.float64) + W_STAR
    total = 0.0
    for j in range(5):
        b, v = B[:, j], V[:, j]
        across = v - b * (b @ v) / (b @ b)
        total -= float(across.norm() ** 3 / b.norm()) / (3 * math.pi)
    assert smoothness.cubic_by_formula(W_STAR, V) == pytest.approx(total, rel=1e-12)
    assert smoothness.cubic_coefficient(W_STAR, V, 1e-4) == pytest.approx(total, rel=2e-3)
    assert smoothness.cubic_by_formula(W_STAR, B) == pytest.approx(0, abs=1e-20)  # stretching turns no column


def test_the_order_at_small_scale():
    found = smoothness.order(W, W_STAR, V, np.geomspace(1e-3, 1e-5, 5))
    assert found.verdict == verdicts.CORRECTED and found.second == pytest.approx(1, abs=0.02)
    assert found.third == pytest.approx(found.expected, rel=2e-3) and found.third > 0


def test_another_hessian_or_loss_has_another_order(monkeypatch):
    h = np.geomspace(1e-3, 1e-5, 5)
    right = population.hessian_product
    with monkeypatch.context() as patch:
        patch.setattr(population, "hessian_product", lambda X, Y, V: right(X, Y, V) + 0.1 * (X - Y).sign())
        assert smoothness.order(W, W_STAR, V, h).verdict == verdicts.FAILS  # it jumps at the teacher
    monkeypatch.setattr(population, "hessian_product", lambda X, Y, V: (1 + X.square().sum((-2, -1), True)) * V)
    quadratic = population.hessian_product(W_STAR, W_STAR, V)
    monkeypatch.setattr(
        population,
        "loss",
        lambda X, Y: ((X - Y) * (X - Y) / V * quadratic).sum() / 2,  # along W* + h V only
    )
    assert smoothness.order(W, W_STAR, V, h).verdict == verdicts.HOLDS


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, verdicts.CORRECTED),
        ({"second": 0.94}, verdicts.FAILS),
        ({"second": math.nan}, verdicts.FAILS),
        ({"third": 1e-7}, verdicts.HOLDS),
        ({"third": -1e-7}, verdicts.HOLDS),
        ({"third": 0.0302}, verdicts.CORRECTED),
        ({"third": 0.0304}, verdicts.FAILS),
        ({"third": -0.03}, verdicts.FAILS),
        ({"expected": 0.031}, verdicts.FAILS),
    ],
)
def test_each_number_overturns_the_verdict_on_smoothness(change, verdict):
    assert smoothness.Order(second=1.0, third=0.03, expected=0.03)._replace(**change).verdict == verdict


def descend(a, steps, eta=0.05):
    W, teacher = torch.tensor([[a - 1]], dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
    for _ in range(steps):
        W = W - eta * population.gradient(W, teacher)
    return 1 + W.item(), population.loss(W, teacher).item()


def test_ex_wrong_side():
    a, loss = descend(-1.0, 300)
    assert a == pytest.approx(-(0.95**300), rel=1e-6) and loss == pytest.approx(0.5, abs=1e-6)
    a, loss = descend(0.01, 300)
    assert a == pytest.approx(1, abs=1e-6) and loss < 1e-12


def test_bad_input_is_named():
    with pytest.raises(TypeError, match="V must have the dtype of W"):
        smoothness.change_across(W, W_STAR, V.float(), [0.1])
    with pytest.raises(ValueError, match="W_star must have the dimension of W"):
        smoothness.suspects(W, draw(4, 0))
