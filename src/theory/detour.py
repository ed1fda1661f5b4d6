r"""How long is the way home? The length of the path that descent takes, over the straight distance to the teacher.

Lengths are Frobenius norms, times those of the gradient flow at the true scale. The straight way counts 1.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import minimize

from src import verdicts
from src.checks import COUNT, DIMENSION, FORMULA, arguments, between, each, within
from src.dynamics import linearised, three_variables
from src.model import population
from src.theory.how_far import DRAWS, TIME
from src.theory.start import STUDENT, TEACHERS

LONG = 2.0  # what we call a long detour: a path at least twice as long as the straight way

_ABOVE_TWO = range(3, FORMULA.stop)
_COORDINATES = each(within(-math.inf, math.inf))


class Detour(NamedTuple):
    """Paths over straight ways."""

    small: float  # the longest that a start with small weights can have: of the linearised flow, over all W and W*
    wrong_way: float  # the longest from wrong-way starts of the sizes of section 5.3
    gaussian: float  # the longest from Gaussian starts
    searched: float  # the longest that a search over a family of pairs found at the spectral norm of section 5.3

    @property
    def verdict(self):
        """holds, if each of these is a long detour; fails, if none is; holds, corrected, if some are."""
        long = [value >= LONG for value in self]
        return verdicts.HOLDS if all(long) else verdicts.CORRECTED if any(long) else verdicts.FAILS


@arguments(d=_ABOVE_TWO)
def longest_for_small_weights(d):
    """The longest path of dM/dt = -L M over |M|_F, L the Hessian at W = W* = 0: a number for all W and W* -> 0.

    The path of a quadratic depends only on how M is shared among the eigenspaces of `linearised.families`.
    """
    rates = np.unique([family.rate for family in linearised.families(d)])
    time = np.concatenate([[0.0], np.geomspace(1e-4 / rates.max(), 40 / rates.min(), 600)])
    decay = np.exp(-np.outer(time, rates))

    def length(shares):
        shares = shares / np.linalg.norm(shares)
        return np.trapezoid(np.linalg.norm(rates * shares * decay, axis=1), time)

    start = np.ones(len(rates))
    return float(length(minimize(lambda shares: -length(shares), start, bounds=[(0, None)] * len(rates)).x))


@arguments(W=_COORDINATES, d=_ABOVE_TWO, W_star=_COORDINATES, t_end=between(5e-5, 1e6), points=range(1, 10**6))
def length_in_span(W, d, W_star=three_variables.ZERO, t_end=40.0, points=300):
    """Path over straight way of the flow from coordinates W to W_star (`three_variables`); the rest of the way at
    t_end counts as straight."""
    for name, X in (("W", W), ("W_star", W_star)):
        if len(X) != 3:
            raise ValueError(f"{name} must have three coordinates, not {len(X)}")
    if tuple(W) == tuple(W_star):
        raise ValueError("W must differ from W_star")
    weights = np.array([d - 1, d - 1, 1.0])[:, None]
    times = np.concatenate([[0.0], np.geomspace(1e-4 / d, t_end, points)])
    path = three_variables.trajectory(W, d, times, W_star, rtol=1e-7)  # [3, points + 1]
    path = np.concatenate([path, np.array(W_star)[:, None]], axis=1)
    steps = np.sqrt((weights * np.diff(path, axis=1) ** 2).sum(0))
    return steps.sum() / math.sqrt(float((weights * (path[:, :1] - path[:, -1:]) ** 2).sum()))


@arguments(d=_ABOVE_TWO, gamma=between(0, 1), evaluations=COUNT)
def longest_in_span(d, gamma, evaluations=60):
    """The longest `length_in_span` over pairs of spectral norm at most gamma that a simplex search finds, from a pair
    whose way home has as much of I as of the skew K."""

    def inside(pair):
        size = max(map(three_variables.spectral_norm, pair))
        return [tuple(x / max(size, 1.0) * gamma for x in W) for W in pair]

    def shortness(z):
        W, W_star = inside([z[:3], z[3:]])
        return -length_in_span(tuple(map(float, W)), d, tuple(map(float, W_star)), points=100)

    start = np.array([-0.7, -0.7, -0.1, 0.7, 0.7, 0.1])
    return -float(minimize(shortness, start, method="Nelder-Mead", options={"maxfev": evaluations}).fun)


@arguments(d=range(2, DIMENSION.stop), draws=DRAWS, generator=torch.Generator, t_end=TIME)
def longest_from_gaussian(d, draws, generator, t_end=20.0):
    """The longest path over straight way of gradient descent with step 1/2d, from Gaussian starts as in
    `start.potential_at_start`, so many with each of the three teachers; the rest of the way counts as straight."""
    W, W_star = torch.randn(2, len(TEACHERS), draws, d, d, generator=generator, dtype=torch.float64) / math.sqrt(d)
    teachers = torch.tensor(list(TEACHERS.values()), dtype=W.dtype)[:, None, None, None]
    W, W_star = (STUDENT * W).flatten(0, 1), (teachers * W_star).flatten(0, 1)
    straight, path = (W - W_star).norm(dim=(-2, -1)), 0
    for _ in range(math.ceil(t_end * 2 * d)):
        step = population.gradient(W, W_star) / (2 * d)
        W = W - step
        path = path + step.norm(dim=(-2, -1))
    return float(((path + (W - W_star).norm(dim=(-2, -1))) / straight).max())


@arguments(d=_ABOVE_TWO, large=range(16, FORMULA.stop), generator=torch.Generator)
def detour(d, large, generator):
    """The `Detour`: small weights in dimension d, wrong-way starts at |W|_F = 4.5 and 5 in the dimensions 103 and
    `large`, Gaussian starts in dimension 30, and a search at spectral norm 0.15 in dimension 103."""
    starts = ((103, 4.5), (large, 5.0))
    ways = [length_in_span(three_variables.start(n, F, -0.75 * F**2), n) for n, F in starts]
    return Detour(
        longest_for_small_weights(d), max(ways), longest_from_gaussian(30, 4, generator), longest_in_span(103, 0.15)
    )
