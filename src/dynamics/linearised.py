r"""Two time scales: the flow of eq. 2 linearised at W = W* = 0, and what minibatch noise does to it.

At the true scale $\nabla L(W) = \mathcal L W + O(\|W\|^2)$ with

$$\pi\,\mathcal L W = \tfrac\pi2 W u u^\top + \tfrac\pi2 W + W^\top + \mathrm{tr}(W)\,I - 2\,\mathrm{Diag}(W).$$

It commutes with every permutation of the coordinates, so its eigenvectors fall into a few families, whatever d is.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import brentq

from src.checks import COUNT, DIMENSION, FORMULA, MATRIX, arguments, between
from src.dynamics import flow
from src.dynamics.history import TIMES
from src.model import population


class Family(NamedTuple):
    """One eigenspace of the linearised flow: its rate (per unit of t = eta * steps, true scale) and dimension."""

    name: str
    rate: float
    multiplicity: int


@arguments(W=MATRIX)
def operator(W):
    """The Hessian of eq. 2 at W = W* = 0, at the true scale, applied to W: [..., d, d] -> [..., d, d]."""
    diagonal = W.diagonal(dim1=-2, dim2=-1)
    own = diagonal.sum(-1, keepdim=True) - 2 * diagonal
    return W.sum(-1, keepdim=True) / 2 + W / 2 + (W.mT + torch.diag_embed(own)) / math.pi


@arguments(d=FORMULA[2:])
def families(d):
    """All eigenspaces of `operator` for d x d matrices, fastest first; the multiplicities add up to d^2. Needs d >= 3.

    Combinations of I and J: two simple eigenvalues. For each v orthogonal to u, combinations of v u^T, u v^T and
    Diag(v): three eigenvalues of multiplicity d - 1. What is left has zero diagonal and zero row and column sums:
    symmetric matrices at rate 1/2 + 1/pi and skew ones at 1/2 - 1/pi, the slowest of all (and that of the matrices
    v u^T - u v^T - d Diag(v), which W u = 0 holds for as well).
    """
    return [family for family, _ in _families_and_places(d)]


@arguments(W=MATRIX)
def energies(W):
    """The squared Frobenius norm of the part of W [..., d, d] in each of `families(d)`, in their order: [..., F].

    Raises TypeError or ValueError, naming W, for what is no matrix or has d < 3.
    """
    d = W.shape[-1]
    if d < 3:
        raise ValueError(f"W must have d at least 3, not {d}")
    trivial, standard = (torch.linalg.eigh(block).eigenvectors.to(W) for block in _blocks(d))
    p = torch.full((d,), d**-0.5, dtype=W.dtype, device=W.device)
    diagonal = W.diagonal(dim1=-2, dim2=-1)  # [..., d]
    right, left = W @ p, W.mT @ p
    along = right @ p  # <p p^T, W>
    x = torch.stack([(diagonal.sum(-1) - along) / math.sqrt(d - 1), along], -1)  # [..., 2], on I - J/d and J/d
    right, left = right - along[..., None] * p, left - along[..., None] * p
    own = (diagonal - diagonal.mean(-1, keepdim=True) - (right + left) / math.sqrt(d)) / math.sqrt(1 - 2 / d)
    y = torch.stack([right, left, own], -1)  # [..., d, 3], on v p^T, p v^T and Diag(v), for all v at once
    # What these leave of the squares of the symmetric and of the skew part of W.
    square, crossed = (W * W).sum((-2, -1)), (W * W.mT).sum((-2, -1))
    symmetric = (square + crossed) / 2 - (x**2).sum(-1) - ((right + left) ** 2).sum(-1) / 2 - (own**2).sum(-1)
    skew = (square - crossed) / 2 - ((right - left) ** 2).sum(-1) / 2
    parts = [(x @ trivial) ** 2, ((y @ standard) ** 2).sum(-2), symmetric[..., None], skew[..., None]]
    return torch.cat(parts, -1).clamp(min=0)[..., [place for _, place in _families_and_places(d)]]


@arguments(W0=MATRIX, t=TIMES, rtol=between(0, 1))
def energies_along_the_flow(W0, t, rtol=1e-5):
    """`energies` of the weights that the flow of eq. 2 with W* = 0 takes from W0 [d, d] to the increasing times t.

    Returns [times, F]. Raises as `flow.integrate` and `energies` do.
    """
    if W0.ndim != 2 or len(W0) < 3:
        raise ValueError(f"W0 must be one [d, d] matrix with d at least 3, not {list(W0.shape)}")
    W, now, found = W0, 0.0, []
    for time in t:
        if time > 0:
            W, now = flow.integrate(W, torch.zeros_like(W), float(time) - now, rtol).W, float(time)
        found.append(energies(W))
    return torch.stack(found)


@arguments(d=range(2, 51))
def numerical_rates(d):
    """All d^2 eigenvalues of the Hessian of eq. 2 at W = W* = 0, ascending, from `population.hessian_product`.

    It knows nothing of families: a [d^2, d^2] eigenvalue problem, so d should be small.
    """
    basis, zero = torch.eye(d * d, dtype=torch.float64).view(-1, d, d), torch.zeros(d, d, dtype=torch.float64)
    return torch.linalg.eigvalsh(population.hessian_product(zero, zero, basis).view(d * d, d * d))


@arguments(eta=between(0, math.inf), batch=COUNT, d=DIMENSION)
def sgd_decay(eta, batch, d):
    r"""The rate per unit of t = eta * steps at which fresh-sample SGD's mean square distance decays near W = W* = 0.

    The teacher is noise-free: a sample's gradient is 2 r X with X = x 1(x > 0)^T and r = <W, X>, so the noise is as
    large as the loss. The Hessian maps W to 2 times the mean of <W, X> X, so the mean square V_k of W's component in
    the family with rate l_k and multiplicity m_k obeys, to leading order in 1/d,

        V_k <- (1 - eta l_k)^2 V_k + (2 eta^2 / batch) m_k l_k L,        L = sum_k l_k V_k / 2.

    All of them decay alike by the factor zeta a step, the largest root of

        1 = (eta^2 / batch) sum_k m_k l_k^2 / (zeta - (1 - eta l_k)^2).

    Without noise the rate is twice that of the slowest family. Negative where SGD diverges in mean square.
    """
    rates, multiplicities = _spectrum(d)
    loss = eta * rates * (2 - eta * rates)  # 1 - (1 - eta l)^2, of the family's energy in a step
    weights = eta**2 / batch * multiplicities * rates**2
    # With zeta = 1 - min(loss) + y every term is positive for y > 0, and their sum is at most sum(weights) / y.
    above = loss - loss.min()
    y = brentq(lambda y: np.sum(weights / (y + above)) - 1, 1e-12 * weights.sum(), weights.sum(), xtol=1e-18)
    return -math.log1p(y - loss.min()) / eta


@arguments(batch=COUNT, d=DIMENSION)
def largest_stable_step(batch, d):
    r"""The step above which fresh-sample SGD diverges in mean square near W = W* = 0: zeta = 1 in `sgd_decay`.

    That is eta sum_k m_k l_k / (2 - eta l_k) = batch. As sum_k m_k l_k = d^2, it lies below 2 batch / d^2, and close to
    it as long as eta d is small; the deterministic bound 2 / l_max, about 4 / d, is reached only by large batches.
    """
    rates, multiplicities = _spectrum(d)
    return brentq(
        lambda eta: np.sum(multiplicities * rates * eta / (2 - eta * rates)) / batch - 1,
        0,
        2 / rates.max() * (1 - 1e-12),
    )


def _blocks(d):
    """pi times `operator` on the two small invariant spaces, in orthonormal coordinates: [2, 2] and [3, 3].

    The first space is spanned by I - J/d and J/d. With p = u / sqrt(d), the second is, for any unit vector v orthogonal
    to u, that of v p^T, p v^T and what Diag(v) has orthogonal to these two.
    """
    h, root = math.pi / 2, math.sqrt(1 - 2 / d)
    identity = torch.tensor([math.sqrt(d - 1), 1.0], dtype=torch.float64)  # I
    trivial = torch.diag(torch.tensor([h + 1, h + 1 + h * d], dtype=torch.float64))
    trivial += (1 - 2 / d) * identity[:, None] * identity
    diagonal = torch.tensor([d**-0.5, d**-0.5, root], dtype=torch.float64)  # Diag(v)
    standard = torch.tensor([[h + h * d, 1, 0], [1, h, 0], [0, 0, h + 1]], dtype=torch.float64)
    return trivial, standard - 2 * diagonal[:, None] * diagonal


def _families_and_places(d):
    """The families, fastest first, and where each stands in the order of `_blocks`, symmetric rest, skew rest."""
    trivial, standard = ((torch.linalg.eigvalsh(block) / math.pi).tolist() for block in _blocks(d))
    found = [Family("$I$ and $J$", rate, 1) for rate in trivial]
    found += [Family(r"$vu^\top$, $uv^\top$ and $\mathrm{Diag}(v)$", rate, d - 1) for rate in standard]
    found += [Family("symmetric rest", 1 / 2 + 1 / math.pi, d * (d - 3) // 2)]
    found += [Family("skew rest", 1 / 2 - 1 / math.pi, (d - 1) * (d - 2) // 2)]
    places = sorted(range(len(found)), key=lambda k: (-round(found[k].rate, 9), k))  # two rates are equal
    return [(found[k], k) for k in places if found[k].multiplicity]


def _spectrum(d):
    if d >= 3:
        found = families(d)
        return np.array([family.rate for family in found]), np.array([family.multiplicity for family in found])
    basis = torch.eye(d * d, dtype=torch.float64).view(d * d, d, d)
    return torch.linalg.eigvalsh(operator(basis).view(d * d, d * d)).numpy(), np.ones(d * d)
