"""The joint margin: its identity, every step on pairs made as bad as a search can, and its number by another route."""

import math

import pytest
import torch

from src.model import landscape, population, weights
from src.theory import bounds, joint_margin, joint_steps, phase_two, search, wrong_way
from src.theory.intervals import Interval

GAMMAS = (0.01, 0.06, 0.15)


def pairs(d, gamma, count=12):
    """Corners of the span of I and J, orthogonal, skew and Gaussian pairs, pairs near one another, one column alone."""
    generator = torch.Generator().manual_seed(d)
    W, W_star = search.with_corners(d, gamma, count, generator)
    near = weights.gaussian((2, d, d), gamma, generator)
    eye = torch.eye(d, dtype=W.dtype)
    flip = eye.clone()
    flip[0, 0] = -1
    one = torch.zeros(d, d, dtype=W.dtype)
    one[0, 1] = 1
    first = torch.stack([near[0], near[0], near[1], gamma * eye, gamma * eye, near[0], -gamma * eye])
    second = torch.stack([0.99 * near[0], -near[0], near[0].mT, -gamma * eye, gamma * flip, gamma * one, gamma * one])
    return torch.cat([W, first]), torch.cat([W_star, second])


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("d", [3, 10, 30])
@pytest.mark.parametrize("tau", [1.0, 1.5, 2.0])
def test_every_step_is_met(d, gamma, tau):
    for name, slack in joint_steps.slacks(*pairs(d, gamma), gamma, tau).items():
        assert slack.min() > -1e-11, name


def test_every_step_is_met_where_a_search_makes_the_ratio_small():
    W, W_star, _ = search.starts(6, 0.1, 20, torch.Generator().manual_seed(0))
    found = search.minimize(W, W_star, 0.1, steps=60)
    for tau in (1.0, 2.0):
        for name, slack in joint_steps.slacks(found.W, found.W_star, 0.1, tau).items():
            assert slack.min() > -1e-11, name
    assert found.best > joint_margin.certified(0.06)  # and even at a larger gamma nothing lies below


def test_ten_thousand_pairs_the_worst_that_a_search_finds_among_them():
    generator = torch.Generator().manual_seed(1)
    W, W_star = (weights.gaussian((10_000, 4, 4), 1.0, generator) for _ in "ab")
    both = torch.stack([W, W_star])
    W, W_star = 0.06 * both / torch.linalg.matrix_norm(both, 2)[..., None, None]
    near = torch.arange(len(W)) % 2 == 0
    W_star[near] = W[near] + 1e-3 * (W_star[near] - W[near])
    found = [search.minimize(*search.starts(4, 0.06, 20, generator)[:2], 0.06, steps=60) for _ in range(5)]
    W, W_star = (torch.cat([X, torch.stack(worst)]) for X, worst in zip((W, W_star), zip(*(f[:2] for f in found))))
    for name, slack in joint_steps.slacks(W, W_star, 0.06, 1.25).items():
        assert slack.min() > -1e-9, name


@pytest.mark.parametrize("name", ["its diagonal", "K G off the diagonal", "G H", "H", "C^T M", "rows of C^T C", "own"])
def test_the_constants_are_not_far_too_large(name):
    """A planted factor of some size in a constant would show: each step is nearly met somewhere."""
    gamma, least = 0.06, math.inf
    for d in (3, 10, 30):
        slack = joint_steps.slacks(*pairs(d, gamma), gamma, 2.0)[name]
        least = min(least, float(slack.min()))
    assert least < 0.12


@pytest.mark.parametrize("d", [3, 10])
def test_the_pieces_add_up_to_the_inner_product(d):
    W, W_star = pairs(d, 0.1)
    M = W_star - W
    square = M.square().sum((-2, -1))
    total = sum(joint_steps.found_pieces(W, W_star)) + math.pi / 2 * (M.sum(-1).square().sum(-1) / square + 1) - 1
    ratio = (population.lemma_2_1(W, W_star) * M).sum((-2, -1)) / square
    assert torch.allclose(total, ratio, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_no_pair_is_below_the_certified_ratio(gamma):
    least = joint_margin.certified(gamma)
    for d in (3, 10, 40):
        W, W_star = pairs(d, gamma)
        allowed = landscape.potential(W, W_star) <= bounds.G_LIMIT
        assert (math.pi * landscape.one_point_ratio(W, W_star))[allowed].min() > least
        distance = float((W_star - W).norm(dim=(-2, -1)).max())
        assert (math.pi * landscape.one_point_ratio(W, W_star)).min() > joint_margin.certified_without_g(
            gamma, distance
        )


def test_it_reaches_further_than_chapter_7():
    reach, before = joint_margin.largest(), phase_two.proved_up_to(bounds.DELTA)
    assert joint_margin.certified(reach) > 0.03 > joint_margin.certified(reach + 1e-4)
    assert 2 * before < reach < 0.37
    for gamma in (0.001, 0.01, 0.05):
        assert joint_margin.certified(gamma) > bounds.one_point_ratio(gamma)
    assert math.pi / 2 - 1.05 - 0.02 < joint_margin.certified(1e-5) < math.pi / 2 - 1.05
    values = [joint_margin.certified(gamma) for gamma in (0.001, 0.01, 0.03, 0.06, 0.1, 0.15)]
    assert values == sorted(values, reverse=True)


def test_more_cells_and_a_smaller_potential_only_help():
    assert (
        joint_margin.certified(0.05, cells=400)
        > joint_margin.certified(0.05, cells=100)
        > joint_margin.certified(0.05, cells=20)
    )
    assert joint_margin.certified(0.05, 0.0) > joint_margin.certified(0.05, 0.1) > joint_margin.certified(0.05, 0.2)


def test_the_whole_ball_in_more_dimensions():
    """Without a condition on g: as in `wrong_way.safe_dimension`, and below the dimension of a counterexample."""
    d = wrong_way.safe_dimension(0.01, 0.03) + 1000
    assert joint_margin.certified_without_g(0.01, 0.02 * math.sqrt(d)) > 0.03
    assert joint_margin.certified_without_g(0.01, 0.02 * math.sqrt(wrong_way.small_pair(0.01).d)) < 0


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="gamma"):
        joint_margin.certified(0.2)
    with pytest.raises(ValueError, match="delta must be below"):
        joint_margin.largest(0.4999, 1.0, step=0.01)
    with pytest.raises(ValueError, match="gamma = "):
        joint_steps.slacks(*pairs(3, 0.1), 0.05)
    with pytest.raises(ValueError, match="tau"):
        joint_margin.pieces(joint_margin.sizes(0.1), Interval(0.5), 3.0, Interval(0.05))
