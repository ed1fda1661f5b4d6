"""Critical points: known ones are found, and the survey's verdict turns with its numbers."""

import math

import numpy as np
import pytest
import torch

from src import verdicts
from src.model import population
from src.runs import recorded
from src.theory import critical_points, only_critical_point


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def gaussian(*shape, seed=0, scale=0.1):
    return scale * torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def test_search_finds_the_teacher_and_its_permutation():
    W_star = gaussian(3, 3)
    identity = torch.eye(3, dtype=torch.float64)
    permuted = (identity + W_star)[:, [1, 0, 2]] - identity
    starts = torch.stack([W_star, permuted]) + gaussian(2, 3, 3, seed=2, scale=0.05)
    found = critical_points.find(starts, W_star)
    assert (found.gradient_norm < 1e-10).all() and (found.lowest_curvature > 0).all()
    torch.testing.assert_close(found.W, torch.stack([W_star, permuted]), atol=1e-8, rtol=0)


def test_ex_landscape_halfway():
    """W* = 0 in two dimensions has a saddle with both columns of I + W equal; it has |W|_2 = 1."""
    start = torch.tensor([[[-0.45, 0.55], [0.55, -0.45]]], dtype=torch.float64)
    found = critical_points.find(start, torch.zeros_like(start))
    assert found.gradient_norm < 1e-10
    assert found.lowest_curvature.item() == pytest.approx(-1.19, abs=0.005)
    assert torch.linalg.matrix_norm(found.W[0], 2).item() == pytest.approx(1, abs=1e-6)
    a = 1 / (2 * math.pi) + 3 / 8
    expected = torch.tensor([[a - 1, a], [a, a - 1]], dtype=torch.float64)
    torch.testing.assert_close(found.W[0], expected, atol=1e-9, rtol=0)
    with pytest.raises(ValueError, match="S, d, d"):
        critical_points.find(start[0], torch.zeros(2, 2, dtype=torch.float64))


@pytest.mark.parametrize(
    "changes, verdict",
    [
        ({}, verdicts.HOLDS),
        ({"proved": 0.0099}, verdicts.FAILS),
        ({"proved_anywhere": 0.0099}, verdicts.FAILS),
        ({"spectral_norm": 0.0299}, verdicts.FAILS),  # inside of what is proved
        ({"spectral_norm": 0.0301}, verdicts.HOLDS),
        ({"spectral_norm": math.inf}, verdicts.HOLDS),
        ({"starts": 1}, verdicts.HOLDS),
    ],
)
def test_each_number_turns_the_verdict_at_its_threshold(changes, verdict):
    assert critical_points.Nearest(0.03, 0.0139, 0.66, 100)._replace(**changes).verdict == verdict


def row(**changes):
    """A Survey of one start that ended at the teacher, but for the changes."""
    end = {"size": 0.1, "spectral_norm": 0.1, "distance": 0.0, "lowest_curvature": 0.2, "converged": 1, "loss": 0.0}
    return critical_points.Survey(*(np.array([x]) for x in (end | {"least_singular_value": 0.9} | changes).values()))


@pytest.mark.parametrize(
    "changes, norm",
    [
        ({}, math.inf),  # the teacher itself
        ({"distance": 2e-3, "spectral_norm": 0.005}, 0.005),
        ({"distance": 2e-3, "spectral_norm": 0.005, "converged": 0}, math.inf),
    ],
)
def test_what_counts_as_another_critical_point(changes, norm):
    far = row(distance=1.5, spectral_norm=1.4)
    found = critical_points.nearest(critical_points.together([far, row(**changes)]))
    assert found[2:] == (min(norm, 1.4), 2)
    assert found.proved == only_critical_point.radius(100) > found.proved_anywhere == only_critical_point.radius(1)
    assert bool(row(**changes).at_teacher[0]) == (not changes)
    assert critical_points.nearest(row()).spectral_norm == math.inf


@pytest.mark.parametrize(
    "changes, kind",
    [
        ({"lowest_curvature": -1.0}, "saddle"),
        ({"lowest_curvature": 1e-7}, "saddle"),
        ({}, "permuted teacher"),
        ({"loss": 1e-3}, "local minimum"),
    ],
)
def test_kinds_of_critical_points(changes, kind):
    kinds = row(distance=2.0, **changes).kinds
    assert [name for name, mask in kinds.items() if mask[0]] == [kind]


def test_a_survey_describes_where_its_starts_ended():
    found = critical_points.survey(2, 20, 0.1, generator())
    assert found.size.tolist() == [size for size in critical_points.SIZES for _ in range(20)]
    assert found.at_teacher[found.size <= 0.3].all()
    other = found.where(found.elsewhere)
    assert len(other.size) and other.spectral_norm.min() > 0.5
    # Saddles of d = 2 have both columns equal; permuted teachers have loss zero and an invertible I + W.
    saddles = other.where(other.kinds["saddle"])
    assert (saddles.lowest_curvature < 0).all() and saddles.least_singular_value.max() < 1e-5
    assert (other.where(other.kinds["permuted teacher"]).least_singular_value > 0.5).all()
    assert not other.kinds["local minimum"].any()


def test_a_survey_of_a_wrong_gradient_is_overturned(monkeypatch):
    """A gradient that vanishes at W = 0 in place of the teacher: the search ends inside the region, away from W*."""
    right = population.gradient
    monkeypatch.setattr(population, "gradient", lambda W, W_star: right(W, 0 * W_star))
    assert critical_points.nearest(critical_points.survey(2, 3, 0.1, generator())).verdict == verdicts.FAILS


def test_a_recording_holds_what_it_says(tmp_path):
    made = critical_points.record(0, plan=((2, 1),), folder=tmp_path)
    stored = recorded.load("critical_points", tmp_path)
    assert list(stored.arrays) == ["d2_teacher0.1", "d2_teacher0.5"]
    rebuilt = critical_points.Survey(*stored.arrays["d2_teacher0.1"])
    expected = critical_points.survey(2, 1, 0.1, torch.Generator().manual_seed(0))
    for one, two, three in zip(rebuilt, expected, made[0]):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, three)
    assert len(stored.provenance["parameters"]["rows"].split(", ")) == len(critical_points.Survey._fields)


def test_bad_input_is_named():
    with pytest.raises(TypeError, match="generator"):
        critical_points.survey(2, 3, 0.1, 0)
    with pytest.raises(ValueError, match="count"):
        critical_points.survey(2, 0, 0.1, generator())
