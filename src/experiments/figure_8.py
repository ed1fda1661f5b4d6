"""Section 5.3 and Figure 8: a start whose gradient points the wrong way, its first hundred steps and the whole run.

W* = 0 throughout; gradients and inner products <-grad L, W* - W> are at the true scale unless the name says otherwise.
"""

import math
from typing import NamedTuple

import numpy as np
import torch

from src import verdicts
from src.checks import DIMENSION, arguments, check_positive, vector
from src.dynamics.history import History
from src.experiments import inputs, sgd_and_flow
from src.model import landscape, weights

DRIFT = 0.01  # by less the distance changes while the gradient points the wrong way, relative to the first


class Start(NamedTuple):
    """The norms and the first inner product of a start."""

    spectral: float
    frobenius: float
    inner: float

    @property
    def verdict(self):
        """Holds, if the norms round to the paper's, 0.15 and 5, and the inner product is negative."""
        norms = abs(self.spectral - 0.15) <= 0.005 and abs(self.frobenius - 5) <= 0.5
        return verdicts.HOLDS if norms and self.inner < 0 else verdicts.FAILS


@arguments(W0=inputs.matrix)
def first_gradient(W0):
    """The `Start` W0 [d, d]."""
    inner = landscape.inner_product(W0, torch.zeros_like(W0)).item()
    return Start(spectral_norm(W0), W0.norm().item(), inner)


@arguments(W=inputs.matrix)
def spectral_norm(W):
    """||W||_2 of W [d, d], from the d x d matrix W^T W: good to half the digits, and fast."""
    W = W.double()
    return torch.linalg.eigvalsh(W.mT @ W)[-1].sqrt().item()


@arguments(
    d=range(4, DIMENSION.stop),
    spectral=check_positive,
    frobenius=check_positive,
    trace=inputs.NUMBER,
    generator=torch.Generator,
)
def start_with_norms(d, spectral, frobenius, trace, generator):
    """A start like `weights.wrong_way_start` that has this spectral norm too: float64, [d, d], with W u = 0.

    Its skew part is flat on the first coordinates and zero on the others; their number sets the spectral norm, which
    is met to a relative 1/d. Raises ValueError unless spectral is at least about frobenius / sqrt(d), and so large a
    part of the norm skew that three coordinates hold it.
    """
    a = -trace / (d - 1)
    rest = frobenius**2 - a**2 * (d - 1)  # the squared Frobenius norm of the skew part
    planes = round(rest / (spectral**2 - a**2) / 2) if spectral > abs(a) else 0  # of two dimensions each
    size = 2 * planes + 1  # odd: a skew matrix with K u = 0 then has no other singular value 0
    if rest <= 0 or not 3 <= size <= d:
        raise ValueError(f"spectral must suit frobenius {frobenius} and trace {trace} at d = {d}; it is {spectral}")
    W = a / d - a * torch.eye(d, dtype=torch.float64)
    W[:size, :size] += math.sqrt(rest / (size - 1)) * weights.flat_skew(size, generator)
    return W


@arguments(W0=inputs.matrix, generator=torch.Generator, draws=range(1, 10**6))
def gaussian_inner(W0, generator, draws=3):
    """The first inner products of `draws` Gaussian matrices with W0's Frobenius norm: a list."""
    found = []
    for _ in range(draws):
        G = torch.randn(W0.shape, generator=generator, dtype=W0.dtype).to(W0.device)
        found.append(landscape.inner_product(W0.norm() * G / G.norm(), torch.zeros_like(G)).item())
    return found


@arguments(t=inputs.increasing, inner=vector(inputs.NUMBER))
def turning(t, inner):
    """When the inner product turns positive for good, in the unit of t, between the points by straight lines.

    nan where it is never negative, and where it still is at the end.
    """
    if len(t) != len(inner):
        raise ValueError(f"inner must be as long as t, {len(t)}, not {len(inner)}")
    t, inner = np.asarray(t, dtype=float), np.asarray(inner, dtype=float)
    below = np.nonzero(inner <= 0)[0]
    if not len(below) or below[-1] == len(inner) - 1:
        return math.nan
    k = below[-1]
    return float(t[k] - inner[k] * (t[k + 1] - t[k]) / (inner[k + 1] - inner[k]))


