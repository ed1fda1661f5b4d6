r"""One ReLU node learns another: Lemma 3.1 and Theorem 3.3 of Tian.

Y. Tian, "Symmetry-Breaking Convergence Analysis of Certain Two-layered Neural Networks with ReLU nonlinearity"
(submitted to ICLR 2017). The loss is half the mean squared error, and the gradient flow of one node w [d] is his eq. 11
for one sample,

$$\dot w = \tfrac12 (w^* - w) + \tfrac1{2\pi}\big(\tfrac{\|w^*\|}{\|w\|} \sin\theta\, w - \theta\, w^*\big) .$$

Only the length r of w, in units of |w*|, and its angle theta to w* matter. On the clock sigma, with
d sigma = (pi - theta) dt / (pi r), the angle is known in closed form, and 1/r solves a linear equation:

$$\tan\tfrac\theta2 = e^{-\sigma/2} \tan\tfrac{\theta_0}2, \qquad
  \frac{d}{d\sigma}\frac1r = \frac{\pi - h/r}{2(\pi - \theta)}, \qquad h = \sin\theta + (\pi - \theta)\cos\theta .$$
"""

import math
from typing import NamedTuple

import numpy as np
import torch

from src import verdicts
from src.checks import DIMENSION, arguments, between, each, entries, within
from src.model import population
from src.theory import closed_form

_LENGTH, _ANGLE = entries(between(0, math.inf)), entries(within(0, math.pi))
_NOT_STRAIGHT = entries(between(0, math.pi))
_FAR, _STEPS = 100.0, 500  # on the clock sigma: tan(theta / 2) falls by the factor e^-50
_ARRIVED = 1e-6  # the distance to w*, in units of |w*|, within which a flow has converged
_AGREE = 1e-10  # two closed forms are one if their relative difference is smaller


class Formula(NamedTuple):
    """Lemma 3.1 summed over nodes (his eq. 13), beside the gradient of this book."""

    difference: float  # the largest relative difference from half the gradient of eq. 2, Frobenius norm
    deviation: float  # the largest deviation of E F(e, w) from an average over inputs, in standard errors

    @property
    def verdict(self):
        """Holds, if the two agree to rounding and samples do not contradict them; else fails."""
        return verdicts.HOLDS if self.difference < _AGREE and self.deviation < 5 else verdicts.FAILS


@arguments(K=range(1, 101), draws=range(1, 1001), samples=closed_form.SAMPLES, generator=torch.Generator)
def formula(K, draws, samples, generator):
    """The Formula evidence: `draws` Gaussian students and teachers of K nodes in K dimensions; one pair on samples."""
    A, B = torch.randn(2, draws, K, K, generator=generator, dtype=torch.float64)
    terms = [  # [draws, K, K], column j: the sum over nodes p of E F(a_j / |a_j|, p)
        torch.stack(
            [sum(closed_form.pair(P[:, :, i], A[:, :, j]) for i in range(K)) for j in range(K)],
            -1,
        )
        for P in (A, B)
    ]
    eye = torch.eye(K, dtype=torch.float64)
    half = population.gradient(A - eye, B - eye) / 2
    difference = (terms[0] - terms[1] - half).flatten(1).norm(dim=1) / half.flatten(1).norm(dim=1)
    w, e = A[0, :, 0], B[0, :, 0]
    x = torch.randn(samples, K, generator=generator, dtype=torch.float64)
    mean, error = closed_form.sampled_pair(w, e, x)
    deviation = (mean - closed_form.pair(w, e)).abs() / error
    return Formula(float(difference.max()), float(deviation.max()))


@arguments(d=DIMENSION, epsilon=between(0, 1))
def radius(d, epsilon):
    """The radius of the ball of starts in Theorem 3.3, in units of |w*|."""
    return epsilon * math.sqrt(2 * math.pi / (d + 1))


@arguments(d=DIMENSION[1:], epsilon=between(0, 1), count=DIMENSION, generator=torch.Generator)
def draw(d, epsilon, count, generator):
    """`count` starts, uniform in the ball of Theorem 3.3 in d dimensions: lengths [count] and angles [count] to w*."""
    direction = torch.randn(count, d, generator=generator, dtype=torch.float64)
    length = radius(d, epsilon) * torch.rand(count, generator=generator, dtype=torch.float64) ** (1 / d)
    across = direction[:, 1:].norm(dim=1)
    return length.numpy(), torch.atan2(across, direction[:, 0]).numpy()


@arguments(length=_LENGTH, angle=_ANGLE)
def velocity(length, angle):
    """(d length / dt, d angle / dt) of the flow, for lengths in units of |w*|."""
    return (_h(angle) / math.pi - length) / 2, -(math.pi - angle) * np.sin(angle) / (2 * math.pi * length)


@arguments(length=_LENGTH, angle=_NOT_STRAIGHT, sigma=between(0, 1000))
def flow(length, angle, sigma=_FAR):
    """Lengths and angles when the clock shows `sigma`, from starts given as two arrays of one shape (or numbers).

    By the classical Runge-Kutta method on the clock sigma, whose steps need not shrink where the node is short.
    """
    length, angle = np.asarray(length, dtype=float), np.asarray(angle, dtype=float)
    if length.shape != angle.shape:
        raise ValueError(f"angle must have the shape of length, {list(length.shape)}, not {list(angle.shape)}")
    tangent, u, step = np.tan(angle / 2), 1 / length, sigma / _STEPS

    def slope(at, u):
        behind = 2 * np.arctan(np.exp(at / 2) / tangent)  # pi - theta
        return (math.pi - _h(math.pi - behind) * u) / (2 * behind)

    for k in range(_STEPS):
        at = k * step
        one = slope(at, u)
        two = slope(at + step / 2, u + step / 2 * one)
        three = slope(at + step / 2, u + step / 2 * two)
        u = u + step / 6 * (one + 2 * two + 2 * three + slope(at + step, u + step * three))
    return 1 / u, 2 * np.arctan(tangent * math.exp(-sigma / 2))


@arguments(length=_LENGTH, angle=_ANGLE)
def distance(length, angle):
    """|w - w*| in units of |w*|."""
    return np.sqrt((length - 1) ** 2 + 4 * length * np.sin(angle / 2) ** 2)


class Starts(NamedTuple):
    """Random starts of Theorem 3.3, one row for each dimension and epsilon: arrays [n]."""

    d: np.ndarray
    epsilon: np.ndarray
    promised: np.ndarray  # (1 - epsilon) / 2
    nearby: np.ndarray  # share of starts in the ball |w - w*| < |w*|, on which the published proof rests
    arrived: np.ndarray  # share from which the flow converges to w*
    count: int  # starts a row

    @property
    def verdict(self):
        """Holds, if in every row as many arrive as are promised; else fails."""
        return verdicts.HOLDS if (self.arrived >= self.promised).all() else verdicts.FAILS


@arguments(dims=each(DIMENSION[1:]), epsilons=each(between(0, 1)), count=DIMENSION, generator=torch.Generator)
def starts(dims, epsilons, count, generator):
    """The Starts evidence, `count` starts for every pair of a dimension and an epsilon."""
    rows = []
    for d in dims:
        for epsilon in epsilons:
            length, angle = draw(d, epsilon, count, generator)
            nearby, arrived = distance(length, angle) < 1, distance(*flow(length, angle)) < _ARRIVED
            rows.append((d, epsilon, (1 - epsilon) / 2, nearby.mean(), arrived.mean()))
    return Starts(*np.array(rows).T, count)


def _h(angle):
    return np.sin(angle) + (math.pi - angle) * np.cos(angle)
