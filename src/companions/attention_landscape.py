r"""The landscape of linear attention: all of one layer, two layers, and critical points of any number of them.

After Ahn, Cheng, Daneshmand and Sra (2023), see `linear_attention` and `in_context_descent`. Every loss here is exact:
one layer has a closed form in all entries of P and Q, more are means of polynomials in the Gram matrix (`wishart`).
"""

from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import minimize

from src import verdicts
from src.checks import arguments, between, vector
from src.companions import changed_inputs, in_context_descent, wishart
from src.companions.in_context_descent import check_covariance
from src.companions.linear_attention import sparse_loss
from src.theory.closed_form import check_array

CLOSE = 1e-6  # relative: a descent has arrived
_UNTIL = {"maxiter": 500, "maxfun": 1000, "ftol": 1e-15, "gtol": 1e-10}
_SEED = range(2**31)


# --- One layer, all entries of P and Q -------------------------------------------------------------------------------


@arguments(n=wishart.SIZE)
def one_layer_loss(P, Q, Sigma, n):
    r"""The exact loss of one layer, x ~ N(0, Sigma) and w ~ N(0, I), for P and Q [d + 1, d + 1]: a scalar tensor.

    With p the last row of P and q_j the columns of Q, the output for the query e_j is p^T G q_j, where the blocks of
    G are S, S w and w^T S w. The part odd in w is w^T S N_j with N = p_y Q_xx + p_x Q_yx; the even part is
    tr(S D_j) + kappa_j (w^T S w - tr S), with kappa = p_y Q_yx and D_j = sym(p_x Q_xj^T) + kappa_j I.
    """
    d = check_covariance("Sigma", Sigma)
    for name, x in {"P": P, "Q": Q}.items():
        check_array(name, x, "[d + 1, d + 1]")
        if x.dtype != Sigma.dtype or x.shape != (d + 1, d + 1):
            raise ValueError(f"{name} must fit Sigma, float64 [{d + 1}, {d + 1}], not {x.dtype}, {list(x.shape)}")
    return _one_layer_loss(P, Q, Sigma, n)


def _one_layer_loss(P, Q, Sigma, n):
    d = len(Sigma)
    p, last = P[-1, :d], P[-1, d]
    N, kappa = last * Q[:d, :d] + torch.outer(p, Q[d, :d]), last * Q[d, :d]
    trace = torch.trace(Sigma)
    square = (1 + 1 / n) * Sigma @ Sigma + trace / n * Sigma  # E S^2
    odd = trace + 2 * torch.trace(Sigma @ N @ Sigma) + torch.trace(N @ Sigma @ N.mT @ square)
    D = p[:, None] * Q[:d, :d].T[:, None, :]  # [d, d, d]: j, and the matrix
    D = (D + D.mT) / 2 + kappa[:, None, None] * torch.eye(d, dtype=Sigma.dtype)
    moved = Sigma @ D
    mean = moved.diagonal(dim1=1, dim2=2).sum(1)  # E tr S D_j
    pairs = torch.outer(mean, mean) + 2 / n * moved.flatten(1) @ moved.mT.flatten(1).T
    pairs = pairs + 2 * torch.trace(square) * torch.outer(kappa, kappa)
    return odd + (pairs * Sigma).sum()


class OneLayer(NamedTuple):
    """One layer for one covariance and n."""

    least: float  # of the theorem
    slope: float  # norm of the gradient in P and Q at the theorem's point
    at: float  # the exact loss there
    found: tuple  # losses at which descents from random P, Q have come to rest


class OneLayers(NamedTuple):
    each: tuple  # of OneLayer

    @property
    def verdict(self):
        """Holds, if the theorem's point is critical with its loss, and no descent ends lower, while one ends there."""
        for one in self.each:
            right = one.slope < 1e-10 * one.least and abs(one.at / one.least - 1) < 1e-10
            if not right or not one.least * (1 - 1e-9) <= min(one.found) <= one.least * (1 + CLOSE):
                return verdicts.FAILS
        return verdicts.HOLDS


@arguments(n=wishart.SIZE, starts=range(1, 1001), seed=_SEED)
def one_layer(Sigma, n, starts, seed):
    """The `OneLayer` evidence."""
    d = check_covariance("Sigma", Sigma)
    P, Q = (torch.zeros(d + 1, d + 1, dtype=torch.float64) for _ in range(2))
    P[-1, -1] = 1
    Q[:d, :d] = -in_context_descent.preconditioner(Sigma, n)
    at, slopes = _with_gradient(lambda P, Q: _one_layer_loss(P, Q, Sigma, n), [P, Q])
    draws = np.random.default_rng(seed)
    starting = (0.3 * draws.standard_normal((2, d + 1, d + 1)) for _ in range(starts))
    found = [_descend(lambda x: _one_layer_loss(*x, Sigma, n), start)[0] for start in starting]
    least = in_context_descent.least_of_one(Sigma, n)
    return OneLayer(least, torch.cat(slopes).norm().item(), at, tuple(found))


