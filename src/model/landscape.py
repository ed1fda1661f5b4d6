r"""What the proofs look at: g, s, A, and the inner product that decides whether the gradient points towards W*.

`W` and `W_star` are [..., d, d] as in `population`, and errors are raised as there. Columns are a_j = e_j + w_j of
the student and b_j = e_j + w*_j of the teacher, M = W* - W, and a bar means divided by its length. Everything is formed
from differences, so that it keeps its accuracy when W is close to W*, and everything is differentiable.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from src.checks import check_entries, check_pair, check_value, optional
from src.model import population


def potential(W: Float[Tensor, "... d d"], W_star: Float[Tensor, "... d d"]) -> Float[Tensor, "..."]:
    """Definition 2.2, g = sum_i (|e_i + w*_i| - |e_i + w_i|), of shape [...], in units of a column's length."""
    return _growth(*_student_and_teacher(W, W_star)).sum(-1)


def potentials_of_others(W: Float[Tensor, "... d d"], W_star: Float[Tensor, "... d d"]) -> Float[Tensor, "... d"]:
    """Definition 2.2, g_j = sum over i != j of (|b_i| - |a_i|), of shape [..., d]: the potential without column j."""
    growth = _growth(*_student_and_teacher(W, W_star))
    return growth.sum(-1, keepdim=True) - growth


def outer_difference(
    W: Float[Tensor, "... d d"], W_star: Float[Tensor, "... d d"], without: int | None = None
) -> Float[Tensor, "... d d"]:
    r"""Definition 2.3, A = sum_i (b_i b_bar_i^T - a_i a_bar_i^T), of shape [..., d, d].

    `without=j` gives A_j, the sum over i != j: A_j a_bar_j is the first-order part of column j in `gradient_parts`.
    Raises TypeError or ValueError unless `without` is a column's index.
    """
    A, B, M = _student_and_teacher(W, W_star)
    check_value("without", without, optional(range(A.shape[-1])))
    A_bar, B_bar = A / _length(A), B / _length(B)
    keep = slice(None) if without is None else [i for i in range(A.shape[-1]) if i != without]
    return M[..., keep] @ B_bar[..., keep].mT + A[..., keep] @ (B_bar - A_bar)[..., keep].mT


def way_along_ones(W: Float[Tensor, "... d d"], W_star: Float[Tensor, "... d d"]) -> Float[Tensor, "... d"]:
    """Section 4, s = (W* - W) u with u the all-ones vector, of shape [..., d]."""
    W, W_star = check_pair(W, W_star)
    return (W_star - W).sum(-1)


def inner_product(W: Float[Tensor, "... d d"], W_star: Float[Tensor, "... d d"]) -> Float[Tensor, "..."]:
    """<-grad L(W), W* - W>, of shape [...], at the true scale: negative where the gradient points the wrong way."""
    return (population.gradient(W, W_star) * (W - W_star)).sum((-2, -1))


def one_point_ratio(W: Float[Tensor, "... d d"], W_star: Float[Tensor, "... d d"]) -> Float[Tensor, "..."]:
    """<-grad L(W), W* - W> / |W* - W|_F^2, of shape [...], at the true scale (the paper's 0.03 is pi times as large).

    L is delta-one point strongly convex towards W* (Definition 2.4) where this exceeds delta. Differentiable.
    Raises ValueError when W = W*, where the ratio is not defined.
    """
    W, W_star = check_pair(W, W_star)
    square = (W - W_star).square().sum((-2, -1))
    check_entries(_check_apart, square)
    return inner_product(W, W_star) / square


class Parts(NamedTuple):
    """The three parts of Figure 5, each a tensor; their sum is the exact quantity."""

    constant: Float[Tensor, "..."]
    first_order: Float[Tensor, "..."]
    higher_order: Float[Tensor, "..."]


