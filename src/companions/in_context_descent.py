r"""What linear attention learns of descent, in closed form: one layer, L layers, and layers that change the inputs too.

After Ahn, Cheng, Daneshmand and Sra (2023), see `linear_attention`. A step of preconditioned descent on the n examples
of a prompt is w_{l+1} = w_l - A X (X^T w_l - y) / n, and the loss is E (w_L . x - w . x)^2 for a query x.

One layer: x ~ N(0, Sigma), w ~ N(0, I). More: w ~ N(0, Sigma^-1) and A_l = a_l Sigma^-1; every loss is then a mean
over the mean spectrum mu of the whitened Gram matrix, see `wishart`, and the same for all Sigma.
"""

from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import minimize_scalar

from src import verdicts
from src.checks import arguments, between, check_value, vector
from src.companions import wishart
from src.theory.closed_form import check_array

DEPTH = range(1, 9)
_NUMBER = between(-1e6, 1e6)


def check_covariance(name, Sigma, d=None, invertible=False):
    """A symmetric positive semidefinite matrix [d, d], float64, not zero; returns d."""
    check_array(name, Sigma, "[d, d]")
    if Sigma.dtype != torch.float64:
        raise TypeError(f"{name} must have the dtype torch.float64, not {Sigma.dtype}")
    if Sigma.shape[0] != Sigma.shape[1] or len(Sigma) != (d or len(Sigma)):
        raise ValueError(f"{name} must be square, [{d or 'd'}, {d or 'd'}], not of shape {list(Sigma.shape)}")
    size = Sigma.abs().max()
    if size == 0 or (Sigma - Sigma.mT).abs().max() > 1e-12 * size or torch.linalg.eigvalsh(Sigma)[0] < -1e-12 * size:
        raise ValueError(f"{name} must be a covariance: symmetric, without negative eigenvalues, and not zero")
    if invertible and torch.linalg.eigvalsh(Sigma)[0] < 1e-10 * size:
        raise ValueError(f"{name} must be invertible: the source needs its inverse, and its rank is not full")
    return len(Sigma)


# --- One layer -------------------------------------------------------------------------------------------------------


@arguments(n=wishart.SIZE)
def preconditioner(Sigma, n):
    """A = ((1 + 1/n) Sigma + (tr Sigma / n) I)^-1: [d, d], with eigenvalues 1 / ((1 + 1/n) lambda_i + tr Sigma / n)."""
    check_covariance("Sigma", Sigma)
    return torch.linalg.inv((1 + 1 / n) * Sigma + torch.trace(Sigma) / n * torch.eye(len(Sigma), dtype=Sigma.dtype))


@arguments(n=wishart.SIZE)
def one_step_loss(A, Sigma, n):
    """The loss of one step with a symmetric A: by E S = Sigma and E S^2 = (1 + 1/n) Sigma^2 + tr(Sigma) Sigma / n."""
    check_covariance("Sigma", Sigma)
    check_array("A", A, "[d, d]", Sigma, "Sigma")
    if A.shape != Sigma.shape or (A - A.mT).abs().max() > 1e-12 * A.abs().max():
        raise ValueError(f"A must be symmetric and of the shape of Sigma, {list(Sigma.shape)}")
    square = (1 + 1 / n) * Sigma @ Sigma + torch.trace(Sigma) / n * Sigma
    return torch.trace(Sigma - 2 * Sigma @ A @ Sigma + Sigma @ A @ square @ A).item()


@arguments(n=wishart.SIZE)
def least_of_one(Sigma, n):
    """tr Sigma (I - A Sigma) = sum lambda_i (1 - a_i lambda_i): the least loss of one layer."""
    return torch.trace(Sigma - Sigma @ preconditioner(Sigma, n) @ Sigma).item()


@arguments(n=wishart.SIZE)
def best_multiple(Sigma, n):
    """(c, loss): the best step with A = c Sigma^-1, c = n / (n + 1 + d) and the loss (1 - c) tr Sigma."""
    d = check_covariance("Sigma", Sigma, invertible=True)
    c = n / (n + 1 + d)
    return c, (1 - c) * torch.trace(Sigma).item()


