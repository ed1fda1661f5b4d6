r"""Tian's Conjecture 4.3: do his starts still reach the teacher when noise is added to them?

The teacher's K nodes are the unit vectors, W* = 0. A start is x w*_j plus Gaussian noise in every entry of every node, that
is I + W_0 = x I + sigma E. Descent takes the exact gradient of half of eq. 2. Its step is 1/K in the end and much
smaller in the beginning, so that no node moves by more than a few per cent of its length while it is short: descent
then follows the flow, of which the conjecture speaks.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from threadpoolctl import threadpool_limits
from torch import Tensor

from src import verdicts
from src.checks import MATRIX, SEED, arguments, between, check_value, each, like
from src.model import population
from src.theory import spurious_minima

# Matrices this small gain nothing from a second thread, and beside other processes the threads wait for each other.
_one_thread = threadpool_limits.wrap(limits=1)

NODES = range(2, 101)  # K: with one node there is no symmetry to break
_FIRST, _GROWTH = 1e-5, 1.02  # of the step
_AT_REST = 1e-6  # the norm of the gradient below which a descent has come to rest
_ARRIVED = 1e-3  # the distance in Frobenius norm within which it has reached the teacher itself
_SOLVED = 1e-6  # the loss below which it has found the teacher or a permutation of it


class Start(NamedTuple):
    """What a descent starts from."""

    size: float  # x, of the teacher's nodes; at most 1, and 0 leaves the noise alone
    noise: float | None  # sigma, the standard deviation of every entry; None is 1 / sqrt(K)


STARTS = {
    "$10^{-3}\\,w^*$, noise $10^{-4}$": Start(1e-3, 1e-4),
    "$10^{-3}\\,w^*$, noise $10^{-3}$": Start(1e-3, 1e-3),
    "noise $1/\\sqrt{K}$ alone": Start(0.0, None),
    "$w^*$, noise $10^{-3}$": Start(1.0, 1e-3),
    "$w^*$, noise $1/\\sqrt{K}$": Start(1.0, None),
}
SMALL, AS_LARGE, ALONE, IDENTITY, IDENTITY_AS_LARGE = STARTS


@arguments(K=NODES, start=Start, seeds=each(SEED))
def weights(K, start, seeds):
    """W_0 [S, K, K] for the S seeds; two starts with the same seed have the same noise but for its size."""
    check_value("start.size", start.size, between(-1e-300, math.nextafter(1, 2)))
    if start.noise is not None:
        check_value("start.noise", start.noise, between(0, math.inf))
    noise = torch.stack(
        [torch.randn(K, K, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) for seed in seeds]
    )
    return (K**-0.5 if start.noise is None else start.noise) * noise + (start.size - 1) * torch.eye(K).double()
