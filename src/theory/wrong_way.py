r"""Where the gradient points away from the teacher, and how small the weights can be there (section 4, Figure 3).

At the printed scale, unless said otherwise: R = -pi grad L is the sum of Lemma 2.1, M = W* - W, and the gradient points
the wrong way where <R, M> < 0. Weights are [d, d] tensors or coordinates (alpha, kappa, tau) of
`src.dynamics.three_variables`, W = alpha (I - J/d) + kappa K + tau J/d, in which R is a formula for every d.
"""

import itertools
import math
from typing import NamedTuple

import mpmath
import numpy as np
import torch
from scipy.optimize import brentq, minimize_scalar

from src import verdicts
from src.checks import DIMENSION, FORMULA, arguments, between, vector, within
from src.dynamics import three_variables
from src.model import landscape
from src.theory import bounds, naive_gradient, span

DIGITS = 40  # of the computations in mpmath
LIMIT = 4 * math.sqrt(math.pi / 2 - 1)  # |M|_F from which the gradient can point the wrong way, as d -> infinity

_POSITIVE = between(0, math.inf)
_ANY_DIMENSION = between(1, FORMULA[-1])  # of a formula that does not ask for a whole number
_PROVED = between(0, (math.sqrt(2) - 1) / (math.sqrt(2) + 1))  # norms for which `bounds.margin_pieces` exist


class Figure3(NamedTuple):
    """A gradient flow from a wrong-way start to the teacher W* = 0, with ten points W_1 ... W_10; at the true scale."""

    d: int
    times: np.ndarray  # [T]
    coordinates: np.ndarray  # [3, T]
    distance: np.ndarray  # [T], |W - W*|_F
    potential: np.ndarray  # [T], g
    marks: np.ndarray  # [10], where among the times the ten points are; W_6 is the end of Phase I
    inner: float  # <-grad L, W* - W> at W_1: negative where the gradient points the wrong way
    rise: float  # the largest distance, relative to the first, minus one
    descent: float  # the largest change of g from one time to the next up to W_6: negative where it only falls
    approach: float  # the largest change of the distance from one time to the next from W_6 on

    @property
    def verdict(self):
        """illustrated, if the path first leads away while g falls, and then approaches the teacher all the time."""
        as_drawn = self.inner < 0 < self.rise and self.descent < 0 and self.approach < 0
        return verdicts.ILLUSTRATED if as_drawn else verdicts.FAILS


@arguments(d=FORMULA[2:], frobenius=_POSITIVE)
def figure_3(d=103, frobenius=4.5):
    """Figure 3 from a computed path: the flow from the start of section 5.3 with this |W|_F and tr W = -3/4 |W|_F^2."""
    if not 0.75 * frobenius <= math.sqrt(d - 1):
        raise ValueError(f"frobenius must be at most sqrt(d - 1) / 0.75 = {math.sqrt(d - 1) / 0.75}, not {frobenius}")
    start = three_variables.start(d, frobenius, -0.75 * frobenius**2)
    end = 3.5 * math.pi / d  # of Phase I: g falls at the rate d / pi, so that 3 % of it are left
    marked = np.concatenate([np.linspace(0, end, 6), [1.5, 3, 6, 11]])
    times = np.unique(np.concatenate([marked, np.geomspace(1e-4, 20, 120)]))
    marks = np.searchsorted(times, marked)
    path = three_variables.trajectory(start, d, times)
    distance, potential, inner, _ = np.array([three_variables.curves(W, d) for W in path.T.tolist()]).T
    return Figure3(
        d,
        times,
        path,
        distance,
        potential,
        marks,
        inner=inner[0],
        rise=distance.max() / distance[0] - 1,
        descent=np.diff(potential[: marks[5] + 1]).max(),
        approach=np.diff(distance[marks[5] :]).max(),
    )


@arguments(d=FORMULA[2:], frobenius=_POSITIVE)
def lowest_inner(d, frobenius):
    """W* = 0: (the smallest <R, M>, the coordinates there) over the trace of section 5.3's start, in 40 digits."""

    def value(trace):
        with mpmath.workdps(DIGITS):
            W = _digits(three_variables.start(d, frobenius, trace))
            return float(mpmath.pi * three_variables.inner(three_variables.gradient(W, d), W, d))

    try:
        found = minimize_scalar(value, bounds=(-(frobenius**2), -(frobenius**2) / 2), method="bounded")
    except (ValueError, OverflowError):
        raise ValueError(
            f"frobenius must be at most some sqrt(d - 1) = {math.sqrt(d - 1):.4g}, for such traces, not {frobenius}"
        ) from None
    return found.fun, three_variables.start(d, frobenius, found.x)


