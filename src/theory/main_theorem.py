r"""Theorem 3.1, its constants and its Phase I; the experiments' step sizes beside the theorem's.

Formulas are at the printed scale, like those of `bounds`; descents run on the exact loss at the true scale, where a
step of size eta of the paper is pi eta long. For which T Phase II says something is in `phase_two_steps`.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np
import torch

from src import verdicts
from src.checks import COUNT, DIMENSION, FORMULA, arguments, between, each, within
from src.dynamics import three_variables
from src.model import landscape, population, weights
from src.theory import bounds
from src.theory.bounds import G_LIMIT, PHASE_TWO_SPECTRAL

GAMMA_0 = 1 / 2000  # a gamma_0 with which Phase I ends in time at either scale

_POSITIVE, _FROM_TWO = between(0, math.inf), range(2, FORMULA.stop)
_COORDINATES = each(within(-math.inf, math.inf))


@arguments(d=FORMULA)
def phase_two_radius(d):
    """Proof of Theorem 3.1: |W - W*|_F <= D = sqrt(d) / 50, which needs |W|_2 and |W*|_2 at most 1/100."""
    return math.sqrt(d) / 50


@arguments(gamma=_POSITIVE, d_least=DIMENSION, d_most=DIMENSION)
def largest_start(gamma, d_least=100, d_most=2000):
    """The gamma_0 for which the printed rate leaves Phase I time enough in every dimension from d_least to d_most.

    From g_0 <= 2 gamma_0 d the factor 1 - eta d / 2 leaves at most 2 gamma_0 d exp(-d / 32) after 1 / (16 eta) steps,
    which is to be 197 gamma^2. Raises ValueError unless d_least <= d_most.
    """
    if d_most < d_least:
        raise ValueError(f"d_most must be at least d_least = {d_least}, not {d_most}")
    goal = bounds.phase_one_potential(gamma)
    return min(goal / (2 * d * math.exp(-d / 32)) for d in range(d_least, d_most + 1))


@arguments(d=DIMENSION, gamma_0=_POSITIVE, generator=torch.Generator)
def standard_pair(d, gamma_0, generator):
    """A random student and a random teacher, gamma_0 times orthogonal matrices: two [d, d]."""
    return tuple(weights.with_norms(d, gamma_0, gamma_0 * math.sqrt(d), generator) for _ in range(2))


class PhaseOne(NamedTuple):
    """Theorem 3.1, Phase I, for one choice of its constants; the worst of all starts of norm gamma_0."""

    gamma: float
    gamma_0: float
    allowed: float  # 197 gamma^2
    printed: float  # g after the time 1/16 that 1 / (16 eta) steps of size eta add up to; steps along R
    true: float  # g after these steps along the true gradient, which are pi times shorter
    slowest: float  # the slowest fall of g met above 197 gamma^2: -dg / (eta d g), R
    noise: float  # what noise of norm gamma^2 takes away from that at most

    @property
    def verdict(self):
        """holds, if at both scales g falls in every step until, in time, it is below 197 gamma^2; holds, corrected, if
        at the scale of Lemma 2.1's sum only; fails otherwise, and unless gamma > gamma_0 and g ends where Theorem 3.3
        is meant to begin."""
        in_order = 0 < self.gamma_0 < self.gamma and self.allowed <= G_LIMIT
        if not (in_order and self.printed <= self.allowed and self.slowest > self.noise):
            return verdicts.FAILS
        return verdicts.HOLDS if self.true <= self.allowed else verdicts.CORRECTED


@arguments(d=_FROM_TWO, gamma_0=_POSITIVE, least=_POSITIVE)
def corner_starts(d, gamma_0, least):
    """Pairs (W, W*) of coordinates in the span of I and J: all eigenvalues +-gamma_0, and those with M u = -2 gamma_0 u
    whose trace is just enough for a potential of about `least`, where g falls most slowly."""
    pairs = [
        ((a * gamma_0, 0.0, t * gamma_0), (b * gamma_0, 0.0, u * gamma_0))
        for a, t, b, u in itertools.product((-1, 1), repeat=4)
        if (a, t) != (b, u)
    ]
    for share in (1.02, 1.5, 3.0):
        p = (share * least + 2 * gamma_0) / (2 * (d - 1))  # g is close to the trace of W* - W
        if p <= gamma_0:
            pairs.append(((-p, 0.0, gamma_0), (p, 0.0, -gamma_0)))
    return pairs


@arguments(gamma=_POSITIVE, gamma_0=between(0, 1), dimensions=each(_FROM_TWO))
def phase_one(gamma=PHASE_TWO_SPECTRAL, gamma_0=GAMMA_0, dimensions=(100, 300, 1000)):
    """The PhaseOne of these constants, along the flow, which steps as short as the theorem's follow; exact gradients.

    In each dimension it tries the `corner_starts`. Raises TypeError or ValueError for bad input.
    """
    allowed = bounds.phase_one_potential(gamma)
    times = np.append(np.linspace(0, math.pi / 16, 41), 1 / 16)  # true scale; the last is for the true gradient
    order = np.argsort(times)
    printed, true, slowest = -math.inf, -math.inf, math.inf
    for d in dimensions:
        for W, W_star in corner_starts(d, gamma_0, allowed):
            path = three_variables.trajectory(W, d, times[order], W_star)
            g = np.array([three_variables.potential(X, d, W_star) for X in path.T.tolist()])
            printed, true = max(printed, g[-1]), max(true, g[times[order] == 1 / 16][0])
            falls = [fall(X, d, W_star) for X in path.T[g > allowed].tolist()]
            slowest = min([slowest, *falls])
    noise = gamma**2 / (math.sqrt(min(dimensions)) * allowed)  # sqrt(d) gamma^2 / (d g)
    return PhaseOne(gamma, gamma_0, allowed, float(printed), float(true), float(slowest), noise)


@arguments(W=_COORDINATES, d=_FROM_TWO, W_star=_COORDINATES)
def fall(W, d, W_star):
    """-dg / (d eta d g) of a step along R, from coordinates: <A_bar, R> / (d g).

    Raises ValueError where g is zero.
    """
    for name, X in (("W", W), ("W_star", W_star)):
        if len(X) != 3:
            raise ValueError(f"{name} must have three coordinates, not {len(X)}")
    g = three_variables.potential(W, d, W_star)
    if g == 0:
        raise ValueError("W must have a potential g that is not zero")
    A = 1 + W[0], W[1], 1 + W[2]
    along = -math.pi * three_variables.inner(A, three_variables.gradient(W, d, W_star), d)
    return along / three_variables.column_length(W, d) / (d * g)


class LongSteps(NamedTuple):
    """One experiment's step size against the theorem's, and descent on the exact loss with it."""

    excess: float  # step / (gamma^2 / G_2^2) with the step brought to the printed scale
    excess_true: float  # the same without bringing it there
    g: list  # the potential before each of the steps, and after the last


@arguments(step=_POSITIVE, d=FORMULA, gamma=_POSITIVE)
def excess(step, d, gamma):
    """(printed, true): how many times the code's step size exceeds gamma^2 / G_2^2 with the noise bound gamma^2."""
    limit = bounds.phase_one_step(d, gamma, gamma**2)
    return step / math.pi / limit, step / limit


