"""SGD beside the flow: scaling, recordings, and the two measurements of what noise does."""

import math

import numpy as np
import pytest
import torch

from src.dynamics import linearised
from src.experiments import sgd_and_flow
from src.model import landscape, weights
from src.runs import recorded

CPU = torch.device("cpu")


def test_the_dimensionless_groups_are_kept():
    setting = sgd_and_flow.scaled(100, 1500, 300, 1e-4, 35.0)
    assert setting == pytest.approx((100, 20, 1.5e-3, 23333))
    assert setting.eta * setting.d == pytest.approx(1e-4 * 1500)
    assert setting.eta * setting.d**2 / setting.batch == pytest.approx(1e-4 * 1500**2 / 300)
    assert setting.eta * setting.steps == pytest.approx(35.0, rel=1e-3)
    assert sgd_and_flow.scaled(10, 1500, 1, 1e-4, 1.0).batch == 1
    same = sgd_and_flow.scaled(1500, 1500, 300, 1e-4, 35.0)
    assert same == pytest.approx((1500, 300, 1e-4, 350_000))


def test_the_scaled_start_has_the_norm_and_as_much_of_the_trace_as_there_is():
    generator = torch.Generator().manual_seed(0)
    for d, trace in ((100, -18.75), (10, -0.9 * 5.0 * 3.0)):
        W = sgd_and_flow.scaled_start(sgd_and_flow.Setting(d, 1, 0.1, 1), 5.0, -18.75, generator)
        assert W.shape == (d, d) and W.norm().item() == pytest.approx(5.0) and W.trace().item() == pytest.approx(trace)


@pytest.fixture(scope="module")
def run():
    start = weights.wrong_way_start(31, 2.0, -3.0)
    return sgd_and_flow.whole_run(sgd_and_flow.Setting(31, 40, 0.004, 1000), start, range(3), CPU)


def test_a_whole_run_is_sgd_and_the_flow(run):
    assert run.distance.shape == (len(run.t), 3) and run.t[0] == 0 and run.t[-1] == pytest.approx(4.0)
    assert run.flow_t[-1] == pytest.approx(4.0) and run.flow_distance[0] == pytest.approx(2.0)
    W = weights.wrong_way_start(31, 2.0, -3.0)
    assert run.potential[0] == pytest.approx([landscape.potential(W, 0 * W).item()] * 3, rel=1e-4)
    assert run.inner[0] == pytest.approx([landscape.inner_product(W, 0 * W).item()] * 3, rel=1e-4)
    flow_end = run.flow_distance[-1]
    assert (abs(run.distance[-1] / flow_end - 1) < 0.2).all() and run.source == "live"


def test_a_recording_gives_the_run_back(tmp_path, monkeypatch):
    monkeypatch.setattr(recorded, "FOLDER", tmp_path)
    monkeypatch.setattr(recorded, "ROOT", tmp_path)
    setting = sgd_and_flow.Setting(7, 5, 0.02, 20)
    start = weights.wrong_way_start(7, 1.0, -0.5)
    live = sgd_and_flow.whole_run(setting, start, range(2), CPU, record=True)
    (stored,) = sgd_and_flow.recorded_runs()
    assert stored.setting == setting and stored.source.startswith("Recorded ") and "2 seeds" in stored.source
    for one, other in zip(live[1:7], stored[1:7], strict=True):
        assert np.array_equal(one, other)
    assert recorded.load("fig_8b_d7").provenance["parameters"]["trace"] == pytest.approx(-0.5)


def test_the_books_own_recording_is_readable():
    runs = sgd_and_flow.recorded_runs()
    assert {run.setting.d for run in runs} >= {300}
    for run in runs:
        assert run.distance.shape == run.potential.shape == run.inner.shape == (len(run.t), run.distance.shape[1])
        assert run.t[-1] == pytest.approx(35.0, rel=1e-3)


def test_parting_of_two_exponentials():
    t = np.linspace(0, 10, 41)
    distance = np.stack([np.exp(-0.17 * t), np.exp(-0.17 * t)], 1)
    setting = sgd_and_flow.Setting(100, 20, 1.5e-3, 6667)
    run = sgd_and_flow.Run(setting, t, distance, 0 * distance, 0 * distance, t, np.exp(-0.2 * t), "live")
    found = sgd_and_flow.parting(run)
    assert np.allclose(found.ratio, np.exp(0.03 * t)) and found.slope == pytest.approx(0.03)
    assert found.late.sum() == 21
    noise_free = 1 / 2 - 1 / math.pi
    assert found.predicted == pytest.approx(noise_free - linearised.sgd_decay(1.5e-3, 20, 100) / 2)
    uneven = sgd_and_flow.parting(run._replace(distance=distance * np.array([1.0, 7.0])))
    assert np.allclose(uneven.distance, 5 * np.exp(-0.17 * t)), "root mean square over seeds"


def test_the_decay_of_sgd_is_the_recursions():
    generator = torch.Generator().manual_seed(0)
    starts = torch.stack([weights.flat_skew(50, generator) for _ in range(4)]).float()
    starts *= 0.1 / starts[0].norm()
    (found,) = sgd_and_flow.decays(starts, (20,), (1.0,), range(4))
    assert (found.batch, found.level) == (20, 1.0)
    assert found.predicted == pytest.approx(linearised.sgd_decay(20 / 50**2, 20, 50))
    assert found.measured == pytest.approx(found.predicted, rel=0.08) and 0 < found.error < 0.05
    noise_free = 2 * linearised.families(50)[-1].rate
    assert found.measured < noise_free - 2 * found.error, "the noise is seen"


def test_bad_input():
    with pytest.raises(ValueError, match="d_scaled must be from 3"):
        sgd_and_flow.scaled(2, 1500, 300, 1e-4, 35.0)
    with pytest.raises(ValueError, match="t_end must be positive"):
        sgd_and_flow.scaled(100, 1500, 300, 1e-4, 0.0)
    with pytest.raises(ValueError, match="one start per seed"):
        sgd_and_flow.decays(torch.zeros(2, 5, 5) + 0.1, (5,), (1.0,), range(3))
