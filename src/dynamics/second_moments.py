r"""The exact second moments of SGD near W = W* = 0, for every dimension, batch and step: a matrix of size 15.

There the network is linear in W: f(x, W) - f(x, 0) = <W, X> with X_ij = x_i 1(x_j > 0), and a step is
W <- W - (2 eta / B) sum_b <W, X_b> X_b. So M = E[W (x) W] goes to

    M - 2 eta (H M + M H) + 4 eta^2 (K(M) / B + (1 - 1/B) H M H),    H = E[X (x) X],  K(M) = E[<X, M X> X (x) X].

The law of x does not change when coordinates are permuted. So the mean of M over all permutations, which keeps
E |W|_F^2, obeys the same equation; and of it an entry M_ijkl depends only on which of its four indices are equal: one
of the 15 partitions of four things. Each of the three maps is then a sum over the ways in which its summed indices
coincide with each other and with the four: over partitions again, of six things or of eight. A partition contributes a
product over its blocks, as the coordinates are independent: E[x^p] or, with an indicator, E[x^p 1(x > 0)].

For inputs of another rotation-invariant law with E r^2 = d, r = |x|, only K changes: times chi = E r^4 / (d (d + 2)).
"""

import functools
import math
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import brentq, minimize_scalar

from src.checks import COUNT, FORMULA, MATRIX, arguments, between
from src.dynamics import linearised

_D = FORMULA[3:]  # with four coordinates at least every partition has an entry
_POSITIVE = between(0, math.inf)
_HALF = 1 / math.sqrt(2 * math.pi)
_MOMENTS = {False: (1, 0, 1, 0, 3), True: (1 / 2, _HALF, 1 / 2, 2 * _HALF, 3 / 2)}  # E x^p, E x^p 1(x > 0)


def _partitions(n, start=()):
    """All partitions of n things that begin as `start`: the block of each, blocks numbered as they come."""
    if len(start) == n:
        return [start]
    return [found for block in range(max(start, default=-1) + 2) for found in _partitions(n, (*start, block))]


def _pattern(indices):
    """The partition that a tuple of indices makes: which of them are equal."""
    return tuple(dict(zip(reversed(indices), reversed(range(len(indices)))))[i] for i in indices)


PARTITIONS = _partitions(4)
_PLACE = {_pattern(partition): k for k, partition in enumerate(PARTITIONS)}


def _place(indices):
    return _PLACE[_pattern(indices)]


def _moment(x, indicators):
    """E of a product of x_i over the indices `x` and of 1(x_i > 0) over `indicators`."""
    return math.prod(_MOMENTS[block in indicators][x.count(block)] for block in {*x, *indicators})


def _falling(d, first, last):
    """The ways to choose values for the blocks first, ..., last - 1, all different from each other and from others."""
    return math.prod(d - block for block in range(first, last))


class Maps(NamedTuple):
    """The maps M -> H M, M H and K(M), [15, 15] each, on the entries of M in the order of PARTITIONS."""

    left: np.ndarray
    right: np.ndarray
    noise: np.ndarray


@arguments(d=_D)
@functools.lru_cache
def maps(d):
    """The `Maps` for dimension d, at least 4."""
    left, right, noise = np.zeros((3, 15, 15))
    for row, partition in enumerate(PARTITIONS):
        blocks, (i, j, k, l) = max(partition) + 1, partition
        for *_, a, b in _partitions(6, partition):
            ways = _falling(d, blocks, max(blocks, a + 1, b + 1))
            left[row, _place((a, b, k, l))] += ways * _moment((i, a), (j, b))
            right[row, _place((i, j, a, b))] += ways * _moment((a, k), (b, l))
        for *_, a, b, c, e in _partitions(8, partition):
            ways = _falling(d, blocks, max(blocks, a + 1, b + 1, c + 1, e + 1))
            noise[row, _place((a, b, c, e))] += ways * _moment((a, c, i, k), (b, e, j, l))
    return Maps(left, right, noise)


@arguments(eta=_POSITIVE, batch=COUNT, d=_D, chi=_POSITIVE)
def step_matrix(eta, batch, d, chi=1.0):
    """One step of SGD with fresh samples on the entries of E[W (x) W] in the order of PARTITIONS: [15, 15], true scale.

    eta: step size; batch: samples a step; chi: E r^4 / (d (d + 2)) of inputs with E r^2 = d, 1 for Gaussian ones.
    """
    left, right, noise = maps(d)
    quadratic = chi * noise / batch + (1 - 1 / batch) * left @ right
    return np.eye(15) - 2 * eta * (left + right) + 4 * eta**2 * quadratic


