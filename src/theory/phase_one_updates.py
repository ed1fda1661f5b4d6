r"""What one step of Phase I does to s = (W* - W) u and to the potential g: the two updates that section 4 states.

Printed scale throughout: a step of size eta adds eta R to W, R = -pi grad L being the sum of Lemma 2.1. Section 4 has

    s_{t+1} = s_t - (pi/2) eta d s_t + eta O(sqrt(d) g_t + sqrt(d) gamma),
    g_{t+1} = g_t - eta d g_t        + eta O(gamma sqrt(d) |s_t| + d gamma^2),

without the constants in the O. Such a constant exists if the remainder, divided by the bracket, stays bounded as gamma
and d vary. To this quotient the statements are put.
"""

import math
from typing import NamedTuple

import mpmath
import numpy as np
import torch

from src import verdicts
from src.checks import DIMENSION, FORMULA, arguments, between, check_pair, each, within
from src.dynamics import three_variables
from src.model import landscape, population
from src.theory import bounds, gradient_size, search

DIGITS = 40
_GROWTH = 3  # over two decades of gamma a quotient like 1 / gamma grows a hundredfold, a bounded one hardly

_POSITIVE = between(0, math.inf)
_NORM = between(0, 1)
_THIRD = between(0, 1 / 3)  # in which columns are longer than they move


class Quotients(NamedTuple):
    """Remainder over allowed size, of the update of s, of that of g as printed, and of g with the missing terms."""

    s: torch.Tensor
    g: torch.Tensor
    g_corrected: torch.Tensor


class SUpdate(NamedTuple):
    """The worst quotients of the update of s, each for increasing gamma."""

    smaller: np.ndarray  # [G], in a third of the dimension
    larger: np.ndarray  # [G], in the dimension itself
    proved: np.ndarray  # [G], `proved_quotient_of_s`, which no quotient exceeds in any dimension

    @property
    def verdict(self):
        """fails, if the quotient grows as gamma falls or with the dimension, or exceeds what is proved; holds."""
        below = _below(self.smaller, self.larger, self.proved)
        return verdicts.HOLDS if below and _bounded(self.smaller, self.larger) else verdicts.FAILS


class GUpdate(NamedTuple):
    """The quotients of the update of g as printed and as corrected: worst over pairs, and of one pair exactly."""

    worst: np.ndarray  # [G], printed, over all pairs, for increasing gamma
    corrected_smaller: np.ndarray  # [G], corrected, in a third of the dimension
    corrected_larger: np.ndarray  # [G], corrected, in the dimension itself
    proved: np.ndarray  # [G], `proved_quotient`, which no corrected quotient exceeds in any dimension
    gammas: tuple  # the decreasing gamma of the counterexample W = gamma (J - I) / (d - 1), W* = 0
    floats: tuple  # its printed quotients in float64, from one actual step
    digits: tuple  # the same in 40 digits

    @property
    def broken(self):
        """Whether the printed quotients grow as gamma falls, and the two precisions agree that one pair's do."""
        agree = all(abs(x / y - 1) < 1e-3 for x, y in zip(self.floats, self.digits))
        like_one_over_gamma = abs(self.digits[-1]) > 0.3 * self.gammas[0] / self.gammas[-1] * abs(self.digits[0])
        return bool(_grows(self.worst) and agree and like_one_over_gamma)

    @property
    def verdict(self):
        """holds, if the printed quotients stay bounded; corrected, if only the corrected ones do, below the constant
        that is proved; fails, if neither do."""
        if not self.broken:
            return verdicts.HOLDS
        corrected = self.corrected_smaller, self.corrected_larger
        return verdicts.CORRECTED if _below(*corrected, self.proved) and _bounded(*corrected) else verdicts.FAILS


def _grows(quotients):
    """From the largest gamma to the smallest."""
    return quotients[0] > _GROWTH * quotients[-1]


def _bounded(smaller, larger):
    """Neither as gamma falls, in the larger dimension, nor with the dimension."""
    return not _grows(larger) and max(larger) <= 2 * max(smaller)


