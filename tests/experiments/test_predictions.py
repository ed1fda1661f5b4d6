"""What the theorem says of zero starts and of the vanilla network."""

import pytest
import torch

from src import verdicts
from src.dynamics import three_variables
from src.experiments import predictions
from src.experiments.predictions import Vanilla, ZeroStart
from src.model import population, weights

ZERO = ZeroStart(left=5e-4, behind=0.73, norm=2.0)
OF_VANILLA = Vanilla(norm=0.6, residual=0.39, vanilla=-1.3, wrong=-0.36, left=9e-4)


@pytest.mark.parametrize(
    "change, verdict",
    [
        ({}, verdicts.CORRECTED),
        ({"left": 0.0099}, verdicts.CORRECTED),
        ({"left": 0.0101}, verdicts.FAILS),
        ({"behind": 0.99}, verdicts.CORRECTED),
        ({"behind": 1.01}, verdicts.FAILS),
        ({"norm": 0.0101}, verdicts.CORRECTED),
        ({"norm": 0.0099}, verdicts.HOLDS),
    ],
)
def test_every_number_can_turn_the_zero_start(change, verdict):
    assert ZERO._replace(**change).verdict == verdict


@pytest.mark.parametrize(
    "change, verdict",
    [
        ({}, verdicts.FAILS),  # a violated criterion does not mean failure
        ({"wrong": 0.01}, verdicts.CORRECTED),
        ({"wrong": -0.01}, verdicts.FAILS),
        ({"left": 0.0099}, verdicts.FAILS),
        ({"left": 0.0101}, verdicts.CORRECTED),
        ({"left": 0.5, "residual": -0.01}, verdicts.FAILS),
        ({"left": 0.5, "vanilla": 0.01}, verdicts.FAILS),
        ({"left": 0.5, "norm": 0.0099}, verdicts.HOLDS),
        ({"left": 0.5, "norm": 0.0101}, verdicts.CORRECTED),
    ],
)
def test_every_number_can_turn_what_is_said_of_vanilla(change, verdict):
    assert OF_VANILLA._replace(**change).verdict == verdict


def test_zero_start_by_small_steps_of_descent():
    """Plain steps of -grad L for the flow, starts drawn in the same order."""
    blocks = torch.stack([torch.eye(3), 1.5 * torch.eye(3)])
    found = predictions.zero_start(6, 2, 3.0, blocks, torch.Generator().manual_seed(0))
    X = torch.randn(3, 6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    W_star, *random = 0.01 * X / torch.linalg.matrix_norm(X, 2)[:, None, None]
    W = torch.stack([torch.zeros(6, 6, dtype=torch.float64), *random])
    start, behind = (W[0] - W_star).norm(), 0.0
    for _ in range(601):
        distance = (W - W_star).norm(dim=(1, 2))
        behind = max(behind, (distance[0] / distance[1:]).max().item())
        W = W - 0.005 * population.gradient(W, W_star.expand_as(W))
    assert found.left == pytest.approx((distance[0] / start).item(), rel=0.01)
    assert found.behind == pytest.approx(behind, rel=0.01)
    assert found.norm == 1.5


def small_vanilla(n=12):
    generator = torch.Generator().manual_seed(1)
    W_star, *starts = (weights.with_norms(n, 0.6, size, generator) for size in (2.0, 1.7, 1.7))
    return W_star, torch.stack(starts)


def test_vanilla_by_lemma_2_1():
    W_star, starts = small_vanilla()
    found = predictions.vanilla(W_star, starts, 300, 2.24, -3.75, 1.0)

    def ratio(W, W_star):
        M = W_star - W
        return ((population.lemma_2_1(W, W_star) * M).sum() / torch.pi / M.square().sum()).item()

    identity = torch.eye(12, dtype=torch.float64)
    assert found.norm == pytest.approx(0.6)
    assert found.residual == pytest.approx(min(ratio(W, W_star) for W in starts))
    assert found.vanilla == pytest.approx(max(ratio(W - identity, W_star - identity) for W in starts))
    begin, end = (
        three_variables.curves(W, 300)
        for W in three_variables.trajectory(three_variables.start(300, 2.24, -3.75), 300, [0.0, 1.0]).T
    )
    assert found.wrong == pytest.approx(begin[2] / 2.24**2, rel=1e-5) and found.wrong < 0
    assert found.left == pytest.approx(end[0] / begin[0], rel=1e-4)


def test_the_teacher_has_the_norm_that_the_theorem_allows():
    assert predictions.ALLOWED == 1 / 100  # Theorem 3.2: the norm of every later W_T
