r"""SGD on Gaussian minibatches through both phases, from one gamma_0 for all d >= 100: every constant is a number.

Printed scale: W_{k+1} = W_k + eta (R(W_k) + N_k), where R + N_k is -pi times the gradient on B fresh inputs. The noise
N_k has no bound, so `norm_stays` does not hold of W. It holds of W less all noise so far,

    S_k = eta sum_{j<k} N_j,        W~_k = W_k - S_k,        W~_{k+1} = W~_k + eta (R(W~_k) + E_k),

with E_k = R(W_k) - R(W~_k), as long as |S_k|_F <= s: then |E_k|_F <= Lambda s, Lambda of `curvature`, and s is chosen
such that this is the noise which the theorem allows. So W is within s of where the theorem has W~; after Phase I the
margin c holds for W itself, and |M|_F^2 shrinks by 1 - eta c a step in the mean. Stopped where |S| exceeds s, S is a
martingale with E |N_k|_F^2 <= (V / B) |M_k|_F^2, so that (Doob) it ever does with probability at most

    eta (V / B) D^2 (eta k_1 + 1 / c) / s^2,        D^2 = d (mu + s)^2 >= |M_k|_F^2,

k_1 the steps of Phase I, mu the theorem's bound on |M~|_2. The step eta is what makes this the probability asked for.
"""

import math
from typing import NamedTuple

import torch

from src import verdicts
from src.checks import COUNT, SEED, arguments, between, check_pair, each
from src.model import population
from src.theory import curvature, joint_margin, minibatch_convergence, norm_stays
from src.theory.intervals import Interval

WIDEST = 1e-6  # more than s in every dimension from 100 on
_D, _SHARE, _POSITIVE = range(100, 10**6), between(0, 1), between(0, math.inf)


class Guarantee(NamedTuple):
    """The theorem at one d: floats, each on the safe side of what it stands for."""

    d: int
    batch: int
    failure: float  # the probability that |S| ever exceeds `excursion`
    excursion: float  # s
    curvature: float  # Lambda
    margin: float  # c
    distance: float  # D
    step: float  # eta
    phase_one: int  # k_1

    @property
    def rate(self):
        """eta c: the share of the mean square of the distance that a step after Phase I takes at least."""
        return self.step * self.margin

    @property
    def inputs(self):
        """eta d^6 / (B failure), which hardly depends on anything: so many inputs a step's length costs."""
        return self.step * float(self.d) ** 6 / (self.batch * self.failure)

    @property
    def verdict(self):
        """holds, if there is a margin and a step; open otherwise."""
        return verdicts.HOLDS if self.margin > 0 and self.step > 0 else verdicts.OPEN


@arguments(d=_D, batch=COUNT, failure=_SHARE)
def guarantee(d, batch, failure):
    """The Guarantee for |W_0|_2, |W*|_2 <= 1/1000 with minibatches of `batch` inputs and the longest step.

    Raises ArithmeticError if s were above WIDEST.
    """
    t = norm_stays.THEOREM
    noise, mu = float(t.noise) * (1 - 1e-15), float(t.gamma - t.gamma_0) * (1 + 1e-15) + WIDEST
    gamma, limit = float(t.gamma) * (1 + 1e-15) + WIDEST, float(norm_stays.G_LIMIT)
    steepest = curvature.bound(d, gamma, d * mu)
    s = (Interval(noise) / steepest).at_least()
    if not s <= WIDEST:
        raise ArithmeticError(f"s = {s} is above {WIDEST} at d = {d}")
    c, V = joint_margin.certified(gamma, limit), minibatch_convergence.noise_moment(d)
    # W's potential is within sqrt(d) s of W~'s.
    time = max(0.0, math.log(2 * float(t.gamma_0) * d / (limit - float(t.g_slow) - math.sqrt(d) * s)))
    time = time / (float(norm_stays.THETA) * d) * (1 + 1e-12)
    longest = float(t.step) / d**2 * (1 - 1e-15)
    if not c > 0:
        return Guarantee(d, batch, failure, s, steepest, c, mu * math.sqrt(d), 0.0, 0)
    noisy, square = Interval(V) / batch, Interval(mu).square() * d
    stable = Interval(c) / (Interval(steepest).square() + noisy)
    likely = (
        Interval(failure) * Interval(s).square() / (noisy * square * (Interval(time + 2 * longest) + 1 / Interval(c)))
    )
    step = min(longest, stable.at_least(), likely.at_least())
    return Guarantee(d, batch, failure, s, steepest, c, square.sqrt().at_most(), step, math.ceil(time / step) + 1)


