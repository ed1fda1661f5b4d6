"""Permuted teachers as global minima, and SGD with and without the identity."""

import math

import pytest
import torch

from src import verdicts
from src.model import population
from src.theory import basins, critical_points, uniqueness


def teacher(d=4, norm=0.1, seed=0):
    W = weights.gaussian((d, d), norm, torch.Generator().manual_seed(seed))
    return torch.round(W * 2**20) / 2**20


RIGHT = uniqueness.Uniqueness(24, 1e-16, 1e-16, 1e-50, 0.01, 1.7, 1e-16, 0.5)


@pytest.mark.parametrize(
    "changes, verdict",
    [
        ({}, verdicts.FAILS),
        ({"apart": 1e-3}, verdicts.FAILS),  # another path, but many minima all the same
        ({"loss": 1e-3}, verdicts.FAILS),  # one minimum, but the same path
        ({"loss": 1e-3, "apart": 1e-3}, verdicts.HOLDS),
        ({"precise_loss": 1e-3, "apart": 1e-3}, verdicts.HOLDS),
        ({"nearest": 0.9, "apart": 1e-3}, verdicts.HOLDS),
        ({"nearest": 1.1, "apart": 1e-3}, verdicts.FAILS),
        ({"loss": 1e-3, "apart": 1.4e-12}, verdicts.FAILS),
        ({"loss": 1e-3, "apart": 1.4e-12, "moved": 0.3}, verdicts.HOLDS),
        ({"loss": math.nan, "apart": 1e-3}, verdicts.HOLDS),
    ],
)
def test_uniqueness_needs_one_minimum_and_another_path(changes, verdict):
    assert RIGHT._replace(**changes).verdict == verdict


def test_every_permuted_teacher_is_a_global_minimum_away_from_the_identity():
    W_star = teacher()
    found = uniqueness.judge(W_star, teacher(norm=0.5, seed=1), seed=3)
    assert found.verdict == verdicts.FAILS and not found.unique and not found.another_path
    assert found.minima == 24 and found.gradient < 1e-14 and found.precise_loss < 1e-45
    assert found.nearest >= math.sqrt(2) - 0.1  # the bound of the text
    swapped = W_star[:, [1, 0, 2, 3]]
    assert found.not_permuted == pytest.approx(population.loss(swapped, W_star).item(), rel=1e-8) and swapped.any()
    assert 0.01 < found.moved < 2


def test_permutations_of_the_wrong_matrix_show(monkeypatch):
    """Permuting the columns of W* in place of those of I + W* changes the function."""
    monkeypatch.setattr(uniqueness, "permuted", lambda W_star, order: W_star.mT[torch.as_tensor(order)].mT)
    assert uniqueness.judge(teacher(norm=0.4), teacher(norm=0.5, seed=1), seed=3).unique


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


def test_a_ridge_lies_between_two_minima():
    position, loss = uniqueness.loss_on_line(teacher(), (1, 0, 2, 3))
    assert position[0] == 0 and position[-1] == 1 and len(loss) == 102
    assert loss[[0, -1]].abs().max() < 1e-14 < 1e-2 < loss.max()
    assert loss.argmax() in range(45, 57)
    with pytest.raises(ValueError, match="order"):
        uniqueness.loss_on_line(teacher(), (1, 0, 2, 2))


def test_ex_landscape_nearest_order():
    orders = basins.all_orders(5)[1:]
    norms = torch.linalg.matrix_norm(basins.permuted(torch.zeros(5, 5, dtype=torch.float64), orders), 2)
    assert norms.min().item() == pytest.approx(math.sqrt(3))
    still = (orders == torch.arange(5)).sum(1)
    assert (still[norms < 1.74] == 2).all()  # cycles of three
    torch.testing.assert_close(norms[still == 3], torch.full((10,), 2.0, dtype=torch.float64))  # exchanges
    assert norms.max().item() == pytest.approx(2)