@arguments(d=FORMULA[15:])  # below 16 section 5.3 has no start with |W|_F = 4
def critical_frobenius(d):
    """W* = 0: the |W|_F from which on the gradient points the wrong way at some start of section 5.3."""
    return brentq(lambda frobenius: lowest_inner(d, frobenius)[0], 1.2, 4, xtol=1e-6)


@arguments(d=_ANY_DIMENSION, gamma=between(0, 1), precise=bool)
def lowest_ratio(d, gamma, precise=False):
    """W* = -W = t (I - J/d) + k K of spectral norm gamma: (the smallest <R, M> / |M|_F^2 over t, g there).

    In float64, or in 40 digits if `precise`.
    """
    number = mpmath.mpf if precise else float

    def ratio_and_potential(x):
        t = number(x) * number(gamma) ** 2  # to leading order x = 1/2 is the lowest
        k = (number(gamma) ** 2 - t**2) ** 0.5
        return span.printed_ratio((-t, -k, 0 * t), (t, k, 0 * t), d)

    with mpmath.workdps(DIGITS):
        found = minimize_scalar(lambda x: float(ratio_and_potential(x)[0]), bounds=(0, 1), method="bounded")
        ratio, g = ratio_and_potential(found.x)
        return float(ratio), float(g)


class SmallestNorms(NamedTuple):
    """From which norm on the gradient can point the wrong way, over the dimension: two families and a lower bound."""

    dimensions: np.ndarray  # [D], increasing
    frobenius: np.ndarray  # [D], |W|_F for W* = 0
    zero_teacher: np.ndarray  # [D], |W|_2 for W* = 0
    opposite: np.ndarray  # [D], |W|_2 = |W*|_2 for W* = -W
    safe: np.ndarray  # [D], the gamma up to which no pair with |W|_2, |W*|_2 <= gamma has it, by `lowest_possible`


@arguments(dimensions=vector(FORMULA[16:]))  # below 17 the bracket for W* = -W reaches |W|_2 = 1
def smallest_norms(dimensions):
    """The `SmallestNorms` at these dimensions, sorted."""
    dimensions = sorted(set(map(int, dimensions)))
    frobenius = [critical_frobenius(d) for d in dimensions]
    zero = [three_variables.spectral_norm(lowest_inner(d, F)[1]) for d, F in zip(dimensions, frobenius)]
    opposite = [
        brentq(lambda gamma, d=d: lowest_ratio(d, gamma)[0], 0.3 / math.sqrt(d), 4 / math.sqrt(d)) for d in dimensions
    ]
    safe = [brentq(lambda gamma, d=d: lowest_possible(d, gamma), 1e-9, 0.1) for d in dimensions]
    return SmallestNorms(np.array(dimensions), *map(np.array, (frobenius, zero, opposite, safe)))


class WrongWay(NamedTuple):
    """A pair with |W|_2 = |W*|_2 = gamma, W* = -W, at which the gradient points away from the teacher."""

    onset: float  # the dimension from which on there is one, by the formulas, which do not ask for a whole number
    d: int  # a prime congruent to 3 modulo 4 a little beyond, where the matrices exist
    ratio: float  # <R, M> / |M|_F^2 there, in float64
    precise_ratio: float  # the same in 40 digits
    g: float  # the potential there

    @property
    def verdict(self):
        """holds, if both arithmetics find a negative inner product, at a potential above the limit of Theorem 3.3."""
        found = self.ratio < 0 and self.precise_ratio < 0 and self.g > bounds.G_LIMIT
        return verdicts.HOLDS if found else verdicts.FAILS