@arguments(generator=torch.Generator, steps=COUNT, step=_POSITIVE, d=range(91, DIMENSION.stop))  # 5.7 <= 0.6 sqrt(d)
def section_5_2(generator, steps=200, step=1e-3, d=100):
    """LongSteps of section 5.2: norms 0.6 and 5 for the start, 0.6 and 5.7 for the teacher, step size 0.001."""
    W, W_star = (weights.with_norms(d, 0.6, frobenius, generator) for frobenius in (5.0, 5.7))
    g = [landscape.potential(W, W_star).item()]
    for _ in range(steps):
        W = W - step * population.gradient(W, W_star)
        g.append(landscape.potential(W, W_star).item())
    return LongSteps(*excess(step, d, 0.6), g)


@arguments(
    steps=COUNT, step=_POSITIVE, d=range(3, FORMULA.stop), frobenius=_POSITIVE, trace=within(-math.inf, math.inf)
)
def section_5_3(steps=200, step=1e-4, d=1499, frobenius=5.0, trace=-18.75):
    """LongSteps of section 5.3 in three variables: a wrong-way start at the prime next to 1500, step size 0.0001."""
    W = three_variables.start(d, frobenius, trace)
    g = [three_variables.potential(W, d)]
    for _ in range(steps):
        W = tuple(x - step * slope for x, slope in zip(W, three_variables.gradient(W, d)))
        g.append(three_variables.potential(W, d))
    return LongSteps(*excess(step, 1500, 0.15), g)


class FrobeniusNorms(NamedTuple):
    """Remarks after Theorem 3.1: how large |W|_F can be where |W|_2 is constant, over sqrt(d) |W|_2."""

    largest: float  # over all matrices tried
    attained: float  # the smallest over orthogonal ones

    @property
    def verdict(self):
        """holds, if sqrt(d) |W|_2 is never exceeded, and reached; fails otherwise."""
        reached = self.attained >= 1 - 1e-9
        return verdicts.HOLDS if reached and self.largest <= 1 + 1e-9 else verdicts.FAILS


@arguments(dimensions=each(DIMENSION), generator=torch.Generator)
def frobenius_norms(dimensions, generator):
    """The FrobeniusNorms of Gaussian matrices, of others with a given spectrum, and of orthogonal ones."""
    tried, orthogonal = [], []
    for d in dimensions:
        kinds = [weights.gaussian((d, d), 1.0, generator)]
        kinds += [weights.with_norms(d, 1.0, d**power, generator) for power in (0.1, 0.4, 0.5)]
        shares = [float(W.norm() / (math.sqrt(d) * torch.linalg.matrix_norm(W, 2))) for W in kinds]
        tried += shares
        orthogonal.append(shares[-1])  # with |W|_F = sqrt(d), all singular values are one
    return FrobeniusNorms(max(tried), min(orthogonal))
