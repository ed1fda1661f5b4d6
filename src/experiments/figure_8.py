"""Section 5.3 and Figure 8: a start whose gradient points the wrong way, its first hundred steps and the whole run.

W* = 0 throughout; gradients and inner products <-grad L, W* - W> are at the true scale.
"""

import math
from typing import NamedTuple

import numpy as np
import torch

from src import verdicts
from src.checks import check_generator, check_integer, check_matrix
from src.dynamics import three_variables
from src.model import landscape

PAPERS_TURN = 15  # iterations after which the paper's inner product is positive, "about"


class Start(NamedTuple):
    """The start's norms and trace, and the first inner product, of it and of Gaussian matrices of the same norm."""

    spectral: float
    frobenius: float
    trace: float
    inner: float
    gaussian: tuple

    @property
    def verdict(self):
        """Holds, if the norms are the paper's, about 0.15 and about 5, and the inner product is negative; and
        construction, not chance, made it so: no Gaussian matrix does."""
        norms = self.spectral <= 0.155 and abs(self.frobenius - 5) < 0.5
        return verdicts.HOLDS if norms and self.inner < 0 < min(self.gaussian) else verdicts.FAILS


def first_gradient(W0, generator, draws=3):
    """The `Start` W0 [d, d], beside `draws` Gaussian matrices of its dtype, drawn from the (CPU) generator."""
    check_matrix("W0", W0)
    check_generator(generator)
    check_integer("draws", draws, at_least=1)
    zero, frobenius, gaussian = torch.zeros_like(W0), W0.norm(), []
    for _ in range(draws):
        G = torch.randn(W0.shape, generator=generator, dtype=W0.dtype).to(W0.device)
        gaussian.append(landscape.inner_product(frobenius * G / G.norm(), zero).item())
    spectral = torch.linalg.eigvalsh(W0.mT @ W0)[-1].sqrt().item()
    inner = landscape.inner_product(W0, zero).item()
    return Start(spectral, frobenius.item(), W0.trace().item(), inner, tuple(gaussian))


def turning(t, inner):
    """When the inner product turns positive for good, in the unit of t, between the points by straight lines.

    nan where it is never negative, and where it still is at the end.
    """
    t, inner = np.asarray(t, dtype=float), np.asarray(inner, dtype=float)
    below = np.nonzero(inner <= 0)[0]
    if not len(below) or below[-1] == len(inner) - 1:
        return math.nan
    k = below[-1]
    return float(t[k] - inner[k] * (t[k + 1] - t[k]) / (inner[k + 1] - inner[k]))


def turning_times(d, frobenius, traces, t):
    """`turning` of the flow from `three_variables.start(d, frobenius, trace)`, for all traces: an array, nan as there.

    t: increasing times from 0, fine enough to interpolate in and long enough to see it turn.
    """
    found = []
    for trace in traces:
        path = three_variables.trajectory(three_variables.start(d, frobenius, trace), d, t, rtol=1e-9).T
        inner = [three_variables.inner(three_variables.gradient(W, d), W, d) for W in path]
        found.append(turning(t, inner))
    return np.array(found)


def trace_that_turns_at(when, traces, times):
    """The trace at which `times` (falling as the traces rise) is `when`; nan entries are left out."""
    seen = np.isfinite(times)
    return float(np.interp(when, times[seen][::-1], np.asarray(traces)[seen][::-1]))


class Opening(NamedTuple):
    """What Figure 8(a) shows: the first iterations of SGD, and when the whole family of starts turns."""

    first_inner: float
    last_inner: float
    first_potential: float
    kept: float  # of the potential at the end, relative to the first
    drift: float  # largest change of the distance, relative to the first
    turned: float  # iterations until the inner product is positive
    earliest: float  # the same for the start that turns first, by the flow
    latest: float

    @property
    def verdict(self):
        """Holds, if the inner product turns from negative to positive, a positive potential falls below half, the
        distance changes by less than a hundredth, and some start of the family turns when the paper's does."""
        turns = self.first_inner < 0 < self.last_inner
        falls = self.first_potential > 0 and abs(self.kept) < 0.5
        reachable = self.earliest <= PAPERS_TURN <= self.latest
        return verdicts.HOLDS if turns and falls and self.drift < 0.01 and reachable else verdicts.FAILS


def opening(history, family):
    """The `Opening` of SGD's History, beside the iterations at which each start of a family turns."""
    inner, potential, distance = history.inner, history.potential, history.distance
    return Opening(
        first_inner=inner[0].item(),
        last_inner=inner[-1].item(),
        first_potential=potential[0].item(),
        kept=(potential[-1] / potential[0]).item(),
        drift=(distance / distance[0] - 1).abs().max().item(),
        turned=turning(history.step, inner),
        earliest=float(np.nanmin(family)),
        latest=float(np.nanmax(family)),
    )


class Entire(NamedTuple):
    """What Figure 8(b) shows: the whole run by the flow, and how SGD ends at smaller dimensions."""

    lowest_inner: float  # in Phase II
    largest_potential: float  # absolute, in Phase II
    largest_rise: float  # of the distance from one point of Phase II to the next; negative where it only falls
    first_distance: float
    first_potential: float
    end: float  # the last distance
    sgd_ends: tuple

    @property
    def verdict(self):
        """Holds, if in Phase II the inner product is positive, the potential below a twentieth of its first value and
        the distance falls all the time, to a hundredth of its first; to a twentieth by SGD."""
        steady = (
            self.lowest_inner > 0 and self.largest_potential < 0.05 * self.first_potential and self.largest_rise < 0
        )
        home = self.end < 0.01 * self.first_distance and max(self.sgd_ends) < 0.05 * self.first_distance
        return verdicts.HOLDS if steady and home else verdicts.FAILS


def entire(history, phase_two, sgd_ends):
    """The `Entire` of the flow's History, of which Phase II is t > phase_two; nan where that leaves no two points."""
    after = history.t > phase_two
    if after.sum() < 2:
        lowest, largest, rise = (math.nan,) * 3
    else:
        lowest = history.inner[after].min().item()
        largest = history.potential[after].abs().max().item()
        rise = history.distance[after].diff().max().item()
    ends = (x.item() for x in (history.distance[0], history.potential[0], history.distance[-1]))
    return Entire(lowest, largest, rise, *ends, tuple(sgd_ends))


def late_rates(history):
    """The rates per unit of t at which distance, inner product and loss decay in the second half of a History."""
    late = history.t > history.t[-1] / 2
    return {
        name: -float(np.polyfit(history.t[late], getattr(history, name)[late].log(), 1)[0])
        for name in ("distance", "inner", "loss")
    }