class Adapts(NamedTuple):
    """How the best step of one layer differs from a multiple of Sigma^-1; losses of one covariance and n."""

    shares: tuple  # a_i lambda_i, of the least and the largest eigenvalue
    least: float  # loss of the best A
    inverse: float  # of the best multiple of Sigma^-1
    limit: float  # of Sigma^-1 itself, which is best for n without bounds

    @property
    def verdict(self):
        """Holds, if A is no multiple of Sigma^-1, lesser variances get lesser shares, and both losses are higher."""
        more = self.shares[0] < self.shares[1] * (1 - 1e-9) and self.shares[1] < 1
        return verdicts.HOLDS if more and self.least < self.inverse * (1 - 1e-9) < self.limit else verdicts.FAILS


@arguments(n=wishart.SIZE)
def adapts(Sigma, n):
    """The `Adapts` of a covariance with at least two different eigenvalues."""
    check_covariance("Sigma", Sigma, invertible=True)
    shares = torch.linalg.eigvalsh(preconditioner(Sigma, n) @ Sigma)  # symmetric, as both commute
    least = one_step_loss(preconditioner(Sigma, n), Sigma, n)
    limit = one_step_loss(torch.linalg.inv(Sigma), Sigma, n)
    return Adapts((shares[0].item(), shares[-1].item()), least, best_multiple(Sigma, n)[1], limit)


# --- L layers with A_l = a_l Sigma^-1 --------------------------------------------------------------------------------


@arguments(d=wishart.SIZE, n=wishart.SIZE, depth=DEPTH)
def step_sizes(d, n, depth):
    """The best a_1 < ... < a_L, in any order: reciprocal roots of the orthogonal polynomial of degree L of lambda dmu.

    The loss is d times the mean of p^2 with p = prod (1 - a_l lambda). Over all polynomials with p(0) = 1 the least is
    attained where p is orthogonal to lambda q for deg q < L. Its roots are real, and are the Gauss nodes.
    """
    return 1 / wishart.gauss_rule(wishart.moments(d, n, 2 * depth)[1:]).nodes[::-1]


@arguments(d=wishart.SIZE, n=wishart.SIZE, steps=vector(_NUMBER))
def loss(d, n, steps):
    """d E prod_l (1 - a_l lambda)^2 over mu, for up to eight steps a_l."""
    check_value("the number of steps", len(steps), DEPTH)
    rule = wishart.spectrum(d, n, 2 * len(steps))
    return d * float(rule.weights @ (1 - np.multiply.outer(rule.nodes, steps)).prod(1) ** 2)


@arguments(d=wishart.SIZE, n=wishart.SIZE, depth=DEPTH)
def equal_step(d, n, depth):
    """(a, loss): the best of L equal steps. The loss is convex in a, and falls at zero."""
    found = minimize_scalar(
        lambda a: loss(d, n, [a] * depth), bounds=(0, 1), method="bounded", options={"xatol": 1e-10}
    )
    return found.x, found.fun


FIGURE_2 = ((0.42, 0.69, 1.69), (0.43, 0.69, 1.72))  # the least and the largest entries printed of three layers
_UNIT = 0.01  # of their last digit, which may be off by a half
_CLOSE = 0.1  # relative: of matrices to multiples of I, of steps to the roots, of a trained loss to the least


class Printed(NamedTuple):
    """Step sizes of three layers: printed, computed, and found in training."""

    computed: tuple  # for the published n
    trained: np.ndarray  # [seeds, 3] mean diagonals of trained matrices, in units of the steps for their n; by size
    off: float  # the largest `linear_attention.off_multiples` of these matrices
    excess: float  # the largest loss of a trained transformer in units of the least, less 1

    @property
    def verdict(self):
        """Fails, if a computed step is not in its printed interval; open, if a training has not come near the least
        loss; holds, if the matrices of all others are close to multiples of I and these to the computed steps."""
        printed = zip(sorted(self.computed), *FIGURE_2, strict=True)
        if not all(low - _UNIT / 2 <= step <= high + _UNIT / 2 for step, low, high in printed):
            return verdicts.FAILS
        if not self.excess < _CLOSE:
            return verdicts.OPEN
        apart = np.abs(self.trained - 1).max()
        return verdicts.HOLDS if max(self.off, apart) < _CLOSE else verdicts.FAILS