def _below(smaller, larger, constants):
    return bool(np.all(np.maximum(smaller, larger) <= constants))


def potential_slope(W, W_star):
    r"""dg / d eta of a step W + eta R at eta = 0, of shape [...]: column j lengthens at the rate <\bar a_j, R_j>."""
    W, W_star = check_pair(W, W_star)
    A = torch.eye(W.shape[-1], dtype=W.dtype, device=W.device) + W
    return -(A / A.norm(dim=-2, keepdim=True) * population.lemma_2_1(W, W_star)).sum((-2, -1))


@arguments(gamma=_POSITIVE, d=FORMULA, s=within(0, math.inf))
def proved_remainder(gamma, d, s):
    r"""A bound on |dg / d eta + (d + pi/2 - 1) g + (pi/2) <u, s>| for |W|_2, |W*|_2 <= gamma and |s| = `s`.

    The proposition of chapter 6. With beta = 2 gamma / (1 - gamma) and xi = (1 + beta)^2 - 1 as in
    `gradient_size.proved_norms` the four lines are: the sum over columns, the column itself, the other columns'
    cosines, and the angle theta_j*j. Raises ValueError unless beta < 1, that is gamma < 1/3.
    """
    beta = 2 * gamma / (1 - gamma) if gamma < 1 else math.inf
    if not beta < 1:
        raise ValueError(f"gamma must be below 1/3, not {gamma}")
    xi, longest, turn = beta * (2 + beta), 1 + gamma, 2 * math.asin(beta)
    return (
        math.pi / 2 * beta * math.sqrt(d) * s
        + math.pi * longest * beta**2 * d
        + (math.pi / 2 - 1) * longest * xi**2 * d
        + longest * turn**3 / 3 * d
    )


@arguments(gamma=_POSITIVE)
def proved_quotient_of_s(gamma):
    r"""The constant of the O in the update of s: |R u - (pi/2) d s| over sqrt(d) (|g| + gamma) is at most this.

    R u - (pi/2) d s = (pi/2) s + \bar A (g_1, ..., g_d)^T + ..., |g_j| <= |g| + 2 gamma, and the rest of R as in
    `gradient_size.proved_norms`, where neither depends on d.
    """
    pieces, psi = gradient_size.proved_norms(1, gamma), (1 + gamma) / (1 - gamma)
    return max(psi, math.pi + 2 * psi + (pieces.first_order + pieces.higher_order) / gamma)


@arguments(gamma=_POSITIVE)
def proved_quotient(gamma):
    """The constant of the corrected update's O: `proved_remainder` over gamma sqrt(d) |s| + d gamma^2 is at most
    this, whatever d and s are."""
    return max(proved_remainder(gamma, 1, 0.0) / gamma**2, math.pi / (1 - gamma))


@arguments(gamma=_NORM)
def quotients(W, W_star, gamma):
    """The Quotients, each [...], of pairs [..., d, d] of spectral norm at most gamma, for eta going to zero."""
    W, W_star = check_pair(W, W_star)
    d = W.shape[-1]
    g, s = landscape.potential(W, W_star), landscape.way_along_ones(W, W_star)
    slope_s = -population.lemma_2_1(W, W_star).sum(-1)  # ds / d eta = -R u
    slope_g = potential_slope(W, W_star)
    allowed_s = math.sqrt(d) * (g.abs() + gamma)
    allowed_g = gamma * math.sqrt(d) * s.norm(dim=-1) + d * gamma**2
    missing = (math.pi / 2 - 1) * g + math.pi / 2 * s.sum(-1)  # s.sum is <u, s>
    return Quotients(
        (slope_s + math.pi / 2 * d * s).norm(dim=-1) / allowed_s,
        (slope_g + d * g).abs() / allowed_g,
        (slope_g + d * g + missing).abs() / allowed_g,
    )


