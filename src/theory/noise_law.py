r"""The law of `second_moments` on trial: against runs of SGD, beside the recursion to leading order, at section 5.3."""

import math
from typing import NamedTuple

import numpy as np
import torch

from src import verdicts
from src.checks import COUNT, FORMULA, SEED, arguments, between, each
from src.dynamics import linearised, second_moments, sgd

SMALL = 1e-5  # entries of the weights: the network is linear in them to a relative error of about that size
_LEVELS = each(between(0, 2))
_D = FORMULA[3:]


class Run(NamedTuple):
    """The mean of |W|_F^2 / |W_0|_F^2 after some steps of SGD, over seeds, and what the law says of it."""

    d: int
    batch: int
    level: float  # eta d^2 / batch; the largest stable one is about 2
    measured: float
    error: float  # its standard error
    predicted: float
    leading: float  # by the decay of the recursion to leading order, from the same start

    @property
    def off(self):
        """In standard errors."""
        return (self.measured - self.predicted) / self.error


class Runs(NamedTuple):
    """Runs of several settings."""

    runs: tuple

    @property
    def verdict(self):
        """Within three standard errors each, which are less than a twentieth of the mean."""
        close = all(abs(run.off) <= 3 and run.error < 0.05 * run.measured for run in self.runs)
        return verdicts.HOLDS if self.runs and close else verdicts.FAILS


@arguments(dims=each(range(4, 1001)), levels=_LEVELS, steps=COUNT, seeds=range(2, 10**5), seed=SEED)
def against_runs(dims, levels, steps, seeds, seed):
    """The Runs at every dimension and level, with d / 5 samples a step, from Gaussian W with entries of size SMALL."""
    found = []
    for d in dims:
        W0 = SMALL * torch.randn(d, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        start = float(W0.square().sum())
        for level in levels:
            batch = max(1, d // 5)
            eta = level * batch / d**2
            history = sgd.train(
                W0.float(), torch.zeros(d, d), eta=eta, batch=batch, steps=steps, seeds=range(seed, seed + seeds),
                record_at=[steps], allow_unstable=True,
            )  # fmt: skip
            squares = history.distance[-1] ** 2 / start
            predicted = second_moments.mean_square(W0, eta, batch, steps)[-1] / start
            leading = math.exp(-linearised.sgd_decay(eta, batch, d) * eta * steps)
            error = float(squares.std()) / math.sqrt(seeds)
            found.append(Run(d, batch, level, float(squares.mean()), error, float(predicted), leading))
    return Runs(tuple(found))


class Steps(NamedTuple):
    """The largest stable step over the dimension, exactly and to leading order in 1/d: [m] each."""

    dims: np.ndarray
    exact: np.ndarray
    leading: np.ndarray

    @property
    def excess(self):
        """By which the leading order is too long, relative to the exact one."""
        return self.leading / self.exact - 1

    @property
    def per_dimension(self):
        """The limit of d times the excess, from the largest dimension."""
        return float(self.dims[-1] * self.excess[-1])

    @property
    def verdict(self):
        """Too long everywhere, by an error that falls like 1/d between the last two dimensions."""
        scaled = self.dims * self.excess
        falls = abs(scaled[-1] / scaled[-2] - 1) < 0.05
        return verdicts.HOLDS if (self.excess > 0).all() and falls else verdicts.FAILS


@arguments(dims=each(_D), share=between(0, 10**6))
def largest_steps(dims, share):
    """The Steps with share * d samples a step, one at least."""
    batches = [max(1, round(share * d)) for d in dims]
    exact, leading = (
        np.array([module.largest_stable_step(batch, d) for batch, d in zip(batches, dims)])
        for module in (second_moments, linearised)
    )
    return Steps(np.array(dims), exact, leading)


class OfThePaper(NamedTuple):
    """A step of SGD among those that could have been taken."""

    eta: float
    largest: float
    fastest: float
    steps: float  # for a tenth of the distance, with eta
    fewest: float  # the same with the fastest step

    @property
    def verdict(self):
        """Stable, and a longer step would have been faster."""
        stable = self.eta < self.largest
        return verdicts.HOLDS if stable and self.eta < self.fastest < self.largest else verdicts.FAILS


@arguments(eta=between(0, math.inf), batch=COUNT, d=_D)
def of_the_paper(eta, batch, d):
    """The OfThePaper for its step eta near the teacher; steps by the decay of the mean square by a hundred."""
    largest, fastest = second_moments.largest_stable_step(batch, d), second_moments.fastest_step(batch, d)
    steps, fewest = (math.log(100) / -math.log(second_moments.growth(step, batch, d)) for step in (eta, fastest))
    return OfThePaper(eta, largest, fastest, steps, fewest)
