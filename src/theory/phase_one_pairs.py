r"""The pairs (W, W*) that are hardest on the clauses of Theorem 3.2, for `phase_one` to start from.

To first order in the weights g and s obey linear equations in which only tr M and <u, M u> occur. So the pairs that are
worst for clauses (a) and (b) lie in span{I, J}, in any dimension, given by coordinates (alpha, kappa, tau) of
`three_variables` with kappa = 0. For clause (c) see `norm_growth`.
"""

import math

import torch
from scipy.optimize import brentq, minimize_scalar

from src.checks import DIMENSION, FORMULA, arguments, between
from src.dynamics import three_variables
from src.theory import bounds, norm_growth, search

RATE = 0.5  # of clause (a)

_NORM = between(0, 1)  # from 1 on a column of I + W can vanish


def shrink_rate(W, W_star, d):
    """-(dg / d eta) / (d g) at eta = 0, printed scale, from coordinates; inf where g is 0."""
    g, a = three_variables.potential(W, d, W_star), three_variables.column_length(W, d)
    slope = math.pi * three_variables.inner((1 + W[0], W[1], 1 + W[2]), three_variables.gradient(W, d, W_star), d) / a
    return -slope / (d * g) if g else math.inf


@arguments(gamma=_NORM)
def corners(gamma):
    """The 12 pairs of coordinates with eigenvalues +-gamma on u and orthogonally to it, W being another than W*: of all
    pairs, the worst to first order for whatever depends on tr M and <u, s> only, as g does."""
    points = [(x, 0.0, y) for x in (-gamma, gamma) for y in (-gamma, gamma)]
    return [(W, W_star) for W in points for W_star in points if W_star != W]


@arguments(d=FORMULA[1:], gamma_0=between(0, 2), gamma=_NORM)  # `largest_gamma_0` looks beyond 1
def slowest_pair(d, gamma_0, gamma):
    """The pair in span{I, J} that resists clause (a) most: the smallest `shrink_rate` at g just above 197 gamma^2.

    W is gamma_0 and W* is -gamma_0 on u, which makes <u, s> as negative as it can be; orthogonally to u W* is some q
    and W what g asks for. Coordinates (W, W*); None where g cannot be as large.
    """
    goal = bounds.phase_one_potential(gamma) * (1 + 1e-9)

    def pair(q):
        W_star = (q, 0.0, -gamma_0)

        def excess(alpha):
            return three_variables.potential((alpha, 0.0, gamma_0), d, W_star) - goal

        if not excess(gamma_0) < 0 < excess(-gamma_0):
            return None
        return (brentq(excess, -gamma_0, gamma_0, xtol=1e-17), 0.0, gamma_0), W_star

    def rate(q):
        found = pair(q)
        return shrink_rate(*found, d) if found else 1e6  # finite, for the parabolas of the search

    inside = [q for q in torch.linspace(-gamma_0, gamma_0, 41).tolist() if pair(q)]
    if not inside:
        return None
    q, step = min(inside, key=rate), gamma_0 / 20
    finer = minimize_scalar(
        rate, bounds=(max(q - step, -gamma_0), min(q + step, gamma_0)), method="bounded", options={"xatol": 1e-9}
    )
    return pair(min((q, float(finer.x)), key=rate))


@arguments(coordinates=three_variables.COORDINATES, d=DIMENSION)
def matrices(coordinates, d):
    """[d, d] from coordinates with kappa = 0, for which no K is needed."""
    alpha, kappa, tau = coordinates
    if kappa:
        raise ValueError(f"coordinates must have kappa = 0, not {kappa}")
    return alpha * torch.eye(d, dtype=torch.float64) + (tau - alpha) / d


@arguments(d=DIMENSION[2:], gamma_0=_NORM, gamma=_NORM, growth=norm_growth.Growth, generator=torch.Generator)
def worst_starts(d, gamma_0, gamma, growth, generator):
    """Pairs [S, d, d] of spectral norm gamma_0 that are hard on one clause each: `growth.W`, `growth.W_star` and the
    two of `norm_growth` named after one column for (c), corners for (b), the slowest pair for (a); and four random and
    structured ones of `search.starts`."""
    if len(growth.W) != d:
        raise ValueError(f"growth must be that of dimension d = {d}, not of dimension {len(growth.W)}")
    named = [(growth.W, growth.W_star), norm_growth.at_one_column(d), norm_growth.turned_at_one_column(d)]
    named = [(gamma_0 * W, gamma_0 * W_star) for W, W_star in named]
    in_span = [pair for pair in corners(gamma_0) if pair[0][0] < 0 < pair[1][0]]  # those with the largest traces
    slowest = slowest_pair(d, gamma_0, gamma)
    in_span += [slowest] if slowest else []
    named += [tuple(matrices(X, d) for X in pair) for pair in in_span]
    W, W_star, _ = search.starts(d, gamma_0, 4, generator)
    return tuple(torch.cat([torch.stack(stack), more]) for stack, more in zip(zip(*named), (W, W_star)))


@arguments(d=FORMULA[1:], gamma=between(0, 0.1))
def largest_gamma_0(d, gamma):
    """The gamma_0 up to which the slowest pair keeps clause (a) in dimension d, for this gamma below 0.1."""

    def room(gamma_0):
        pair = slowest_pair(d, gamma_0, gamma)
        return shrink_rate(*pair, d) - RATE if pair else 1.0

    return brentq(room, bounds.phase_one_potential(gamma) / 8, bounds.phase_one_potential(gamma), xtol=1e-9)
