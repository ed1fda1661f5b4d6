"""Runs looked at again: descent beside flow, one that cannot be followed among others, and the recorded rests."""

import math

import pytest
import torch

from src.dynamics import flow
from src.model import population
from src.runs import recorded
from src.theory import arrivals, how_far, minima, spurious_minima, vanishing
from src.theory.how_far import COPY, HOME, MOVING, REST, ZERO


def test_the_three_cycle_arrives_below_one_half_and_not_above():
    three = arrivals.two_ways(*how_far.turned_cycles(3, (0.45, 0.6)), 100.0)
    assert three.by_descent.tolist() == [HOME, COPY] and three.agree == 2
    assert three.left[0] < 0.01 and three.left[1] > 1 and max(three.copies) < 0.05


def test_two_ways_says_so_where_the_flow_cannot_be_followed(monkeypatch):
    def stuck(*_, **__):
        raise FloatingPointError("the step size vanished")

    monkeypatch.setattr(flow, "integrate", stuck)
    three = arrivals.two_ways(*how_far.turned_cycles(3, (0.2, 0.3)), 60.0)
    assert three.by_descent.tolist() == [HOME, HOME] and three.agree == 0
    assert three.left.isnan().all() and all(map(math.isnan, three.copies))


def test_agreement_is_counted():
    two = arrivals.TwoWays(torch.tensor([HOME, HOME, REST, MOVING]), torch.tensor([0.005, 0.5, 0.005, 0.5]), [0.0] * 4)
    assert two.agree == 2


def test_a_flow_without_a_way_does_not_stop_the_others():
    near = how_far.turned_cycles(20, (0.2,))[:, 0]
    W, W_star = torch.stack([near, torch.stack(vanishing.pair(20, 0.45))], 1)
    two = arrivals.two_ways(W, W_star, 60.0)
    assert two.by_descent.tolist() == [HOME, ZERO] and two.agree == 2
    assert two.left[0] < how_far.ARRIVED and two.left[1].isnan()
    assert two.copies[0] < 0.1 and math.isnan(two.copies[1])


def test_the_recorded_rests_at_0_46_are_strict_minima():
    stored = recorded.load("how_far")
    one, size = how_far.Map(**stored.arrays), stored.provenance["parameters"]
    found = arrivals.rests(one, size, 0.46, stored.provenance["seeds"][0])
    assert [(d, outcome) for d, _, _, outcome in found] == [(20, REST)] * 2
    assert [minima.lowest_curvature(W, W_star) for _, W, W_star, _ in found] == pytest.approx([0.0848] * 2, abs=5e-4)
    for _, W, W_star, _ in found:
        assert torch.linalg.matrix_norm(W_star, 2) == pytest.approx(0.46) and population.loss(W, W_star) > 0.02


def test_rests_are_drawn_as_the_map_drew_them():
    size = {"runs": 8, "t_end": 60.0, "search_starts": 2, "search_steps": 4}
    one = how_far.make_map([5], [0.3, 1.4], **size, seed=3)
    found = arrivals.rests(one, size, 1.4, seed=3)
    assert len(found) == (one.outcomes[:, 0, 1] == REST).sum() > 0
    for d, W, W_star, outcome in found:
        assert (d, outcome) == (5, REST) and population.loss(W, W_star) > 0
        assert population.gradient(W, W_star).norm() < 1e-3 and torch.linalg.matrix_norm(W_star, 2) < 1.4 + 1e-9
    assert arrivals.rests(one, size, 0.3, seed=3) == []


@pytest.mark.parametrize("d", [6, 9, 20])
def test_the_turned_minimum_is_a_strict_minimum_of_one_norm(d):
    W, W_star = arrivals.spurious_pair(d)
    norms = [float(torch.linalg.matrix_norm(X, 2)) for X in (W, W_star)]
    assert norms[0] == pytest.approx(norms[1], rel=1e-9) and 0.72 < norms[0] < 0.78
    assert population.gradient(W, W_star).norm() < 1e-8
    assert float(population.loss(W, W_star)) > 0.02 and minima.lowest_curvature(W, W_star) > 5e-3
    zero = torch.zeros_like(W)
    unturned = spurious_minima.exchanged(spurious_minima.minimum(d))
    assert float(population.loss(W, W_star)) == pytest.approx(float(population.loss(unturned, zero)), rel=1e-9)
    assert float(torch.linalg.matrix_norm(unturned, 2)) > 1.3


def test_the_outer_edge_tends_to_an_eighth_of_a_turn():
    W, _ = arrivals.spurious_pair(120)
    assert float(torch.linalg.matrix_norm(W, 2)) == pytest.approx(2 * math.sin(math.pi / 8), abs=2e-3)


def test_the_large_map_has_ten_times_the_norms():
    norms = arrivals.LARGE["gammas"]
    assert len(norms) == 100 and norms == sorted(set(norms)) and {0.1, 0.45, 0.49, 0.7, 1.0, 1.4} <= set(norms)
