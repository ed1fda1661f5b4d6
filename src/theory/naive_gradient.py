r"""Section 4's thought experiment: what Lemma 2.1 becomes for small weights, and what is said of its three terms.

At the printed scale: R = -pi grad L is the sum of Lemma 2.1, M = W* - W, g_j the potential without column j. The naive
gradient is pi/2 M_j + pi/2 sum_i M_i + g_j a_bar_j, column by column. Weights are [n, d, d] batches.
"""

import itertools
import math
from typing import NamedTuple

import mpmath
import torch

from src import verdicts
from src.checks import COUNT, DIMENSION, FORMULA, arguments, between, check_pair, each
from src.dynamics import three_variables
from src.model import landscape, population, weights
from src.theory import search, span

DIGITS = 40  # of the computations in mpmath

_FROM_THREE, _POSITIVE = range(3, DIMENSION.stop), between(0, math.inf)


class NaiveGradient(NamedTuple):
    """How far the naive gradient is from R at weights that shrink."""

    gammas: tuple  # [G], increasing: the spectral norm of W and W*
    naive: tuple  # [G], the largest |R - naive|_F / |R|_F over the pairs
    first_order: tuple  # [G], the same once the first-order part A_j a_bar_j is added
    factor: float  # <R, M> / |M|_F^2 at small skew weights and W* = 0; by the naive gradient it is pi / 2
    pairs: int

    @property
    def power(self):
        """The power of gamma with which the error with the first-order part vanishes, between the two smallest."""
        return math.log(self.first_order[1] / self.first_order[0]) / math.log(self.gammas[1] / self.gammas[0])

    @property
    def verdict(self):
        """holds, if the naive gradient's error vanishes with gamma and its factor on skew weights is right; holds,
        corrected, if only with the first-order part it vanishes, in proportion to gamma; fails otherwise."""
        if self.naive[0] < 0.1 and abs(self.factor - math.pi / 2) < 0.1:
            return verdicts.HOLDS
        repaired = self.first_order[0] < 0.1 and self.power > 0.9
        return verdicts.CORRECTED if repaired else verdicts.FAILS


@arguments(d=_FROM_THREE, gammas=each(_POSITIVE), count=COUNT, generator=torch.Generator)
def naive_gradient(d, gammas, count, generator):
    """The `NaiveGradient` at the increasing spectral norms `gammas`, at least two, over the pairs of
    `search.with_corners` and, as the last one, a flat skew W with W* = 0.

    In the limit of small weights no pair can be worse than the last one: the part that is left out has at most the
    norm of M, and R at least pi/2 - 1 times that.
    """
    if len(gammas) < 2 or not all(low < high for low, high in itertools.pairwise(gammas)):
        raise ValueError(f"gammas must be at least two and increase, not {gammas}")
    W, W_star = pairs(d, count, generator)
    worst = [approximation_errors(gamma * W, gamma * W_star).amax(1).tolist() for gamma in gammas]
    return NaiveGradient(tuple(gammas), *zip(*worst), factor=skew_factor(), pairs=len(W))


@arguments(d=_FROM_THREE, count=COUNT, generator=torch.Generator)
def pairs(d, count, generator):
    """Pairs (W, W*) of spectral norm at most 1, [n, d, d] each: those of `search.with_corners`, and a flat skew W with
    W* = 0 as the last one, for which (W* - W) u = 0."""
    W, W_star = search.with_corners(d, 1.0, count, generator)
    K = weights.flat_skew(d, generator)[None]
    return torch.cat([W, K]), torch.cat([W_star, 0 * K])


def approximation_errors(W, W_star):
    """|R - X|_F / |R|_F for two approximations X of R, [2, n], at pairs [n, d, d]: the naive gradient, and the same
    with the first-order part A_j a_bar_j."""
    W, W_star = check_pair(W, W_star)
    if W.ndim != 3 or not (W_star - W).any((-2, -1)).all():
        raise ValueError(f"W must be of shape [n, d, d], each other than its W_star, not {list(W.shape)}")
    R = population.lemma_2_1(W, W_star)
    part = landscape.gradient_parts(W, W_star)
    rest = torch.stack([R - part.constant, R - part.constant - part.first_order])
    return rest.norm(dim=(-2, -1)) / R.norm(dim=(-2, -1))


@arguments(d=range(3, FORMULA.stop), size=between(0, 1))
def skew_factor(d=103, size=1e-6):
    """<R, M> / |M|_F^2 at W = size * K and W* = 0, in 40 digits; pi/2 - 1 in the limit of small weights."""
    with mpmath.workdps(DIGITS):
        W, W_star = (tuple(map(mpmath.mpf, X)) for X in ((0, size, 0), three_variables.ZERO))
        return float(span.printed_ratio(W, W_star, d)[0])


class Terms(NamedTuple):
    """Inner products of the naive gradient's three terms with M, over |M|_F^2: extremes over the pairs tried."""

    first: float  # the smallest of pi/2 M
    second: float  # the smallest of pi/2 M u u^T
    both: float  # the smallest of the sum of these two
    last_low: float  # the smallest and the largest of g_j a_bar_j
    last_high: float
    pairs: int

    @property
    def verdict(self):
        """fails, unless the first two terms together have a positive inner product with M and the last one has either
        sign; holds, if each of the two has a positive one; holds, corrected, if one of them is only never negative."""
        rounding = 1e-12
        if not (self.both > rounding and self.last_low < 0 < self.last_high):
            return verdicts.FAILS
        if min(self.first, self.second) > rounding:
            return verdicts.HOLDS
        return verdicts.CORRECTED if min(self.first, self.second) > -rounding else verdicts.FAILS


@arguments(d=_FROM_THREE, gamma=_POSITIVE, count=COUNT, generator=torch.Generator)
def terms(d, gamma, count, generator):
    """The `Terms` over the `pairs` with spectral norms at most gamma."""
    W, W_star = (gamma * X for X in pairs(d, count, generator))
    M = W_star - W
    A = torch.eye(d, dtype=W.dtype) + W
    last = landscape.potentials_of_others(W, W_star)[:, None, :] * A / A.norm(dim=-2, keepdim=True)
    square = M.square().sum((-2, -1))
    first, second, last = (
        (X * M).sum((-2, -1)) / square for X in (math.pi / 2 * M, math.pi / 2 * M.sum(-1, keepdim=True), last)
    )
    values = first.min(), second.min(), (first + second).min(), last.min(), last.max()
    return Terms(*(value.item() for value in values), pairs=len(W))
