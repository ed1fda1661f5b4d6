r"""The proof of chapter 7 that no pair of small weights has a small one-point ratio, with every step as a function.

For weights with |W|_2, |W*|_2 <= gamma: columns a_j of I + W and b_j of I + W*, m_j = b_j - a_j, r_j = |b_j| - |a_j|,
c_ij = <a_bar_i, a_bar_j>, c*_ij = <b_bar_i, a_bar_j>, h_j = 1 - c*_jj. `pieces` splits <R, M> into the six pieces that
`bounds.margin_pieces` bounds, and `slacks` says by how much every single inequality of the proof is met.
"""

import math
from typing import NamedTuple

import torch

from src.checks import COUNT, DIMENSION, SEED, arguments, between, check_pair
from src.theory import bounds, search
from src.theory.how_far import DRAWS


class Columns(NamedTuple):
    """What the proof computes with: [..., d, d], or [..., d] for what is one number a column."""

    A_bar: torch.Tensor
    B: torch.Tensor
    M: torch.Tensor
    a: torch.Tensor  # [..., d], lengths of the student's columns
    b: torch.Tensor  # [..., d], of the teacher's
    r: torch.Tensor  # [..., d]
    h: torch.Tensor  # [..., d]
    cos: torch.Tensor  # [..., d, d], c with zeros on the diagonal
    cos_star: torch.Tensor  # [..., d, d], c* with zeros on the diagonal
    along_a: torch.Tensor  # [..., d], <a_bar_j, m_j>
    along_b: torch.Tensor  # [..., d], <b_bar_j, m_j>


def columns(W, W_star):
    """The Columns of a pair, [..., d, d] each. Errors as in `src.checks.check_pair`."""
    W, W_star = check_pair(W, W_star)
    eye = torch.eye(W.shape[-1], dtype=W.dtype, device=W.device)
    A, B, M = eye + W, eye + W_star, W_star - W
    a, b = A.norm(dim=-2), B.norm(dim=-2)
    A_bar, B_bar = A / a[..., None, :], B / b[..., None, :]
    off = 1 - eye
    return Columns(
        A_bar,
        B,
        M,
        a,
        b,
        r=(M * (A + B)).sum(-2) / (a + b),
        h=(B_bar - A_bar).square().sum(-2) / 2,
        cos=A_bar.mT @ A_bar * off,
        cos_star=B_bar.mT @ A_bar * off,
        along_a=(A_bar * M).sum(-2),
        along_b=(B_bar * M).sum(-2),
    )


def pieces(W, W_star):
    """The six pieces of <R, W* - W>, printed scale: a `bounds.MarginPieces` of tensors [...] that add up to it."""
    return _pieces(columns(W, W_star))


@arguments(d=range(3, DIMENSION.stop), gamma=between(0, 1), starts=DRAWS, steps=COUNT, seed=SEED)
def smallest_pieces(d, gamma, starts, steps, seed):
    """The smallest value over |M|_F^2 that a search finds for each piece in d dimensions: a `bounds.MarginPieces`.

    Over all pairs with norms at most gamma, with g <= 0.1.
    """
    W, W_star, _ = search.starts(d, gamma, starts, torch.Generator().manual_seed(seed))

    def smallest(name):
        def ratio(W, W_star):
            return getattr(pieces(W, W_star), name) / (W_star - W).square().sum((-2, -1))

        return search.minimize(W, W_star, gamma, steps=steps, objective=ratio).best

    return bounds.MarginPieces(*map(smallest, bounds.MarginPieces._fields))


