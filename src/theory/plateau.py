r"""Section 5.2's vanilla student: the plateau of the exact loss on which it waits, and a minimum that lies behind it.

L is a sum over the orders of Hermite's polynomials. Order k sees the columns through sum_i |b_i| b_bar_i^(x k) -
|a_i| a_bar_i^(x k) alone; orders 0, 1 and 2 of it are the paper's g, s and A; the odd orders from 3 on are zero.
"""

import math
from typing import NamedTuple

import torch

from src import verdicts
from src.checks import COUNT, MATRIX, arguments, between, like
from src.dynamics import flow
from src.model import landscape, population
from src.theory import minima

ALIKE = 0.9  # the absolute cosine from which a column counts as found
AT_REST = 1e-4  # |gradient|_F below which a point counts as critical
ABOVE_ZERO = 1e-4  # the loss above which a minimum is not the teacher's
_ROUNDING = 1e-13  # relative size of a change that another order of adding makes


def low_orders(W, W_star):
    r"""The part of the loss in orders 0 to 2, g^2 / 2 pi + |s|^2 / 4 + |A|_F^2 / 4 pi, of shape [...].

    W, W_star: [..., d, d]; errors as `landscape.potential` raises them.
    """
    g, s, A = (part(W, W_star) for part in (landscape.potential, landscape.way_along_ones, landscape.outer_difference))
    return g**2 / (2 * math.pi) + s.square().sum(-1) / 4 + A.square().sum((-2, -1)) / (4 * math.pi)


class Point(NamedTuple):
    """What the exact loss looks like at one W."""

    loss: float
    low: float  # the share of it in orders 0 to 2; not finite where rounding leaves no loss
    gradient: float  # Frobenius norm, true scale
    curvature: float  # lowest eigenvalue of the Hessian, true scale
    distance: float  # |W - W*|_F
    match: minima.Matching  # with the teacher's columns in the best order

    @property
    def found(self):
        """How many columns are nearly parallel to the teacher's column that they are matched with."""
        return int((self.match.cosine > ALIKE).sum())

    @property
    def reversed(self):
        """How many are nearly its opposite."""
        return int((self.match.cosine < -ALIKE).sum())


@arguments(W=MATRIX, W_star=like("W"))
def point(W, W_star):
    """The Point at W, [d, d] float64; errors as `minima.match_columns` raises them, and ValueError for W = W*."""
    if torch.equal(W, W_star):
        raise ValueError("W must differ from W_star, where there is no loss to have a share of")
    match = minima.match_columns(W, W_star)
    loss = population.loss(W, W_star)
    return Point(
        loss=float(loss),
        low=float(low_orders(W, W_star) / loss),
        gradient=float(population.gradient(W, W_star).norm()),
        curvature=minima.lowest_curvature(W, W_star),
        distance=float((W - W_star).norm()),
        match=match,
    )


class Fate(NamedTuple):
    """What lies below the point where a run ended."""

    end: Point  # where SGD ended
    plateau: Point  # after some gradient flow from there, which carries off what SGD's noise had stirred up
    minima: tuple  # the Points where L-BFGS ends: from where SGD ended, and from starts that rounding could have made

    @property
    def minimum(self):
        """The one below the very point where SGD ended."""
        return self.minima[0]

    @property
    def bends_down(self):
        """Whether the plateau has a direction of negative curvature: no local minimum is there.

        A saddle point would also need a critical point near by, of which this says nothing.
        """
        return self.plateau.curvature < 0

    @property
    def escape(self):
        """The time in which the linearised flow grows by a factor e along the plateau's steepest way down."""
        return -1 / self.plateau.curvature


@arguments(p=Point)
def in_minimum(p):
    """Whether the Point p is a strict local minimum above zero, to AT_REST and ABOVE_ZERO."""
    return p.curvature > 0 and p.gradient < AT_REST and p.loss > ABOVE_ZERO


class Stuck(NamedTuple):
    """Claim wrong-start-stuck: where a wrong start leads the vanilla student, with each of its teachers."""

    fates: tuple

    @property
    def verdict(self):
        """holds, if every run of SGD ends in a strict local minimum above zero; holds, corrected, if not, but every
        descent from there does; else fails
        """
        if all(in_minimum(fate.end) for fate in self.fates):
            return verdicts.HOLDS
        below = (minimum for fate in self.fates for minimum in fate.minima)
        return verdicts.CORRECTED if all(map(in_minimum, below)) else verdicts.FAILS


@arguments(W=MATRIX, W_star=like("W"), time=between(0, math.inf), descents=COUNT)
def fate(W, W_star, time=10.0, descents=3):
    """The Fate of the run of SGD that ended at W, [d, d] float64; `time` is that of the flow to the plateau.

    On a plateau L-BFGS takes another way after every change in the last digit: of its `descents` all but the first
    start at W times 1 + 1e-13 of normal noise.
    """
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(descents, *W.shape, dtype=W.dtype, generator=generator)
    noise[0] = 0
    below = [minima.descend(start, W_star) for start in W * (1 + _ROUNDING * noise)]
    settled = flow.integrate(W, W_star, time).W
    return Fate(point(W, W_star), point(settled, W_star), tuple(point(place, W_star) for place in below))