def _with_gradient(function, values):
    values = [value.clone().requires_grad_() for value in values]
    loss = function(*values)
    return loss.item(), torch.autograd.grad(loss, values)


def _descend(function, start):
    """(loss, place) where L-BFGS ends from the array `start`."""

    def both(flat):
        loss, (slope,) = _with_gradient(function, [torch.from_numpy(flat.reshape(start.shape))])
        return loss, slope.numpy().ravel()

    found = minimize(both, start.ravel(), jac=True, method="L-BFGS-B", options=_UNTIL)
    return float(found.fun), found.x.reshape(start.shape)


# --- Two layers ------------------------------------------------------------------------------------------------------

FORMS = ("diagonal", "symmetric", "any")
_FORM = {"diagonal": lambda A: A.diagonal(dim1=-2, dim2=-1).diag_embed(), "symmetric": lambda A: (A + A.mT) / 2,
         "any": lambda A: A}  # fmt: skip


class TwoLayers(NamedTuple):
    """Descents of the exact loss of two layers, Sigma = I, from random pairs A_1, A_2."""

    d: int
    n: int
    multiples: float  # the least loss of a_1 I, a_2 I
    ends: dict  # form -> losses at the ends of the descents


class Pairs(NamedTuple):
    each: tuple  # of TwoLayers

    @property
    def verdict(self):
        """Holds, if no symmetric pair is found below the best diagonal one, and one as low; else fails."""
        for one in self.each:
            diagonal, lowest = min(one.multiples, *one.ends["diagonal"]), min(one.ends["symmetric"])
            if not diagonal * (1 - 1e-9) <= lowest <= diagonal * (1 + CLOSE):
                return verdicts.FAILS
        return verdicts.HOLDS


@arguments(d=range(1, 4), n=wishart.SIZE, starts=range(1, 1001), seed=_SEED)
def two_layers(d, n, starts, seed):
    """The `TwoLayers` of d and n; d at most 3, as the cubature has 15 ** (d (d - 1) / 2) nodes or so."""
    S, weights = wishart.cubature(d, n, 4)
    identity, draws = torch.eye(d, dtype=torch.float64), np.random.default_rng(seed)

    def ends(form):
        def loss(A):
            first, second = _FORM[form](A)
            return weights @ ((identity - second @ S) @ (identity - first @ S)).square().sum((1, 2))

        return tuple(_descend(loss, draws.standard_normal((2, d, d)))[0] for _ in range(starts))

    best = in_context_descent.loss(d, n, in_context_descent.step_sizes(d, n, 2))
    return TwoLayers(d, n, best, {form: ends(form) for form in FORMS})


# --- Critical points -------------------------------------------------------------------------------------------------


class Critical(NamedTuple):
    """Gradients of the exact loss in all entries of A_1, ..., A_L, and of B_1, ..., B_{L-1} where they are free."""

    slope: float  # norm at the stationary point of the family a_l Sigma^-1, b_l I
    beside: float  # where the first step of that point is a hundredth longer
    loss: float


class Criticals(NamedTuple):
    each: tuple  # of Critical

    @property
    def verdict(self):
        """Holds, if the gradient vanishes at all of these points but not beside them; else fails."""
        good = all(one.slope < 1e-6 * one.beside and one.beside > 1e-6 * one.loss for one in self.each)
        return verdicts.HOLDS if good else verdicts.FAILS


@arguments(n=wishart.SIZE, depth=range(2, 4), plus=bool)
def critical(Sigma, n, depth, plus):
    """The `Critical` evidence; plus: whether the B_l are free, at the lowest stationary point that was found."""
    d = check_covariance("Sigma", Sigma, invertible=True)
    if plus:
        (best, *_) = changed_inputs.minima(changed_inputs.exact_rule(d, n, depth), depth, 6, 0)
        steps, changes = best.steps, best.changes
    else:
        steps, changes = in_context_descent.step_sizes(d, n, depth), np.zeros(depth - 1)
    S, weights = wishart.cubature(d, n, 3**depth - 1 if plus else 2 * depth)

    def slope(steps):
        A, B = family(Sigma, steps, changes)
        loss, slopes = _with_gradient(lambda A, B: weights @ sparse_loss(A, B, S, Sigma), [A, B])
        return loss, torch.stack(slopes if plus else slopes[:1]).norm().item()

    loss, here = slope(steps)
    return Critical(here, slope(steps * np.array([1.01] + [1.0] * (depth - 1)))[1], loss)


@arguments(steps=vector(between(-1e6, 1e6)))
def family(Sigma, steps, changes):
    """A and B [L, d, d] with A_l = a_l Sigma^-1 and B_l = b_l I; the last B, which changes nothing, is zero."""
    check_covariance("Sigma", Sigma, invertible=True)
    changed_inputs.check_changes(changes, steps)
    a, b = (torch.as_tensor(np.array(x, float))[:, None, None] for x in (steps, [*changes, 0.0]))
    return a * torch.linalg.inv(Sigma), b * torch.eye(len(Sigma), dtype=Sigma.dtype)