class Opening(NamedTuple):
    """What Figure 8(a) shows: the first iterations of SGD."""

    first_inner: float
    last_inner: float
    first_potential: float
    kept: float  # of the potential at the end, relative to the first
    drift: float  # largest change of the distance, relative to the first

    @property
    def verdict(self):
        """Holds, if the inner product turns from negative to positive, a positive potential falls below a twentieth,
        and the distance changes by less than DRIFT."""
        turns = self.first_inner < 0 < self.last_inner
        falls = self.first_potential > 0 and abs(self.kept) < 0.05
        return verdicts.HOLDS if turns and falls and self.drift < DRIFT else verdicts.FAILS


@arguments(history=History)
def opening(history):
    """The `Opening` of SGD's History."""
    inner, potential, distance = history.inner, history.potential, history.distance
    return Opening(
        first_inner=inner[0].item(),
        last_inner=inner[-1].item(),
        first_potential=potential[0].item(),
        kept=(potential[-1] / potential[0]).item(),
        drift=(distance / distance[0] - 1).abs().max().item(),
    )


class PhaseOne(NamedTuple):
    """What Theorem 3.2 says of Phase I, in the first iterations of SGD."""

    slowest: float  # shrink of g per step over eta d, at the printed scale, the least while g > 0.1
    spectral: float  # ||W||_2 after Phase I
    potential: float  # |g| after Phase I

    @property
    def verdict(self):
        """Holds, if g falls by 0.5 eta d of itself a step and ends below 0.1, with weights inside the ball of 1/100."""
        matches = self.slowest >= 0.5 and self.spectral <= 0.01 and self.potential <= 0.1
        return verdicts.HOLDS if matches else verdicts.FAILS


@arguments(history=History, d=DIMENSION, eta=check_positive)
def phase_one(history, d, eta):
    """The `PhaseOne` of SGD's History; the slowest shrink is a mean between neighbouring points that it records."""
    step, g = history.step.double(), history.potential
    fast = g[1:] > 0.1
    kept = (g[1:][fast] / g[:-1][fast]) ** (1 / step.diff()[fast])  # of g, a step
    slowest = math.pi * (1 - kept.max().item()) / (eta * d) if fast.any() else math.nan
    return PhaseOne(slowest, spectral_norm(history.W), abs(g[-1].item()))


class Entire(NamedTuple):
    """What Figure 8(b) shows: Phase II by SGD, the worst of all runs."""

    lowest_inner: float
    largest_potential: float  # absolute
    largest_rise: float  # of the distance from one recorded point to the next; negative where it only falls
    lowest_ratio: float  # of the inner product to the squared distance
    end: float  # the last distance
    first_distance: float  # of the whole run
    first_potential: float

    @property
    def verdict(self):
        """Holds, if the inner product is positive, the potential below a twentieth of its first value and the
        distance falls all the time, to a hundredth of its first."""
        small = self.largest_potential < 0.05 * abs(self.first_potential)
        steady = self.lowest_inner > 0 and small and self.largest_rise < 0
        return verdicts.HOLDS if steady and self.end < 0.01 * self.first_distance else verdicts.FAILS


@arguments(run=sgd_and_flow.Run)
def entire(run):
    """(`Entire`, start of Phase II) of a `sgd_and_flow.Run`: three times as late as the last run's inner product turns.

    nan where that leaves no two points, or where the inner product does not turn.
    """
    begins = 3 * max(turning(run.t, inner) for inner in run.inner.T)
    after = run.t > begins
    first, last = run.distance[0].min(), run.distance[-1].max()
    if after.sum() < 2:
        return Entire(*(math.nan,) * 4, last, first, run.potential[0].min()), begins
    distance, inner = run.distance[after], run.inner[after]
    found = (
        inner.min(),
        np.abs(run.potential[after]).max(),
        np.diff(distance, axis=0).max(),
        (inner / distance**2).min(),
    )
    return Entire(*map(float, (*found, last, first, run.potential[0].min()))), begins


class PhaseTwo(NamedTuple):
    """What Theorem 3.3 says of Phase II, and whether it may say it."""

    ratio: float  # the least inner product over the squared distance
    potential: float  # the largest |g|
    spectral: float  # ||W||_2 where Phase II begins

    @property
    def verdict(self):
        """Fails, if the ratio is not above 0.03; holds, if the theorem's conditions are met, and corrected if not."""
        if not self.ratio > 0.03:
            return verdicts.FAILS
        return verdicts.HOLDS if self.potential <= 0.1 and self.spectral <= 0.01 else verdicts.CORRECTED


@arguments(history=History)
def late_rates(history):
    """The rates per unit of t at which distance, inner product and loss decay in the second half of a History."""
    late = history.t > history.t[-1] / 2
    return {
        name: -float(np.polyfit(history.t[late], getattr(history, name)[late].log(), 1)[0])
        for name in ("distance", "inner", "loss")
    }
