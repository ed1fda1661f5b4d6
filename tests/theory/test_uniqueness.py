"""Permuted teachers as global minima, and SGD with and without the identity."""

import math

import pytest
import torch

from src import verdicts
from src.model import population, weights
from src.theory import basins, uniqueness


def teacher(d=4, norm=0.1, seed=0):
    W = weights.gaussian((d, d), norm, torch.Generator().manual_seed(seed))
    return torch.round(W * 2**20) / 2**20


RIGHT = uniqueness.Uniqueness(24, 1e-16, 1e-16, 1e-50, 0.01, 1.7, math.sqrt(3) / 2)


@pytest.mark.parametrize(
    "changes, verdict",
    [
        ({}, verdicts.CORRECTED),
        ({"loss": 1e-3, "precise_loss": 1e-3}, verdicts.HOLDS),
        ({"loss": 1e-3}, verdicts.FAILS),  # the two arithmetics disagree
        ({"precise_loss": 1e-3}, verdicts.FAILS),
        ({"loss": math.nan}, verdicts.FAILS),
        ({"gradient": 1e-3}, verdicts.FAILS),
        ({"within": 0.866}, verdicts.FAILS),  # sqrt(3)/2 is 0.86602...
        ({"within": 0.867}, verdicts.CORRECTED),
        ({"minima": 120, "not_permuted": 0.0, "nearest": 0.1}, verdicts.CORRECTED),  # these are only reported
    ],
)
def test_each_number_turns_the_verdict_on_uniqueness(changes, verdict):
    assert RIGHT._replace(**changes).verdict == verdict


@pytest.mark.parametrize(
    "changes, verdict",
    [
        ({}, verdicts.HOLDS),
        ({"apart": 1.6e-12}, verdicts.FAILS),
        ({"apart": 1.6e-12, "moved": 0.7}, verdicts.HOLDS),
        ({"arrived": 7}, verdicts.CORRECTED),
        ({"arrived_without": 1}, verdicts.CORRECTED),
        ({"runs": 9}, verdicts.CORRECTED),
        ({"arrived_without": 8}, verdicts.FAILS),
        ({"arrived": 0}, verdicts.FAILS),
    ],
)
def test_each_number_turns_the_verdict_on_the_identity(changes, verdict):
    assert uniqueness.MovedStart(1e-16, 0.5, 8, 8, 0)._replace(**changes).verdict == verdict


def test_every_permuted_teacher_is_a_global_minimum_away_from_the_identity():
    W_star = teacher()
    found = uniqueness.judge(W_star)
    assert found.verdict == verdicts.CORRECTED
    assert found.minima == 24 and found.gradient < 1e-14 and found.precise_loss < 1e-45
    assert found.nearest >= math.sqrt(3) - 0.1 and found.within == pytest.approx(math.sqrt(3) / 2, rel=1e-12)
    swapped = W_star[:, [1, 0, 2, 3]]
    assert found.not_permuted == pytest.approx(population.loss(swapped, W_star).item(), rel=1e-8) and swapped.any()


def test_the_radius_is_attained_and_no_teacher_is_nearer():
    W_star = uniqueness.turned_cycle(4)
    other = basins.permuted(W_star, (1, 2, 0, 3)), basins.permuted(W_star, (2, 0, 1, 3))
    norms = [torch.linalg.matrix_norm(X, 2).item() for X in (W_star, *other)]
    assert norms[0] == pytest.approx(math.sqrt(3) / 2) and min(norms[1:]) == pytest.approx(math.sqrt(3) / 2)
    assert population.loss(torch.stack(other), W_star).abs().max() < 1e-14
    generator = torch.Generator().manual_seed(0)
    for norm in (0.5, 0.8, 0.86, 1.2):
        for W in weights.gaussian((10, 4, 4), norm, generator):
            assert uniqueness.within(W) > math.sqrt(3) / 2
        # near the worst teacher, too
        near = W_star + weights.gaussian((10, 4, 4), 0.05 * norm, generator)
        assert min(map(uniqueness.within, near)) >= math.sqrt(3) / 2
    with pytest.raises(ValueError, match="d must"):
        uniqueness.turned_cycle(2)


def test_the_identity_changes_nothing_but_the_start(monkeypatch):
    W_0, W_star = teacher(norm=0.5, seed=1), teacher()
    apart, moved = uniqueness.same_path(W_0, W_star, 3)
    assert apart < 1e-14 and 0.01 < moved < 2
    right = uniqueness.network
    monkeypatch.setattr(uniqueness, "network", lambda x, A: right(x, 1.001 * A))  # other networks, still one path
    assert uniqueness.same_path(W_0, W_star, 3)[0] < 1e-14
    sgd = uniqueness.sgd
    monkeypatch.setattr(uniqueness, "sgd", lambda start, *rest: sgd(start, *rest, eta=0.02 * float(start.norm())))
    assert uniqueness.same_path(W_0, W_star, 3)[0] > 1e-3  # a step that depends on where the origin is


def test_small_weights_need_the_identity_when_there_are_many_columns():
    arrived, without = uniqueness.arrivals(20, 2, torch.Generator().manual_seed(0))
    assert (arrived, without) == (2, 0)
    assert uniqueness.arrivals(2, 3, torch.Generator().manual_seed(0)) == (3, 3)  # not so with few
    found = uniqueness.moved_start(teacher(norm=0.5, seed=1), teacher(), 2, 3, seed=0)
    assert found[2:] == (3, 3, 3) and found.same_path and found.verdict == verdicts.FAILS
    with pytest.raises(ValueError, match="runs"):
        uniqueness.arrivals(3, 0, torch.Generator())


def test_permutations_of_the_wrong_matrix_show(monkeypatch):
    """Permuting the columns of W* in place of those of I + W* changes the function."""
    monkeypatch.setattr(uniqueness, "permuted", lambda W_star, order: W_star.mT[torch.as_tensor(order)].mT)
    assert uniqueness.judge(teacher(norm=0.4)).verdict == verdicts.HOLDS


def test_sgd_follows_the_sampled_gradient():
    d, eta = 3, 0.05
    W, W_star = teacher(d, 0.5, 1), teacher(d)
    A, B = (torch.eye(d, dtype=torch.float64) + X for X in (W, W_star))

    def network(x, V):
        return (x @ V).relu().sum(-1)

    found = uniqueness.sgd(A, network, lambda x: network(x, B), torch.Generator().manual_seed(0), eta, 40, 1)
    x = torch.randn(40, d, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    residual = network(x, A) - network(x, B)
    by_hand = 2 / 40 * x.T @ (residual[:, None] * (x @ A > 0))
    torch.testing.assert_close(found, A - eta * by_hand)
    with pytest.raises(ValueError, match="steps"):
        uniqueness.sgd(A, network, network, torch.Generator(), steps=0)
