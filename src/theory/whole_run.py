"""The law of `src.dynamics.noisy_path` on trial: whole runs of SGD from section 5.3's start, beside it and the flow."""

import math
from typing import NamedTuple

import numpy as np

from src import verdicts
from src.checks import COUNT, SEED, arguments, between, check_value, each, entries, within
from src.dynamics import noisy_path, sgd, three_variables
from src.dynamics.history import TIMES
from src.model.weights import has_paley

CLOSE = 0.01  # by so much of itself the distance may be off
POINTS = 12  # of a live run
_POSITIVE = between(0, math.inf)
_D = range(7, 1000)


class Run(NamedTuple):
    """Distances |W - W*|_F of S runs of SGD at K times after the start, and what the law and the flow say of them."""

    d: int
    batch: int
    eta: float
    t: np.ndarray  # [K]
    measured: np.ndarray  # [K], the root mean square over the runs
    spread: np.ndarray  # [K], the standard deviation of the square over its mean; NaN for one run
    law: noisy_path.Law
    flow: np.ndarray  # [K]
    runs: int

    @property
    def apart(self):
        """The largest relative difference between what was measured and the law."""
        return float(np.abs(self.measured / self.law.distance - 1).max())

    @property
    def flow_apart(self):
        """The same for the flow."""
        return float(np.abs(self.measured / self.flow - 1).max())

    @property
    def wider(self):
        """[K]: the spread measured over the law's."""
        return self.spread / self.law.spread


class Trial(NamedTuple):
    """Claim sgd-whole-run: several Runs."""

    runs: tuple

    @property
    def verdict(self):
        """holds, if the law is within CLOSE of every distance, and nearer than the flow in every run."""
        near = all(run.apart <= CLOSE and run.apart < run.flow_apart for run in self.runs)
        return verdicts.HOLDS if self.runs and near else verdicts.FAILS


class Spreads(NamedTuple):
    """Claim sgd-spread: Runs with small weights."""

    runs: tuple

    @property
    def verdict(self):
        """holds, if at each run's end the spread is the law's, up to a quarter and three standard errors of it."""
        if not self.runs or any(run.runs < 2 for run in self.runs):
            return verdicts.FAILS
        close = all(abs(run.wider[-1] - 1) <= 1 / 4 + 3 / math.sqrt(2 * (run.runs - 1)) for run in self.runs)
        return verdicts.HOLDS if close else verdicts.FAILS


@arguments(
    t=TIMES, d=range(4, 10**6), frobenius=_POSITIVE, trace=between(-math.inf, math.inf), eta=_POSITIVE, batch=COUNT
)
def beside(distance, t, d, frobenius, trace, eta, batch):
    """The Run of given distances [K, S] at the increasing times t, the start at t = 0 left out where it is there.

    frobenius, trace: of the start, as in `weights.wrong_way_start`; eta, batch: the step and the inputs a step.
    """
    check_value("distance", distance, entries(within(0, math.inf)))
    distance, t = np.asarray(distance, dtype=float), np.asarray(t, dtype=float)
    if distance.ndim != 2 or len(distance) != len(t) or not distance.shape[1]:
        raise ValueError(f"distance must be [{len(t)}, S], a row for every t, not {list(distance.shape)}")
    distance, t = distance[t > 0], t[t > 0]
    start = three_variables.start(d, frobenius, trace)
    path = three_variables.trajectory(start, d, t, rtol=1e-8)
    square, runs = distance**2, distance.shape[1]
    spread = square.std(1, ddof=1) / square.mean(1) if runs > 1 else np.full(len(t), math.nan)
    flow = np.sqrt(three_variables.inner(path, path, d))
    law = noisy_path.law(start, d, eta, batch, t)
    return Run(d, batch, eta, t, np.sqrt(square.mean(1)), spread, law, flow, runs)


@arguments(arrays=dict, parameters=dict)
def of_recording(arrays, parameters):
    """The Run of a recorded Figure 8(b), from its `arrays` (t [K], distance [K, S]) and what it was made with."""
    for name, values, needed in (
        ("arrays", arrays, ("t", "distance")),
        ("parameters", parameters, ("d", "frobenius", "trace", "eta", "batch")),
    ):
        missing = [key for key in needed if key not in values]
        if missing:
            raise ValueError(f"{name} must hold {', '.join(needed)}; {', '.join(missing)} not there")
    about = {name: parameters[name] for name in ("d", "frobenius", "trace", "eta", "batch")}
    return beside(arrays["distance"], arrays["t"], **about)


@arguments(d=_D, spectral=between(0, 0.5), level=between(0, 1.5), steps=COUNT, seeds=each(SEED))
def live(d, spectral, level, steps, seeds):
    """The Run of SGD with d / 5 inputs a step and eta d^2 / batch = level, from a start of about this spectral norm.

    d: a prime congruent to 3 modulo 4. The trace is halfway between those at which the gradient points home.
    """
    if not has_paley(d):
        raise ValueError(f"d must be a prime congruent to 3 modulo 4, not {d}")
    frobenius, batch = spectral * math.sqrt(d), d // 5
    eta, trace = level * batch / d**2, -0.75 * frobenius**2
    start = three_variables.matrix(three_variables.start(d, frobenius, trace), d).float()
    at = sorted({max(1, round(steps * k / POINTS)) for k in range(1, POINTS + 1)})
    history = sgd.train(
        start, 0 * start, eta=eta, batch=batch, steps=steps, seeds=seeds, record_at=at, allow_unstable=True
    )
    return beside(history.distance.numpy(), history.t.numpy(), d, frobenius, trace, eta, batch)
