"""What section 5.3's verdicts rest on, number by number, and how these numbers come about."""

import math

import numpy as np
import pytest
import torch

from src import verdicts
from src.dynamics import flow, linearised, three_variables
from src.dynamics.history import CURVES, History
from src.experiments import figure_8
from src.model import landscape, weights

START = figure_8.Start(spectral=0.129, frobenius=5.0, trace=-18.75, inner=-8.9, gaussian=(122.9, 122.0, 123.9))
OPENING = figure_8.Opening(
    first_inner=-8.9,
    last_inner=4.5,
    first_potential=6.2,
    kept=0.003,
    drift=0.001,
    turned=31.0,
    earliest=1.0,
    latest=53.0,
)
ENTIRE = figure_8.Entire(
    lowest_inner=1e-5,
    largest_potential=0.05,
    largest_rise=-1e-3,
    first_distance=5.0,
    first_potential=6.2,
    end=0.011,
    sgd_ends=(0.06, 0.025),
)


@pytest.mark.parametrize(
    ("found", "change"),
    [
        (START, {"spectral": 0.16}),
        (START, {"frobenius": 5.6}),
        (START, {"frobenius": 4.4}),
        (START, {"inner": 0.1}),
        (START, {"inner": math.nan}),
        (START, {"gaussian": (122.9, -0.1, 123.9)}),
        (OPENING, {"first_inner": 0.1}),
        (OPENING, {"last_inner": -0.1}),
        (OPENING, {"first_potential": -6.2}),
        (OPENING, {"kept": 0.6}),
        (OPENING, {"kept": -0.6}),
        (OPENING, {"drift": 0.02}),
        (OPENING, {"earliest": 16.0}),
        (OPENING, {"latest": 14.0}),
        (OPENING, {"latest": math.nan}),
        (ENTIRE, {"lowest_inner": -1e-9}),
        (ENTIRE, {"lowest_inner": math.nan}),
        (ENTIRE, {"largest_potential": 0.4}),
        (ENTIRE, {"largest_rise": 1e-9}),
        (ENTIRE, {"first_potential": 0.5}),
        (ENTIRE, {"end": 0.06}),
        (ENTIRE, {"sgd_ends": (0.06, 0.3)}),
        (ENTIRE, {"first_distance": 1.0}),
    ],
)
def test_each_number_decides(found, change):
    assert found.verdict == verdicts.HOLDS
    assert found._replace(**change).verdict == verdicts.FAILS


def test_the_first_gradient():
    d, generator = 19, torch.Generator().manual_seed(0)
    W0 = three_variables.matrix(three_variables.start(d, 3.5, -9.0), d)
    found = figure_8.first_gradient(W0, generator, draws=2)
    again = torch.Generator().manual_seed(0)
    for value in found.gaussian:
        G = torch.randn(d, d, generator=again, dtype=torch.float64)
        assert value == pytest.approx(landscape.inner_product(3.5 * G / G.norm(), 0 * G).item())
    start = three_variables.start(d, 3.5, -9.0)
    assert found.inner == pytest.approx(three_variables.inner(three_variables.gradient(start, d), start, d))
    assert found.spectral == pytest.approx(three_variables.spectral_norm(start))
    assert (found.frobenius, found.trace) == pytest.approx((3.5, -9.0))


def test_turning():
    assert figure_8.turning([0, 1, 2, 3], [-2, -1, 1, 2]) == pytest.approx(1.5)
    assert figure_8.turning([0, 1, 2, 3], [-1, 1, -1, 3]) == pytest.approx(2.25), "for good"
    assert figure_8.turning([0, 2], [0, 1]) == 0
    assert math.isnan(figure_8.turning([0, 1], [1, 2])) and math.isnan(figure_8.turning([0, 1], [-2, -1]))