@arguments(dimensions=each(DIMENSION[2:]), gammas=each(_POSITIVE), pairs=DIMENSION, generator=torch.Generator)
def worst_quotients(dimensions, gammas, pairs, generator):
    """The largest `quotients` over pairs of spectral norm gamma: Quotients of arrays [dimension, gamma].

    In each dimension the pairs are those of `search.with_corners` and W = gamma (J - I) / d, W* = 0, where s is
    as large and g as small as can be.
    """
    worst = np.zeros((3, len(dimensions), len(gammas)))
    for row, d in enumerate(dimensions):
        W, W_star = search.with_corners(d, 1.0, pairs, generator)
        hollow = (torch.ones(1, d, d, dtype=W.dtype) - torch.eye(d, dtype=W.dtype)) / d
        W, W_star = torch.cat([W, hollow]), torch.cat([W_star, 0 * hollow])
        for column, gamma in enumerate(gammas):
            worst[:, row, column] = [float(q.max()) for q in quotients(gamma * W, gamma * W_star, gamma)]
    return Quotients(*worst)


@arguments(W=three_variables.COORDINATES, d=FORMULA, eta=_POSITIVE)
def coordinate_step(W, d, eta):
    """The coordinates of W + eta R, W* = 0, from the coordinates (alpha, kappa, tau) of W: floats or mpmath numbers."""
    pi = mpmath.pi if isinstance(W[0], mpmath.mpf) else math.pi
    return tuple(x - eta * pi * y for x, y in zip(W, three_variables.gradient(W, d)))


@arguments(function=callable, W=three_variables.COORDINATES)
def in_floats_and_digits(function, W):
    """A function of the coordinates W, in float64 and in 40 digits: two floats."""
    with mpmath.workdps(DIGITS):
        return float(function(W)), float(function(tuple(map(mpmath.mpf, W))))


@arguments(d=FORMULA[2:], gamma=_NORM)
def counterexample(d, gamma):
    """The signed quotient of the printed update of g at W = gamma (J - I) / (d - 1), W* = 0, in float64 and 40 digits.

    From one actual step of the theorem's size. There g is of second order in gamma but <u, s> = -gamma d.
    """
    eta = bounds.phase_one_step(d, gamma)

    def quotient(W):
        before, after = (three_variables.potential(X, d) for X in (W, coordinate_step(W, d, eta)))
        allowed = gamma * d * abs(W[2]) + d * gamma**2  # |s| = |tau| sqrt(d)
        return (after - before + eta * d * before) / eta / allowed

    return in_floats_and_digits(quotient, (-gamma / (d - 1), 0.0, gamma))


@arguments(worst=Quotients, gammas=each(_THIRD))
def s_update(worst, gammas):
    """The SUpdate of `worst`, the `worst_quotients` in two dimensions and at `gammas`, increasing."""
    _check_worst(worst, gammas)
    return SUpdate(*worst.s, np.array([proved_quotient_of_s(gamma) for gamma in gammas]))


@arguments(d=FORMULA[2:], worst=Quotients, gammas=each(_THIRD), exact=each(_POSITIVE))
def g_update(d, worst, gammas, exact=(1e-2, 1e-3, 1e-4)):
    """The GUpdate of `worst`, the `worst_quotients` in two dimensions, the second d, and at `gammas`, increasing.

    The counterexample is taken in dimension d at the `exact` gammas.
    """
    _check_worst(worst, gammas)
    if any(np.diff(exact) >= 0):
        raise ValueError(f"exact must be decreasing, not {exact}")
    floats, digits = zip(*(counterexample(d, gamma) for gamma in exact))
    proved = np.array([proved_quotient(gamma) for gamma in gammas])
    return GUpdate(worst.g[1], *worst.g_corrected, proved, tuple(exact), floats, digits)


def _check_worst(worst, gammas):
    if any(np.diff(gammas) <= 0):
        raise ValueError(f"gammas must be increasing, not {gammas}")
    if np.shape(worst.s) != (2, len(gammas)):
        raise ValueError(
            f"worst must hold quotients in two dimensions and at the {len(gammas)} gammas, [2, {len(gammas)}], "
            f"not {list(np.shape(worst.s))}"
        )
