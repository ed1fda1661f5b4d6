r"""Two time scales: the flow of eq. 2 linearised at W = W* = 0, and what minibatch noise does to it.

At the true scale $\nabla L(W) = \mathcal L W + O(|W|^2)$ with

$$\pi\,\mathcal L W = \tfrac\pi2 W u u^\top + \tfrac\pi2 W + W^\top + \mathrm{tr}(W)\,I - 2\,\mathrm{Diag}(W).$$

It commutes with every permutation of the coordinates, so its eigenvectors fall into a few families, whatever d is.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import brentq

from src.checks import check_integer, check_positive


class Family(NamedTuple):
    """One eigenspace of the linearised flow: its rate (per unit of t = eta * steps, true scale) and dimension."""

    name: str
    rate: float
    multiplicity: int


def operator(W):
    """The Hessian of eq. 2 at W = W* = 0, at the true scale, applied to W: [..., d, d] -> [..., d, d]."""
    diagonal = W.diagonal(dim1=-2, dim2=-1)
    own = diagonal.sum(-1, keepdim=True) - 2 * diagonal
    return W.sum(-1, keepdim=True) / 2 + W / 2 + (W.mT + torch.diag_embed(own)) / math.pi


def families(d):
    """All eigenspaces of `operator` for d x d matrices, fastest first; the multiplicities add up to d^2. Needs d >= 3.

    Combinations of I and uu^T: two simple eigenvalues. For each v orthogonal to u, combinations of v u^T, u v^T and
    Diag(v): three eigenvalues of multiplicity d - 1. What is left has zero diagonal and zero row and column sums:
    symmetric matrices at rate 1/2 + 1/pi and skew ones at 1/2 - 1/pi, the slowest of all (and that of the matrices
    v u^T - u v^T - d Diag(v), which W u = 0 holds for as well).
    """
    check_integer("d", d, at_least=3)
    h = math.pi / 2
    # pi L on x I + y uu^T, and on a v p^T + b p v^T + c Diag(v) with p = u / sqrt(d): coordinates to coordinates.
    trivial = np.array([[h + d - 1, d - 2], [h, h * d + h + 1]])
    root = math.sqrt(d)
    standard = np.array([[h * d + h, 1, h * root], [1, h, 0], [-2 / root, -2 / root, h - 1]])
    found = [Family("I and uuᵀ", rate, 1) for rate in np.linalg.eigvals(trivial) / math.pi]
    found += [Family("vuᵀ, uvᵀ and Diag(v)", rate, d - 1) for rate in np.linalg.eigvals(standard) / math.pi]
    found += [Family("symmetric rest", 1 / 2 + 1 / math.pi, d * (d - 3) // 2)]
    found += [Family("skew, Wu = 0", 1 / 2 - 1 / math.pi, (d - 1) * (d - 2) // 2)]
    found = [family._replace(rate=float(np.real(family.rate))) for family in found if family.multiplicity]
    return sorted(found, key=lambda family: -family.rate)


def sgd_decay(eta, batch, d):
    r"""The rate per unit of t = eta * steps at which E |W - W*|_F^2 of fresh-sample SGD decays near W = W* = 0.

    The teacher is noise-free: a sample's gradient is 2 r X with X = x 1(x > 0)^T and r = <W, X>, so the noise is as
    large as the loss. Since L W = 2 E <W, X> X, the energy E_k of the family with rate l_k and multiplicity m_k obeys,
    to leading order in 1/d,

        E_k <- (1 - eta l_k)^2 E_k + (2 eta^2 / batch) m_k l_k L,        L = sum_k l_k E_k / 2.

    All energies decay alike by the factor z a step, the largest root of

        1 = (eta^2 / batch) sum_k m_k l_k^2 / (z - (1 - eta l_k)^2).

    Without noise the rate is twice that of the slowest family. Negative where SGD diverges in mean square.
    """
    check_positive("eta", eta)
    check_integer("batch", batch, at_least=1)
    rates, multiplicities = _spectrum(d)
    loss = eta * rates * (2 - eta * rates)  # 1 - (1 - eta l)^2, of the family's energy in a step
    weights = eta**2 / batch * multiplicities * rates**2
    # With z = 1 - min(loss) + y every term is positive for y > 0, and their sum is at most sum(weights) / y.
    above = loss - loss.min()
    y = brentq(lambda y: np.sum(weights / (y + above)) - 1, 1e-12 * weights.sum(), weights.sum(), xtol=1e-18)
    return -math.log1p(y - loss.min()) / eta


def largest_stable_step(batch, d):
    r"""The step above which fresh-sample SGD diverges in mean square near W = W* = 0: z = 1 in `sgd_decay`.

    That is eta sum_k m_k l_k / (2 - eta l_k) = batch. As sum_k m_k l_k = d^2, it lies below 2 batch / d^2, and close to
    it as long as eta d is small; the deterministic bound 2 / l_max, about 4 / d, is reached only by large batches.
    """
    check_integer("batch", batch, at_least=1)
    rates, multiplicities = _spectrum(d)
    return brentq(
        lambda eta: np.sum(multiplicities * rates * eta / (2 - eta * rates)) / batch - 1,
        0,
        2 / rates.max() * (1 - 1e-12),
    )


def _spectrum(d):
    if d >= 3:
        found = families(d)
        return np.array([family.rate for family in found]), np.array([family.multiplicity for family in found])
    basis = torch.eye(d * d, dtype=torch.float64).view(d * d, d, d)
    return torch.linalg.eigvalsh(operator(basis).view(d * d, d * d)).numpy(), np.ones(d * d)
