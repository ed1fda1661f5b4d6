"""Where a descent would end, and whether it is a minimum: large d, where no Hessian fits in memory."""

from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment, minimize
from scipy.sparse.linalg import LinearOperator, eigsh
from threadpoolctl import threadpool_limits

from src.checks import COUNT, arguments, between
from src.model import population
from src.theory.closed_form import single


class Matching(NamedTuple):
    """How the columns of a student and its teacher pair up, one to one."""

    distance: float  # |A - B P|_F for the permutation P that brings the teacher nearest to the student
    cosine: torch.Tensor  # [d], of the pairs that are most nearly parallel up to sign: the sum of |cosine| is largest


# L-BFGS and Lanczos go back and forth between numpy and torch, whose threads would wait for each other at every step.
_one_thread = threadpool_limits.wrap(limits=1)


@arguments(iterations=COUNT)
@_one_thread
def descend(W, W_star, iterations=2000):
    """The point to which L-BFGS takes the exact loss from W, [d, d] float64 on the CPU; a local minimum if all is well.

    Stops when no entry of the gradient exceeds 1e-8, when rounding leaves no decrease, or after `iterations`.
    Raises ValueError for anything but one [d, d] pair, and errors as `population.gradient` does.
    """
    W, W_star = _single(W, W_star)

    def value_and_slope(w):
        loss, gradient = population.loss_and_gradient(torch.from_numpy(w).view_as(W), W_star)
        return loss.item(), gradient.numpy().ravel()

    options = {"maxiter": iterations, "maxfun": 2 * iterations, "maxcor": 30, "ftol": 0, "gtol": 1e-8}
    found = minimize(value_and_slope, W.numpy().ravel(), jac=True, method="L-BFGS-B", options=options)
    return torch.from_numpy(found.x).view_as(W)


@arguments(tolerance=between(0, 1))
@_one_thread
def lowest_curvature(W, W_star, tolerance=1e-3):
    """The smallest eigenvalue of the Hessian of eq. 2 at W [d, d], at the true scale: negative at a saddle.

    Lanczos iterations on exact Hessian products, to the relative `tolerance`; from a fixed start, so that it repeats.
    Raises ValueError for anything but one [d, d] pair with d >= 2, and errors as `population.hessian_product` does.
    """
    W, W_star = _single(W, W_star)
    if len(W) < 2:
        raise ValueError("W must have d at least 2, not 1")

    def product(v):
        return population.hessian_product(W, W_star, torch.from_numpy(v).view_as(W)).numpy().ravel()

    hessian = LinearOperator((W.numel(), W.numel()), matvec=product, dtype=np.float64)
    start = np.random.default_rng(0).standard_normal(W.numel())
    values = eigsh(hessian, k=1, which="SA", v0=start, tol=tolerance, maxiter=20000, return_eigenvectors=False)
    return float(values[0])


def match_columns(W, W_star):
    """The Matching of the columns of I + W with those of I + W*: permuting the latter leaves the teacher what it is.

    Raises ValueError for anything but one [d, d] pair.
    """
    W, W_star = _single(W, W_star)
    A, B = (torch.eye(len(M), dtype=M.dtype) + M for M in (W, W_star))
    squares = torch.cdist(A.mT.contiguous(), B.mT.contiguous(), compute_mode="donot_use_mm_for_euclid_dist").square()
    cosines = (A / A.norm(dim=0)).mT @ (B / B.norm(dim=0))
    distance = squares[linear_sum_assignment(squares.numpy())].sum().sqrt()
    return Matching(float(distance), cosines[linear_sum_assignment(-cosines.abs().numpy())])


def _single(W, W_star):
    return tuple(M.detach().double().cpu().contiguous() for M in single(W, W_star))