@arguments(at=Guarantee, near=_POSITIVE, failure=_SHARE)
def steps_to(at, near, failure):
    """After so many steps |W - W*|_F is at most `near`, but for the probability `failure` and that of the Guarantee.

    Raises ValueError where the Guarantee does not hold.
    """
    if at.verdict != verdicts.HOLDS:
        raise ValueError(f"at must hold, with a positive margin, not {at}")
    return at.phase_one + max(0, math.ceil(math.log((at.distance / near) ** 2 / failure) / at.rate) + 1)


class Watched(NamedTuple):
    """Two steps of the proof on runs, whatever their step is: each number over its bound, at most one."""

    excursion: float  # the mean of |S|_F^2 at the end, over eta^2 (V / B) times the mean of sum |M|_F^2
    curvature: float  # the largest |R(W) - R(W~)|_F over Lambda |S|_F

    @property
    def kept(self):
        """Whether neither is broken."""
        return all(share <= 1 for share in self)


class Proved(NamedTuple):
    """Claim certified-both-phases: Guarantees in some dimensions, and runs."""

    guarantees: tuple
    certificate: norm_stays.Certificate
    watched: Watched

    @property
    def verdict(self):
        """fails, if runs break what is promised; holds, if each Guarantee and the certificate of Phase I do."""
        if not self.watched.kept:
            return verdicts.FAILS
        every = all(one.verdict == verdicts.HOLDS for one in (self.certificate, *self.guarantees))
        return verdicts.HOLDS if every and self.guarantees else verdicts.OPEN


@arguments(step=between(0, 1), batch=COUNT, steps=COUNT, seeds=each(SEED))
def watch(W, W_star, step, batch, steps, seeds):
    """Watched over runs of SGD from W, W_star [d, d], one for each seed, with S beside W.

    `step` is eta, longer than the theorem's: it comes further, and S beyond s. Errors as in `src.checks.check_pair`;
    ValueError for norms above 1/1000 or d < 100.
    """
    W, W_star = check_pair(W, W_star)
    t, d = norm_stays.THEOREM, W.shape[-1]
    largest = torch.linalg.matrix_norm(torch.stack((W, W_star)), 2).max()
    if W.ndim != 2 or d < t.d_least or largest > float(t.gamma_0) * (1 + 1e-9):
        raise ValueError(f"W and W_star must be [d, d] with d >= {t.d_least} and of norm at most {t.gamma_0}")
    steepest = curvature.bound(d, float(t.gamma) + WIDEST, d * (float(t.gamma) + WIDEST))
    size = minibatch_convergence.noise_moment(d) / batch
    ends, sums, bent = [], [], 0.0
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        now, S, total = W, torch.zeros_like(W), 0.0
        for _ in range(steps):
            R = population.lemma_2_1(now, W_star)
            total += float((W_star - now).square().sum())
            x = torch.randn(batch, d, generator=generator, dtype=W.dtype)
            noise = -math.pi * _minibatch_gradient(now, W_star, x) - R
            now, S = now + step * (R + noise), S + step * noise
            change = population.lemma_2_1(now, W_star) - population.lemma_2_1(now - S, W_star)
            bent = max(bent, float(change.norm() / (steepest * S.norm())))
        ends.append(float(S.square().sum()))
        sums.append(step**2 * size * total)
    return Watched(sum(ends) / sum(sums), bent)


def _minibatch_gradient(W, W_star, x):
    """grad of the mean of (f - f*)^2 over the inputs x [n, d], true scale: [d, d]."""
    student, teacher = x + x @ W, x + x @ W_star
    residual = student.relu().sum(1) - teacher.relu().sum(1)
    return 2 / len(x) * (x * residual[:, None]).mT @ (student > 0).to(W.dtype)
