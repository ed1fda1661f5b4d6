"""Section 4: in Phase I the potential will approach, and stay around, O(gamma), gamma being the bound on the weights.

Theorem 3.2 ends Phase I at 197 gamma^2 instead, which is less than any multiple of gamma when gamma is small. Printed
scale; the flow within the span of I and J, whose corners are the worst pairs to first order.
"""

import math
from typing import NamedTuple

import numpy as np

from src import verdicts
from src.checks import FORMULA, arguments, between, each, within
from src.dynamics import three_variables
from src.theory import bounds, phase_one, phase_one_pairs

SHARE = 0.1  # |g| has come near when it is a tenth of gamma


class StaysAround(NamedTuple):
    """What |g| does after it has come down to SHARE gamma for the first time; gammas fall, dimensions grow."""

    dimensions: tuple
    gammas: tuple
    reached: np.ndarray  # [D, G], when the last start has come down, in units of 1 / (16 eta) steps; inf if it has not
    largest: np.ndarray  # [D, G], the largest |g| / gamma from there on, over the starts

    @property
    def above_threshold(self):
        """The largest g from there on, in units of 197 gamma^2, at the smallest gamma."""
        return float(self.largest[:, -1].max()) * self.gammas[-1] / bounds.phase_one_potential(self.gammas[-1])

    @property
    def verdict(self):
        """fails, if g does not come down, or comes back to a multiple of gamma that grows as gamma falls or with the
        dimension; holds otherwise."""
        first = self.largest[0, 0]
        bounded = np.isfinite(self.reached).all() and self.largest.max() <= 2 * first
        return verdicts.HOLDS if bounded else verdicts.FAILS


@arguments(path=phase_one.Path, gamma=between(0, math.inf))
def comes_down(path, gamma):
    """(share of the 1 / (16 eta) steps, largest |g| / gamma afterwards) over the starts of a `phase_one.Path`."""
    g = path.g.abs() / gamma  # [T, S]
    down = (g <= SHARE).cummax(0).values
    if not down[-1].all():
        return math.inf, math.inf
    reached = path.t[down.int().argmax(0)].max() / phase_one.END
    return float(reached), float((g * down).max())


@arguments(dimensions=each(FORMULA[2:]), gammas=each(between(0, 1)), t_end=within(0, math.inf))
def stays_around(dimensions=(100, 400), gammas=(1e-2, 1e-3, 1e-4), t_end=0.5):
    """The StaysAround from the corners of the span and from W = gamma (J - I) / (d - 1), W* = -W or 0.

    Of these last two g is nearly 0 and <u, s> is -2 gamma d or half of it: g grows before it falls.
    """
    if any(np.diff(dimensions) <= 0) or any(np.diff(gammas) >= 0):
        raise ValueError(f"dimensions must grow and gammas must fall, not {dimensions} and {gammas}")
    reached, largest = np.zeros((2, len(dimensions), len(gammas)))
    for row, d in enumerate(dimensions):
        for column, gamma in enumerate(gammas):
            hollow, opposite = (-gamma / (d - 1), 0.0, gamma), (gamma / (d - 1), 0.0, -gamma)
            pairs = [*phase_one_pairs.corners(gamma), (hollow, opposite), (hollow, three_variables.ZERO)]
            path = phase_one.descend_in_span(pairs, d, phase_one.times(d, t_end, finest=0.05))
            reached[row, column], largest[row, column] = comes_down(path, gamma)
    return StaysAround(tuple(dimensions), tuple(gammas), reached, largest)
