r"""The one-point ratio of pairs in the span of I, J and K on whole boxes of them: a form with interval coefficients.

Student I + W = (z, t) and teacher I + W* = (z*, t*) act on u as real numbers t, t*, elsewhere as complex ones z, z*
(`src.dynamics.three_variables`). Their columns have lengths n, n*. The ratio q = <R, M> / |M|_F^2 (printed scale) stays
what it is when both are turned or scaled alike, and so depends on epsilon = 1/d and on

    p = 2 sin(phi/2) with phi the angle between z and z*,   T = t/n,   D = t*/n* - t/n,   r = n*/n - 1

alone, with g = n r / epsilon. In y = (p, D, r / sqrt(epsilon)) and for n = 1, <R, M> / d and |M|_F^2 / d are quadratic
forms whose coefficients stay bounded as epsilon -> 0 and as M -> 0; `forms` encloses them on a box. Where the first
less q times the second is positive, the ratio is above q for all pairs of the box, M -> 0 and d -> infinity included.
"""

import math
from typing import NamedTuple

from src.checks import FORMULA, arguments, between
from src.theory.intervals import Interval


class Box(NamedTuple):
    """Ranges (low, high) of the five variables. r = None stands for 0 <= g <= 0.1, else r is at most zero."""

    epsilon: tuple
    p: tuple
    T: tuple
    D: tuple
    r: tuple | None

    def as_intervals(self, kind):
        """Its ranges as intervals of this kind; raises ValueError for a reversed one, or an r above zero."""
        if self.r is not None and self.r[1] > 0:
            raise ValueError(f"r must end at zero or below, or be None for 0 <= g <= 0.1, not {self.r}")
        return Box(*(None if side is None else kind(*side) for side in self))


class Forms(NamedTuple):
    """Lower bounds of <R, M> / d, and |M|_F^2 / d, as forms in y = (p, D, r / sqrt(epsilon)) on one box."""

    inner: tuple  # coefficients of the squares
    mixed: tuple  # those of p D, p r, D r: symmetric bounds
    square: tuple  # |M|_F^2 has squares only
    p: Interval
    D: Interval

    def exceeds(self, q):
        """Whether the ratio is certainly above q on the box (above or, where M = 0, the inequality is trivial)."""
        X, Y, Z = (a.lower() - (m * q).upper() for a, m in zip(self.inner, self.square))
        a, b, c = (x.magnitude() * 0.5 for x in self.mixed)
        if not (Y.positive() and Z.positive() and (Y * Z - c * c).positive()):
            return False
        # Leading minors of the matrix with X, Y, Z on the diagonal and -a, -b, -c beside it.
        if X.positive() and (X * Y - a * a).positive():
            minor = X * (Y * Z - c * c) - a * (a * Z + b * c) - b * (a * c + b * Y)
            if minor.positive():
                return True
        # Away from M = 0: what the known sizes of p and D leave, at the worst r.
        x, y = self.p.magnitude(), self.D.magnitude()
        least = self.D.square().lower()
        square = X * (self.p.square().lower() if X.positive() else self.p.square().upper())
        return (square + Y * least - a * x * y * 2 - (b * x + c * y).square() / Z).positive()

    def ratio(self, low=-1.0, high=0.6, steps=12):
        """A q that `exceeds` certifies on the box, between low and high, near the largest; -inf if not even low."""
        if not self.exceeds(low):
            return -math.inf
        for _ in range(steps):
            q = (low + high) / 2
            low, high = (q, high) if self.exceeds(q) else (low, q)
        return low


@arguments(gamma=between(0, 0.5), d_least=FORMULA[2:])
def domain(gamma, d_least):
    """The two Boxes of all pairs with |W|_2, |W*|_2 <= gamma and g <= 0.1 in d_least or more dimensions."""
    wider = 1 + 2**-40  # makes up for the rounding of these four lines
    psi = (1 + gamma) / (1 - gamma) * wider
    sides = (0.0, wider / d_least), (0.0, 2 * gamma * wider), (1 / psi, psi), (1 / psi - psi, psi - 1 / psi)
    return Box(*sides, None), Box(*sides, (1 / psi - 1, 0.0))


