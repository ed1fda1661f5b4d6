r"""Gradient descent with bounded noise near the teacher, with every constant, in every dimension and without Phase I.

Near means |W_0 - W*|_F <= D, which bounds the radial piece of <R, M> whatever the potential is: no condition on g, and
the distance itself keeps the weights where the margin holds. Printed scale: steps are W + eta (R + N), |N|_F <= noise.
With c = `joint_margin.certified_without_g` and |R|_F <= Lambda |M|_F (`curvature`), eta <= c / Lambda^2 gives

    |M_{t+1}|_F <= sqrt(1 - 2 eta c + eta^2 Lambda^2) |M_t|_F + eta noise <= (1 - eta c / 2) |M_t|_F + eta noise,

so that W stays within D of W* if noise <= c D / 2, and |M_T|_F <= (1 - eta c / 2)^T D + 2 noise / c.
"""

import math
from typing import NamedTuple

import torch

from src import verdicts
from src.checks import COUNT, FORMULA, arguments, between, check_pair, optional, within
from src.model import population
from src.theory import curvature, joint_margin
from src.theory.intervals import Interval

_POSITIVE = between(0, math.inf)


class Constants(NamedTuple):
    """The theorem at one d: floats, each on the safe side of what it stands for."""

    d: int
    gamma_0: float  # bounds |W*|_2
    distance: float  # D, bounds |W_0 - W*|_F
    margin: float  # c, at most the one-point ratio within D of W*
    curvature: float  # Lambda, at least |R|_F / |M|_F there
    step: float  # eta
    noise: float  # bounds the Frobenius norm of a step's noise
    allowed: float  # c D / 2, which it may not exceed
    floor: float  # 2 noise / c, to which the distance falls

    @property
    def rate(self):
        """eta c / 2: the share of the distance that a step takes at least, but for the noise."""
        return self.step * self.margin / 2

    @property
    def verdict(self):
        """holds, if the margin is positive and the noise allowed; open otherwise."""
        return verdicts.HOLDS if self.margin > 0 and self.noise <= self.allowed else verdicts.OPEN


class Kept(NamedTuple):
    """The theorem's Constants in a small dimension and in a large one, and descents with noise in the small one."""

    small: Constants
    large: Constants
    worst: float  # the largest distance over what is promised, over all steps of all descents

    @property
    def verdict(self):
        """holds, if the theorem does in both dimensions and no descent breaks its promise; fails if one does."""
        if self.worst > 1 + 1e-9:
            return verdicts.FAILS
        both = self.small.verdict == self.large.verdict == verdicts.HOLDS
        return verdicts.HOLDS if both else verdicts.OPEN


@arguments(
    d=FORMULA,
    gamma_0=between(0, 0.17),
    distance=between(0, 0.17),
    step=optional(_POSITIVE),
    noise=within(0, math.inf),
)
def constants(d, gamma_0, distance, step=None, noise=0.0):
    """The Constants in d dimensions for |W*|_2 <= gamma_0 and |W_0 - W*|_F <= distance; by default the longest step.

    Raises ValueError unless gamma_0 + distance < 0.17, and for a step that is longer.
    """
    if not gamma_0 + distance < 0.17:
        raise ValueError(f"gamma_0 + distance must be below 0.17, not {gamma_0 + distance}")
    gamma = math.nextafter(gamma_0 + distance, 1)
    margin = joint_margin.certified_without_g(gamma, distance)
    steepest = curvature.bound(d, gamma, math.sqrt(d) * distance * (1 + 1e-15))
    longest = (Interval(max(margin, 0.0)) / Interval(steepest).square()).at_least()
    if step is not None and step > longest:
        raise ValueError(f"step must be at most c / Lambda^2 = {longest}, not {step}")
    step = longest if step is None else step
    allowed = (Interval(margin) * distance / 2).at_least()
    floor = max(0.0, (2 * Interval(noise) / margin).at_most()) if margin > 0 else math.inf
    return Constants(d, gamma_0, distance, margin, steepest, step, noise, allowed, floor)


@arguments(at=Constants, distance=_POSITIVE)
def steps_to(at, distance):
    """After so many steps |W - W*|_F is at most `distance` above the floor of the noise. Raises ValueError where the
    theorem does not hold."""
    if at.verdict != verdicts.HOLDS:
        raise ValueError(f"at must hold: a positive margin and noise of at most {at.allowed}, not {at}")
    return max(0, math.ceil(math.log(at.distance / distance) / at.rate) + 1)


@arguments(at=Constants, steps=COUNT, generator=torch.Generator)
def descent(W, W_star, at, steps, generator):
    """|W_t - W*|_F for t = 0 ... steps, [steps + 1, ...], with noise of Frobenius norm `at.noise` in random directions.

    W, W_star: [..., d, d]. Errors as in `src.checks.check_pair`.
    """
    W, W_star = check_pair(W, W_star)
    distances = [(W - W_star).norm(dim=(-2, -1))]
    for _ in range(steps):
        N = torch.randn(W.shape, generator=generator, dtype=W.dtype)
        N = at.noise * N / N.norm(dim=(-2, -1), keepdim=True)
        W = W + at.step * (population.lemma_2_1(W, W_star) + N)
        distances.append((W - W_star).norm(dim=(-2, -1)))
    return torch.stack(distances)
