r"""Near the identity the teacher is the only critical point: a proof with its constants, for every dimension.

Printed scale: R is the sum of Lemma 2.1, a_j and b_j are the columns of I + W and I + W*, a bar divides by length,
s = (W* - W) u, and gamma bounds |W|_2 and |W*|_2. With psi = (1 + gamma) / (1 - gamma) and xi = psi^2 - 1 the matrix
A_bar has spectral norm at most psi, and off the diagonal the cosines <a_bar_i, a_bar_j>, <b_bar_i, a_bar_j> have rows
and columns of length at most xi (chapter 7). Then for every pair

    | R u - (pi/2)(d + 1) s - A_bar (g u + h) |  <=  along sqrt(d),    where every |h_j| <= own,
    | <R, A_bar> - (d + pi/2 - 1) g - (pi/2) <s, A_bar u> |  <=  inner d.

Where R = 0, the first gives s, and the second then bounds g: `largest_potential`. It is so small that Theorem 3.3 has
its margin there (`bounds.one_point_ratio`), <R, M> > 0 unless M = 0.
"""

import math
from typing import NamedTuple

from scipy.optimize import brentq

from src.checks import FORMULA, arguments, between
from src.theory import bounds

_POSITIVE = between(0, math.inf)


class Constants(NamedTuple):
    """The constants of the two inequalities above, at one gamma."""

    psi: float
    along: float
    own: float
    inner: float


@arguments(gamma=_POSITIVE)
def constants(gamma):
    """The Constants at gamma; raises ValueError unless gamma < 3 - 2 sqrt(2), where xi < 1."""
    psi = (1 + gamma) / (1 - gamma) if gamma < 1 else math.inf
    xi = psi**2 - 1
    if not xi < 1:
        raise ValueError(f"gamma must be below 3 - 2 sqrt(2) = 0.1716, not {gamma}")
    theta = math.asin(psi - 1)  # the largest angle between a_j and b_j
    return Constants(
        psi=psi,
        along=(1 + gamma) * (theta + 4 * math.asin(xi)),
        own=4 * gamma + (1 + gamma) * xi**2,
        inner=(1 + gamma) * (math.pi / 2 * (1 - math.cos(theta)) + theta**3 / 3 + xi * math.asin(xi) + xi**2),
    )


@arguments(gamma=_POSITIVE, d=FORMULA)
def largest_potential(gamma, d):
    """No critical point with |W|_2, |W*|_2 <= gamma has a larger |g| in d or more dimensions; inf if nothing follows.

    From the two inequalities with R = 0: (d + pi/2 - 1 - psi^2) |g| <= inner d + psi along + psi^2 own. The quotient
    decreases with d.
    """
    psi, along, own, inner = constants(gamma)
    factor = d + math.pi / 2 - 1 - psi**2
    return (inner * d + psi * along + psi**2 * own) / factor if factor > 0 else math.inf


@arguments(gamma=_POSITIVE, d=FORMULA)
def margin(gamma, d):
    """A lower bound for the one-point ratio of another critical point. That is zero: a positive bound excludes it."""
    g = largest_potential(gamma, d)
    return bounds.one_point_ratio(gamma, g) if g < math.inf else -math.inf


@arguments(d=FORMULA)
def radius(d):
    """The largest gamma for which `margin` is positive: W* is the only critical point with |W|_2 <= gamma."""
    return brentq(lambda gamma: margin(gamma, d), 1e-6, 0.1)
