"""The law of a whole run on trial: a wrong law, other runs and bad input."""

import math

import numpy as np
import pytest

from src import verdicts
from src.dynamics import noisy_path, three_variables
from src.theory import whole_run

SETTING = {"d": 59, "frobenius": 0.8, "trace": -0.4, "eta": 2e-3, "batch": 11}


def made(run_spread=0.01, off=1.0, runs=20):
    """Distances that scatter about those of the law."""
    t = np.array([0.0, 0.5, 1.0, 2.0])
    law = noisy_path.law(three_variables.start(59, 0.8, -0.4), 59, 2e-3, 11, t[1:])
    scatter = np.random.default_rng(0).normal(size=(3, runs))
    scatter = (scatter - scatter.mean(1, keepdims=True)) / scatter.std(1, ddof=1, keepdims=True)
    square = (off * law.distance[:, None]) ** 2 * (1 + run_spread * law.spread[:, None] * scatter)
    return np.concatenate([np.full((1, runs), 0.8), np.sqrt(square)]), t


def test_live_runs_hold_and_those_of_a_wrong_law_do_not(monkeypatch):
    size = {"d": 43, "spectral": 0.1, "level": 0.75, "steps": 400, "seeds": range(20)}
    run = whole_run.live(**size)
    assert run.apart < 3e-3 < 1e-2 < run.flow_apart and run.runs == 20 and run.batch == 8
    assert run.t[-1] == pytest.approx(400 * run.eta, rel=1e-6) and len(run.t) == whole_run.POINTS
    assert whole_run.Trial((run,)).verdict == verdicts.HOLDS
    assert whole_run.Spreads((run,)).verdict == verdicts.HOLDS
    right = noisy_path.law

    def noisier(*args):
        law = right(*args)
        return law._replace(noise=1.5 * law.noise)

    monkeypatch.setattr(noisy_path, "law", noisier)
    assert whole_run.Trial((whole_run.live(**size),)).verdict == verdicts.FAILS


def test_the_verdict_of_the_mean():
    run = whole_run.beside(*made(), **SETTING)
    assert run.apart < 1e-3 and whole_run.Trial((run,)).verdict == verdicts.HOLDS
    off = whole_run.beside(*made(off=1.02), **SETTING)
    assert off.apart == pytest.approx(0.02, abs=1e-3)
    assert whole_run.Trial((run, off)).verdict == whole_run.Trial(()).verdict == verdicts.FAILS
    flow = run._replace(measured=run.flow)  # runs without noise are the flow's, not the law's
    assert whole_run.Trial((flow,)).verdict == verdicts.FAILS


def test_the_verdict_of_the_spread():
    for wider, verdict in ((1.0, "HOLDS"), (1.3, "HOLDS"), (2.0, "FAILS"), (0.2, "FAILS")):
        run = whole_run.beside(*made(run_spread=wider, runs=20), **SETTING)
        assert run.wider == pytest.approx(np.full(3, wider), rel=1e-2)
        assert whole_run.Spreads((run,)).verdict == getattr(verdicts, verdict)
    one = whole_run.beside(*made(runs=2), **SETTING)._replace(runs=1)
    assert whole_run.Spreads((one,)).verdict == whole_run.Spreads(()).verdict == verdicts.FAILS
    alone = whole_run.beside(made()[0][:, :1], made()[1], **SETTING)
    assert np.isnan(alone.spread).all() and alone.runs == 1


def test_bad_input_is_named():
    distance, t = made()
    with pytest.raises(ValueError, match="distance must be"):
        whole_run.beside(distance[:2], t, **SETTING)
    with pytest.raises(ValueError, match="distance"):
        whole_run.beside(-distance, t, **SETTING)
    with pytest.raises(ValueError, match="d must be a prime"):
        whole_run.live(42, 0.1, 0.75, 12, [0])
    with pytest.raises(ValueError, match=r"arrays must hold.*distance not there"):
        whole_run.of_recording({"t": t}, SETTING)
    with pytest.raises(ValueError, match=r"parameters must hold.*batch not there"):
        whole_run.of_recording({"t": t, "distance": distance}, {"d": 59, "frobenius": 1, "trace": 1, "eta": 1})
    assert math.isfinite(whole_run.of_recording({"t": t, "distance": distance}, SETTING).apart)