@arguments(d=between(0, FORMULA[-1]), gamma=_PROVED)
def lowest_possible(d, gamma):
    r"""No pair with |W|_2, |W*|_2 <= gamma has a smaller <R, M> / |M|_F^2 in dimension d, whatever its potential.

    The pieces of `bounds.margin_pieces`, but for the radial one g <A_bar, M> >= -|M|_F^4 / (16 (1 - gamma)^2), where
    |M|_F^2 <= 4 gamma^2 d. Chapter 5 has the proof. Errors as in `bounds.one_point_ratio`.
    """
    return sum(bounds.margin_pieces(gamma)._replace(radial=-d * gamma**2 / (4 * (1 - gamma) ** 2)))


@arguments(gamma=_PROVED, delta=within(-10, 10))
def safe_dimension(gamma=bounds.PHASE_TWO_SPECTRAL, delta=0.0):
    """The dimension up to which `lowest_possible` is at least delta: the whole ball is delta-one point convex there.

    An integer, 0 or negative where there is no such dimension.
    """
    slope = lowest_possible(1, gamma) - lowest_possible(2, gamma)
    return math.floor(1 + (lowest_possible(1, gamma) - delta) / slope)


@arguments(gamma=between(1e-6, 0.3))
def small_pair(gamma=bounds.PHASE_TWO_SPECTRAL):
    """The `WrongWay` pair of spectral norm gamma in the smallest dimension that has one, plus two per cent."""
    first = 1 / gamma**2  # to leading order |M|_F = 2 gamma sqrt(d) must be LIMIT: d = 2.28 / gamma^2
    onset = math.exp(brentq(lambda x: lowest_ratio(math.exp(x), gamma)[0], math.log(first / 10), math.log(100 * first)))
    d = first_prime(math.ceil(1.02 * onset))
    precise_ratio, g = lowest_ratio(d, gamma, precise=True)
    return WrongWay(onset, d, lowest_ratio(d, gamma)[0], precise_ratio, g)


class InPhaseOne(NamedTuple):
    """Does the gradient point the wrong way in Phase I? At starts with |W|_2, |W*|_2 <= gamma and g > 197 gamma^2."""

    d: int
    starts: int  # so many, Gaussian and structured
    wrong: int  # of these, at which <R, M> is negative
    lowest: float  # the smallest <R, M> / |M|_F^2 among them
    bound: float  # which no pair in the ball is below, whatever its potential: `lowest_possible`

    @property
    def verdict(self):
        """fails, if there is a start in Phase I at which the gradient points the right way; holds otherwise."""
        right_way = self.bound > 0 or self.wrong < self.starts
        return verdicts.FAILS if right_way else verdicts.HOLDS


@arguments(d=DIMENSION[2:], gamma=_PROVED, count=DIMENSION, generator=torch.Generator)
def in_phase_one(d, gamma, count, generator):
    """`InPhaseOne` over the pairs of `naive_gradient.pairs`, and `count` random ones, those with g > 197 gamma^2.

    The random ones are Gaussian with spectral norm gamma / 2, and shifted by -gamma / 2 I (W) and gamma / 2 I (W*), so
    that the potential is large. Raises ValueError where no pair is in Phase I.
    """
    W, W_star = naive_gradient.pairs(d, count, generator)
    gaussian = torch.randn(2, count, d, d, generator=generator, dtype=W.dtype)
    gaussian /= torch.linalg.matrix_norm(gaussian, 2)[..., None, None]
    eye = torch.eye(d, dtype=W.dtype)
    W, W_star = (
        gamma * torch.cat([X, (random + sign * eye) / 2]) for X, random, sign in zip((W, W_star), gaussian, (-1, 1))
    )
    in_phase = landscape.potential(W, W_star) > bounds.phase_one_potential(gamma)
    if not in_phase.any():
        raise ValueError(f"gamma = {gamma} and d = {d} leave no start with g above {bounds.phase_one_potential(gamma)}")
    ratio = math.pi * landscape.one_point_ratio(W[in_phase], W_star[in_phase])
    return InPhaseOne(d, len(ratio), int((ratio < 0).sum()), float(ratio.min()), lowest_possible(d, gamma))


@arguments(least=FORMULA[2:])
def first_prime(least):
    """The first prime from `least` on that is 3 modulo 4, so that Paley's matrix exists."""
    candidates = (n for n in itertools.count(least) if n % 4 == 3)
    return next(n for n in candidates if all(n % k for k in range(3, math.isqrt(n) + 1, 2)))


def _digits(W):
    return tuple(map(mpmath.mpf, W))
