r"""Equations 1 and 2, doubted: the closed form of the loss against samples and against many digits.

Nothing here shares code with `src.model.population`, which is examined: the loss is the plain sum over pairs of
columns, in floating point (`loss_as_written`) and with mpmath (`loss_in_digits`), or an average over inputs. W and
W_star are [d, d] float64, columns as there.
"""

import math
import numbers
from typing import NamedTuple

import mpmath
import numpy as np
import torch
from scipy import stats

from src import verdicts
from src.checks import MATRIX, arguments, between, check_pair, check_value, entries, like, vector, within
from src.model import population

NEAREST = 1e-5  # the distance |W - W*|_F from which on the closed form must keep its digits
DIGITS = range(15, 1001)  # of a computation with mpmath
SAMPLES = range(2, 10**7)  # inputs that are drawn at once

_FINITE, _POSITIVE = within(-math.inf, math.inf), between(0, math.inf)


@arguments(A=MATRIX)
def network(x, A):
    """Equation 1: the outputs [n] of sum_i ReLU(<a_i, x>) for inputs x [n, d] and the units' weights A [d, d]."""
    check_array("x", x, "[n, d]", A, "A")
    return (x @ A).relu().sum(-1)


def pair(p, a):
    """F(p, a) = E 1[<a, x> > 0] ReLU(<p, x>) x for x ~ N(0, I): p and a [..., d], not zero, to [..., d].

    One term of the gradient: grad L(W)_j = 2 sum_i F(a_i, a_j) - F(b_i, a_j). Chapter 2 derives the formula.
    """
    check_array("p", p, "[..., d]")
    check_array("a", a, "[..., d]", p, "p")
    for name, vectors in (("p", p), ("a", a)):
        if not vectors.any(-1).all():
            raise ValueError(f"{name} must not be zero")
    if p.shape[:-1] and a.shape[:-1] and p.shape != a.shape:
        raise ValueError(f"a must be one vector or have the shape of p, {list(p.shape)}, not {list(a.shape)}")
    p_length, a_length = p.norm(dim=-1, keepdim=True), a.norm(dim=-1, keepdim=True)
    theta = ((p * a).sum(-1, keepdim=True) / (p_length * a_length)).clamp(-1, 1).acos()
    return (p_length * theta.sin() * a / a_length + (math.pi - theta) * p) / (2 * math.pi)


def sampled_pair(p, a, x):
    """F(p, a) as an average over the inputs x [n, d], and its standard error: two vectors [d]."""
    check_array("p", p, "[d]")
    check_array("a", a, "[d]", p, "p")
    check_array("x", x, "[n, d]", p, "p")
    terms = ((x @ p).relu() * (x @ a > 0))[:, None] * x
    return terms.mean(0), terms.std(0) / math.sqrt(len(x))


def loss_as_written(W, W_star):
    """Equation 2 as the plain sum of arc-cosine kernels over pairs of columns: a number; differentiable.

    Where W is close to W_star it is a small difference of large terms, and loses its digits.
    Raises TypeError or ValueError for anything but one pair of weights, as `population.loss` does.
    """
    W, W_star = single(W, W_star)
    eye = torch.eye(len(W), dtype=W.dtype)
    columns = torch.cat([eye + W, eye + W_star], dim=1)  # [d, 2 d]
    length = columns.norm(dim=0)
    sign = [1.0] * len(W) + [-1.0] * len(W)
    total = 0
    for i in range(2 * len(W)):
        for j in range(i):
            theta = (columns[:, i] @ columns[:, j] / (length[i] * length[j])).clamp(-1, 1).acos()
            psi = theta.sin() + (math.pi - theta) * theta.cos()
            total = total + 2 * sign[i] * sign[j] * length[i] * length[j] * psi
    return (total + math.pi * length.square().sum()) / (2 * math.pi)  # a column with itself has psi(0) = pi


@arguments(digits=DIGITS)
def loss_in_digits(W, W_star, digits=60):
    """Equation 2 as the same sum, as an mpmath number of so many digits. Errors as in `loss_as_written`."""
    W, W_star = single(W, W_star)
    with mpmath.workdps(digits):
        return exact_loss(exact_columns(W) + exact_columns(W_star))


class Sampled(NamedTuple):
    """The average of (f - f*)^2 over inputs against the closed form, at K distances: arrays of [K]."""

    distance: np.ndarray  # |W - W*|_F
    ratio: np.ndarray  # the average over the closed form
    error: np.ndarray  # the average's standard error, over the closed form
    z: np.ndarray  # how many standard errors lie between the two


@arguments(W_star=MATRIX, direction=like("W_star"), samples=SAMPLES, generator=torch.Generator)
def against_samples(W_star, direction, distances, samples, generator):
    """`Sampled` at W = W_star + distance * direction, |direction|_F = 1, with fresh inputs for every distance.

    Raises TypeError or ValueError for bad input.
    """
    _check_line(W_star, direction, distances)
    eye, rows = torch.eye(len(W_star), dtype=W_star.dtype), []
    for distance in distances:
        W = W_star + distance * direction
        x = torch.randn(samples, len(W), generator=generator, dtype=W.dtype)
        squares = (network(x, eye + W) - network(x, eye + W_star)).square()
        exact, standard_error = population.loss(W, W_star), squares.std() / math.sqrt(samples)
        mean = squares.mean()
        rows.append([(mean / exact).item(), (standard_error / exact).item(), ((mean - exact) / standard_error).item()])
    return Sampled(np.asarray(distances), *np.array(rows).T)


