r"""Theorem 3.1, Phase II: for which numbers of steps T it is true, and for which it says something.

Its step size eta = (1 + alpha) log T / (0.03 T) is fixed by T, and its condition on T is met by every T >= 2. But for
small T the step is too long for descent to be stable, and W leaves the region that Lemma 2.5 asks it to stay in. Where
eta is at most gamma^2 / G_2^2, the step of Phase I, Theorem 3.2 says that W stays there. Formulas are at the printed
scale; a step of eta along R is pi eta long along the true gradient.
"""

import math
from typing import NamedTuple

import torch
from scipy.optimize import brentq

from src import verdicts
from src.checks import COUNT, DIMENSION, FORMULA, arguments, between, each, optional, within
from src.dynamics import linearised
from src.model import landscape, population, weights
from src.theory import bounds, main_theorem, noisy_descent
from src.theory.bounds import DELTA, G_LIMIT, PHASE_TWO_SPECTRAL

_POSITIVE = between(0, math.inf)
_ALPHA = between(0, 100)
_STEPS = within(2, FORMULA[-1])  # a number of steps in a formula need not be whole
_NORM = between(0, 1)  # from 1 on a column of I + W can vanish
_TIME = within(0, 10_000)
_run = arguments(T=_STEPS, alpha=_ALPHA)
_formula = arguments(alpha=_ALPHA, d=FORMULA, gamma=_NORM, noise=within(0, math.inf))


@_run
def step_size(T, alpha):
    """Theorem 3.1, Phase II: eta = (1 + alpha) log T / (0.03 T)."""
    return noisy_descent.step_size(T, alpha, DELTA)


@_run
@_formula
def bound(T, alpha, d, gamma, noise=0.0):
    """Theorem 3.1, Phase II: E |W_T - W*|_F^2 <= 100^2 (1 + alpha) log T G_F^2 / (9 T)."""
    return noisy_descent.bound(T, alpha, DELTA, bounds.gradient_frobenius(d, gamma, noise))


@_formula
def required(alpha, d, gamma, noise=0.0):
    """Theorem 3.1, Phase II: what T^alpha log T has to reach, 36 d / (100^4 (1 + alpha) G_F^2)."""
    return 36 * d / (100**4 * (1 + alpha) * bounds.gradient_frobenius(d, gamma, noise) ** 2)


@arguments(quotient=_POSITIVE)
def from_steps(quotient):
    """The T from which log T / T is below 1 / quotient for good; 2 if it always is."""
    if quotient <= math.e:  # log T / T is at most 1 / e
        return 2.0
    return math.exp(brentq(lambda x: math.log(quotient * x) - x, 1, 10 + 2 * math.log(quotient)))


@arguments(alpha=_ALPHA, d=FORMULA[2:])
def stable_steps(alpha, d):
    """(printed, true): the T from which the step is below 2 over the largest curvature at W = W* = 0."""
    fastest = linearised.families(d)[0].rate  # true scale
    return tuple(from_steps((1 + alpha) / DELTA * fastest * scale / 2) for scale in (math.pi, 1))


@arguments(alpha=_ALPHA, d=FORMULA, gamma=_NORM)
def covered_steps(alpha, d, gamma):
    """The T from which the step is at most gamma^2 / G_2^2, with the noise bound gamma^2: Theorem 3.2 speaks of it."""
    return from_steps((1 + alpha) / DELTA / bounds.phase_one_step(d, gamma, gamma**2))


@arguments(alpha=_ALPHA, d=FORMULA, gamma=_NORM, distance=optional(_POSITIVE))
def useful_steps(alpha, d, gamma, distance=None):
    """The T from which `bound` is below distance^2; by default D^2, so that it says more than the region does."""
    distance = main_theorem.phase_two_radius(d) if distance is None else distance
    return from_steps((1 + alpha) * (bounds.gradient_frobenius(d, gamma) / (DELTA * distance)) ** 2)


