r"""The formulas of the lemmas and theorems: how large a gradient is, which steps are allowed, what is promised.

All of them belong to the scale of the sum R that Lemma 2.1 prints, which is pi times the true negative gradient: a
gradient bound here is for R, delta is for <R, W* - W>, and a step of size eta moves W by eta R, so that the step size
to use with `population.gradient` is pi * eta. `gamma` bounds |W_0|_2 and |W*|_2; `noise` is the paper's epsilon, which
bounds the Frobenius norm of a gradient's noise. Lemma 2.5 is in `noisy_descent`, Theorem 3.1 in `main_theorem`.
"""

import math
from typing import NamedTuple

from src.checks import FORMULA, arguments, between, within

G_LIMIT = 0.1  # g up to which Theorem 3.3 promises one-point convexity
DELTA = 0.03  # of Theorem 3.3: <R, W* - W> > 0.03 |W* - W|_F^2
PHASE_TWO_SPECTRAL = 0.01  # of Theorem 3.2: |W_T|_2 after Phase I

_POSITIVE = between(0, math.inf)
_gradient_arguments = arguments(d=FORMULA, gamma=_POSITIVE, noise=within(0, math.inf))


@_gradient_arguments
def gradient_spectral(d, gamma, noise=0.0):
    """Section 2, G_2 = 6 d gamma + epsilon, said to bound the spectral norm of every stochastic gradient."""
    return 6 * d * gamma + noise


@_gradient_arguments
def gradient_frobenius(d, gamma, noise=0.0):
    """Section 2, G_F = 6 d^1.5 gamma + epsilon, said to bound the Frobenius norm of every stochastic gradient."""
    return 6 * d**1.5 * gamma + noise


@_gradient_arguments
def phase_one_step(d, gamma, noise=0.0):
    """Theorems 3.1 and 3.2: the largest step size of Phase I, eta = gamma^2 / G_2^2, close to 1 / (36 d^2)."""
    return (gamma / gradient_spectral(d, gamma, noise)) ** 2


@arguments(step=_POSITIVE)
def phase_one_steps(step):
    """Theorem 3.2: after at most 1 / (16 eta) steps of size eta = `step` the potential is down to 197 gamma^2."""
    return 1 / (16 * step)


@arguments(d=FORMULA, step=_POSITIVE)
def phase_one_factor(d, step):
    """Theorem 3.2: the factor 1 - 0.5 eta d by which every step of Phase I is said to shrink the potential at least."""
    return 1 - 0.5 * step * d


@arguments(gamma=_POSITIVE)
def phase_one_potential(gamma):
    """Theorem 3.2: the potential at which Phase I ends, 197 gamma^2; at most 0.1 when gamma <= 0.0225."""
    return 197 * gamma**2


class MarginConstants(NamedTuple):
    """The three numbers of the proof in chapter 7, for weights of spectral norm at most gamma."""

    psi: float  # (1 + gamma) / (1 - gamma), bounds |A_bar|_2 and ratios of lengths
    xi: float  # psi^2 - 1, bounds |A_bar^T A_bar - I|_2
    zeta: float  # 1 / sqrt(1 - xi^2), bounds the slope of the arcsine


class MarginPieces(NamedTuple):
    """The six pieces of <R, M> in the proof of chapter 7, or bounds on them in units of |M|_F^2, printed scale."""

    square: float  # pi/2 |M u|^2 + pi/2 |M|_F^2
    own: float  # what the pairs i = j have beyond that
    turned: float  # sum over i != j of (arcsin c*_ij - arcsin c_ij) <b_i, m_j>, less sum r_j <a_bar_j, m_j>
    gram: float  # sum over i != j of arcsin(c_ij) <m_i, m_j>
    radial: float  # g <A_bar, M>
    sines: float  # what the sines differ from one


@arguments(gamma=_POSITIVE)
def margin_constants(gamma):
    """The MarginConstants at gamma. Raises ValueError unless xi < 1, that is gamma < 0.17."""
    psi = (1 + gamma) / (1 - gamma) if gamma < 1 else math.inf
    xi = psi**2 - 1
    if not xi < 1:
        raise ValueError(f"gamma must be below (sqrt(2) - 1) / (sqrt(2) + 1) = 0.1716, not {gamma}")
    return MarginConstants(psi, xi, 1 / math.sqrt(1 - xi**2))


@arguments(gamma=_POSITIVE, g_max=within(-math.inf, math.inf))
def margin_pieces(gamma, g_max=G_LIMIT):
    """What each piece is at least for |W|_2, |W*|_2 <= gamma and g <= g_max, in any d: a MarginPieces, over |M|_F^2."""
    psi, xi, zeta = margin_constants(gamma)
    return MarginPieces(
        square=math.pi / 2,
        own=-xi / 2,
        turned=-zeta * psi**2 - (psi - 1),
        gram=-math.asin(xi),
        radial=-(1 + psi) * max(g_max, 0.0) / 4,
        sines=-zeta * xi * psi**2 - zeta * xi**2 / 2,
    )


@arguments(gamma=_POSITIVE, g_max=within(-math.inf, math.inf))
def one_point_ratio(gamma, g_max=G_LIMIT):
    r"""No pair with |W|_2, |W*|_2 <= gamma, g <= g_max has a smaller printed ratio, in any d. Chapter 7 has the proof.

    The sum of `margin_pieces`: with psi = (1 + gamma) / (1 - gamma), xi = psi^2 - 1 and zeta = 1 / sqrt(1 - xi^2),
        pi/2 - zeta psi^2 - (psi - 1) - xi / 2 - arcsin xi - zeta xi psi^2 - zeta xi^2 / 2
             - (1 + psi) max(g_max, 0) / 4.
    Raises ValueError unless xi < 1, that is gamma < 0.17.
    """
    return sum(margin_pieces(gamma, g_max))


class Figure5Bounds(NamedTuple):
    """What the three parts of Figure 5 are at least, in any d, in units of |M|_F^2; g stands in the constant part."""

    constant: float
    first_order: float
    higher_order: float


@arguments(gamma=_POSITIVE, g_max=within(-math.inf, math.inf))
def figure_5(gamma, g_max=G_LIMIT):
    r"""The Figure5Bounds for |W|_2, |W*|_2 <= gamma and g <= g_max, from the steps of `margin_pieces`.

        constant      pi/2 - (1 + psi) max(g_max, 0) / 4
        first order   -psi^2 - (psi - 1) - xi: there arcsin c is c, of slope one
        higher order  -(zeta - 1) psi^2 - (arcsin xi - xi) - xi / 2 - zeta xi psi^2 - zeta xi^2 / 2
    Errors as in `margin_constants`.
    """
    psi, xi, zeta = margin_constants(gamma)
    pieces = margin_pieces(gamma, g_max)
    return Figure5Bounds(
        constant=pieces.square + pieces.radial,
        first_order=-(psi**2) - (psi - 1) - xi,
        higher_order=-(zeta - 1) * psi**2 - (math.asin(xi) - xi) + pieces.own + pieces.sines,
    )
