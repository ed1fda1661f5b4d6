r"""How noisy a gradient is, and when the hypothesis |E_t|_F <= epsilon <= gamma^2 of Theorem 3.1 holds.

The noise of a Gaussian minibatch has no bound, so the hypothesis can only be asked of its mean square. For one input
the gradient is 2 (f(x, W) - f(x, W*)) x in every column whose unit is active; with |x|^2 near d and d/2 active units
the mean over B inputs has E |E_t|_F^2 near 2 d^2 L(W) / B (true scale): it vanishes as the student reaches its teacher.
Scale: true, like the gradient of `population`. At the printed scale of R the noise is pi times larger.
"""

import math
from typing import NamedTuple

import numpy as np
import torch

from src.checks import COUNT, arguments, between, check_value, vector
from src.dynamics import flow
from src.model import population, weights
from src.theory.closed_form import single
from src.theory.how_far import TIME

_BATCH = range(1, 10**7)  # inputs that are drawn at once
_POSITIVE, _SEVERAL = between(0, math.inf), range(2, COUNT.stop)


class Noise(NamedTuple):
    """The noise E_t of a minibatch's gradient at one pair (W, W*), true scale (pi times that in the printed one)."""

    d: int
    batch: int  # inputs of a minibatch, B
    gamma: float  # what the paper says of the spectral norms at the start
    distance: float  # |W - W*|_F
    loss: float  # L(W)
    mean_square: float  # of |E_t|_F over the minibatches drawn
    error: float  # standard error of the mean of |E_t|_F

    @property
    def factor(self):
        """The root mean square of |E_t|_F in units of gamma^2: the hypothesis asks for at most one."""
        return math.sqrt(self.mean_square) / self.gamma**2

    @property
    def predicted(self):
        """d sqrt(2 L / B), what the root mean square of |E_t|_F is close to for small weights and large d."""
        return self.d * math.sqrt(2 * self.loss / self.batch)

    @property
    def enough(self):
        """The batch with which the root mean square would be down to gamma^2."""
        return self.batch * self.mean_square / self.gamma**4


@arguments(batch=_BATCH, batches=COUNT, generator=torch.Generator)
def minibatch_noise(W, W_star, batch, batches, generator):
    """|E_t|_F of `batches` minibatches of `batch` Gaussian inputs at one [d, d] pair, true scale: [batches].

    Of one sample the gradient is 2 (f(x, W) - f(x, W*)) x 1(x^T (I + W) > 0); E_t is the minibatch's mean less
    grad L.
    """
    W, W_star = single(W, W_star)
    A = torch.eye(W.shape[-1], dtype=W.dtype) + W
    exact = population.gradient(W, W_star)
    noise = []
    for _ in range(batches):
        x = torch.randn(batch, W.shape[-1], generator=generator, dtype=W.dtype)
        h = x @ A  # [batch, d]
        h_star = x + x @ W_star if W_star.any() else x
        residual = h.relu().sum(1) - h_star.relu().sum(1)  # [batch]
        G = 2 / batch * (x * residual[:, None]).mT @ (h > 0).to(W.dtype)
        noise.append((G - exact).norm())
    return torch.stack(noise)


@arguments(gamma=_POSITIVE, batch=_BATCH, batches=_SEVERAL, generator=torch.Generator)
def noise_at(W, W_star, gamma, batch, batches, generator):
    """`minibatch_noise` and the loss as a Noise; needs at least two batches."""
    size = minibatch_noise(W, W_star, batch, batches, generator)
    return Noise(
        d=W.shape[-1],
        batch=batch,
        gamma=gamma,
        distance=float((W - W_star).norm()),
        loss=float(population.loss(W, W_star)),
        mean_square=float(size.square().mean()),
        error=float(size.std()) / math.sqrt(batches),
    )


@arguments(large=range(7, 10_001, 4), generator=torch.Generator)
def places(large, generator):
    """The starts at which the noise is measured, by name: (W, W*, gamma, batch).

    They are those of sections 5.2 and 5.3, with their batches, and a pair inside Theorem 3.1. large: the dimension of
    section 5.3's start, a prime congruent to 3 modulo 4 (1500 in the paper); up to 1000 its Frobenius norm is 2
    instead of 5, which keeps the spectral norm small.
    """
    if any(large % k == 0 for k in range(3, math.isqrt(large) + 1, 2)):
        raise ValueError(f"large must be a prime congruent to 3 modulo 4, not {large}")
    first, teacher = (weights.with_norms(100, 0.6, F, generator) for F in (5.0, 5.7))
    inside, inside_teacher = (weights.with_norms(100, 0.01, F, generator) for F in (0.05, 0.06))
    F = 5.0 if large > 1000 else 2.0
    wrong_way = weights.wrong_way_start(large, F, -0.75 * F**2)
    return {
        "section 5.2": (first, teacher, 0.6, 200),
        "section 5.3": (wrong_way, torch.zeros_like(wrong_way), 0.15, 300),
        "inside the theorem": (inside, inside_teacher, 0.01, 200),
    }


class WayHome(NamedTuple):
    """The noise along one run to the teacher."""

    each: tuple  # of Noise, the distance falling

    @property
    def met_below(self):
        """The distance at which the root mean square falls to gamma^2, between two points of the run by a power law;
        the first distance, if it is below from the start on, and 0 if it is nowhere."""
        if self.each[0].factor <= 1:
            return self.each[0].distance
        for one, two in zip(self.each, self.each[1:]):
            if two.factor <= 1:
                share = math.log(one.factor) / math.log(one.factor / two.factor)
                return one.distance * (two.distance / one.distance) ** share
        return 0.0


@arguments(gamma=_POSITIVE, batch=_BATCH, batches=_SEVERAL, generator=torch.Generator, rtol=between(0, 1))
def way_home(W, W_star, gamma, batch, batches, times, generator, rtol=1e-3):
    """The WayHome along the gradient flow from W [d, d], at its start and at the increasing `times`."""
    check_value("times", times, vector(TIME))
    if not np.all(np.diff(times) > 0):
        raise ValueError(f"times must increase, not {times}")
    found, now = [noise_at(W, W_star, gamma, batch, batches, generator)], 0.0
    for t in np.asarray(times, dtype=float).tolist():
        W, now = flow.integrate(W, W_star, t - now, rtol).W, t
        found.append(noise_at(W, W_star, gamma, batch, batches, generator))
    return WayHome(tuple(found))
