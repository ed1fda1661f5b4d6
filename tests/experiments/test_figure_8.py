"""What section 5.3's verdicts rest on, number by number, and how these numbers come about."""

import math

import numpy as np
import pytest
import torch

from src import verdicts
from src.dynamics import linearised, three_variables
from src.dynamics.history import CURVES, History
from src.experiments import figure_8, sgd_and_flow
from src.model import landscape, weights
from src.theory import bounds

START = figure_8.Start(spectral=0.15, frobenius=5.0, inner=-8.9)
OPENING = figure_8.Opening(first_inner=-8.9, last_inner=4.5, first_potential=6.2, kept=0.003, drift=0.001)
PHASE_ONE = figure_8.PhaseOne(slowest=0.6, spectral=0.009, potential=0.02)
ENTIRE = figure_8.Entire(
    lowest_inner=1e-5,
    largest_potential=0.15,
    largest_rise=-1e-3,
    lowest_ratio=0.15,
    end=0.025,
    first_distance=5.0,
    first_potential=6.2,
)
PHASE_TWO = figure_8.PhaseTwo(ratio=0.15, potential=0.09, spectral=0.009)
FAILS, CORRECTED = verdicts.FAILS, verdicts.CORRECTED


@pytest.mark.parametrize(
    ("found", "change", "verdict"),
    [
        (START, {"spectral": 0.156}, FAILS),
        (START, {"spectral": 0.129}, FAILS),
        (START, {"frobenius": 5.6}, FAILS),
        (START, {"frobenius": 4.4}, FAILS),
        (START, {"inner": 0.1}, FAILS),
        (START, {"inner": math.nan}, FAILS),
        (OPENING, {"first_inner": 0.1}, FAILS),
        (OPENING, {"last_inner": -0.1}, FAILS),
        (OPENING, {"first_potential": -6.2}, FAILS),
        (OPENING, {"kept": 0.06}, FAILS),
        (OPENING, {"kept": -0.06}, FAILS),
        (OPENING, {"drift": 0.02}, FAILS),
        (PHASE_ONE, {"slowest": 0.49}, FAILS),
        (PHASE_ONE, {"slowest": math.nan}, FAILS),
        (PHASE_ONE, {"spectral": 0.011}, FAILS),
        (PHASE_ONE, {"potential": 0.11}, FAILS),
        (ENTIRE, {"lowest_inner": -1e-9}, FAILS),
        (ENTIRE, {"lowest_inner": math.nan}, FAILS),
        (ENTIRE, {"largest_potential": 0.4}, FAILS),
        (ENTIRE, {"largest_rise": 1e-9}, FAILS),
        (ENTIRE, {"first_potential": 2.0}, FAILS),
        (ENTIRE, {"end": 0.06}, FAILS),
        (ENTIRE, {"first_distance": 1.0}, FAILS),
        (PHASE_TWO, {"ratio": 0.029}, FAILS),
        (PHASE_TWO, {"ratio": math.nan}, FAILS),
        (PHASE_TWO, {"potential": 0.11}, CORRECTED),
        (PHASE_TWO, {"spectral": 0.13}, CORRECTED),
    ],
)
def test_each_number_decides(found, change, verdict):
    assert found.verdict == verdicts.HOLDS
    assert found._replace(**change).verdict == verdict


def test_the_first_gradient():
    d, generator = 19, torch.Generator().manual_seed(0)
    start = three_variables.start(d, 3.5, -9.0)
    W0 = three_variables.matrix(start, d)
    found = figure_8.first_gradient(W0)
    assert found.inner == pytest.approx(three_variables.inner(three_variables.gradient(start, d), start, d))
    assert found.spectral == pytest.approx(three_variables.spectral_norm(start)) and found.frobenius == pytest.approx(
        3.5
    )
    again = torch.Generator().manual_seed(0)
    for value in figure_8.gaussian_inner(W0, generator, draws=2):
        G = torch.randn(d, d, generator=again, dtype=torch.float64)
        assert value == pytest.approx(landscape.inner_product(3.5 * G / G.norm(), 0 * G).item())


