r"""Theorem 3.1 put together: do its constants fit, are its steps needed, and does it cover the standard start?

Formulas are at the printed scale, like those of `bounds`; descents run on the exact loss at the true scale, where a
step of size eta of the paper is pi eta long.
"""

import math
from typing import NamedTuple

import torch
from scipy.optimize import brentq

from src import verdicts
from src.checks import check_generator, check_integer, check_positive
from src.dynamics import three_variables
from src.model import landscape, population, weights
from src.theory import bounds, one_point_convexity
from src.theory.bounds import DELTA, G_LIMIT, PHASE_TWO_SPECTRAL


def phase_two_step(T, alpha):
    """Theorem 3.1, Phase II: eta = (1 + alpha) log T / (0.03 T)."""
    return one_point_convexity.step_size(T, alpha, DELTA)


def phase_two_bound(T, alpha, d, gamma, noise=0.0):
    """Theorem 3.1, Phase II: E |W_T - W*|_F^2 <= 100^2 (1 + alpha) log T G_F^2 / (9 T)."""
    return one_point_convexity.bound(T, alpha, DELTA, bounds.gradient_frobenius(d, gamma, noise))


def phase_two_radius(d):
    """Proof of Theorem 3.1: |W - W*|_F <= D = sqrt(d) / 50, which needs |W|_2 and |W*|_2 at most 1/100."""
    check_integer("d", d, at_least=1)
    return math.sqrt(d) / 50


def phase_two_useful_steps(alpha, d, gamma, noise=0.0):
    """The T from which `phase_two_bound` is below D^2, that is, promises more than the region already does."""
    check_positive("alpha", alpha)
    excess = (1 + alpha) * (bounds.gradient_frobenius(d, gamma, noise) / (DELTA * phase_two_radius(d))) ** 2
    if excess <= math.e:  # log T / T is at most 1 / e
        return 2.0
    return math.exp(brentq(lambda x: math.log(excess * x) - x, 1, 10 + 2 * math.log(excess)))


def largest_start(gamma, d_least=100, d_most=2000):
    """The gamma_0 for which the printed rate leaves Phase I time enough in every dimension from d_least to d_most.

    From g_0 <= 2 gamma_0 d the factor 1 - eta d / 2 leaves at most 2 gamma_0 d exp(-d / 32) after 1 / (16 eta) steps,
    which is to be 197 gamma^2. Raises ValueError unless d_least <= d_most.
    """
    check_integer("d_least", d_least, at_least=1)
    check_integer("d_most", d_most, at_least=d_least)
    goal = bounds.phase_one_potential(gamma)
    return min(goal / (2 * d * math.exp(-d / 32)) for d in range(d_least, d_most + 1))


def standard_pair(d, gamma_0, generator):
    """A random student and a random teacher, gamma_0 times orthogonal matrices: two [d, d]."""
    return tuple(weights.with_norms(d, gamma_0, gamma_0 * math.sqrt(d), generator) for _ in range(2))


def after_phase_one(W, W_star, steps=40):
    """g and |W|_2 after the time 1/16 (printed scale) that Theorem 3.1 gives Phase I, by small steps of descent."""
    check_integer("steps", steps, at_least=1)
    for _ in range(steps):
        W = W - math.pi / (16 * steps) * population.gradient(W, W_star)
    return landscape.potential(W, W_star).item(), torch.linalg.matrix_norm(W, 2).item()


class Constants(NamedTuple):
    """The constants of Theorem 3.1, each beside what it has to fit; printed scale."""

    gamma: float  # from D = sqrt(d) / 50
    gamma_limit: float  # largest gamma with 197 gamma^2 <= 0.1
    gamma_0: float  # `largest_start`
    mismatch: float  # largest relative difference between D^2 delta^2 and the 36 d / 100^4 of the condition on T
    margin: float  # the one-point ratio that is proved at gamma
    g_allowed: float  # 197 gamma^2
    g_end: float  # largest g at the end of Phase I, three starts of norm gamma_0, simulated
    norm_end: float  # largest |W|_2 there
    scale: float  # |R|_F / |grad L|_F, at one of the starts: 1 if the sum of Lemma 2.1 were the gradient

    @property
    def fits(self):
        """{what has to fit: whether it does}."""
        return {
            r"$36\,d/100^4$ is $D^2\delta^2$": abs(self.mismatch) < 1e-12,
            r"$197\gamma^2 \le 0.1$": self.g_allowed <= G_LIMIT,
            r"the margin $0.03$ is proved at $\gamma$, at both scales": self.margin > math.pi * DELTA,
            r"some $\gamma_0 > 0$ leaves time enough in Phase I": self.gamma_0 > 0,
            "Phase I ends there when simulated": self.g_end <= self.g_allowed and self.norm_end <= self.gamma,
        }

    @property
    def verdict(self):
        """fails, unless everything fits; holds, corrected, if it does at the scale of R, which is not the gradient's;
        holds, if the two scales were one."""
        if not all(self.fits.values()):
            return verdicts.FAILS
        return verdicts.HOLDS if abs(self.scale - 1) < 1e-6 else verdicts.CORRECTED


