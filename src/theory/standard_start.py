"""The standard initialisation: descent on the exact loss from entries of variance 1/d, far outside of Theorem 3.1."""

import math
from typing import NamedTuple

import torch

from src import verdicts
from src.checks import check_integer
from src.model import landscape, population, weights

TEACHER_NORMS = (0.3, 0.6, 1.0)  # spectral norms of the teachers
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
    """What the runs say about the claim, in the largest dimension that was run."""

    arrived: int  # runs that arrived
    runs: int  # of so many
    norm: float  # smallest |W_0|_2
    covered: float  # spectral norm up to which theory is possible: the margin 0.03 fails beyond it

    @property
    def verdict(self):
        """fails, if not every run arrives; holds, corrected, if all do from where no theorem of this kind reaches;
        holds, if all do and the starts are as small as the theorem needs."""
        if self.arrived < self.runs:
            return verdicts.FAILS
        return verdicts.CORRECTED if self.norm > self.covered else verdicts.HOLDS


def descend(d, runs, seed, t_end=100.0):
    """The Runs in dimension d: entries N(0, 1/d), steps of 1.5 / (d / 2 + 2), until all arrive or t_end is reached.

    The teachers have Frobenius norm 0.9 sqrt(d) times their spectral norm. All draws follow from d and the seed.
    Raises TypeError or ValueError for bad input.
    """
    check_integer("d", d, at_least=3)
    check_integer("runs", runs, at_least=1)
    check_integer("seed", seed, at_least=0)
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


def judge(found, covered):
    """The StandardStart of the Runs `found`; covered as there, a spectral norm."""
    return StandardStart(int(found.arrived.sum()), found.arrived.numel(), float(found.norms.min()), covered)
