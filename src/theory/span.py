r"""Pairs (W, W*) in the span of I, J and K (`src.dynamics.three_variables`), where the one-point ratio is a formula.

The printed ratio <R, M> / |M|_F^2 of Theorem 3.3 (see `src.theory.search`) is there a function of six numbers and d.
"""

import math
from typing import NamedTuple

import mpmath
import numpy as np
from scipy.optimize import minimize as minimize_smooth

from src.checks import COUNT, FORMULA, SEED, arguments, between, each, entries, one_or_each, within
from src.dynamics import three_variables
from src.dynamics.three_variables import spectral_norm
from src.theory.bounds import G_LIMIT

_POSITIVE = between(0, math.inf)
_NUMBER = within(-math.inf, math.inf)
_SEARCH = {"gamma": between(0, 100), "g_max": _NUMBER, "tries": COUNT, "seed": SEED}


class Pair(NamedTuple):
    """The best pair that `minimize` found, in coordinates (alpha, kappa, tau)."""

    W: tuple
    W_star: tuple
    ratio: float
    g: float


def printed_ratio(W, W_star, d):
    """(printed ratio, g) of the pair with coordinates W, W*: floats or mpmath numbers, as a formula for every d."""
    g = three_variables.potential(W, d, W_star)
    M = tuple(y - x for x, y in zip(W, W_star, strict=True))
    if not any(M):
        raise ValueError("W must differ from W_star: the one-point ratio is not defined at W = W_star")
    towards = -three_variables.inner(three_variables.gradient(W, d, W_star), M, d)
    pi = mpmath.pi if isinstance(W[0], mpmath.mpf) else math.pi
    return pi * towards / three_variables.inner(M, M, d), g


@arguments(d=FORMULA[2:], **_SEARCH)
def minimize(d, gamma, *, g_max=G_LIMIT, tries=5, seed=0):
    """The smallest `printed_ratio` with norms at most gamma and g <= g_max: a Pair, by SLSQP from random starts.

    Only results that satisfy every constraint as it stands count.
    """
    rng, best = np.random.default_rng(seed), None
    root = math.sqrt(d)
    trace = 1 / root / (1 + gamma * root)  # so much of I in W* - W moves g by about 1, or the inner product as K does
    scale = gamma * np.array([1, 1 / root, 1, trace, 1, 1])

    def coordinates(z):
        u, half_u, i, half_i, k, half_k = (scale * z).tolist()
        return (i - half_i, k - half_k, u - half_u), (i + half_i, k + half_k, u + half_u)

    def slack(z):
        pair = coordinates(z)
        norms = [1 - f / gamma**2 for alpha, kappa, tau in pair for f in (alpha**2 + kappa**2, tau**2)]
        return np.array([*norms, g_max - three_variables.potential(pair[0], d, pair[1])]) - 1e-7

    for _ in range(tries):
        found = minimize_smooth(
            lambda z: printed_ratio(*coordinates(z), d)[0],
            rng.uniform(-0.6, 0.6, 6),
            method="SLSQP",
            constraints={"type": "ineq", "fun": slack},
            options={"maxiter": 200, "ftol": 1e-10},
        )
        W, W_star = coordinates(found.x)
        ratio, g = printed_ratio(W, W_star, d)
        allowed = max(spectral_norm(W), spectral_norm(W_star)) <= gamma and g <= g_max
        if allowed and (best is None or ratio < best.ratio):
            best = Pair(W, W_star, ratio, g)
    if best is None:
        raise ValueError("no start of the search ended at an allowed pair; allow more tries")
    return best


@arguments(dims=each(FORMULA[2:]), **_SEARCH)
def smallest(dims, gamma, tries, seed, g_max=G_LIMIT):
    """The smallest ratio that `minimize` finds at gamma, with g <= g_max, in each of the dimensions: a list."""
    return [minimize(d, gamma, g_max=g_max, tries=tries, seed=seed).ratio for d in dims]


@arguments(gamma=between(0, 1), g=_NUMBER)
def limit(gamma, g=G_LIMIT):
    r"""The ratio at W = -a I - b K and W* = -a I + b K, plus a trace that makes g what it is, as d goes to infinity.

    With a^2 + b^2 = gamma^2, t = b / (1 - a) and n = sqrt((1 - a)^2 + b^2) the length of every column, the
    least over a of
        pi/2 - arctan t - t / (1 + t^2) - 1 / (1 + t^2)^2 - g / (2 n).
    """
    a = np.linspace(0, gamma, 2001)
    t = np.sqrt(gamma**2 - a**2) / (1 - a)
    square = 1 + t**2
    ratio = math.pi / 2 - np.arctan(t) - t / square - 1 / square**2 - g / (2 * (1 - a) * np.sqrt(square))
    return float(ratio.min())


@arguments(c=one_or_each(entries(_POSITIVE)), g=within(0, 10_000))
def small_weights_limit(c, g=G_LIMIT):
    r"""The smallest ratio of allowed pairs as gamma -> 0 with gamma^2 d = c, for numbers or arrays c > 0.

        pi/2 - 1 - c / 4                    where c <= g,
        pi/2 - 1 - g / 2 + g^2 / (4 c)      where c >= g;
    so pi/2 - 1 at a fixed d, and pi/2 - 1 - g / 2 in the infimum over all d.
    """
    c = np.asarray(c, dtype=float)
    return math.pi / 2 - 1 - np.where(c <= g, c / 4, g / 2 - g**2 / (4 * c))
