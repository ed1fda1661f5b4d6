r"""Phase I: Theorem 3.2 clause by clause.

Printed scale throughout, as the paper's constants are: a step of size eta adds eta R to W, R = -pi grad L being the
sum of Lemma 2.1, so that 1 / (16 eta) steps are the time pi / 16 of the gradient flow. Where a result says "in 40
digits" it was computed from coordinates (alpha, kappa, tau) of `three_variables` in mpmath, with W* = 0.
"""

import math
from typing import NamedTuple

import mpmath
import torch
from scipy.optimize import brentq

from src import verdicts
from src.checks import check_integer, check_matrix, check_positive, check_same_kind
from src.dynamics import flow, three_variables
from src.model import landscape, population, weights
from src.theory import bounds, search
from src.theory.phase_one_updates import DIGITS, coordinate_step, in_floats_and_digits, potential_slope

GAMMA_0, GAMMA = 0.01, 0.0225  # two constants that Theorem 3.2 could mean; GAMMA is the largest with 197 gamma^2 <= 0.1
END = math.pi / 16  # when Phase I ends at the latest, as a time of the flow


def shrink_rate(W, W_star):
    """-(dg / d eta) / (d g) at eta = 0, of shape [...]: Theorem 3.2 says at least 0.5 where g is above 197 gamma^2."""
    return -potential_slope(W, W_star) / (W.shape[-1] * landscape.potential(W, W_star))


class Rate(NamedTuple):
    """Clause (a): g shrinks by 1 - 0.5 eta d in every step. Rates are those of `shrink_rate`, and should reach 0.5."""

    slowest: float  # two constants: the smallest over the pairs with g above 197 GAMMA^2
    pairs: int  # how many these are
    typical: float  # two constants: W = -GAMMA_0 I, W* = 0
    at_largest: float  # one constant, GAMMA, with a teacher: the smallest over pairs with g above 197 GAMMA^2
    changes: dict  # one constant gamma, W* = 0: (g_1 / g_0 - 1) / (eta d) in float64 and in 40 digits; -0.5 or less

    @property
    def broken(self):
        """The single constants gamma at which `changes` exceeds -0.5, in float64 and in 40 digits."""
        return [gamma for gamma, change in self.changes.items() if min(change) > -0.5]

    @property
    def verdict(self):
        """fails, if two constants do not save it; corrected, if it takes two, or the printed scale; holds otherwise."""
        if self.slowest < 0.5:
            return verdicts.FAILS
        return verdicts.CORRECTED if self.broken or self.typical / math.pi < 0.5 else verdicts.HOLDS


def rate(W, W_star, gammas=(0.0225, 0.01, 0.006, 0.002)):
    """Clause (a) for the pairs GAMMA_0 W, GAMMA_0 W*, and for the single constants `gammas`: a Rate.

    W, W_star: [S, d, d] pairs of spectral norm at most one. To them come a hundred pairs with M u = -2 u, which makes
    <u, s> as negative as it can be, and M = 2p on the rest, p from 0 to 1: some have just enough trace for the
    threshold.
    """
    check_matrix("W", W)
    check_same_kind("W_star", W_star, W)
    d = W.shape[-1]
    on_u = torch.full((d, d), 1 / d, dtype=W.dtype)  # J / d
    on_rest = torch.eye(d, dtype=W.dtype) - on_u
    p = torch.linspace(0, 1, 101, dtype=W.dtype)[:, None, None]
    against = on_u - p * on_rest, p * on_rest - on_u

    def slowest(W, W_star):
        above = landscape.potential(W, W_star) > bounds.phase_one_potential(GAMMA)
        rates = shrink_rate(W[above], W_star[above])
        return float(rates.min()) if len(rates) else math.inf, len(rates)

    every = tuple(GAMMA_0 * torch.cat(pair) for pair in zip((W, W_star), against))
    changes = {gamma: one_constant_change(d, gamma) for gamma in gammas}
    return Rate(
        *slowest(*every),
        typical=float(shrink_rate(-GAMMA_0 * (on_u + on_rest), 0 * on_u)),
        at_largest=slowest(GAMMA * against[0], GAMMA * against[1])[0],
        changes={gamma: change for gamma, change in changes.items() if change is not None},
    )


def one_constant_change(d, gamma):
    """(g_1 / g_0 - 1) / (eta d) of one step from the pair that resists most, in float64 and in 40 digits.

    W* = 0 and W is gamma on u and -a on the rest, a such that g_0 = 1.02 * 197 gamma^2; eta is the theorem's largest.
    None where a would exceed gamma: so large a potential needs a larger d.
    """
    check_integer("d", d, at_least=3)
    goal = 1.02 * bounds.phase_one_potential(gamma)
    eta = bounds.phase_one_step(d, gamma)

    def above_goal(a):
        return three_variables.potential((-a, 0.0, gamma), d) - goal

    def change(W):
        before, after = (three_variables.potential(X, d) for X in (W, coordinate_step(W, d, eta)))
        return (after / before - 1) / (eta * d)

    if above_goal(gamma) < 0:
        return None
    return in_floats_and_digits(change, (-brentq(above_goal, 0, gamma, xtol=1e-17), 0.0, gamma))


