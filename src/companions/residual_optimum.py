r"""Theorem 2.1 of Hardt and Ma (2017): how near to the identity a network (I + A_l) ... (I + A_1) = R can be.

Letters, shapes and the excess are those of `linear_residual`; gamma is the largest |log sigma| of the singular values
of R [d, d]. Descents run with Sigma = I.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from scipy import linalg

from src import verdicts
from src.checks import COUNT, DIMENSION, arguments, between, each, within
from src.companions import deep_linear
from src.companions.linear_residual import DEPTH, ROUNDING, check_square, largest_norm, product

_POSITIVE = between(0, math.inf)


def spread(R):
    """The paper's gamma of R [d, d]: the largest |log sigma| of the singular values; inf for a singular R."""
    check_square("R", R, "[d, d]")
    return float(torch.linalg.svdvals(R).log().abs().max())


@arguments(gamma=within(0, math.inf), depth=DEPTH)
def printed_norm(gamma, depth):
    """Theorem 2.1: an optimum has all |A_i|_2 at most 2 (sqrt(pi) + sqrt(3 gamma))^2 / l, if l >= 3 gamma."""
    if depth < 3 * gamma * (1 - ROUNDING):
        raise ValueError(f"depth must be at least 3 gamma, {3 * gamma:.3g}, for Theorem 2.1; got {depth}")
    return 2 * (math.sqrt(math.pi) + math.sqrt(3 * gamma)) ** 2 / depth


@arguments(depth=DEPTH)
def small_optimum(R, depth):
    """A [l, d, d] with product R and all norms within `printed_norm`, for R [d, d] with a positive determinant.

    The polar form R = Q P, Q a rotation by angles up to pi and P positive definite with logarithms up to gamma: q
    layers with the q-th root of Q follow p = l - q layers with the p-th root of P. Each kind is as near to I as the
    bound asks, q as small as possible.
    """
    gamma, determinant = spread(R), float(torch.linalg.det(R))
    if determinant <= 0:
        raise ValueError(
            f"R must have a positive determinant, or no optimum is near the identity; got {determinant:.3g}"
        )
    limit, d = printed_norm(gamma, depth), len(R)
    identity = torch.eye(d, dtype=R.dtype)
    if depth == 1:
        return (R - identity)[None]
    U, S, Vh = torch.linalg.svd(R)
    q = math.ceil(math.pi / (2 * math.asin(min(limit / 2, 1.0))) - ROUNDING)  # |Q^(1/q) - I|_2 is 2 sin(pi / 2q)
    p = depth - q
    stretch = Vh.mT * S ** (1 / p) @ Vh
    turn = torch.from_numpy(linalg.expm(_logarithm((U @ Vh).numpy()) / q))
    return torch.cat([stretch.expand(p, d, d), turn.expand(q, d, d)]) - identity


def _logarithm(Q):
    """A skew K with exp(K) = Q for a rotation Q, its angles in [-pi, pi]."""
    T, V = linalg.schur(Q, output="real")
    K, alone, k = np.zeros_like(T), [], 0
    while k < len(T):
        if k + 1 < len(T) and abs(T[k + 1, k]) > 1e-9:  # a block [[cos, -sin], [sin, cos]]
            K[k + 1, k] = math.atan2(T[k + 1, k], T[k, k])
            k += 2
        else:
            alone += [k] if T[k, k] < 0 else []
            k += 1
    for one, two in zip(alone[::2], alone[1::2], strict=True):  # -1 occurs an even number of times
        K[two, one] = math.pi
    return V @ (K - K.T) @ V.T


@arguments(d=DIMENSION, gamma=within(0, 300), sign=range(-1, 2, 2), generator=torch.Generator)
def target(d, gamma, sign, generator):
    """A random R [d, d] with |log sigma| up to gamma and a determinant of that sign."""
    turns = [torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=torch.float64))[0] for _ in range(2)]
    logs = gamma * (2 * torch.rand(d, generator=generator, dtype=torch.float64) - 1)
    logs[0] = gamma
    if torch.linalg.det(turns[0] @ turns[1]) * sign < 0:
        turns[0][:, 0] *= -1
    return turns[0] * logs.exp() @ turns[1]


class Optimum(NamedTuple):
    """Theorem 2.1 with either sign of the determinant of R."""

    norm: float  # of `small_optimum` in units of the printed bound, the largest over targets with det R > 0
    error: float  # of its product, relative to R, the largest
    printed: float  # the bound for a reflection R, at a depth where it is below 1
    excess: float  # the least excess that descent from A = 0 found for that R, within norms of 1

    @property
    def verdict(self):
        """Holds with det R > 0 as a correction: a reflection asks for a norm above 1, as no product of I + A_i with
        |A_i|_2 < 1 has a negative determinant."""
        corrected = self.norm <= 1 + ROUNDING and self.error < ROUNDING
        reflection = self.printed >= 1 or self.excess < ROUNDING
        if not corrected:
            return verdicts.FAILS
        return verdicts.HOLDS if reflection else verdicts.CORRECTED


# --- Runs ------------------------------------------------------------------------------------------------------------


@arguments(depth=DEPTH, eta=_POSITIVE, steps=COUNT)
def from_identity(R, depth, eta, steps):
    """Gradient descent on f from A = 0 with Sigma = I: (A [l, d, d], the excess [steps + 1])."""
    check_square("R", R, "[d, d]")
    I = torch.eye(len(R), dtype=R.dtype)
    weights, losses = deep_linear.descend([I] * depth, I, R, 2 * eta, steps)  # f is 2 L
    return torch.stack(weights) - I, 2 * losses


@arguments(depth=DEPTH, starts=each(_POSITIVE), eta=_POSITIVE, steps=COUNT, generator=torch.Generator)
def race(R, depth, starts, eta, steps, generator):
    """The excess [steps + 1, 1 + starts] of gradient descent with Sigma = I: from A = 0, then without links from
    Gaussian matrices whose entries have the standard deviation start / sqrt(d)."""
    check_square("R", R, "[d, d]")
    d, I = len(R), torch.eye(len(R), dtype=R.dtype)
    size = torch.tensor(starts, dtype=R.dtype)[:, None, None] / d**0.5
    weights = [torch.cat([I[None], size * torch.randn(d, d, generator=generator, dtype=R.dtype)]) for _ in range(depth)]
    return 2 * deep_linear.descend(weights, I, R, 2 * eta, steps)[1]


@arguments(d=DIMENSION[1:], gammas=each(within(0, 300)), draws=COUNT, generator=torch.Generator)
def optimum(d, gammas, draws, generator):
    """The Optimum of `draws` random targets for each gamma, at every depth from 3 gamma to 3 gamma + 12, and of a
    reflection."""
    norm = error = 0.0
    for gamma in gammas:
        for _ in range(draws):
            R = target(d, gamma, 1, generator)
            for depth in range(max(1, math.ceil(3 * gamma)), math.ceil(3 * gamma) + 13):
                A = small_optimum(R, depth)
                norm = max(norm, float(largest_norm(A)) / printed_norm(spread(R), depth))
                E = product(A) - R
                error = max(error, float(E.norm() / R.norm()))
    R = torch.eye(d, dtype=torch.float64)
    R[-1, -1] = -1
    depth = 7  # the first at which the bound for gamma = 0 is below 1
    return Optimum(norm, error, printed_norm(0.0, depth), float(from_identity(R, depth, 0.01, 1000)[1].min()))