def test_the_start_with_both_norms():
    for d, spectral in ((300, 0.35), (1000, 0.17)):
        W = figure_8.start_with_norms(d, spectral, 5.0, -18.75, torch.Generator().manual_seed(0))
        assert torch.linalg.matrix_norm(W, 2).item() == pytest.approx(spectral, rel=0.01)
        assert (W.norm().item(), W.trace().item()) == pytest.approx((5.0, -18.75))
        assert W.sum(1).abs().max() < 1e-12 and W.sum(0).abs().max() < 1e-12
    G = torch.randn(30, 30, generator=torch.Generator().manual_seed(1))
    assert figure_8.spectral_norm(G) == pytest.approx(torch.linalg.matrix_norm(G, 2).item(), rel=1e-6)
    for spectral in (0.28, 0.01):
        with pytest.raises(ValueError, match="spectral must suit frobenius"):
            figure_8.start_with_norms(300, spectral, 5.0, -18.75, torch.Generator())


def test_turning():
    assert figure_8.turning([0, 1, 2, 3], [-2, -1, 1, 2]) == pytest.approx(1.5)
    assert figure_8.turning([0, 1, 2, 3], [-1, 1, -1, 3]) == pytest.approx(2.25), "for good"
    assert figure_8.turning([0, 2], [0, 1]) == 0
    assert math.isnan(figure_8.turning([0, 1], [1, 2])) and math.isnan(figure_8.turning([0, 1], [-2, -1]))


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
    assert figure_8.opening(run) == pytest.approx((-1.0, 2.0, 4.0, -0.25, 0.02))


def test_phase_one_by_hand():
    """g halves in ten steps and then falls to a tenth in twenty; what is below 0.1 does not count."""
    run = history(t=[0.0, 1.0, 3.0, 4.0], step=[0, 10, 30, 40], potential=[8.0, 4.0, 0.4, -0.05])
    run.W = 0.2 * torch.eye(5)
    found = figure_8.phase_one(run, d=100, eta=1e-3)
    shrink = min(1 - 0.5 ** (1 / 10), 1 - 0.1 ** (1 / 20))
    assert found == pytest.approx((math.pi * shrink / 0.1, 0.2, 0.05))
    run.potential = torch.tensor([0.2, 0.05, 0.01, 0.0])
    assert math.isnan(figure_8.phase_one(run, 100, 1e-3).slowest)


def test_the_entire_run_reads_phase_two_only():
    """Two seeds: the second one turns last, at t = 0.5, so that Phase II is t > 1.5."""
    t = np.array([0.0, 1.0, 2.0, 3.0])
    columns = {
        "distance": [[5.0, 6.0, 4.0, 1.0], [5.0, 6.0, 4.5, 2.0]],
        "potential": [[4.0, 9.0, -0.25, 0.125], [4.0, 9.0, 0.1, 0.1]],
        "inner": [[-1.0, 2.0, 8.0, 0.5], [-1.0, 1.0, 0.5, 0.25]],
    }
    curves = {name: np.array(values).T for name, values in columns.items()}
    run = sgd_and_flow.Run(None, t, **curves, flow_t=t, flow_distance=t, source="live")
    found, begins = figure_8.entire(run)
    assert begins == pytest.approx(1.5)
    assert found == pytest.approx((0.25, 0.25, -2.5, 0.5 / 4.5**2, 2.0, 5.0, 4.0))
    late, _ = figure_8.entire(run._replace(inner=np.array([[-1.0, -1.0, 0.5, 0.25]] * 2).T))
    assert math.isnan(late.lowest_inner) and late.verdict == FAILS
    wrong, begins = figure_8.entire(run._replace(inner=-np.ones((4, 2))))
    assert math.isnan(begins) and wrong.verdict == FAILS


def test_the_recorded_run_is_judged_at_every_point():
    """|g| goes beyond Theorem 3.2's 0.1 once the descent has begun, and the distance falls all the same."""
    (run,) = [run for run in sgd_and_flow.recorded_runs() if run.setting.d == 300]
    found, begins = figure_8.entire(run)
    assert 0.05 < begins < 0.12 and found.verdict == verdicts.HOLDS
    late = run.t >= begins
    assert found.largest_potential == pytest.approx(abs(run.potential[late]).max())
    assert found.largest_potential > bounds.G_LIMIT and found.largest_rise < 0 < found.lowest_inner


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
    assert figure_8.first_gradient(W0).inner > 0


def test_bad_input():
    with pytest.raises(ValueError, match="W0 must be square"):
        figure_8.first_gradient(torch.zeros(3, 2))
    with pytest.raises(TypeError, match="generator must be a"):
        figure_8.gaussian_inner(torch.zeros(3, 3), 0)
    with pytest.raises(ValueError, match="draws must be from 1"):
        figure_8.gaussian_inner(torch.zeros(3, 3), torch.Generator(), 0)


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
