"""Whether the theorems reach section 5.2, in src.theory.reach."""

import math

import pytest
import torch

from src.dynamics import three_variables
from src.model import landscape
from src.theory import bounds, reach, span
from src.verdicts import FAILS, HOLDS

WITHIN = reach.Reach(residual=0.02, vanilla=0.02, proved=0.0273, worst=0.3, potential=0.0)


@pytest.mark.parametrize(
    "change, verdict",
    [
        ({}, HOLDS),
        ({"residual": 0.6}, HOLDS),  # not proved, not refuted
        ({"residual": 0.6, "worst": 0.029}, FAILS),
        ({"residual": 0.6, "worst": 0.031}, HOLDS),
        ({"worst": 0.029}, HOLDS),  # proved: a search cannot refute it
        ({"vanilla": 0.028}, FAILS),
        ({"proved": 0.019}, FAILS),
    ],
)
def test_each_number_moves_the_verdict(change, verdict):
    assert WITHIN._replace(**change).verdict == verdict


def test_the_proof_reaches_its_margin_there():
    gamma = reach.proved_up_to()
    assert 0.02 < gamma < 0.03
    assert bounds.one_point_ratio(gamma - 1e-6) > 0.03 > bounds.one_point_ratio(gamma + 1e-6)


def test_the_pair_is_one_of_matrices_in_an_even_dimension():
    """The search's worst pair in dimension 11 with a column of zeros more, in d = 12: norms, g and ratio."""
    pair = span.minimize(11, 0.6, seed=0)
    W, W_star = torch.zeros(2, 12, 12, dtype=torch.float64)
    for target, coordinates in ((W, pair.W), (W_star, pair.W_star)):
        target[:11, :11] = three_variables.matrix(coordinates, 11)
        assert torch.linalg.matrix_norm(target, 2) <= 0.6 + 1e-6
    assert landscape.potential(W, W_star) <= 0.1 + 1e-6
    assert math.pi * landscape.one_point_ratio(W, W_star).item() == pytest.approx(pair.ratio)


def test_reach_takes_the_smallest_norms_and_potential():
    generator = torch.Generator().manual_seed(0)
    W = torch.randn(3, 6, 6, generator=generator, dtype=torch.float64)
    W *= torch.tensor([0.5, 0.6, 0.7])[:, None, None] / torch.linalg.matrix_norm(W, 2, keepdim=True)
    found = reach.reach(W[:2], W[2], seed=0)
    assert found.residual == pytest.approx(0.5)
    assert found.vanilla == pytest.approx(min(torch.linalg.svdvals(torch.eye(6) - V)[0].item() for V in W[:2]))
    assert found.potential == pytest.approx(min(landscape.potential(V, W[2]).item() for V in W[:2]))
    assert found.worst == span.minimize(5, found.residual, seed=0).ratio
