r"""Between Tian's saddle and the teacher is no other critical point, for every K: a proof by interval arithmetic.

With k = 1 / sqrt(K - 1), the saddle in the direction theta_s = pi/2 - arctan(k), and psi = theta_s - theta, the angles
of `src.companions.symmetry_breaking` are

    cos(phi*) = k sin(theta),    sin(phi / 2) = sqrt((1 + k^2) / 2) sin(psi),

and, all divided by K - 1,

    p = pi k^2 + h(phi),    p' = (pi - phi) (1 + k^2) sin(2 psi),
    q = k^2 h(theta) + h(phi*),    q' = k ((pi - phi*) cos(theta) - k (pi - theta) sin(theta)).

N = 2 q' p - q p' vanishes at both ends, 0 and theta_s. The proof shows N < 0 between: in the outer parts by the sign
of dN/dtheta, in the middle directly, on boxes that cover all k from 0 to 1, hence all K >= 2, real ones too.
"""

import math
from typing import NamedTuple

import numpy as np

from src import verdicts
from src.checks import arguments

_CELLS = range(10, 2001)
_END = 0.15  # the share of the sector, at each end, in which the derivative decides
_ROUNDING = 1e-15  # relative: more than four units in the last place, which numpy's functions keep


class Interval:
    """Arrays of closed intervals, rounded outwards."""

    def __init__(self, low, high):
        self.low, self.high = low - _ROUNDING * np.abs(low) - 1e-300, high + _ROUNDING * np.abs(high) + 1e-300

    def __add__(self, other):
        other = _interval(other)
        return Interval(self.low + other.low, self.high + other.high)

    def __neg__(self):
        return Interval(-self.high, -self.low)

    def __sub__(self, other):
        return self + -_interval(other)

    def __rsub__(self, other):
        return _interval(other) - self

    def __mul__(self, other):
        other = _interval(other)
        ends = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return Interval(np.minimum.reduce(np.broadcast_arrays(*ends)), np.maximum.reduce(np.broadcast_arrays(*ends)))

    def __truediv__(self, other):
        return self * Interval(1 / other.high, 1 / other.low)  # of a positive interval

    __radd__, __rmul__ = __add__, __mul__


class Sector(NamedTuple):
    """Bounds over the boxes; see `sector`."""

    middle: float  # N is at most this in the middle
    at_saddle: float  # dN/dtheta is at least this at the saddle's end
    at_teacher: float  # and at most this at the teacher's end

    @property
    def verdict(self):
        """Holds, if N < 0 is proved strictly between the ends; else open: wide boxes prove nothing."""
        proved = self.middle < 0 < self.at_saddle and self.at_teacher < 0
        return verdicts.HOLDS if proved else verdicts.OPEN


@arguments(cells=_CELLS)
def sector(cells):
    """The Sector of bounds on `cells` by `cells` boxes of k in [0, 1] and of the place between saddle and teacher."""
    edges = np.linspace(0, 1, cells + 1)
    k = Interval(edges[:-1, None], edges[1:, None])
    places = np.concatenate([np.linspace(0, _END, cells // 4), np.linspace(_END, 1 - _END, cells // 2)[1:]])
    places = np.concatenate([places, np.linspace(1 - _END, 1, cells // 4)[1:]])
    n, slope = turning(k, Interval(places[None, :-1], places[None, 1:]))
    first, last = places[1:] <= _END, places[:-1] >= 1 - _END
    return Sector(
        float(n.high[:, ~(first | last)].max()),
        float(slope.low[:, first].min()),
        float(slope.high[:, last].max()),
    )


@arguments(k=Interval, place=Interval)
def turning(k, place):
    """N and dN/dtheta, over K - 1 squared, for Intervals k and place: 0 at the saddle, 1 at the teacher."""
    whole = math.pi / 2 - _increasing(np.arctan, k)
    psi, theta = place * whole, (1.0 - place) * whole
    cosine, sine = _decreasing(np.cos, theta), _increasing(np.sin, theta)
    cosine_psi, sine_psi = _decreasing(np.cos, psi), _increasing(np.sin, psi)
    one = 1.0 + k * k
    half = _increasing(np.arcsin, _increasing(np.sqrt, one * 0.5) * sine_psi)
    phi, phi_star = half * 2.0, _decreasing(np.arccos, k * sine)
    p, q = math.pi * k * k + _decreasing(_h, phi), k * k * _decreasing(_h, theta) + _decreasing(_h, phi_star)
    left, star, own = math.pi - phi, math.pi - phi_star, math.pi - theta
    dp = left * one * sine_psi * cosine_psi * 2.0
    dq = k * (star * cosine - k * own * sine)
    # The derivative of phi has sin(phi) below it, and sin(psi) above cancels.
    turn = _increasing(np.sqrt, one) * one * sine_psi * cosine_psi * cosine_psi / _decreasing(np.cos, half)
    ddp = turn * (2 * math.sqrt(2)) - left * one * (1.0 - sine_psi * sine_psi * 2.0) * 2.0
    ddq = k * (k * cosine * cosine / _increasing(np.sin, phi_star) - star * sine + k * sine - k * own * cosine)
    return dq * p * 2.0 - q * dp, ddq * p * 2.0 + dq * dp - q * ddp


def _interval(x):
    return x if isinstance(x, Interval) else Interval(np.float64(x), np.float64(x))


def _increasing(function, x):
    """An increasing function of an Interval."""
    return Interval(function(x.low), function(x.high))


def _decreasing(function, x):
    """A decreasing function of an Interval."""
    return Interval(function(x.high), function(x.low))


def _h(angle):
    return np.sin(angle) + (math.pi - angle) * np.cos(angle)
