"""Where the potential stays: what turns the verdict, and the two starts at which g is zero, by matrices."""

import math

import numpy as np
import pytest
import torch

from src import verdicts
from src.model import landscape, population
from src.theory import phase_one, potential_stays
from src.theory.phase_one import Path
from src.theory.potential_stays import StaysAround

FLAT = StaysAround((100, 1000), (1e-2, 1e-3), reached=np.full((2, 2), 0.9), largest=np.full((2, 2), 0.5))


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, verdicts.HOLDS),
        ({"largest": np.array([[0.5, 1.01], [0.5, 0.5]])}, verdicts.FAILS),  # grows as gamma falls
        ({"largest": np.array([[0.5, 0.99], [0.5, 0.5]])}, verdicts.HOLDS),
        ({"largest": np.array([[0.5, 0.5], [1.01, 0.5]])}, verdicts.FAILS),  # grows with the dimension
        ({"largest": np.array([[0.5, 0.5], [0.5, 1.01]])}, verdicts.FAILS),
        ({"reached": np.array([[0.9, math.inf], [0.9, 0.9]])}, verdicts.FAILS),  # does not come down
        ({"reached": np.full((2, 2), 9.0)}, verdicts.HOLDS),  # section 4 names no time
    ],
)
def test_every_number_can_turn_the_verdict(change, verdict):
    assert FLAT._replace(**change).verdict == verdict


def test_the_threshold_is_197_gamma_squared():
    assert FLAT.above_threshold == pytest.approx(0.5 * 1e-3 / (197 * 1e-6))


def path(g):
    g = torch.tensor(g, dtype=torch.float64)[:, None]
    return Path(torch.linspace(0, phase_one.END, len(g), dtype=torch.float64), g, g, g)


def test_what_comes_after_the_first_time_near():
    assert potential_stays.comes_down(path([5.0, 1.0, 0.09, 0.2, -0.4]), 1.0) == (
        pytest.approx(0.5),
        pytest.approx(0.4),
    )
    assert potential_stays.comes_down(path([-0.05, 3.0, 0.0]), 1.0) == (0, 3)
    assert potential_stays.comes_down(path([5.0, 1.0, 0.11]), 1.0) == (math.inf, math.inf)


def test_the_potential_comes_back_to_nearly_gamma_but_to_no_more():
    stays = potential_stays.stays_around((40, 80), (1e-2, 1e-3))
    assert stays.verdict == verdicts.HOLDS
    d, gamma = 40, 1e-3
    eye, on_u = torch.eye(d, dtype=torch.float64), torch.full((d, d), 1 / d, dtype=torch.float64)
    W = gamma * on_u - gamma / (d - 1) * (eye - on_u)
    W_star, g = -W, []
    for _ in range(800):
        g.append(float(landscape.potential(W, W_star)))
        W = W + 0.005 / d * population.lemma_2_1(W, W_star)
    assert abs(g[0]) < 0.01 * gamma
    assert stays.largest[0, 1] == pytest.approx(max(g) / gamma, rel=0.05)


def test_a_potential_that_is_not_driven_down_shows(monkeypatch):
    right = phase_one.descend_in_span
    monkeypatch.setattr(phase_one, "descend_in_span", lambda pairs, d, t: right(pairs, d, t / 40))
    assert potential_stays.stays_around((40,), (1e-2, 1e-3)).verdict == verdicts.FAILS
