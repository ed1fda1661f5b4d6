r"""Pairs (W, W*) in the span of I, J = u u^T / d and Paley's skew K, where the one-point ratio is a formula.

The printed ratio <R, M> / |M|_F^2 of Theorem 3.3 (see `src.theory.search`) is there a function of six numbers and d.
"""

import math
from typing import NamedTuple

import mpmath
import numpy as np
import torch
from scipy.optimize import minimize as minimize_smooth

from src.checks import check_integer, check_positive
from src.model import weights
from src.theory.bounds import G_LIMIT


class Pair(NamedTuple):
    """The best pair W = x_1 I + x_2 J + x_3 K, W* = y_1 I + y_2 J + y_3 K that `minimize` found."""

    x: tuple
    y: tuple
    ratio: float
    g: float


def matrix(x, d):
    """x_1 I + x_2 u u^T / d + x_3 K with Paley's `flat_skew` K, [d, d] float64: d a prime congruent to 3 modulo 4."""
    return x[0] * torch.eye(d, dtype=torch.float64) + x[1] / d + x[2] * weights.flat_skew(d)


def norm(x):
    """The spectral norm of `matrix`: |x_1 + x_2| on u, |(x_1, x_3)| on everything orthogonal to it."""
    return max(abs(x[0] + x[1]), math.hypot(x[0], x[2]))


def printed_ratio(x, y, d):
    r"""(printed ratio, g) of the pair W, W* with coordinates x, y, from six scalars, floats or mpmath numbers.

    With A = I + W and B = I + W*, the products A^T A, B^T B and B^T A lie in the same span (K is skew, K^2 = J - I), so
    that all columns have one length and there are four angles: of (a_i, a_j), of (b_j, a_j), and of (b_i, a_j) where
    K_ij is plus or minus 1 / sqrt(d). As a formula it makes sense for every d.
    """
    m = mpmath if isinstance(x[0], mpmath.mpf) else math
    (alpha, p, k), (beta, q, l) = x, y
    alpha, beta = 1 + alpha, 1 + beta
    u, v = alpha + p, beta + q

    def entries(c, s, t):  # of c (I - J) + s K + t J: on the diagonal, where K is positive, where it is negative
        return (c * (d - 1) + t) / d, (t - c) / d + s / m.sqrt(d), (t - c) / d - s / m.sqrt(d)

    AA, BB = entries(alpha**2 + k**2, 0, u**2), entries(beta**2 + l**2, 0, v**2)
    BA = entries(alpha * beta + k * l, beta * k - alpha * l, u * v)  # [i, j] is <b_i, a_j>
    AB = BA[0], BA[2], BA[1]
    a, b = m.sqrt(AA[0]), m.sqrt(BB[0])
    own = m.atan2(m.sqrt(abs(AA[0] * BB[0] - BA[0] ** 2)), BA[0])
    theta = 0, m.acos(AA[1] / a**2), m.acos(AA[1] / a**2)
    theta_star = own, m.acos(BA[1] / (a * b)), m.acos(BA[2] / (a * b))
    total = 0
    for n, k in zip((1, (d - 1) / 2, (d - 1) / 2), range(3)):
        total += n * ((m.pi - theta_star[k]) * (BB[k] - BA[k]) - (m.pi - theta[k]) * (AB[k] - AA[k]))
        total += n * (b * m.sin(theta_star[k]) - a * m.sin(theta[k])) * (AB[0] - AA[0]) / a
    return total / (AA[0] + BB[0] - 2 * BA[0]), d * (b - a)


def minimize(d, gamma, *, g_max=G_LIMIT, tries=5, seed=0):
    """The smallest `printed_ratio` with norms at most gamma and g <= g_max: a Pair, by SLSQP from random starts.

    Only results that satisfy every constraint as it stands count.
    """
    check_integer("d", d, at_least=3)
    check_positive("gamma", gamma)
    rng, best = np.random.default_rng(seed), None
    root = math.sqrt(d)
    trace = 1 / root / (1 + gamma * root)  # so much of I in W* - W moves g by about 1, or the inner product as K does
    scale = gamma * np.array([1, 1 / root, 1, trace, 1, 1])

    def coordinates(z):
        u, half_u, i, half_i, k, half_k = (scale * z).tolist()
        return (i - half_i, u - half_u - i + half_i, k - half_k), (i + half_i, u + half_u - i - half_i, k + half_k)

    def slack(z):
        x, y = coordinates(z)
        norms = [1 - f / gamma**2 for w in (x, y) for f in (w[0] ** 2 + w[2] ** 2, (w[0] + w[1]) ** 2)]
        return np.array([*norms, g_max - printed_ratio(x, y, d)[1]]) - 1e-7

    for _ in range(tries):
        found = minimize_smooth(
            lambda z: printed_ratio(*coordinates(z), d)[0],
            rng.uniform(-0.6, 0.6, 6),
            method="SLSQP",
            constraints={"type": "ineq", "fun": slack},
            options={"maxiter": 200, "ftol": 1e-10},
        )
        x, y = coordinates(found.x)
        ratio, g = printed_ratio(x, y, d)
        allowed = max(norm(x), norm(y)) <= gamma and g <= g_max
        if allowed and (best is None or ratio < best.ratio):
            best = Pair(x, y, ratio, g)
    if best is None:
        raise ValueError("no start of the search ended at an allowed pair; allow more tries")
    return best


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
