r"""Exact means over S = X X^T / n, where the n columns of X are independent N(0, I) in d dimensions.

Three forms of exactness: rational moments of the mean spectrum mu, the Gauss rule of a measure from its moments, and
a cubature for polynomials of the matrix S itself. n may be smaller than d; then S is singular, and mu has an atom at 0.
"""

import itertools
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from scipy.special import roots_genlaguerre, roots_hermitenorm

from src.checks import arguments, each

SIZE = range(1, 101)  # a dimension or a number of examples
DEGREE = range(1, 41)  # of a moment
_MOST = 200_000  # nodes of a cubature


class Rule(NamedTuple):
    """A discrete measure: `weights @ f(nodes)` is the mean of f."""

    nodes: np.ndarray  # [m] growing
    weights: np.ndarray  # [m] positive


@arguments(d=SIZE, n=SIZE, degree=DEGREE)
def moments(d, n, degree):
    r"""E tr(S^k) / d for k = 0, ..., degree, as Fractions: the moments of the mean spectrum mu.

    By Gaussian integration by parts, with p_k = tr (X X^T)^k and F a product of such traces,
    E[p_k F] = (n + k - 1) E[p_{k-1} F] + sum_{0 < j < k} E[p_j p_{k-1-j} F] + d E[p_{k-1} F] + ... : the sum runs over
    j = 0, ..., k - 2 with p_0 = d, and differentiating each factor p_m of F adds 2 m E[p_{k+m-1} F / p_m].
    """

    @cache
    def mean(traces):  # falling exponents, a tuple
        if not traces:
            return 1
        k, *rest = traces
        total = (n + k - 1) * product(k - 1, *rest) + sum(product(j, k - 1 - j, *rest) for j in range(k - 1))
        for i, m in enumerate(rest):
            total += 2 * m * product(k + m - 1, *rest[:i], *rest[i + 1 :])
        return total

    def product(*exponents):
        return d ** exponents.count(0) * mean(tuple(sorted(filter(None, exponents), reverse=True)))

    return [Fraction(product(k), d * n**k) for k in range(degree + 1)]


@arguments(moments=each(int | Fraction))
def gauss_rule(moments):
    """The Gauss `Rule` of a measure with the given 2m moments from the zeroth on: m nodes, exact to the degree 2m - 1.

    Chebyshev's algorithm in exact arithmetic, then Golub and Welsch's. Raises ValueError unless the moments are those
    of a positive measure on m points or more.
    """
    if len(moments) % 2:
        raise ValueError(f"moments must be even in number, not {len(moments)}")
    before, row = [Fraction(0)] * len(moments), [Fraction(m) for m in moments]
    alpha, beta = [], []
    for k in range(len(moments) // 2):
        if row[k] <= 0:
            raise ValueError(f"moments must be those of a positive measure on {len(moments) // 2} points or more")
        if k:
            beta.append(row[k] / before[k - 1])
            alpha.append(row[k + 1] / row[k] - before[k] / before[k - 1])
        else:
            beta.append(row[0])
            alpha.append(row[1] / row[0])
        after = [
            row[j + 1] - alpha[k] * row[j] - (beta[k] * before[j] if k else 0) if k < j < len(moments) - 1 - k else 0
            for j in range(len(moments))
        ]
        before, row = row, after
    alpha, root = np.array(alpha, float), np.sqrt(np.array(beta, float))
    nodes = np.linalg.eigvalsh(np.diag(alpha) + np.diag(root[1:], 1) + np.diag(root[1:], -1))
    last, value = np.zeros_like(nodes), np.full_like(nodes, 1 / root[0])  # orthonormal polynomials at the nodes
    total = value**2
    for k in range(1, len(nodes)):
        last, value = value, ((nodes - alpha[k - 1]) * value - (root[k - 1] * last if k > 1 else 0)) / root[k]
        total += value**2
    return Rule(nodes, 1 / total)  # a small weight keeps its relative accuracy


@arguments(d=SIZE, n=SIZE, degree=DEGREE)
def spectrum(d, n, degree):
    """The Gauss `Rule` of the mean spectrum mu for polynomials up to `degree`."""
    return gauss_rule(moments(d, n, 2 * (degree // 2) + 1))


@arguments(d=range(1, 7), n=SIZE, degree=range(1, 31))
def cubature(d, n, degree):
    r"""Matrices S [K, d, d] and weights [K], float64, whose means are exact for polynomials of `degree` in S.

    S = T T^T / n with a lower trapezoidal T [d, min(d, n)]: below the diagonal N(0, 1), on it the roots of independent
    chi-squared variables with n, n - 1, ... degrees of freedom (Bartlett). Means of S are even in every column of T.
    """
    columns = min(d, n)
    below = [(i, k) for k in range(columns) for i in range(k + 1, d)]
    normal = roots_hermitenorm(degree + 1)
    squares = [roots_genlaguerre(degree // 2 + 1, (n - k) / 2 - 1) for k in range(columns)]
    size = len(normal[0]) ** len(below) * len(squares[0][0]) ** columns
    if size > _MOST:
        raise ValueError(f"degree must be such that at most {_MOST} nodes are needed for d = {d}, not {size}")
    factors = [((2 * x) ** 0.5, w / w.sum()) for x, w in squares]
    factors += [(normal[0], normal[1] / normal[1].sum())] * len(below)
    nodes = np.array(list(itertools.product(*(x for x, _ in factors))))
    weights = np.array(list(itertools.product(*(w for _, w in factors)))).prod(1)
    T = np.zeros((size, d, columns))
    for at, (i, k) in enumerate([(k, k) for k in range(columns)] + below):
        T[:, i, k] = nodes[:, at]
    return torch.from_numpy(T @ T.transpose(0, 2, 1) / n), torch.from_numpy(weights)


@arguments(d=SIZE, n=SIZE, count=range(1, 10**7), generator=torch.Generator)
def draw(d, n, count, generator):
    """`count` random matrices S: [count, d, d], float64."""
    X = torch.randn(count, d, n, generator=generator, dtype=torch.float64)
    return X @ X.mT / n