@arguments(box=Box, gamma=Interval)
def forms(box, gamma):
    """The Forms on a Box of intervals, for norms of at most the interval gamma; None where it holds no such pair."""
    room = _columns(box, gamma)
    if room is None:
        return None
    X, T_star = _geometry(box, room), room.T_star
    epsilon, p, D, beta, turn, pi = box.epsilon, box.p, box.D, 1 + X.r, X.turn, X.pi / 2
    one, root, asin = 1 - epsilon, epsilon.sqrt(), X.c.asin()
    square = beta * one * turn, beta * epsilon * X.kappa, epsilon

    # |M|_F^2 less r^2 is S; what every piece of <R, M> holds for each unit of it
    versines = beta / 4 * (X.f_root.square() + epsilon * X.e_epsilon.square())
    versines = one * (versines - epsilon * X.c_epsilon.square() * X.versine / 2)
    each = pi - asin - _own(square, beta, p, D) + (X.r - X.G) / 2 + versines

    # sums over i != j of (arcsin c*_ij - arcsin c_ij) <b_i, m_j>, by mean slopes, and of the change of the versines
    wide, tilt = one * beta * X.slope, one * beta * X.slopes * X.cosine * turn
    turned = wide * epsilon * (turn * X.apart / 2 - turn.square() * p.square() / 4 + turn * X.tau * X.r / 2)
    cosines = turn * X.cosine.square()
    change = one * X.chord * X.r * turn * (cosines + (X.c + X.e) / 2)
    inner = (
        square[0] * (each - X.slope * cosines) + turned - tilt * root * turn * p - change,
        square[1] * each + pi + asin + wide * epsilon * X.S * X.S_star,
        1 + epsilon * (pi - asin - 1 + (pi + asin) * T_star.square()) - one * X.versine * (X.e.square() + X.f.square()),
    )
    mixed = (
        tilt * root * X.gap,
        tilt * epsilon * X.tau - one * X.chords * turn * X.cosine * X.e * 2,
        root * ((pi + asin) * T_star * 2 + X.S * (wide * epsilon * X.tau - one * X.chord * (X.c + X.e))),
    )
    return Forms(inner, mixed, square, p, D)


class _Geometry(NamedTuple):
    """What the pieces are made of, on one box; n = 1. c and c + u -+ f are the cosines between different columns."""

    r: Interval
    G: Interval  # g / n; on the side r <= 0 an upper bound
    turn: Interval  # rho rho*
    cosine: Interval  # of phi / 2
    kappa: Interval
    S: Interval  # u = epsilon (S D + turn p^2 / 2)
    S_star: Interval
    gap: Interval  # S_star - S
    apart: Interval  # (S_star - S) D
    tau: Interval  # (t*^2 / n*^2 - |z*|^2 / n*^2)
    c: Interval
    c_epsilon: Interval  # c / epsilon
    e: Interval  # c + u
    e_epsilon: Interval
    f: Interval
    f_root: Interval  # f / sqrt(epsilon)
    slope: Interval  # half the sum of two mean slopes of the arcsine
    slopes: Interval  # half their difference
    chord: Interval  # the same for c -> 1 - sqrt(1 - c^2), over c + c*
    chords: Interval
    versine: Interval  # (1 - sqrt(1 - c^2)) / c^2
    pi: Interval  # pi


