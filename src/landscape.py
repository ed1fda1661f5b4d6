r"""What the proofs look at: the potential g and the inner product that decides whether the gradient points towards W*.

`W` and `W_star` are [..., d, d] as in `src.population`, and errors are raised as there.
"""

import torch

from src import population
from src.checks import check_pair


def potential(W, W_star):
    """Definition 2.2, g = sum_i (|e_i + w*_i| - |e_i + w_i|), of shape [...], in units of a column's length.

    Computed from the differences of the columns, so that it keeps its relative accuracy when W is close to W*.
    """
    W, W_star = check_pair(W, W_star)
    eye = torch.eye(W.shape[-1], dtype=W.dtype, device=W.device)
    A, B = eye + W, eye + W_star
    return (((W_star - W) * (A + B)).sum(-2) / (A.norm(dim=-2) + B.norm(dim=-2))).sum(-1)


def inner_product(W, W_star):
    """<-grad L(W), W* - W>, of shape [...], at the true scale: negative where the gradient points the wrong way."""
    return (population.gradient(W, W_star) * (W - W_star)).sum((-2, -1))


def one_point_ratio(W, W_star):
    """<-grad L(W), W* - W> / |W* - W|_F^2, of shape [...], at the true scale (the paper's 0.03 is pi times as large).

    L is delta-one point strongly convex towards W* (Definition 2.4) where this exceeds delta. Differentiable.
    Raises ValueError when W = W*, where the ratio is not defined.
    """
    W, W_star = check_pair(W, W_star)
    square = (W - W_star).square().sum((-2, -1))
    if (square == 0).any():
        raise ValueError("W must differ from W_star: the one-point ratio is not defined at W = W_star")
    return inner_product(W, W_star) / square