class Steps(NamedTuple):
    """Clause (b): g is down to 197 gamma^2 after 1 / (16 eta) steps. Values of g in the end, unless said otherwise."""

    allowed: float  # 197 GAMMA^2
    printed: float  # two constants: the larger of the starts -GAMMA_0 I, W* = GAMMA_0 I or 0; steps of eta R
    true: float  # the same with steps along the true gradient, pi times shorter
    by_rate: float  # the larger start's g_0 times exp(-d / 32), what clause (a) alone promises
    single: float  # one constant: W = -single I, W* = 0
    single_allowed: float  # 197 single^2
    single_floats: float  # g after exactly the theorem's steps, float64
    single_digits: float  # g by the flow in 40 digits

    @property
    def verdict(self):
        """fails, if two constants do not save it; corrected, if it takes two, or the printed scale; holds otherwise."""
        if self.printed > self.allowed:
            return verdicts.FAILS
        single_fails = min(self.single_floats, self.single_digits) > self.single_allowed
        return verdicts.CORRECTED if single_fails or self.true > self.allowed else verdicts.HOLDS


def steps(d, single=5e-4):
    """Clause (b) at dimension d with GAMMA_0 and GAMMA, and with the one constant `single`: Steps."""
    check_integer("d", d, at_least=3)
    check_positive("single", single)
    eye = torch.eye(d, dtype=torch.float64)
    pairs = GAMMA_0 * torch.stack([-eye, -eye]), GAMMA_0 * torch.stack([eye, 0 * eye])
    printed, true = (
        float(flow.integrate(*pairs, t_end=t, rtol=1e-5).potential[-1].max()) for t in (END, END / math.pi)
    )
    start = (-single, 0.0, -single)
    eta = bounds.phase_one_step(d, single)
    W = start
    for _ in range(math.floor(bounds.phase_one_steps(eta))):
        W = coordinate_step(W, d, eta)
    return Steps(
        allowed=bounds.phase_one_potential(GAMMA),
        printed=printed,
        true=true,
        by_rate=float(landscape.potential(pairs[0][0], pairs[1][0])) * math.exp(-d / 32),
        single=single,
        single_allowed=bounds.phase_one_potential(single),
        single_floats=three_variables.potential(W, d),
        single_digits=potential_in_digits(start, d),
    )


def potential_in_digits(W, d, pieces=100):
    """g at the end of Phase I, by Runge and Kutta's method of order four along the flow from W (W* = 0), 40 digits."""
    with mpmath.workdps(DIGITS):
        W, h = tuple(map(mpmath.mpf, W)), mpmath.mpf(1) / 16 / pieces
        for _ in range(pieces):
            R = [(0, 0, 0)]
            for weight in (0, 0.5, 0.5, 1):
                moved = tuple(x + weight * h * y for x, y in zip(W, R[-1]))
                R.append(tuple(-mpmath.pi * y for y in three_variables.gradient(moved, d)))
            W = tuple(x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4) for x, k1, k2, k3, k4 in zip(W, *R[1:]))
        return float(three_variables.potential(W, d))


class After(NamedTuple):
    """Clause (c): after Phase I |W_T|_2 <= 1/100 and g_T <= 0.1. Exact gradient descent, without noise."""

    gamma_0: float  # spectral norm of W_0 and W*
    t: torch.Tensor  # [T], time, true scale
    norms: torch.Tensor  # [T, S], |W|_2 / gamma_0 of the S starts
    largest_norm: float  # of `norms` after Phase I
    largest_g: float  # the largest potential after Phase I

    @property
    def largest_gamma_0(self):
        """Up to this gamma_0 the norms stay within 1/100, as `norms` hardly depends on gamma_0."""
        return bounds.PHASE_TWO_SPECTRAL / self.largest_norm

    @property
    def verdict(self):
        """holds, if both bounds were kept after Phase I; fails otherwise."""
        kept = self.largest_norm * self.gamma_0 <= bounds.PHASE_TWO_SPECTRAL and self.largest_g <= bounds.G_LIMIT
        return verdicts.HOLDS if kept else verdicts.FAILS


def after(K, gamma_0, generator, t_end=2.0):
    """Clause (c) along steps of 0.25 / d in Phase I and of 1 / d after it, until the time t_end: After.

    K: [d, d], skew with a flat spectrum. Nine starts: five in which a teacher pulls where the student's eigenvalues are
    already at their bound (a teacher I adds I to W), and four of `search.starts`.
    """
    d = K.shape[-1]
    eye, on_u = torch.eye(d, dtype=K.dtype), torch.full((d, d), 1 / d, dtype=K.dtype)
    Q = weights.with_norms(d, 1.0, math.sqrt(d), generator)  # orthogonal
    S = Q * (-1.0) ** torch.arange(d) @ Q.mT  # symmetric with eigenvalues 1 and -1
    W, W_star, _ = search.starts(d, 1.0, 4, generator)
    W = gamma_0 * torch.cat([torch.stack([S, Q, K, 2 * on_u - eye, S]), W])
    W_star = gamma_0 * torch.cat([torch.stack([eye, eye, eye, eye, -K]), W_star])
    t, times, norms, potentials = 0.0, [0.0], [torch.linalg.matrix_norm(W, 2)], []
    k = 0
    while t < t_end:
        h = 0.25 / d if t < END else 1 / d
        W = W - h * population.gradient(W, W_star)
        t, k = t + h, k + 1
        if k % 5 == 4:
            times.append(t)
            norms.append(torch.linalg.matrix_norm(W, 2))
            if t >= END:
                potentials.append(landscape.potential(W, W_star).max())
    times, norms = torch.tensor(times), torch.stack(norms) / gamma_0
    return After(gamma_0, times, norms, float(norms[times >= END].max()), float(torch.stack(potentials).max()))