def _geometry(box, room):
    epsilon, p, D = box.epsilon, box.p, box.D
    T, T_star = room.T, room.T_star
    one, number = 1 - epsilon, p.of
    share = epsilon / one
    if box.r is None:
        G = (1 / (10 * room.n.lower())).hull(0)
        r = epsilon * G
    else:
        r, G = box.r, box.r.upper() / epsilon.upper()
    c_epsilon, tau = (T.square() - 1) / one, (T_star.square() - 1) / one
    c = epsilon * c_epsilon
    rho, rho_star = room.rho, room.rho_star
    lean = (T + T_star) / (rho + rho_star)  # rho - rho* = share lean D
    S, S_star = T + share * rho * lean, T_star + share * rho_star * lean
    gap = D * (1 - (share * lean).square())
    turn, cosine = rho * rho_star, (1 - p.square() / 4).sqrt()
    e_epsilon, f_root = c_epsilon + S * D + turn * p.square() / 2, turn * cosine * p
    e, f = epsilon * e_epsilon, epsilon.sqrt() * f_root
    largest = c.magnitude().hull(e.magnitude() + f.magnitude()).upper()
    zeta = 1 / (1 - largest.square()).sqrt()
    part = (c.magnitude() / largest).meet(number(0).hull(1)) if largest.positive() else number(1)
    rise = (zeta - 1) * (1 + part + part.square()) / 3  # 1 / sqrt(1 - x^2) is convex in x^2
    return _Geometry(
        r,
        G,
        turn,
        cosine,
        1 + share * lean.square(),
        S,
        S_star,
        gap,
        gap * D,
        tau,
        c,
        c_epsilon,
        e,
        e_epsilon,
        f,
        f_root,
        slope=(rise + 1).hull(1),
        slopes=(rise / 2).symmetric(),
        chord=(zeta / 2).hull(0.5),
        chords=((zeta - 1) / 4).symmetric(),
        versine=(1 / (1 + 1 / zeta)).hull(0.5),
        pi=p.pi(),
    )


def _own(square, beta, p, D):
    """What the pairs i = j take of each unit of S, at most: it increases with the angle theta of a_j and b_j."""
    half = ((square[0] * p.square() + square[1] * D.square()) / beta).upper().sqrt() / 2  # sin(theta / 2)
    theta, sine, cosine = half.asin() * 2, half * (1 - half.square()).sqrt() * 2, 1 - half.square() * 2
    return (beta * (theta - sine * cosine) + (sine - theta * cosine)) / (half.square() * 4)


class _Columns(NamedTuple):
    """What lengths are possible on a box."""

    n: Interval
    T: Interval
    T_star: Interval
    rho: Interval  # |z| / n
    rho_star: Interval  # |z*| / n*


def _columns(box, gamma):
    """The _Columns of a box, or None if it holds no pair: z or z* is turned by phi / 2 or more, which bounds it."""
    sine = box.p.lower().square() / 4
    cosine, depth = (1 - sine).sqrt(), (gamma.square() - sine).clipped().sqrt()
    one = 1 - box.epsilon
    least = (one * (cosine - depth).square() + box.epsilon * (1 - gamma).square()).lower().sqrt()
    most = (one * (cosine + depth).square() + box.epsilon * (1 + gamma).square()).upper().sqrt()
    if box.r is None:
        further = box.epsilon.upper() / 10
        n, n_star = (least - further).hull(most), least.hull(most + further)
    else:
        beta = 1 + box.r.lower()
        n, n_star = least.hull(most / beta), (least * beta).hull(most)
    size = (1 - gamma).hull(1 + gamma)
    T, T_star = box.T.meet(size / n), (box.T + box.D).meet(size / n_star)
    T = T and T_star and T.meet(T_star - box.D)
    if not T or not T_star:
        return None
    share = box.epsilon / one  # |z|^2 / n^2 = 1 - c with c = (T^2 - 1) share
    rho, rho_star = (
        (1 - (X.square() - 1) * share).clipped().sqrt().meet(size / length) for X, length in ((T, n), (T_star, n_star))
    )
    return _Columns(n, T, T_star, rho, rho_star) if rho and rho_star else None
