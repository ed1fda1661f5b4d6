r"""How far the weights can grow after Phase I: the largest |W_t|_2 along the linearised flow, over all starts.

For small weights W_t = P_t W_0 + (1 - P_t) W*, P_t = exp(-t L), with L the Hessian at W = W* = 0 (`linearised`). It is
self-adjoint, so for unit vectors x, y

    x^T W_t y = <P_t(x y^T), W_0> + <x y^T - P_t(x y^T), W*>,

and the largest value over |W_0|_2, |W*|_2 <= 1 is |P_t(x y^T)|_* + |x y^T - P_t(x y^T)|_*, a sum of nuclear norms. What
is left is a search over x, y and t alone; the worst pair are the orthogonal factors of the two matrices. Times are
those of the flow, true scale.
"""

import math
from typing import NamedTuple

import torch

from src.checks import DIMENSION, MATRIX, arguments, check_value, entries, within
from src.dynamics import linearised
from src.theory.closed_form import check_array

SYMMETRIC, SKEW = 1 / 2 + 1 / math.pi, 1 / 2 - 1 / math.pi  # the two slow rates of `linearised.families`
_TIME = entries(within(0, math.inf))
_FROM_THREE = range(3, DIMENSION.stop)


class Growth(NamedTuple):
    """The largest |W_t|_2 / gamma_0 that was found, to first order in gamma_0, and where."""

    value: float
    t: float
    W: torch.Tensor  # [d, d], the start, of spectral norm one
    W_star: torch.Tensor  # [d, d], the teacher, of spectral norm one


@arguments(X=MATRIX, t=_TIME)
def linear_flow(X, t):
    """exp(-t L) X, X [..., d, d] with d >= 3 and t a number or a 0-dimensional tensor: exact, by `linearised.families`.

    On combinations of I and J, and on those of v u^T, u v^T and Diag(v) for v orthogonal to u, L is a small matrix; on
    the rest, which has zero diagonal and zero row and column sums, it is a number on symmetric and one on skew parts.
    """
    d, t = X.shape[-1], torch.as_tensor(t, dtype=X.dtype)
    if d < 3:
        raise ValueError(f"X must have d at least 3, not {d}")
    if t.ndim:
        raise ValueError(f"t must be one number, not {list(t.shape)}")
    p, root = torch.full((d,), d**-0.5, dtype=X.dtype), math.sqrt(1 - 2 / d)
    pp = torch.outer(p, p)
    rest_of_eye = torch.eye(d, dtype=X.dtype) - pp
    trivial, standard = (torch.linalg.matrix_exp(-t / math.pi * block.to(X)) for block in linearised._blocks(d))

    def matrix(x, y):
        """From coordinates in orthonormal bases: x [..., 2] on I - J/d and J/d, y [..., d, 3] for all v at once."""
        right, left, own = (column[..., :, None] * p for column in y.unbind(-1))  # v p^T each
        diagonal = torch.diag_embed(y[..., 2]) - (own + own.mT) / math.sqrt(d)
        on_eye = x[..., :1, None] / math.sqrt(d - 1) * rest_of_eye + x[..., 1:, None] * pp
        return on_eye + right + left.mT + diagonal / root

    diagonal, right, left = X.diagonal(dim1=-2, dim2=-1), X @ p, X.mT @ p
    along = right @ p
    x = torch.stack([(diagonal.sum(-1) - along) / math.sqrt(d - 1), along], -1)
    right, left = right - along[..., None] * p, left - along[..., None] * p
    own = (diagonal - diagonal.mean(-1, keepdim=True) - (right + left) / math.sqrt(d)) / root
    y = torch.stack([right, left, own], -1)
    rest = X - matrix(x, y)
    slow = torch.exp(-t * SYMMETRIC) * (rest + rest.mT) / 2 + torch.exp(-t * SKEW) * (rest - rest.mT) / 2
    return matrix(x @ trivial, y @ standard) + slow


@arguments(t=_TIME)
def largest_entry(x, y, t):
    """The largest x^T W_t y over |W_0|_2, |W*|_2 <= 1, for vectors x, y [d] that are scaled to length one."""
    X = _outer(x, y)
    later = linear_flow(X, t)
    return torch.linalg.matrix_norm(later, "nuc") + torch.linalg.matrix_norm(X - later, "nuc")