@arguments(
    T=COUNT[1:],
    alpha=_ALPHA,
    size=_NORM,
    generator=torch.Generator,
    d=DIMENSION,
    scale=_POSITIVE,
    steps=optional(COUNT),
)
def overshoot(T, alpha, size, generator, d=100, scale=math.pi, steps=None):
    """|W_T - W*|_F^2 over its bound at gamma = 1/100, for exact descent from W = size Q with W* = size Q'.

    Q and Q' are random orthogonal matrices, exchanged if g is positive. scale: pi for steps along the sum R, 1 for the
    true gradient. With `steps`, after so many of the T steps.
    """
    if steps is not None and steps > T:
        raise ValueError(f"steps must be at most T = {T}, not {steps}")
    W, W_star = main_theorem.standard_pair(d, size, generator)
    if landscape.potential(W, W_star) > 0:
        W, W_star = W_star, W
    eta = scale * step_size(T, alpha)
    for _ in range(T if steps is None else steps):
        W = W - eta * population.gradient(W, W_star)
    return float((W - W_star).square().sum()) / bound(T, alpha, d, PHASE_TWO_SPECTRAL)


class Stay(NamedTuple):
    """Descent with noise through Phase I and on: the largest values over all starts from the end of Phase I on."""

    norm: float  # |W|_2
    potential: float  # g
    square: float  # |W - W*|_F^2 in the end


@arguments(gamma=_NORM, gamma_0=_NORM, generator=torch.Generator, d=DIMENSION[2:], t_end=_TIME)
def stay(gamma, gamma_0, generator, d=100, t_end=10.0):
    """The Stay of four starts of norm gamma_0 along short steps, each with noise of Frobenius norm gamma^2.

    The first start is the worst that is known for |W|_2; then eigenvalues +-1 that the teacher pulls outwards, the
    matrix of ones against the identity, and two random orthogonal matrices. Time is that of the true scale.
    """
    eye, on_u = torch.eye(d, dtype=torch.float64), torch.full((d, d), 1 / d, dtype=torch.float64)
    Q, Q_star = (weights.with_norms(d, 1.0, math.sqrt(d), generator) for _ in range(2))
    flipped = -eye
    flipped[0, 0] = 1
    W = gamma_0 * torch.stack([flipped, Q * (-1.0) ** torch.arange(d) @ Q.mT, 2 * on_u - eye, Q])
    W_star = gamma_0 * torch.stack([eye, eye, eye, Q_star])
    t, norm, potential = 0.0, 0.0, -math.inf
    while t < t_end:
        E = torch.randn(W.shape, generator=generator, dtype=torch.float64)
        E = gamma**2 * E / E.norm(dim=(1, 2), keepdim=True)
        h = 0.5 / d if t < math.pi / 16 else 1.5 / (d / 2 + 2)
        W, t = W - h * (population.gradient(W, W_star) + E), t + h
        if t >= math.pi / 16:
            norm = max(norm, float(torch.linalg.matrix_norm(W, 2).max()))
            potential = max(potential, float(landscape.potential(W, W_star).max()))
    return Stay(norm, potential, float((W - W_star).square().sum((1, 2)).max()))