def gradient_parts(W: Float[Tensor, "... d d"], W_star: Float[Tensor, "... d d"]) -> Parts:
    r"""The sum R that Lemma 2.1 prints (-pi times the true gradient), about right angles: Parts of [..., d, d].

    For i != j put pi/2 - theta = arcsin c = c + O(c^3) and sin theta = sqrt(1 - c^2) = 1 + O(c^2), with c the cosine:
    c_ij between a_i and a_j, c*_ij between b_i and a_j. Terms of student and teacher are taken together (the joint
    expansion of section 4), so that each part vanishes with W - W*. Column j is

        constant      pi/2 sum_i M_i + pi/2 M_j + g_j a_bar_j                     (every theta_ij, theta_i*j at pi/2)
        first_order   sum_{i != j} (c*_ij b_i - c_ij a_i) = A_j a_bar_j
        higher_order  sum_{i != j} r(c*_ij) b_i - r(c_ij) a_i - (|b_i| q(c*_ij) - |a_i| q(c_ij)) a_bar_j
                      + |b_j| (sin(theta_j*j) a_bar_j - theta_j*j b_bar_j),
                      r(c) = arcsin(c) - c,  q(c) = 1 - sqrt(1 - c^2).

    The pair i = j, whose angles are theta_jj = 0 and a small theta_j*j, is not expanded about pi/2: it gives M_j its
    second pi/2 in the constant part, and the rest of it, of second order in M_j, is the last line.
    """
    A, B, M = _student_and_teacher(W, W_star)
    a, b, growth = _length(A), _length(B), _growth(A, B, M)[..., None, :]
    A_bar, B_bar = A / a, B / b
    constant = math.pi / 2 * (M.sum(-1, keepdim=True) + M) + (growth.sum(-1, keepdim=True) - growth) * A_bar

    off_diagonal = ~torch.eye(A.shape[-1], dtype=torch.bool, device=A.device)
    turned = torch.where(off_diagonal, (B_bar - A_bar).mT @ A_bar, 0)  # c* - c
    cos = torch.where(off_diagonal, A_bar.mT @ A_bar, 0)
    cos_star = cos + turned
    first_order = M @ cos_star + A @ turned

    r, r_star = cos.asin() - cos, cos_star.asin() - cos_star
    q, q_star = 1 - (1 - cos**2).sqrt(), 1 - (1 - cos_star**2).sqrt()
    higher_order = M @ r_star + A @ (r_star - r) - (growth @ q_star + a @ (q_star - q)) * A_bar
    along = (B * A_bar).sum(-2, keepdim=True)  # |b_j| cos(theta_j*j)
    across = M - (M * A_bar).sum(-2, keepdim=True) * A_bar  # b_j without its part along a_j
    own_sine = _length(across)
    own_angle = torch.atan2(own_sine, along)
    higher_order = higher_order + (own_sine - own_angle * along) * A_bar - own_angle * across
    return Parts(constant, first_order, higher_order)


def inner_product_parts(W: Float[Tensor, "... d d"], W_star: Float[Tensor, "... d d"]) -> Parts:
    """Figure 5: <R, W* - W> split into the Parts of `gradient_parts`, each of shape [...], at the printed scale.

    Their sum is pi times `inner_product`. The paper bounds them from below by pi/2 - O(g), -1.3 and -0.085 times
    |W* - W|_F^2.
    """
    W, W_star = check_pair(W, W_star)
    M = W_star - W
    return Parts(*((part * M).sum((-2, -1)) for part in gradient_parts(W, W_star)))


def _check_apart(square):
    if (square == 0).any():
        raise ValueError("W must differ from W_star: the one-point ratio is not defined at W = W_star")


def _student_and_teacher(W, W_star):
    """I + W, I + W* and M = W* - W."""
    W, W_star = check_pair(W, W_star)
    eye = torch.eye(W.shape[-1], dtype=W.dtype, device=W.device)
    return eye + W, eye + W_star, W_star - W


def _length(A):
    return torch.linalg.vector_norm(A, dim=-2, keepdim=True)


def _growth(A, B, M):
    """|b_i| - |a_i| for every column, [..., d]."""
    return ((M * (A + B)).sum(-2, keepdim=True) / (_length(A) + _length(B)))[..., 0, :]
