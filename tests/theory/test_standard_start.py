"""Descent from entries of variance 1/d: what was drawn, what was run, and the verdict's thresholds."""

import math

import pytest
import torch

from src import verdicts
from src.model import landscape, population
from src.theory import standard_start

RIGHT = standard_start.StandardStart(twins=1e-15, twins_apart=1.7, arrived=16, runs=16)


@pytest.mark.parametrize(
    "changes, verdict",
    [
        ({}, verdicts.CORRECTED),
        ({"twins": 1e-3}, verdicts.HOLDS),
        ({"twins_apart": 0.0}, verdicts.HOLDS),
        ({"arrived": 15}, verdicts.CORRECTED),  # one unlucky run does not decide
        ({"arrived": 11}, verdicts.FAILS),
        ({"runs": 26}, verdicts.FAILS),
        ({"arrived": 2, "runs": 2}, verdicts.FAILS),  # so few runs say nothing
        ({"twins": 1e-3, "arrived": 8}, verdicts.FAILS),
    ],
)
def test_each_number_turns_the_verdict_on_arrival(changes, verdict):
    assert RIGHT._replace(**changes).verdict == verdict


def test_wilson_s_interval():
    """Where the normal approximation's z-value of the count is 1.96: the definition of the interval."""
    for arrived, runs in ((16, 16), (11, 16), (0, 5)):
        found = RIGHT._replace(arrived=arrived, runs=runs)
        for p in found.interval:
            assert abs(arrived / runs - p) == pytest.approx(1.96 * math.sqrt(max(p * (1 - p), 0) / runs), abs=1e-7)
        assert found.interval[0] < found.interval[1]


@pytest.mark.parametrize(
    "changes, verdict",
    [
        ({}, verdicts.FAILS),
        ({"norm": 0.35}, verdicts.CORRECTED),
        ({"norm": 0.37}, verdicts.FAILS),
        ({"norm": 0.002}, verdicts.HOLDS),
        ({"needed": 2.0}, verdicts.HOLDS),
        ({"possible": 2.0}, verdicts.CORRECTED),
    ],
)
def test_each_number_turns_the_verdict_on_coverage(changes, verdict):
    assert standard_start.Coverage(1.9, 0.0022, 0.36)._replace(**changes).verdict == verdict


def test_no_law_of_starts_converges_to_both_twins():
    one, two = standard_start.twins(5)
    assert torch.linalg.matrix_norm(two, 2).item() == pytest.approx(math.sqrt(3)) and not one.any()
    W = torch.randn(5, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    assert population.loss(W, one).item() == pytest.approx(population.loss(W, two).item(), rel=1e-12)
    torch.testing.assert_close(population.gradient(W, one), population.gradient(W, two))
    x = torch.randn(20, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    eye = torch.eye(5, dtype=torch.float64)
    torch.testing.assert_close((x @ (eye + one)).relu().sum(1), (x @ (eye + two)).relu().sum(1))
    with pytest.raises(ValueError, match="d must"):
        standard_start.twins(2)


@pytest.fixture(scope="module")
def found():
    return standard_start.descend(12, 2, seed=1)


def test_starts_are_standard_and_curves_begin_at_them(found):
    assert found.norms.shape == found.potentials.shape == found.arrived.shape == (3, 2)
    assert ((found.norms > 1.2) & (found.norms < 2.5)).all()
    assert (found.distance[0] == 1).all() and len(found.t) == len(found.distance) == len(found.ratios) + 1
    # The same draws, once more: the law of the start, the norms of the teachers, the first ratio and the first step.
    generator = torch.Generator().manual_seed(1)
    W = torch.randn(3, 2, 12, 12, generator=generator, dtype=torch.float64) / math.sqrt(12)
    torch.testing.assert_close(torch.linalg.matrix_norm(W, 2), found.norms)
    teacher = standard_start.weights.with_norms(12, 0.3, 0.9 * 0.3 * math.sqrt(12), generator)
    assert found.potentials[0, 0].item() == pytest.approx(landscape.potential(W[0, 0], teacher).item())
    ratio = math.pi * landscape.one_point_ratio(W[0, 0], teacher).item()
    assert found.ratios[0, 0, 0].item() == pytest.approx(ratio)
    moved = W[0, 0] - 1.5 / 8 * population.gradient(W[0, 0], teacher)
    assert found.t[1] == 1.5 / 8
    assert found.distance[1, 0, 0].item() == pytest.approx(
        ((moved - teacher).norm() / (W[0, 0] - teacher).norm()).item()
    )


def test_runs_stop_when_all_arrive_or_time_is_up(found):
    assert found.arrived.all() == (found.t[-1] < 100)
    short = standard_start.descend(12, 2, seed=1, t_end=1.0)
    assert not short.arrived.any() and 1.0 <= short.t[-1] < 1.0 + 1.5 / 8
    torch.testing.assert_close(short.distance, found.distance[: len(short.t)])
    counted = standard_start.judge(short, 12, 1)
    assert counted[2:] == (0, 4) and counted.verdict == verdicts.FAILS  # the teachers of norm 1 are left out
    assert counted.twins < 1e-12 and counted.twins_apart == pytest.approx(math.sqrt(3))


def test_a_planted_error_overturns_the_verdict(monkeypatch):
    settings = 30, 2, 1
    assert standard_start.judge(standard_start.descend(*settings), 30, 1).verdict == verdicts.CORRECTED
    right = population.gradient
    monkeypatch.setattr(population, "gradient", lambda W, W_star: 0.1 * right(W, W_star))  # ten times too short
    assert standard_start.judge(standard_start.descend(*settings), 30, 1).verdict == verdicts.FAILS


def test_bad_input_is_named():
    for arguments, name in (((2, 4, 0), "d must"), ((10, 0, 0), "runs must"), ((10, 4, -1), "seed must")):
        with pytest.raises(ValueError, match=name):
            standard_start.descend(*arguments)
