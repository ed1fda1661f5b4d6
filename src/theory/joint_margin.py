r"""A margin for all pairs, in every dimension, that is twice as far-reaching as the one of chapter 7; in intervals.

For |W|_2, |W*|_2 <= gamma the proof of chapter 7 bounds six pieces of <R, M> one by one. Here the two largest, what is
linear in the cosines, are taken together. With A = I + W, B = I + W*, C = (A + B)/2, the diagonal matrices E and F of
e_j = (1/|a_j| + 1/|b_j|)/2 and f_j = 1/|a_j| - 1/|b_j|, and

    K = C E M^T + M E C^T,   G = C F C^T,   G' = M F M^T / 4,   H = (C F M^T + M F C^T)/4 - M diag(1/|a_j|) M^T / 2,

the sum Phi of all c*_ij <b_i, m_j> - c_ij <a_i, m_j>, those with i = j included, is <K - G - G', K/2 + H> exactly: a
square, but for what belongs to the radial parts r_j. `pieces` holds what follows, at a share x of these,

    x = sum_j r_j^2 / |M|_F^2,

and a free number tau from 1 to 2, over |M|_F^2 and at the printed scale; `joint_steps.slacks` tries each step on pairs.
"""

import math
from typing import NamedTuple

from src.checks import COUNT, arguments, between, within
from src.theory import bounds
from src.theory.intervals import Interval

TAUS = (1.0, 1.25, 1.5, 1.75, 2.0)
_GAMMA = between(0, 0.17)


class Pieces(NamedTuple):
    """What, with (pi/2) |M u|^2 / |M|_F^2 + pi/2 - 1, <R, M> / |M|_F^2 is the sum of; or lower bounds of it."""

    linear: Interval  # Phi less its radial share x
    lengths: Interval  # what the pairs i = j take from Phi, beyond 1 + x
    arcsines: Interval  # arcsin c less c
    own: Interval  # the pairs i = j
    sines: Interval
    radial: Interval  # g <A_bar, M>, where g is positive


class Sizes(NamedTuple):
    """What the proof needs of gamma."""

    gamma: Interval
    psi: Interval  # (1 + gamma) / (1 - gamma)
    inverse: Interval  # 1 / (1 - gamma)
    kappa: Interval  # rows and columns of cosines between different columns are at most so long
    zeta: Interval  # 1 / sqrt(1 - kappa^2)


@arguments(gamma=_GAMMA)
def sizes(gamma):
    """The Sizes at a number, as intervals that hold it."""
    gamma = Interval(math.nextafter(gamma, 0), math.nextafter(gamma, 1))
    inverse = 1 / (1 - gamma)
    kappa = (2 * gamma + gamma.square()) * inverse.square()
    return Sizes(gamma, (1 + gamma) * inverse, inverse, kappa, 1 / (1 - kappa.square()).sqrt())


@arguments(at=Sizes, x=Interval, tau=within(1, 2), push=Interval)
def pieces(at, x, tau, push):
    """The Pieces at a share x in [0, 1]. push bounds g/2 or what replaces it, see `certified`."""
    gamma, psi, inverse, kappa, zeta = at
    root, rest = x.sqrt(), (1 - x).clipped().sqrt()  # of the radial share, of the others'
    off = root * ((1 + gamma).square() - (1 - gamma).square() * x).clipped().sqrt()  # sqrt(Q) |off(C^T M)|
    size = gamma * inverse * (1 + psi * root)  # |H|
    second = gamma.square() * inverse.square() * root  # |G'|
    fourth = inverse.square().square()
    cross = gamma * inverse.square() * ((4 * tau - 2) * inverse + (tau - 1) * (psi + 2 * gamma * inverse.square()))
    squares = 2 * tau**2 * gamma.square() * fourth * (1 + gamma.square() / 4)
    ratio = gamma * inverse
    squares = squares + (tau - 1) * (ratio.square() + ratio.square() * ratio)
    linear = (2 * tau - 2 - tau**2 / 2) * x - cross * off - squares * x
    along = root + gamma * inverse * rest  # root of the sum of <a_bar_j, m_j>^2
    return Pieces(
        linear - size.square() / 2 - second * (psi + size),
        -2 * gamma * inverse * root * (1 - x),
        -(zeta - 1) * psi.square() * rest - (kappa.asin() - kappa),
        -(1 - x) * _own(gamma, psi),
        -along * (zeta * kappa * psi.square() * rest + (1 - 1 / zeta) * root),
        -push * inverse * (1 - x),
    )


def _own(gamma, psi):
    """What the pairs i = j take of each unit of what is not radial: angles are at most 2 arcsin gamma."""
    theta, cosine = gamma.asin() * 2, 1 - gamma.square() * 2
    sine = gamma * (1 - gamma.square()).sqrt() * 2
    return (psi * (theta - sine * cosine) + sine - theta * cosine) / (gamma.square() * 4)


@arguments(gamma=_GAMMA, g_max=within(0, 10), cells=COUNT)
def certified(gamma, g_max=bounds.G_LIMIT, cells=100):
    """A float that no ratio of a pair with |W|_2, |W*|_2 <= gamma and g <= g_max is below, in any d; printed scale."""
    return _least(sizes(gamma), Interval(0, math.nextafter(g_max, math.inf)).upper() / 2, cells)


@arguments(gamma=_GAMMA, distance=within(0, 1e6), cells=COUNT)
def certified_without_g(gamma, distance, cells=100):
    """The same whatever g is, for pairs with |M|_F <= distance: g (g - S) >= -S^2/4 with S = sum_j |b_j| h_j."""
    at = sizes(gamma)
    square = Interval(0, math.nextafter(distance, math.inf)).upper().square()
    return _least(at, square * at.inverse / 16, cells)


def _least(at, push, cells):
    """The least over cells of x of the best over tau, from below; worst cells first, for the others one tau will do."""
    start, least = at.gamma.pi() / 2 - 1, math.inf
    for k in sorted(range(cells), key=lambda k: abs(2 * k - cells)):
        x, best = Interval(k / cells, (k + 1) / cells), -math.inf
        for tau in TAUS:
            best = max(best, sum(pieces(at, x, tau, push), start).at_least())
            if best >= least:
                break
        least = min(least, best)
    return least


@arguments(delta=between(0, 0.5), g_max=within(0, 10), step=between(0, 0.1))
def largest(delta=bounds.DELTA, g_max=bounds.G_LIMIT, step=1e-4):
    """The largest multiple of `step` at which `certified` exceeds delta, by bisection; it falls with gamma.

    Raises ValueError for a delta that is not certified at any gamma.
    """
    low, high = 0, round(0.16 / step)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if certified(middle * step, g_max) > delta else (low, middle)
    if not low:
        raise ValueError(f"delta must be below pi/2 - 1 - g_max/2, the bound at small gamma, not {delta}")
    return low * step
