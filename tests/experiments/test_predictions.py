"""What the theorem says of zero starts: one hidden layer within its hypotheses, and five blocks outside them."""

import pytest
import torch

from src import verdicts
from src.experiments import predictions
from src.experiments.predictions import ZeroStart
from src.model import population

ZERO = ZeroStart(left=5e-4, behind=0.73, norm=2.0)


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


def test_the_teacher_has_the_norm_that_the_theorem_allows():
    assert predictions.ALLOWED == 1 / 100  # Theorem 3.2: the norm of every later W_T