def test_the_turning_times_are_the_full_flows():
    d, frobenius = 103, 5.0
    t, traces = np.linspace(0, 0.2, 101), [-24.0, -18.75, -5.0]
    times = figure_8.turning_times(d, frobenius, traces, t)
    assert math.isnan(times[2]), "never the wrong way"
    W = weights.wrong_way_start(d, frobenius, -18.75)
    full = flow.integrate(W, torch.zeros_like(W), 0.2, rtol=1e-7)
    assert times[1] == pytest.approx(figure_8.turning(full.t, full.inner), rel=0.02)
    assert times[0] > times[1] > 0
    assert figure_8.trace_that_turns_at(times[1], traces, times) == pytest.approx(-18.75)
    between = (times[0] + times[1]) / 2
    assert figure_8.trace_that_turns_at(between, traces, times) == pytest.approx((-24.0 - 18.75) / 2)


def history(**curves):
    given = {name: torch.tensor(values, dtype=torch.float64) for name, values in curves.items()}
    return History(**({name: given["t"] for name in CURVES} | {"W": torch.zeros(1)} | given))


def test_the_opening_reads_the_history():
    run = history(
        t=[0.0, 0.1, 0.2],
        step=[0.0, 10.0, 20.0],
        inner=[-1.0, 1.0, 2.0],
        potential=[4.0, 1.0, -1.0],
        distance=[5.0, 5.1, 4.9],
    )
    found = figure_8.opening(run, np.array([3.0, math.nan, 7.0]))
    assert found == pytest.approx((-1.0, 2.0, 4.0, -0.25, 0.02, 5.0, 3.0, 7.0))


def test_the_entire_run_reads_phase_two_only():
    run = history(
        t=[0.0, 1.0, 2.0, 3.0],
        inner=[-1.0, -2.0, 0.5, 0.25],
        potential=[4.0, 9.0, -0.25, 0.125],
        distance=[5.0, 6.0, 4.0, 1.0],
    )
    found = figure_8.entire(run, 1.5, [0.5])
    assert found == figure_8.Entire(0.25, 0.25, -3.0, 5.0, 4.0, 1.0, (0.5,))
    late = figure_8.entire(run, 2.5, [0.5])
    assert math.isnan(late.lowest_inner) and late.verdict == verdicts.FAILS
    assert figure_8.entire(run, math.nan, [0.0]).verdict == verdicts.FAILS


def test_late_rates_of_exponentials():
    t = np.linspace(0, 10, 30)
    run = history(
        t=t.tolist(),
        **{name: np.exp(-rate * t).tolist() for name, rate in (("distance", 0.2), ("inner", 0.4), ("loss", 0.5))},
    )
    assert figure_8.late_rates(run) == pytest.approx({"distance": 0.2, "inner": 0.4, "loss": 0.5})


def test_a_planted_error_turns_the_start_over(monkeypatch):
    """The inner product with its sign lost: no start is wrong any more."""
    right = landscape.inner_product
    monkeypatch.setattr(landscape, "inner_product", lambda W, W_star: -right(W, W_star))
    W0 = weights.wrong_way_start(103, 5.0, -18.75)
    assert figure_8.first_gradient(W0, torch.Generator().manual_seed(0)).verdict == verdicts.FAILS


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((torch.zeros(3, 2), torch.Generator()), ValueError, "W0 must be square"),
        ((torch.zeros(3, 3), 0), TypeError, "generator must be a torch.Generator"),
        ((torch.zeros(3, 3), torch.Generator(), 0), ValueError, "draws must be at least 1"),
    ],
)
def test_bad_input(arguments, error, words):
    with pytest.raises(error, match=words):
        figure_8.first_gradient(*arguments)


# The exercises of chapter 12.


def test_ex_dynamics_window():
    def smallest(F, d=1499):
        starts = [three_variables.start(d, F, share * F**2) for share in np.linspace(-1, -0.5, 51)]
        return min(three_variables.inner(three_variables.gradient(W, d), W, d) for W in starts)

    assert smallest(2.5) == pytest.approx(0.23, abs=0.005)
    assert smallest(3.5) == pytest.approx(-1.11, abs=0.005)
    assert math.sqrt(16 * (math.pi / 2 - 1)) == pytest.approx(3.02, abs=0.005)


def test_ex_dynamics_batch():
    assert linearised.largest_stable_step(114, 1500) < 1e-4 < linearised.largest_stable_step(115, 1500)