@arguments(eta=_POSITIVE, batch=COUNT, d=_D, chi=_POSITIVE)
def growth(eta, batch, d, chi=1.0):
    """The factor by which E |W|_F^2 is multiplied in a step, in the long run: the spectral radius of `step_matrix`."""
    return float(abs(np.linalg.eigvals(step_matrix(eta, batch, d, chi))).max())


@arguments(eta=_POSITIVE, batch=COUNT, d=_D, chi=_POSITIVE)
def decay(eta, batch, d, chi=1.0):
    """The rate per unit of t = eta * steps at which E |W|_F^2 decays; `linearised.sgd_decay` to leading order in 1/d.

    Raises ValueError, naming eta, above the largest stable step.
    """
    factor = growth(eta, batch, d, chi)
    if factor >= 1:
        largest = largest_stable_step(batch, d, chi)
        raise ValueError(f"eta must be below the largest stable step, {largest:.6g}, not {eta}: E |W|^2 does not decay")
    return -math.log(factor) / eta


@arguments(batch=COUNT, d=_D, chi=_POSITIVE)
def largest_stable_step(batch, d, chi=1.0):
    """The step above which E |W|_F^2 grows, exactly; `linearised.largest_stable_step` to leading order in 1/d."""
    few = 1.0 / linearised.families(d)[0].rate  # half the largest stable step of the flow's own modes
    below = above = min(few, batch / (chi * d**2))
    while growth(above, batch, d, chi) < 1:
        above *= 1.5
    while growth(below, batch, d, chi) >= 1:
        below /= 2
    return brentq(lambda eta: growth(eta, batch, d, chi) - 1, below, above, xtol=1e-15 * above, rtol=1e-13)


@arguments(batch=COUNT, d=_D, chi=_POSITIVE)
def fastest_step(batch, d, chi=1.0):
    """The step that multiplies E |W|_F^2 by the smallest factor, in the long run."""
    largest = largest_stable_step(batch, d, chi)
    found = minimize_scalar(
        lambda share: growth(share * largest, batch, d, chi),
        bounds=(1e-3, 1),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return float(found.x * largest)


@arguments(d=_D)
def total(d):
    """The row [15] that makes E |W|_F^2, the sum of all M_ijij, of the entries of M in the order of PARTITIONS."""
    square = np.zeros(15)
    square[_place((0, 1, 0, 1))], square[_place((0, 0, 0, 0))] = d * (d - 1), d
    return square


def of_inputs():
    """The entries [15] of E[X (x) X], the same for every d: the noise of one input whose residual is 1."""
    return np.array([_moment((i, k), (j, l)) for i, j, k, l in PARTITIONS])


def transposition():
    """The map [15, 15] of M to the mean of E[W^T (x) W] and E[W (x) W^T]."""
    mean = np.zeros((15, 15))
    for row, (i, j, k, l) in enumerate(PARTITIONS):
        mean[row, _place((j, i, k, l))] += 1 / 2
        mean[row, _place((i, j, l, k))] += 1 / 2
    return mean


@arguments(W0=MATRIX, eta=_POSITIVE, batch=COUNT, steps=range(10**7), chi=_POSITIVE)
def mean_square(W0, eta, batch, steps, chi=1.0):
    """E |W_k|_F^2 for k = 0, ..., steps from the weights W0 [d, d], near W* = 0: a [steps + 1] array."""
    d = W0.shape[-1]
    if W0.ndim != 2 or d < 4:
        raise ValueError(f"W0 must be [d, d] with d at least 4, not {list(W0.shape)}")
    entries, matrix, square = _entries(W0), step_matrix(eta, batch, d, chi), total(d)
    values = []
    for _ in range(steps + 1):
        values.append(square @ entries)
        entries = matrix @ entries
    return np.array(values)


def _entries(W):
    """The mean of W_ij W_kl over all i, j, k, l that make a partition, for each of PARTITIONS."""
    sums = {}
    for partition in sorted(PARTITIONS, key=max):  # coarse ones first
        i, j, k, l = ("abcd"[block] for block in partition)
        # This sum runs over equal values of different blocks too: less those of the coarser partitions.
        coarser = (value for other, value in sums.items() if _is_coarser(other, partition))
        sums[partition] = float(torch.einsum(f"{i}{j},{k}{l}->", W.double(), W.double())) - sum(coarser)
    return np.array([sums[p] / _falling(len(W), 0, max(p) + 1) for p in PARTITIONS])


def _is_coarser(one, other):
    """Whether blocks of `one` are unions of blocks of `other`."""
    return one != other and len(set(zip(one, other))) == max(other) + 1