@arguments(gamma=between(0, math.inf))
def slacks(W, W_star, gamma):
    """By how much each inequality of the proof is met: a dict from its name to a tensor [...], negative where it fails.

    Pieces and what bounds them are divided by |M|_F^2, or |m_j|^2 for one column; of several columns the least slack
    counts. Raises ValueError for a gamma at which `bounds.margin_constants` is not defined, or below the norms.
    """
    W, W_star = check_pair(W, W_star)
    psi, xi, zeta = bounds.margin_constants(gamma)
    if torch.linalg.matrix_norm(torch.stack((W, W_star)), 2).max() > gamma * (1 + 1e-9):
        raise ValueError(f"gamma = {gamma} must be at least the spectral norms of W and W_star")
    X = columns(W, W_star)
    found, at_least = _pieces(X), bounds.margin_pieces(gamma, 0.0)
    square, m = X.M.square().sum((-2, -1)), X.M.square().sum(-2)
    radial_less = m - X.r**2  # z_j
    difference = _square(X.cos_star - X.cos)
    products = X.B.mT @ X.M * (1 - torch.eye(X.M.shape[-1], dtype=X.M.dtype))  # <b_i, m_j>, i != j
    theta, longer = 2 * ((X.h / 2).clamp(0, 1)).sqrt().asin(), torch.maximum(X.a, X.b)
    g = X.r.sum(-1)
    p, p_star = _versine(X.cos), _versine(X.cos_star)
    change = (X.b[..., None] * (p - p_star) * X.along_a[..., None, :]).sum((-2, -1))
    lengths = (X.r[..., None] * p * X.along_a[..., None, :]).sum((-2, -1))
    arcs = X.cos_star.asin() - X.cos.asin()
    return {
        "a: |A_bar|": psi - torch.linalg.matrix_norm(X.A_bar, 2),
        "a: c, norm": xi - torch.linalg.matrix_norm(X.cos, 2),
        "a: c*, columns": xi - X.cos_star.norm(dim=-2).amax(-1),
        "a: c*, rows": xi - X.cos_star.norm(dim=-1).amax(-1),
        "2: by the angle": _least(_own(X) + longer**2 * theta**3, m),
        "2: distance": _least(m - (longer * theta.sin()) ** 2, m),
        "2": _least(_own(X) + xi / 2 * m, m),
        "3: c* - c": ((psi / (1 - gamma)) ** 2 * radial_less.sum(-1) - difference) / square,
        "3: products": ((1 + gamma) ** 2 * square - (X.b * X.along_b).square().sum(-1) - _square(products)) / square,
        "3: Cauchy-Schwarz": ((arcs * products).sum((-2, -1)) + zeta * (difference * _square(products)).sqrt())
        / square,
        "3: one column": _least((X.r**2 + X.along_b**2) / 2 - X.r * X.along_a + (psi - 1) * m, m),
        "3": found.turned / square - at_least.turned,
        "4: Hadamard": -at_least.gram - torch.linalg.matrix_norm(X.cos.asin(), 2),
        "4": found.gram / square - at_least.gram,
        "5": (found.radial - torch.where(g > 0, -(1 + psi) / 4 * g * square, g**2)) / square,
        "6: change of p": (zeta * xi * psi**2 * square - change.abs()) / square,
        "6: Hadamard": zeta * xi**2 / 2 - torch.linalg.matrix_norm(p, 2),
        "6: change of length": (zeta * xi**2 / 2 * square - lengths.abs()) / square,
        "6": found.sines / square - at_least.sines,
    }


def _pieces(X):
    arcs, arcs_star = X.cos.asin(), X.cos_star.asin()
    sines = X.a[..., None] * _versine(X.cos) - X.b[..., None] * _versine(X.cos_star)
    return bounds.MarginPieces(
        square=torch.pi / 2 * (X.M.sum(-1).square().sum(-1) + X.M.square().sum((-2, -1))),
        own=_own(X).sum(-1),
        turned=((arcs_star - arcs) * (X.B.mT @ X.M)).sum((-2, -1)) - (X.r * X.along_a).sum(-1),
        gram=(arcs * (X.M.mT @ X.M)).sum((-2, -1)),
        radial=X.r.sum(-1) * X.along_a.sum(-1),
        sines=(sines * X.along_a[..., None, :]).sum((-2, -1)),
    )


def _own(X):
    """The pairs i = j beyond pi |m_j|^2, [..., d]: |b_j| (sin(theta) <a_bar_j, m_j> - theta <b_bar_j, m_j>)."""
    theta = 2 * ((X.h / 2).clamp(0, 1)).sqrt().asin()
    return X.b * (theta.sin() * X.along_a - theta * X.along_b)


def _versine(c):
    """1 - sqrt(1 - c^2), without cancellation."""
    return c**2 / (1 + (1 - c**2).sqrt())


def _square(X):
    return X.square().sum((-2, -1))


def _least(slack, m):
    """The least of slack_j / |m_j|^2 over the columns with m_j != 0; those without have none."""
    return torch.where(m > 0, slack / m.clamp(min=1e-300), torch.inf).amin(-1)