class Digits(NamedTuple):
    """Relative errors of the loss against 60-digit arithmetic, at K distances: arrays of [K]."""

    distance: np.ndarray  # |W - W*|_F
    as_written: np.ndarray  # of `loss_as_written`
    rewritten: np.ndarray  # of `population.loss`


@arguments(W_star=MATRIX, direction=like("W_star"))
def against_digits(W_star, direction, distances):
    """`Digits` at W = W_star + distance * direction, |direction|_F = 1. Errors as in `against_samples`."""
    _check_line(W_star, direction, distances)
    rows = []
    for distance in distances:
        W = W_star + distance * direction
        exact = float(loss_in_digits(W, W_star))
        rows.append([abs(loss(W, W_star).item() / exact - 1) for loss in (loss_as_written, population.loss)])
    return Digits(np.asarray(distances), *np.array(rows).T)


class Agreement(NamedTuple):
    """What equations 1 and 2 come to: is the closed form the average that they define, and does it keep its digits?"""

    largest_z: float  # largest |average - closed form| over the standard error
    comparisons: int  # of how many
    largest_error: float  # largest relative error of `population.loss` at distances from `NEAREST` up

    @property
    def allowed_z(self):
        """What the largest of so many standard normal numbers exceeds with probability at most 0.001."""
        return stats.norm.isf(0.001 / 2 / self.comparisons)

    @property
    def verdict(self):
        """holds, if the samples agree and the closed form is good to 1e-6; fails otherwise."""
        right = abs(self.largest_z) < self.allowed_z and abs(self.largest_error) < 1e-6
        return verdicts.HOLDS if right else verdicts.FAILS


@arguments(sampled=Sampled, digits=Digits)
def agreement(sampled, digits):
    """The `Agreement` that a `Sampled` and a `Digits` amount to."""
    near = digits.rewritten[digits.distance >= 0.99 * NEAREST]
    if not len(near):
        raise ValueError(f"digits must hold a distance of at least {NEAREST}")
    return Agreement(float(abs(sampled.z).max()), len(sampled.z), float(near.max()))


def single(W, W_star):
    """One pair of weights, [d, d] both. Raises as `population.loss` does, and ValueError for a batch."""
    W, W_star = check_pair(W, W_star)
    if W.ndim != 2:
        raise ValueError(f"W must be one [d, d] matrix, not {list(W.shape)}")
    return W, W_star


@arguments(W=MATRIX)
def exact_columns(W):
    """The columns of I + W [d, d] as lists of mpmath numbers: no entry is rounded."""
    if W.ndim != 2:
        raise ValueError(f"W must be one [d, d] matrix, not {list(W.shape)}")
    return [[mpmath.mpf(x) + (i == j) for i, x in enumerate(column)] for j, column in enumerate(W.mT.tolist())]


def exact_loss(columns):
    """Equation 2 for the 2 d columns given, lists of d numbers, the student's first, in the working precision."""
    check_value("columns", columns, list)
    d = len(columns) // 2
    if not columns or any(not isinstance(column, list) or 2 * len(column) != len(columns) for column in columns):
        raise ValueError("columns must be 2 d lists of d numbers each")
    if not all(isinstance(x, numbers.Real) and math.isfinite(x) for column in columns for x in column):
        raise ValueError("columns must hold finite numbers")
    if not all(map(any, columns)):
        raise ValueError("columns must not be zero")
    length = [mpmath.norm(c) for c in columns]
    total = mpmath.pi * mpmath.fsum(n**2 for n in length)
    for i in range(2 * d):
        for j in range(i):
            cos = min(mpmath.mpf(1), mpmath.fdot(columns[i], columns[j]) / (length[i] * length[j]))
            theta = mpmath.acos(cos)
            sign = 1 if (i < d) == (j < d) else -1
            total += 2 * sign * length[i] * length[j] * (mpmath.sin(theta) + (mpmath.pi - theta) * cos)
    return total / (2 * mpmath.pi)


def check_array(name, x, shape, matrix=None, of="W"):
    """A finite tensor of floats of the given shape, written as "[n, d]", none of whose axes is empty.

    With `matrix`, a tensor already checked that is called `of`, its last axis, dtype and device are those of `matrix`.
    """
    check_value(name, x, torch.Tensor)
    if x.dtype not in (torch.float32, torch.float64) or (matrix is not None and x.dtype != matrix.dtype):
        allowed = "torch.float32 or torch.float64" if matrix is None else matrix.dtype
        raise TypeError(f"{name} must have the dtype {allowed}, not {x.dtype}")
    check_value(name, x, entries(_FINITE))
    axes = shape.count(",") + 1
    if x.ndim < max(axes - 1, 1) if "..." in shape else x.ndim != axes:
        raise ValueError(f"{name} must be of shape {shape}, not {list(x.shape)}")
    if matrix is not None and (x.shape[-1], x.device) != (matrix.shape[-1], matrix.device):
        raise ValueError(
            f"{name} must be of shape {shape} with the d of {of}, {matrix.shape[-1]}, on {matrix.device}, "
            f"not {list(x.shape)} on {x.device}"
        )


def _check_line(W_star, direction, distances):
    for name, matrix in (("W_star", W_star), ("direction", direction)):
        if matrix.ndim != 2:
            raise ValueError(f"{name} must be one [d, d] matrix, not {list(matrix.shape)}")
    if not abs(direction.norm() - 1) < 1e-6:
        raise ValueError(f"direction must have the Frobenius norm 1, not {direction.norm():.6g}")
    check_value("distances", distances, vector(_POSITIVE))