class PhaseTwo(NamedTuple):
    """Theorem 3.1, Phase II, at one d and alpha. Numbers of steps are at the printed scale."""

    condition: (
        float  # what the condition on T asks of T^alpha log T, over its value at T = 2: met by every T if below 1
    )
    overshoot: float  # squared distance over its bound, at a small T: the smallest over sizes and both scales
    stable: float  # T from which descent is stable
    covered: float  # T from which Theorem 3.2 says that W stays in the region
    useful: float  # T from which the bound says more than the region does
    norm: float  # largest |W|_2 after Phase I, with steps as short as from `covered` on, and with noise
    potential: float  # largest g there
    square: float  # largest squared distance in the end, over the bound at `useful` steps
    margin: float  # the one-point ratio that is proved in the region

    @property
    def breaks(self):
        """Whether a T that the condition admits breaks the bound."""
        return self.condition < 1 and not self.overshoot <= 1

    @property
    def saved(self):
        """Whether it is enough to ask for `covered` steps: W stays in the region and arrives, and no T is lost for
        which the bound says something."""
        inside = self.norm <= PHASE_TWO_SPECTRAL and self.potential <= G_LIMIT and self.margin > math.pi * DELTA
        return inside and self.square <= 1 and self.stable <= self.covered <= self.useful

    @property
    def verdict(self):
        """fails, unless it is enough to ask for `covered` steps; holds, corrected, if they have to be asked for;
        holds, if the bound is kept with few steps too."""
        if not self.saved:
            return verdicts.FAILS
        return verdicts.CORRECTED if self.breaks else verdicts.HOLDS


FEW = (10, 30)  # numbers of steps that the theorem admits
SIZES = (1e-2, 1e-4, 1e-6)  # of the weights there, as gamma_0 might be any constant


@arguments(alpha=_ALPHA, d=range(3, 2001), generator=torch.Generator)  # d as in `largest_start`
def phase_two(alpha, d, generator):
    """The PhaseTwo evidence at d and alpha, with gamma = 1/100 and the gamma_0 that the printed rate allows."""
    gamma = PHASE_TWO_SPECTRAL
    gamma_0 = main_theorem.largest_start(gamma, d)
    seed = int(torch.randint(2**31, (), generator=generator))
    few = [
        overshoot(T, alpha, size, torch.Generator().manual_seed(seed), d, scale)
        for T in FEW
        for size in SIZES
        for scale in (math.pi, 1.0)
    ]
    stays = stay(gamma, gamma_0, generator, d)
    useful = useful_steps(alpha, d, gamma)
    return PhaseTwo(
        condition=required(alpha, d, gamma) / (2**alpha * math.log(2)),
        overshoot=min(few),
        stable=stable_steps(alpha, d)[0],
        covered=covered_steps(alpha, d, gamma),
        useful=useful,
        norm=stays.norm,
        potential=stays.potential,
        square=stays.square / bound(useful, alpha, d, gamma),
        margin=bounds.one_point_ratio(gamma),
    )


class Polynomial(NamedTuple):
    """How the number of steps, Phase I and Phase II together, grows: local exponents between n and 2n."""

    in_d: tuple  # steps until the bound is D^2, for growing d
    in_accuracy: tuple  # steps until the bound is a shrinking squared distance, per factor in 1 / distance
    covered: float  # the smallest number of steps over `covered_steps`, over the dimensions

    @property
    def verdict(self):
        """holds, if the exponents do not grow, and the steps are as many as the corrected theorem asks for; fails
        otherwise."""
        bounded = all(max(powers) <= powers[0] * (1 + 1e-9) for powers in (self.in_d, self.in_accuracy))
        return verdicts.HOLDS if bounded and self.covered >= 1 else verdicts.FAILS


@arguments(alpha=_ALPHA, dimensions=each(range(1, 10**14)))
def polynomial(alpha, dimensions=(100, 10_000, 1_000_000)):
    """The Polynomial growth of Theorem 3.1's number of steps with gamma = 1/100."""
    gamma = PHASE_TWO_SPECTRAL

    def steps(d, part=1.0):
        first = bounds.phase_one_steps(bounds.phase_one_step(d, gamma, gamma**2))
        return first + useful_steps(alpha, d, gamma, part * main_theorem.phase_two_radius(d))

    def exponent(before, after):
        return math.log2(after / before)

    return Polynomial(
        tuple(exponent(steps(d), steps(2 * d)) for d in dimensions),
        tuple(exponent(steps(100, x), steps(100, x / 2)) for x in (1, 1e-2, 1e-4)),
        min(steps(d) / covered_steps(alpha, d, gamma) for d in dimensions),
    )
