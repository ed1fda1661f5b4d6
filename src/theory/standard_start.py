"""The standard initialisation: descent on the exact loss from entries of variance 1/d, far outside of Theorem 3.1."""

import math
from typing import NamedTuple

import torch

from src import verdicts
from src.checks import DIMENSION, SEED, arguments, within
from src.model import landscape, population, weights

TEACHER_NORMS = (0.3, 0.6, 1.0)  # spectral norms of the teachers
LARGEST = 0.6  # of a teacher as in section 5.2
ARRIVED = 1e-2  # of the initial distance


class Runs(NamedTuple):
    """Descents from the standard initialisation in one dimension: N runs for each of the three TEACHER_NORMS."""

    t: list  # [K], step size times steps, true scale
    distance: torch.Tensor  # [K, 3, N], |W - W*|_F relative to the start
    ratios: torch.Tensor  # [K - 1, 3, N], the one-point ratio before each step, printed scale
    norms: torch.Tensor  # [3, N], |W_0|_2
    potentials: torch.Tensor  # [3, N], g at the start

    @property
    def arrived(self):
        """[3, N]: whether a run came within a hundredth of its initial distance."""
        return self.distance[-1] <= ARRIVED


class StandardStart(NamedTuple):
    """What the runs say about the claim that descent from the standard start arrives, in the largest dimension run."""

    twins: float  # largest relative difference of the loss for two teachers that are one function, at the starts
    twins_apart: float  # spectral norm of the difference of the two teachers: the weights cannot arrive at both
    arrived: int  # runs that arrived, of those with teachers of spectral norm up to LARGEST
    runs: int  # of so many

    @property
    def interval(self):
        """Wilson's 95 % interval for the probability to arrive."""
        z, n, p = 1.96, self.runs, self.arrived / self.runs
        centre, half = p + z**2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        return (centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)

    @property
    def verdict(self):
        """fails, if more often than not the runs do not arrive or nine in ten can be excluded, so that one unlucky run
        does not decide; holds, if they arrive and no other teacher has the same loss; else holds, corrected: for
        teachers up to LARGEST."""
        low, high = self.interval
        if low < 0.5 or high < 0.9:
            return verdicts.FAILS
        same = self.twins < 1e-12 and self.twins_apart > 1e-6
        return verdicts.CORRECTED if same else verdicts.HOLDS


class Coverage(NamedTuple):
    """Whether the theorem speaks of the standard start, of spectral norm O(1): the constants."""

    norm: float  # smallest |W_0|_2 met
    needed: float  # what the theorem's constants allow
    possible: float  # from this spectral norm on Theorem 3.3 is false, whatever its constants

    @property
    def verdict(self):
        """holds, if the start is as small as the theorem needs it; holds, corrected, if smaller weights are needed, but
        other constants could do; fails, if none could."""
        if self.norm <= self.needed:
            return verdicts.HOLDS
        return verdicts.CORRECTED if self.norm < self.possible else verdicts.FAILS


@arguments(d=DIMENSION[2:], runs=DIMENSION, seed=SEED, t_end=within(0, 10_000))
def descend(d, runs, seed, t_end=100.0):
    """The Runs in dimension d: entries N(0, 1/d), steps of 1.5 / (d / 2 + 2), until all arrive or t_end is reached.

    The teachers have Frobenius norm 0.9 sqrt(d) times their spectral norm. All draws follow from d and the seed.
    Raises TypeError or ValueError for bad input.
    """
    generator = torch.Generator().manual_seed(seed)
    shape = len(TEACHER_NORMS), runs, d, d
    W = torch.randn(shape, generator=generator, dtype=torch.float64) / math.sqrt(d)  # [3, N, d, d]
    teachers = [
        weights.with_norms(d, norm, 0.9 * norm * math.sqrt(d), generator) for norm in TEACHER_NORMS for _ in range(runs)
    ]
    W_star = torch.stack(teachers).view(shape)
    norms, potentials = torch.linalg.matrix_norm(W, 2), landscape.potential(W, W_star)
    step = 1.5 / (d / 2 + 2)  # the fastest mode of the flow has rate d / 2 + O(1)
    t, distance, ratios = [0.0], [(W - W_star).norm(dim=(-2, -1))], []
    while t[-1] < t_end and (distance[-1] > ARRIVED * distance[0]).any():
        slope = population.gradient(W, W_star)
        ratios.append(math.pi * (slope * (W - W_star)).sum((-2, -1)) / distance[-1] ** 2)
        W = W - step * slope
        distance.append((W - W_star).norm(dim=(-2, -1)))
        t.append(t[-1] + step)
    return Runs(t, torch.stack(distance) / distance[0], torch.stack(ratios), norms, potentials)


@arguments(d=DIMENSION[2:])
def twins(d):
    """Two teachers [d, d] that are one function: 0 and P - I, P moving the first three columns around."""
    eye = torch.eye(d, dtype=torch.float64)
    return 0 * eye, eye[:, [1, 2, 0, *range(3, d)]] - eye


@arguments(found=Runs, d=DIMENSION[2:], seed=SEED)
def judge(found, d, seed):
    """The StandardStart of the Runs `found` in dimension d; the twins' losses are compared at ten standard starts."""
    one, two = twins(d)
    W = torch.randn(10, d, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) / math.sqrt(d)
    losses = [population.loss(W, W_star) for W_star in (one, two)]
    counted = found.arrived[[k for k, norm in enumerate(TEACHER_NORMS) if norm <= LARGEST]]
    return StandardStart(
        twins=float((losses[1] / losses[0] - 1).abs().max()),
        twins_apart=float(torch.linalg.matrix_norm(one - two, 2)),
        arrived=int(counted.sum()),
        runs=counted.numel(),
    )
