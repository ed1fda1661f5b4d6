"""The starts of section 5.3 that differ in their trace: when the inner product turns positive, by the flow and by SGD.

W* = 0 throughout; gradients and inner products <-grad L, W* - W> are at the true scale unless the name says otherwise.
"""

import math
from typing import NamedTuple

import numpy as np
import torch

from src import verdicts
from src.checks import DIMENSION, SEED, arguments, check_positive, check_value, vector
from src.dynamics import sgd, three_variables
from src.experiments import inputs, sgd_and_flow
from src.experiments.figure_8 import turning
from src.model import weights

PAPERS_TURN, ABOUT = 15, 2  # iterations after which the paper's inner product is positive, and what "about" may mean
AXIS_8A = (-10, 25, 5)  # the first, the last and the distance of the ticks on the vertical axis of Figure 8(a)


class Family(NamedTuple):
    """The flow from `three_variables.start(d, frobenius, trace)`, one start per trace: arrays [traces]."""

    trace: np.ndarray
    turned: np.ndarray  # `turning`, in the unit of t; nan as there
    lowest: np.ndarray  # the least inner product on the way
    highest: np.ndarray  # the first loss, the largest value of all four curves where it exceeds the distance

    def on_axis(self, first, last, apart):
        """Whether the curves need both ends of an axis from `first` to `last`, ticks `apart`, and no more."""
        low = (first <= self.lowest) & (self.lowest < first + apart)
        return low & (last - apart < self.highest) & (self.highest <= last)


def _times(name, value):
    """Numbers [K], NaN among them where an inner product does not turn."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        value = np.where(np.isnan(value), 0.0, value)
    check_value(name, value, vector(inputs.NUMBER))


@arguments(d=range(3, DIMENSION.stop), frobenius=check_positive, traces=vector(inputs.NUMBER), t=inputs.increasing)
def family(d, frobenius, traces, t):
    """The `Family` of these traces.

    t: increasing times from 0, fine enough to interpolate in and long enough to see the inner product turn.
    """
    if t[0] != 0 or len(t) < 2:
        raise ValueError(f"t must be two times or more from 0, not {len(t)} from {float(t[0])}")
    turned, lowest, highest = [], [], []
    for trace in traces:
        path = three_variables.trajectory(three_variables.start(d, frobenius, trace), d, t, rtol=1e-9).T
        inner = [three_variables.inner(three_variables.gradient(W, d), W, d) for W in path]
        turned.append(turning(t, inner))
        lowest.append(min(inner))
        highest.append(three_variables.curves(path[0], d)[3])
    return Family(np.asarray(traces), np.array(turned), np.array(lowest), np.array(highest))


@arguments(traces=inputs.increasing, times=_times, when=inputs.NUMBER)
def trace_that_turns_at(traces, times, when=PAPERS_TURN):
    """The least negative trace (they rise) at which `times` is `when`, between neighbours by straight lines.

    Entries that are nan are left out; where no two neighbours enclose `when`, the result is nan.
    """
    if len(traces) != len(times):
        raise ValueError(f"times must be as many as traces, {len(traces)}, not {len(times)}")
    seen = np.isfinite(times)
    x, y = np.asarray(traces)[seen], np.asarray(times)[seen]
    for k in reversed(range(len(x) - 1)):
        if min(y[k], y[k + 1]) <= when <= max(y[k], y[k + 1]):
            share = (when - y[k]) / (y[k + 1] - y[k]) if y[k] != y[k + 1] else 0.0
            return float(x[k] + share * (x[k + 1] - x[k]))
    return math.nan


class Turn(NamedTuple):
    """After how many iterations of SGD the inner product is positive, over all starts of the family."""

    earliest: float
    latest: float

    @property
    def verdict(self):
        """Holds, if every start turns when the paper's does; not decidable, if some do; fails, if none does."""
        if not self.earliest <= PAPERS_TURN + ABOUT or not self.latest >= PAPERS_TURN - ABOUT:
            return verdicts.FAILS
        all_do = self.earliest >= PAPERS_TURN - ABOUT and self.latest <= PAPERS_TURN + ABOUT
        return verdicts.HOLDS if all_do else verdicts.UNDECIDED


class BySgd(NamedTuple):
    """SGD from the starts of the family, one run each, with the true gradient and with the printed one."""

    turned: np.ndarray  # [traces], `turning` in iterations, at the true scale
    printed_turned: float  # the latest at the printed scale, within the first fifth of the iterations
    growth: float  # at the printed scale: least relative gain of the distance over all iterations

    @property
    def turn(self):
        """The `Turn` at the true scale."""
        return Turn(float(np.nanmin(self.turned)), float(np.nanmax(self.turned)))


@arguments(
    setting=sgd_and_flow.Setting,
    frobenius=check_positive,
    traces=vector(inputs.NUMBER),
    generator=torch.Generator,
    seed=SEED,
)
def by_sgd(setting, frobenius, traces, generator, seed=0):
    """The `BySgd` with a `sgd_and_flow.Setting`; runs have the seeds from `seed` on.

    Printed steps are pi times the setting's, whether SGD is stable with them or not. nan where no run turns.
    """
    starts = [weights.wrong_way_start(setting.d, frobenius, float(trace), generator) for trace in traces]
    starts = torch.stack(starts).float()

    def run(eta, record_at):
        return sgd.train(
            starts,
            torch.zeros_like(starts[0]),
            eta=eta,
            batch=setting.batch,
            steps=setting.steps,
            seeds=range(seed, seed + len(starts)),
            record_at=record_at,
            allow_unstable=True,
        )

    true = run(setting.eta, range(0, setting.steps, 2))
    early = setting.steps // 5
    printed = run(math.pi * setting.eta, range(early))
    turned = [turning(printed.step[:early], inner[:early]) for inner in printed.inner.T]
    return BySgd(
        turned=np.array([turning(true.step, inner) for inner in true.inner.T]),
        printed_turned=float(np.nanmax(turned)) if np.isfinite(turned).any() else math.nan,
        growth=(printed.distance[-1] / printed.distance[0] - 1).min().item(),
    )
