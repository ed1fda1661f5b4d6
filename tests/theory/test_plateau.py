"""The loss by orders and the fate of a vanilla student, in src.theory.plateau."""

import math

import pytest
import torch

from src.dynamics import linearised
from src.model import population
from src.theory import minima, plateau
from src.verdicts import CORRECTED, FAILS, HOLDS

I = torch.eye(6, dtype=torch.float64)


def draw(seed, size=1.0, d=6):
    generator = torch.Generator().manual_seed(seed)
    return size / d**0.5 * torch.randn(d, d, generator=generator, dtype=torch.float64)


def by_kernel(W, W_star, orders):
    """The loss by powers of the cosine, from the Taylor series of the arc-cosine kernel; no g, s or A."""
    P = torch.cat([I + W, I + W_star], dim=1)
    length = P.norm(dim=0)
    cosine = (P / length).mT @ (P / length)
    signed = length * torch.tensor([1.0] * 6 + [-1.0] * 6, dtype=torch.float64)
    # of sqrt(1 - c^2) + (pi - arccos c) c = pi c / 2 + sqrt(1 - c^2) + c arcsin c
    coefficient = {0: 1, 1: math.pi / 2}
    coefficient |= {2 * k: math.comb(2 * k - 2, k - 1) / 4 ** (k - 1) / (2 * k * (2 * k - 1)) for k in range(1, 400)}
    return sum(coefficient.get(k, 0) * (signed @ cosine**k @ signed) for k in orders) / (2 * math.pi)


@pytest.mark.parametrize("seed", range(3))
def test_low_orders_are_those_of_the_kernel(seed):
    W, W_star = draw(seed), draw(seed + 10)
    assert plateau.low_orders(W, W_star).item() == pytest.approx(by_kernel(W, W_star, range(3)).item(), rel=1e-12)
    whole = population.loss(W, W_star).item()
    assert by_kernel(W, W_star, range(799)).item() == pytest.approx(whole, rel=1e-3)
    assert 0 < plateau.low_orders(W, W_star) < whole


def test_low_orders_of_a_batch_and_of_the_teacher():
    W, W_star = torch.stack([draw(1), draw(2)]), draw(3)
    one, two = (plateau.low_orders(w, W_star) for w in W)
    torch.testing.assert_close(plateau.low_orders(W, W_star), torch.stack([one, two]))
    assert plateau.low_orders(W_star, W_star) == 0


def test_a_point_of_reversed_columns():
    """The teacher's columns in another order, two of them reversed: found one by one, and a known loss."""
    W_star = draw(4, 0.3)
    B = I + W_star
    W = B[:, [3, 0, 5, 1, 4, 2]] * torch.tensor([1.0, -1, 1, 1, -1, 1], dtype=torch.float64) - I
    p = plateau.point(W, W_star)
    assert (p.found, p.reversed) == (4, 2)
    assert p.loss == pytest.approx((B[:, 0] + B[:, 4]).square().sum().item())
    assert p.low == pytest.approx(1)
    assert p.distance == pytest.approx((W - W_star).norm().item())
    assert p.gradient == pytest.approx(population.gradient(W, W_star).norm().item())
    assert p.curvature == minima.lowest_curvature(W, W_star)


POINT = plateau.Point(0.1, 0.5, 1e-6, 0.2, 3.0, minima.Matching(1.0, torch.tensor([0.95, 0.85, -0.85, -0.95])))


@pytest.mark.parametrize(
    ("change", "minimum"),
    [
        ({}, True),
        ({"curvature": -1e-9}, False),
        ({"gradient": 2e-4}, False),
        ({"loss": 5e-5}, False),
        ({"gradient": float("nan")}, False),
    ],
)
def test_each_number_of_a_minimum(change, minimum):
    p = POINT._replace(**change)
    assert plateau.in_minimum(p) == minimum
    away = POINT._replace(curvature=-0.1, gradient=1.0)
    there = plateau.Fate(away, away, (POINT, POINT))
    assert plateau.Stuck((there, plateau.Fate(away, away, (POINT, p)))).verdict == (CORRECTED if minimum else FAILS)
    stays = plateau.Fate(POINT, POINT, (POINT,))
    assert plateau.Stuck((stays, stays)).verdict == HOLDS
    assert plateau.Stuck((plateau.Fate(p, POINT, (POINT,)), stays)).verdict == (HOLDS if minimum else CORRECTED)


def test_columns_found_and_reversed():
    assert (POINT.found, POINT.reversed) == (1, 1)
    for curvature in (-1e-9, 1e-9):
        fate = plateau.Fate(POINT, POINT._replace(curvature=curvature), (POINT,))
        assert fate.bends_down == (curvature < 0)


def test_the_time_to_leave_the_plateau():
    fate = plateau.Fate(POINT, POINT._replace(curvature=-0.02), (POINT,))
    assert fate.escape == pytest.approx(50)


def test_the_fate_of_a_vanilla_run():
    W_star = draw(5, 0.4)
    W = draw(6, 0.4) - I  # a vanilla start, teacher I + W*
    fate = plateau.fate(W, W_star, time=3.0)
    assert fate.end.loss == pytest.approx(population.loss(W, W_star).item())
    assert fate.end.loss > fate.plateau.loss > fate.minimum.loss
    assert fate.minimum.gradient < 1e-5 and fate.plateau.low < fate.end.low


def test_ex_arrival_rate():
    """The exercise: at W* = 0 the slowest rate is 1/2 - 1/pi, so that a factor of ten takes 25 epochs."""
    zero = torch.zeros(6, 6, dtype=torch.float64)
    K = draw(7)
    K = K - K.mT
    centre = I - 1 / 6
    M = centre @ K @ centre  # skew, M u = 0
    rate = 1 / 2 - 1 / math.pi
    torch.testing.assert_close(population.hessian_product(zero, zero, M), rate * M)
    torch.testing.assert_close(linearised.operator(M), rate * M)
    assert minima.lowest_curvature(zero, zero, tolerance=1e-8) == pytest.approx(rate)
    assert round(math.log(10) / (rate * 0.001 * 500)) == 25


def test_ex_arrival_sign():
    """The exercise: reversing the columns in S costs |sum over S of b_i|^2, and nothing where they add up to zero."""
    W_star = draw(8, 0.3)
    W_star[:, 2] = -(I + W_star)[:, [0, 1]].sum(1) - I[:, 2]  # b_2 = -b_0 - b_1
    B = I + W_star
    for S, loss in (([4], B[:, 4].square().sum()), ([3, 5], (B[:, 3] + B[:, 5]).square().sum()), ([0, 1, 2], 0)):
        A = B.clone()
        A[:, S] *= -1
        assert population.loss(A - I, W_star).item() == pytest.approx(float(loss), abs=1e-10)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="W must be one"):
        plateau.point(torch.stack([draw(1), draw(2)]), draw(3))
    with pytest.raises(TypeError, match="W_star must have the dtype"):
        plateau.low_orders(draw(1), draw(2).float())