@arguments(t=_TIME)
def worst_pair(x, y, t):
    """The W_0 and W* of spectral norm one that attain `largest_entry`."""
    X = _outer(x, y)
    later = linear_flow(X, t)
    factors = (torch.linalg.svd(matrix) for matrix in (later, X - later))
    return tuple(U @ Vh for U, _, Vh in factors)


@arguments(d=DIMENSION)
def alternating(d, k):
    """The unit vector with entries 1, -1, 1, ... at the first k places, [d]; orthogonal to u for even k."""
    check_value("k", k, range(1, d + 1))
    x = torch.zeros(d, dtype=torch.float64)
    x[:k] = (-1.0) ** torch.arange(k) / math.sqrt(k)
    return x


@arguments(d=_FROM_THREE, steps=range(10**9))
def largest_growth(d, steps=60):
    """The Growth in dimension d by search: the best of x = y = `alternating`, then `steps` of ascent in x, y and t.

    A unit vector spread over k entries loses its overlap with the diagonal, which relaxes slowly, and keeps a part
    1/k of the trace; the best k is near sqrt(d).
    """
    sizes = sorted({min(2 * max(1, round(scale * math.sqrt(d) / 2)), d) for scale in (0.2, 0.4, 0.6, 0.8, 1.2)})
    tried = [(float(largest_entry(alternating(d, k), alternating(d, k), t)), k, t) for k in sizes for t in (0.6, 1.1)]
    _, k, t = max(tried)
    tilt = 1e-3 * torch.linspace(-1, 1, d, dtype=torch.float64)  # a symmetric start would keep its symmetry
    variables = [alternating(d, k) + tilt, alternating(d, k) - tilt, torch.tensor(t, dtype=torch.float64)]
    best = max(tried)[0], [alternating(d, k), alternating(d, k), variables[2].clone()]
    optimizer = torch.optim.Adam([variable.requires_grad_() for variable in variables], lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        value = largest_entry(*variables)
        if float(value.detach()) > best[0]:
            best = float(value.detach()), [variable.detach().clone() for variable in variables]
        (-value).backward()
        optimizer.step()
    return Growth(best[0], float(best[1][2]), *worst_pair(*best[1]))


def limit():
    """(value, t) of the growth of x = y spread over many entries in a much larger dimension: the limit d -> oo.

    P_t(x x^T) is then a x_k^2 less its mean on the diagonal and b x x^T elsewhere, a = exp(-SKEW t),
    b = exp(-SYMMETRIC t),
    and the nuclear norms add up to 1 + 4 a - 2 b, which is largest where 2 SKEW a = SYMMETRIC b.
    """
    t = math.log(SYMMETRIC / (2 * SKEW)) / (SYMMETRIC - SKEW)
    return 1 + 4 * math.exp(-SKEW * t) - 2 * math.exp(-SYMMETRIC * t), t


@arguments(d=DIMENSION)
def at_one_column(d):
    """W_0 = -(I - 2 e_1 e_1^T), W* = I, each [d, d]: the teacher adds 2 to the eigenvalue 1 that W_0 has on e_1."""
    eye = torch.eye(d, dtype=torch.float64)
    W = -eye
    W[0, 0] = 1
    return W, eye


@arguments(d=range(2, DIMENSION.stop))
def turned_at_one_column(d):
    """As `at_one_column`, but for v, the part of e_1 orthogonal to u, and W* turns u into v, so that both add up there.

    To leading order |W_t|_2 is sqrt(9 + 1) at the end of Phase I if nothing slow has moved.
    """
    eye, p = torch.eye(d, dtype=torch.float64), torch.full((d,), d**-0.5, dtype=torch.float64)
    v = eye[0] - p[0] * p
    v = v / v.norm()
    turn = torch.outer(v, p) - torch.outer(p, v) - torch.outer(p, p) - torch.outer(v, v)
    return 2 * torch.outer(v, v) - eye, eye + turn


def _outer(x, y):
    """x y^T for vectors [d] scaled to length one."""
    check_array("x", x, "[d]")
    check_array("y", y, "[d]", x, "x")
    for name, vector in (("x", x), ("y", y)):
        if len(vector) < 3 or not vector.any():
            raise ValueError(f"{name} must have d at least 3 and not be zero")
    return torch.outer(x / x.norm(), y / y.norm())
