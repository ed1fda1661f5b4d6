"""When the starts of section 5.3 turn, by the flow and by SGD, against the full model and by hand."""

import math

import numpy as np
import pytest
import torch

from src import verdicts
from src.dynamics import flow, sgd, three_variables
from src.experiments import figure_8, figure_8_family, sgd_and_flow
from src.model import population, weights


@pytest.mark.parametrize(
    ("earliest", "latest", "verdict"),
    [
        (13.0, 17.0, verdicts.HOLDS),
        (12.9, 17.0, verdicts.UNDECIDED),
        (13.0, 17.1, verdicts.UNDECIDED),
        (1.0, 12.9, verdicts.FAILS),
        (17.1, 50.0, verdicts.FAILS),
        (math.nan, 50.0, verdicts.FAILS),
        (1.0, math.nan, verdicts.FAILS),
    ],
)
def test_each_number_decides(earliest, latest, verdict):
    assert figure_8_family.Turn(earliest, latest).verdict == verdict


def test_the_family_is_the_full_flows():
    d, frobenius = 103, 5.0
    t, traces = np.linspace(0, 0.2, 101), [-24.0, -18.75, -5.0]
    found = figure_8_family.family(d, frobenius, traces, t)
    assert math.isnan(found.turned[2]), "never the wrong way"
    W = weights.wrong_way_start(d, frobenius, -18.75)
    full = flow.integrate(W, torch.zeros_like(W), 0.2, rtol=1e-7)
    assert found.turned[1] == pytest.approx(figure_8.turning(full.t, full.inner), rel=0.02)
    assert found.lowest[1] == pytest.approx(full.inner.min().item(), rel=0.02)
    assert found.highest[1] == pytest.approx(population.loss(W, torch.zeros_like(W)).item())
    assert found.turned[0] > found.turned[1] > 0


def test_what_the_papers_axis_says():
    """At d = 1499: the lowest inner product is -8.9 throughout; only traces near -24 need the tick at 25."""
    t = np.linspace(0, 0.006, 61)
    found = figure_8_family.family(1499, 5.0, [-24.0, -22.0, -18.75], t)
    assert found.lowest == pytest.approx([-8.94] * 3, abs=0.02)
    assert found.highest == pytest.approx([23.2, 16.4, 8.2], abs=0.05)
    assert found.turned / 1e-4 / math.pi == pytest.approx([16.5, 15.3, 12.4], abs=0.1)
    assert found.on_axis(-10, 25, 5).tolist() == [True, False, False]
    assert found.on_axis(-8, 25, 5).tolist() == [False] * 3, "an axis that does not hold the curves"
    assert found.on_axis(-15, 25, 5).tolist() == [False] * 3, "a tick that nothing needs"
    assert figure_8_family.AXIS_8A == (-10, 25, 5) and figure_8_family.PAPERS_TURN == 15


def test_the_trace_that_turns_at_15():
    traces = [-24.0, -22.0, -20.0, -18.0]
    turns = figure_8_family.trace_that_turns_at
    assert turns(traces, np.array([40.0, 20.0, 10.0, math.nan])) == pytest.approx(-21.0)
    assert turns(traces, np.array([10.0, 20.0, 10.0, 20.0])) == pytest.approx(-19.0), "the least negative"
    assert math.isnan(turns(traces, np.array([40.0, 20.0, 18.0, 16.0])))
    assert turns(traces, np.array([40.0, 20.0, 10.0, 1.0]), when=30) == pytest.approx(-23.0)


def test_sgd_from_the_family():
    """The true scale turns as the flow does; printed steps are unstable, and SGD goes away from the teacher."""
    setting = sgd_and_flow.Setting(100, 20, 1.5e-3, 80)
    found = figure_8_family.by_sgd(setting, 5.0, [-18.75, -15.0], torch.Generator().manual_seed(0), seed=3)
    assert found.turned.shape == (2,) and found.turned[0] > found.turned[1] > 0
    assert found.turn == (found.turned.min(), found.turned.max())
    generator = torch.Generator().manual_seed(0)
    weights.wrong_way_start(100, 5.0, -18.75, generator)
    W = weights.wrong_way_start(100, 5.0, -15.0, generator).float()
    # record_at leaves the streams alone: the second run has the seed 4.
    run = sgd.train(W, 0 * W, eta=1.5e-3, batch=20, steps=80, seeds=4, record_at=range(0, 80, 2))
    assert found.turned[1] == pytest.approx(figure_8.turning(run.step, run.inner), rel=1e-3)
    assert found.printed_turned < 5 and found.growth > 0.01
    printed = sgd.train(W, 0 * W, eta=1.5e-3 * math.pi, batch=20, steps=80, seeds=4, allow_unstable=True)
    assert found.growth <= (printed.distance[-1] / printed.distance[0]).item() - 1 + 1e-4


def test_the_flow_and_sgd_share_their_starts():
    start = three_variables.start(103, 5.0, -15.0)
    torch.testing.assert_close(
        three_variables.matrix(start, 103), weights.wrong_way_start(103, 5.0, -15.0), rtol=0, atol=1e-14
    )
