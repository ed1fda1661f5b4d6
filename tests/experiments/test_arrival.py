"""What section 5.2 is judged by, in src.experiments.arrival: every number moves the verdict that rests on it."""

import numpy as np
import pytest
import torch

from src.experiments import arrival, figure_7
from src.verdicts import FAILS, HOLDS, UNDECIDED


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


# --- the norms


def test_norms_are_those_of_the_matrices():
    data = figure_7.draw(9, 4, 4, 2, generator())
    norms = arrival.norms(data, generator(1), draws=5)
    assert norms.verdict == HOLDS and norms.error < 1e-10
    assert norms.teacher.square().sum().item() == pytest.approx(5.7**2 * 0.09)
    assert norms.starts.shape == (2, 9) and norms.gaussian.shape == (5, 9)
    torch.testing.assert_close(norms.gaussian.norm(dim=1), data.W_star.norm().expand(5))


def test_gaussian_matrices_have_about_twice_the_flat_norm():
    data = figure_7.draw(100, 2, 2, 1, generator())
    assert arrival.norms(data, generator(1), draws=3).gaussian[:, 0].mean().item() == pytest.approx(2 * 0.57, rel=0.05)


@pytest.mark.parametrize("change", ["W_star", "W_start"])
@pytest.mark.parametrize("factor", [1 - 2e-6, 1 + 2e-6, 1.1])
def test_a_norm_that_is_off_overturns_the_verdict(change, factor):
    data = figure_7.draw(9, 4, 4, 2, generator())
    off = getattr(data, change).clone()
    off.view(-1, 9, 9)[-1] *= factor
    norms = arrival.norms(data._replace(**{change: off}), generator(1), draws=1)
    assert norms.verdict == FAILS and norms.error == pytest.approx(abs(factor - 1), rel=1e-3)


# --- who arrives

ARRIVED = arrival.Arrival(residual=2e-4, rate=0.07, vanilla=1.05, block=0.34, apart=0.014)


@pytest.mark.parametrize(
    "change, verdict",
    [
        ({}, HOLDS),
        ({"residual": 0.011}, FAILS),
        ({"residual": 0.009}, HOLDS),
        ({"rate": -0.001}, FAILS),
        ({"rate": 0.001}, HOLDS),
        ({"vanilla": 0.49}, FAILS),
        ({"vanilla": 0.51}, HOLDS),
        ({"block": 0.09}, FAILS),
        ({"block": 0.11}, HOLDS),
        ({"apart": 0.051}, FAILS),
        ({"apart": 0.049}, HOLDS),
        ({"residual": float("nan")}, FAILS),
        ({"apart": float("nan")}, FAILS),
    ],
)
def test_each_number_overturns_the_verdict(change, verdict):
    assert ARRIVED._replace(**change).verdict == verdict


def made_up(shares=(1e-4, 2e-4), vanilla=((1.1, 1.05), (1.2, 1.3)), block=30.0, epochs=21):
    """Students whose distances fall exponentially from 8 to the given shares of it."""
    epoch = np.linspace(0, 20, epochs)

    def student(shares, **more):
        distance = 8 * np.array(shares) ** (epoch[:, None] / 20)
        error = distance**2
        return figure_7.Student(epoch, error, 2 * error, 50.0, distance, error, **more)

    three = figure_7.Student(epoch, np.full((epochs, 1), 7.0), np.full((epochs, 1), block), 100.0)
    return {"ResLink": student(shares)} | dict(zip(figure_7.READINGS, map(student, vanilla))) | {"3-Block": three}


def test_arrival_takes_the_worst_of_the_runs():
    found = arrival.arrival(made_up(), made_up(), t_per_epoch=0.5)
    assert found.residual == pytest.approx(2e-4) and found.vanilla == pytest.approx(1.05)
    assert found.rate == pytest.approx(-np.log(2e-4) / 10)  # the slower run's, per unit of t
    assert found.block == pytest.approx(0.3) and found.apart == 0
    assert found.verdict == HOLDS


def test_decay_is_the_rate_of_the_last_quarter():
    students = made_up()
    rates = arrival.decay(students["ResLink"], 0.5)
    assert rates == pytest.approx(-np.log([1e-4, 2e-4]) / 10)
    bent = students["ResLink"]._replace(distance=np.where(np.arange(21)[:, None] < 15, 8.0, bent_tail()))
    assert arrival.decay(bent, 1.0) == pytest.approx([0.3])


def bent_tail():
    return np.exp(-0.3 * np.arange(21))[:, None]


@pytest.mark.parametrize(
    "change, apart",
    [
        ({"shares": (1e-4, 2.02e-4)}, 0.01),  # residual runs are compared one by one
        ({"vanilla": ((1.1, 1.05), (1.2, 1.35))}, 1.275 / 1.25 - 1),  # vanilla ones by their means
        ({"epochs": 11}, 0.0),  # at the epochs that both have
    ],
)
def test_a_run_beside_its_recording(change, apart):
    assert arrival.arrival(made_up(), made_up(**change), 0.5).apart == pytest.approx(apart, abs=2e-3)


@pytest.mark.parametrize(
    "change",
    [{"shares": (1e-4, 0.02)}, {"vanilla": ((1.1, 0.4), (1.2, 1.3))}, {"block": 5.0}, {"shares": (1.1, 1e-4)}],
)
def test_other_students_overturn_the_verdict(change):
    students = made_up(**change)
    assert arrival.arrival(students, students, 0.5).verdict == FAILS


# --- which teacher


@pytest.mark.parametrize(
    "own, shared, verdict",
    [
        (0.071, 0.062, UNDECIDED),
        (0.062, 0.071, UNDECIDED),
        (0.0620, 0.0625, HOLDS),
        (0.0625, 0.0620, HOLDS),
        (0.0620, 0.0628, UNDECIDED),
    ],
)
def test_the_readings_decide_whether_the_omission_matters(own, shared, verdict):
    assert arrival.Readings(own, shared).verdict == verdict


def test_readings_are_errors_over_variances():
    students = made_up()
    found = arrival.readings(students)
    assert found.own == pytest.approx(np.mean(2 * (8 * np.array([1.1, 1.05])) ** 2) / 50)
    assert found.shared == pytest.approx(np.mean(2 * (8 * np.array([1.2, 1.3])) ** 2) / 50)