def constants(generator, d=100, dimensions=(100, 1500)):
    """The Constants, with Phase I simulated in dimension d and the condition on T compared in `dimensions`.

    The three starts have g close to the largest 2 gamma_0 d, a random student and a diagonal teacher, and both random.
    """
    check_generator(generator)
    gamma = PHASE_TWO_SPECTRAL
    gamma_0 = largest_start(gamma, d)
    I = torch.eye(d, dtype=torch.float64)
    Q, Q_star = standard_pair(d, gamma_0, generator)
    pairs = (-gamma_0 * I, gamma_0 * I), (Q, gamma_0 * I), (Q, Q_star)
    ends = [after_phase_one(*pair) for pair in pairs]
    return Constants(
        gamma=gamma,
        gamma_limit=math.sqrt(G_LIMIT / bounds.phase_one_potential(1.0)),
        gamma_0=gamma_0,
        mismatch=max(abs((phase_two_radius(n) * DELTA) ** 2 / (36 * n / 100**4) - 1) for n in dimensions),
        margin=bounds.one_point_ratio(gamma),
        g_allowed=bounds.phase_one_potential(gamma),
        g_end=max(g for g, _ in ends),
        norm_end=max(norm for _, norm in ends),
        scale=float(population.lemma_2_1(Q, Q_star).norm() / population.gradient(Q, Q_star).norm()),
    )


class LongSteps(NamedTuple):
    """One experiment's step size against the theorem's, and descent on the exact loss with it."""

    excess: float  # step / (gamma^2 / G_2^2) with the step brought to the printed scale
    excess_true: float  # the same without bringing it there
    g: list  # the potential before each of the steps, and after the last
    inner: float  # <-grad L, W* - W> at the end, true scale

    @property
    def finished(self):
        """Whether Phase I is over: the gradient points home and |g| is below a tenth of what it was."""
        return self.inner > 0 and abs(self.g[-1]) < 0.1 * abs(self.g[0])


class StepSizes(NamedTuple):
    """The step sizes of sections 5.2 and 5.3."""

    section_5_2: LongSteps
    section_5_3: LongSteps

    @property
    def verdict(self):
        """holds, corrected (sufficient, not needed), if the experiments end Phase I with larger steps than the theorem
        allows; holds, if larger steps were not tried or did not end it."""
        needless = all(run.finished and run.excess > 1 for run in self)
        return verdicts.CORRECTED if needless else verdicts.HOLDS


def excess(step, d, gamma):
    """(printed, true): how many times the code's step size exceeds gamma^2 / G_2^2 with the noise bound gamma^2."""
    check_positive("step", step)
    limit = bounds.phase_one_step(d, gamma, gamma**2)
    return step / math.pi / limit, step / limit


def section_5_2(generator, steps=200, step=1e-3, d=100):
    """LongSteps of section 5.2: norms 0.6 and 5 for the start, 0.6 and 5.7 for the teacher, step size 0.001."""
    W, W_star = (weights.with_norms(d, 0.6, frobenius, generator) for frobenius in (5.0, 5.7))
    g = [landscape.potential(W, W_star).item()]
    for _ in range(steps):
        W = W - step * population.gradient(W, W_star)
        g.append(landscape.potential(W, W_star).item())
    return LongSteps(*excess(step, d, 0.6), g, landscape.inner_product(W, W_star).item())


def section_5_3(steps=200, step=1e-4, d=1499, frobenius=5.0, trace=-18.75):
    """LongSteps of section 5.3 in three variables: a wrong-way start at the prime next to 1500, step size 0.0001."""
    W = three_variables.start(d, frobenius, trace)
    g = [three_variables.potential(W, d)]
    for _ in range(steps):
        W = tuple(x - step * slope for x, slope in zip(W, three_variables.gradient(W, d)))
        g.append(three_variables.potential(W, d))
    inner = three_variables.inner(three_variables.gradient(W, d), W, d)
    return LongSteps(*excess(step, 1500, 0.15), g, inner)
