r"""Tian's Conjecture 4.3: do his starts still reach the teacher when noise is added to them?

The teacher's K nodes are the unit vectors, W* = 0. A start is x w*_j plus Gaussian noise in every entry of every node:
I + W_0 = x I + sigma E. Descent takes the exact gradient of half of eq. 2 with the step 2/K, half of the largest
that the saddle of Theorem 4.1 allows; with half this step, one of 300 runs (K = 6, 8, 10) changed its outcome.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from threadpoolctl import threadpool_limits
from torch import Tensor

from src import verdicts
from src.checks import MATRIX, SEED, arguments, check_value, each, within
from src.model import population
from src.theory import spurious_minima

# Matrices this small gain nothing from a second thread, and beside other processes the threads wait for each other.
_one_thread = threadpool_limits.wrap(limits=1)

NODES = range(2, 101)  # K: with one node there is no symmetry to break
SOLVED = 1e-6  # the half loss below which it has found the teacher or a permutation of it
_OWN = 0.1  # the distance in Frobenius norm within which it is the teacher itself and no permutation
_PART, _LONGEST = 20, 2000  # time units of the flow between two looks, and in all
_NEARLY_AT_REST, _NEARBY = 1e-3, 0.1  # of the gradient's norm, and how far Newton's steps may then lead
_CRITICAL, _SPURIOUS = 1e-10, 1e-3  # of the gradient's norm, of half the loss


class Start(NamedTuple):
    """What a descent starts from; see `weights`."""

    size: float  # x; 0 leaves the noise alone
    noise: float | None  # sigma, the standard deviation of every entry; None is 1 / sqrt(K)


STARTS = {
    "small, less noise": Start(1e-3, 1e-4),
    "small, as much noise": Start(1e-3, 1e-3),
    "noise alone": Start(0.0, None),
    "identity, that noise": Start(1.0, 1e-3),
    "identity, large noise": Start(1.0, None),
}
AS_MUCH = "small, as much noise"  # the start that the conjecture is judged at


def _check_start(name, value):
    check_value(name, value, Start)
    check_value(f"{name}.size", value.size, within(0, 1))
    if value.noise is not None:
        check_value(f"{name}.noise", value.noise, within(1e-6, 10))


@arguments(K=NODES, start=_check_start, seeds=each(SEED))
def weights(K, start, seeds):
    """W_0 [S, K, K] for S seeds. Starts with the same seed have the same noise but for its size."""
    generators = [torch.Generator().manual_seed(int(seed)) for seed in seeds]
    noise = torch.stack([torch.randn(K, K, generator=generator, dtype=torch.float64) for generator in generators])
    eye = torch.eye(K, dtype=torch.float64)
    return (K**-0.5 if start.noise is None else start.noise) * noise + (start.size - 1) * eye


@arguments(W=MATRIX)
@_one_thread
def descend(W: Float[Tensor, "S K K"]) -> Float[Tensor, "S K K"]:
    """Where descents from W [S, K, K] towards the teacher W* = 0 come to rest.

    A descent ends where half the loss is below `SOLVED`, or where Newton's steps lead to a strict minimum nearby.
    Raises ValueError for anything but a batch with K at least 2, RuntimeError where one does neither.
    """
    if W.ndim != 3 or not len(W) or W.shape[-1] < 2:
        raise ValueError(f"W must be [S, K, K] with S at least 1 and K at least 2, not {list(W.shape)}")
    W, K = W.clone(), W.shape[-1]
    active, zero = torch.arange(len(W)), torch.zeros_like(W)
    for _ in range(_LONGEST // _PART):
        some = W[active]
        for _ in range(_PART * K // 2):
            some = some - population.gradient(some, zero[active]) / K
        half, slope = population.loss_and_gradient(some, zero[active])
        ended = half / 2 < SOLVED
        for k in ((slope.flatten(1).norm(dim=1) < _NEARLY_AT_REST) & ~ended).nonzero().flatten():
            near = _newton(some[k])
            if (near - some[k]).norm() < _NEARBY and torch.linalg.eigvalsh(_hessian(near))[0] > 0:
                some[k], ended[k] = near, True
        W[active] = some
        active = active[~ended]
        if not len(active):
            return W
    raise RuntimeError(f"{len(active)} descents have not come to rest after {_LONGEST} units of time")


def _hessian(W):
    """The Hessian [K^2, K^2] of half of eq. 2 at W [K, K], the teacher being W* = 0."""
    basis = torch.eye(W.numel(), dtype=W.dtype).view(-1, *W.shape)
    return population.hessian_product(W, torch.zeros_like(W), basis).flatten(1) / 2


def _newton(W):
    for _ in range(6):
        W = W - torch.linalg.solve(_hessian(W), population.gradient(W, torch.zeros_like(W)).flatten() / 2).view_as(W)
    return W


class Counts(NamedTuple):
    """Where the descents of `STARTS` end: arrays [K's, starts], of S seeds each."""

    nodes: np.ndarray  # [K's]
    seeds: int
    solved: np.ndarray  # how many reach the teacher or a permutation of it
    own: np.ndarray  # how many reach the teacher itself


@arguments(nodes=each(NODES), seeds=each(SEED))
def counts(nodes, seeds):
    """The Counts for these K, and the ends {K: W [starts, S, K, K]}."""
    ends, solved, own = {}, [], []
    for K in nodes:
        W = descend(torch.cat([weights(K, start, seeds) for start in STARTS.values()]))
        half = population.loss(W, torch.zeros_like(W)) / 2
        ends[K] = W.view(len(STARTS), len(seeds), K, K)
        solved.append((half < SOLVED).view(len(STARTS), -1).sum(1).numpy())
        own.append((ends[K].flatten(2).norm(dim=2) < _OWN).sum(1).numpy())
    return Counts(np.array(nodes), len(seeds), np.array(solved), np.array(own)), ends


class Rest(NamedTuple):
    """A place where a descent came to rest, after Newton steps; half of eq. 2 throughout."""

    K: int
    loss: float
    gradient_norm: float
    lowest_curvature: float  # the least of all K^2 eigenvalues of the Hessian
    family: float  # its loss less that of the family of Safran and Shamir's minima, `spurious_minima.minimum`

    @property
    def strict_minimum(self):
        """Whether it is critical to rounding, with all curvatures positive and a loss above the global minimum's."""
        return self.gradient_norm < _CRITICAL and self.lowest_curvature > 0 and self.loss > _SPURIOUS


@arguments(W=MATRIX)
@_one_thread
def rest(W: Float[Tensor, "K K"]) -> Rest:
    """The Rest near W [K, K], K at least 3: Newton steps with the whole Hessian [K^2, K^2]."""
    if W.ndim != 2 or len(W) < 3:
        raise ValueError(f"W must be one [K, K] matrix with K at least 3, not {list(W.shape)}")
    W = _newton(W)
    half, slope = (x / 2 for x in population.loss_and_gradient(W, torch.zeros_like(W)))
    member = spurious_minima.minimum(len(W))
    family = population.loss(member, torch.zeros_like(member)).item() / 2
    lowest = torch.linalg.eigvalsh(_hessian(W))[0]
    return Rest(len(W), half.item(), slope.norm().item(), lowest.item(), half.item() - family)


class Conjecture(NamedTuple):
    """Conjecture 4.3 at one K, with noise whose entries are as large as the start's."""

    K: int
    seeds: int
    solved: int  # descents that reach the teacher or a permutation of it
    own: int  # those that reach the teacher itself
    stuck: Rest | None  # where the first of the others rests

    @property
    def share(self):
        """The share that finds the teacher or a permutation, and its standard error."""
        share = self.solved / self.seeds
        return share, math.sqrt(max(share * (1 - share), 1 / self.seeds) / self.seeds)

    @property
    def verdict(self):
        """Holds, if every descent finds the teacher or a permutation; fails, if one ends in another strict minimum,
        whose basin is open; open, if one does not and where it rests is no strict minimum."""
        if self.solved == self.seeds:
            return verdicts.HOLDS
        return verdicts.FAILS if self.stuck is not None and self.stuck.strict_minimum else verdicts.OPEN


@arguments(ends=MATRIX)
def conjecture(ends: Float[Tensor, "S K K"]) -> Conjecture:
    """The Conjecture evidence from the `ends` [S, K, K] of S descents, K at least 3."""
    if ends.ndim != 3 or not len(ends) or ends.shape[-1] < 3:
        raise ValueError(f"ends must be [S, K, K] with S at least 1 and K at least 3, not {list(ends.shape)}")
    lost = population.loss(ends, torch.zeros_like(ends)) / 2 >= SOLVED
    own = int((ends.flatten(1).norm(dim=1) < _OWN).sum())
    stuck = rest(ends[lost][0]) if lost.any() else None
    return Conjecture(ends.shape[-1], len(ends), int((~lost).sum()), own, stuck)
