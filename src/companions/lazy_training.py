r"""Training the network of `overparameterization`: how fast it learns, how little it moves, and what predicts both.

A step adds eta m^(-1/2) a_k sum_i r_i 1(w_k . x_i >= 0) x_i to w_k, with the residual r = y - f(X). So every weight
stays in its start plus the span of the inputs, W_t = W_0 + m^(-1/2) diag(a) C_t^T X, and descent is one of C [n, m]:
the arguments of the units are Z = X W_0^T + m^(-1/2) X X^T C diag(a). One product of matrices a step, exact.
"""

import itertools
import math
from typing import NamedTuple

import torch

from src.checks import DIMENSION, arguments, between, check_value
from src.companions import overparameterization
from src.theory.closed_form import check_array

WIDTH = range(1, 10**8)  # of a network; without units there is nothing to train
LARGEST = 2 * 10**8  # entries of a matrix that a training holds
STEPS = range(1, 10**6)
DTYPES = {"float32": torch.float32, "float64": torch.float64}
RECENT = 10  # steps
_ETA, _DRAWS = between(0, 10), range(2, 10**6)


class Start(NamedTuple):
    """A network before its training: all that the training depends on."""

    X: torch.Tensor  # [n, d] inputs of length one, float64
    y: torch.Tensor  # [n] labels
    Z: torch.Tensor  # [n, m] x_i . w_k, in the precision of the run
    a: torch.Tensor  # [m] signs

    @property
    def residual(self):
        """y - f(X): [n], float64."""
        return _residual(self, self.Z).double()


def check_size(rows, columns, name):
    """Raise ValueError unless a matrix of this size can be held; `name` is the argument that is too large."""
    if rows * columns > LARGEST:
        raise ValueError(f"{name} must be at most {LARGEST // rows:,} for these inputs; got {columns:,}")


def _check_problem(X, y):
    overparameterization.check_inputs(X)
    check_array("y", y, "[n]")
    if y.dtype != X.dtype or len(y) != len(X):
        raise ValueError(f"y must be float64, one label for each row of X, {len(X)}; got {list(y.shape)}, {y.dtype}")


def _check_square(H, residual):
    check_array("H", H, "[n, n]")
    check_array("residual", residual, "[n]")
    if H.dtype != residual.dtype or H.shape != 2 * residual.shape:
        raise ValueError(
            f"H must be square, with one row for each entry of residual, {len(residual)}; got {list(H.shape)}"
        )


@arguments(n=DIMENSION, d=DIMENSION, generator=torch.Generator)
def problem(n, d, generator):
    """Inputs (X [n, d], y [n]): uniform on the unit sphere, with labels from N(0, 1)."""
    X = overparameterization.sphere(n, d, generator)
    return X, torch.randn(n, generator=generator, dtype=X.dtype)


@arguments(width=WIDTH, generator=torch.Generator, precision=tuple(DTYPES))
def start(X, y, width, generator, precision="float64"):
    """The `Start` of a network of `width` units at w_k ~ N(0, I) and random signs."""
    _check_problem(X, y)
    check_size(max(X.shape), width, "width")
    dtype = DTYPES[precision]
    W = torch.randn(width, X.shape[1], generator=generator, dtype=dtype)
    a = torch.randint(2, (width,), generator=generator).to(dtype) * 2 - 1
    return Start(X, y, X.to(dtype) @ W.T, a)


def _residual(begin, Z):
    return begin.y.to(Z.dtype) - Z.relu() @ begin.a / math.sqrt(len(begin.a))


def descent(begin, eta):
    """(Z, C, K C, residual) after 0, 1, 2, ... steps, K = X X^T; the first three are overwritten by the next step."""
    check_value("begin", begin, Start)
    check_value("eta", eta, _ETA)
    K = (begin.X @ begin.X.T).to(begin.Z.dtype)
    Z, C, KC = begin.Z.clone(), torch.zeros_like(begin.Z), torch.zeros_like(begin.Z)
    signs = begin.a / math.sqrt(len(begin.a))
    while True:
        r = _residual(begin, Z)
        yield Z, C, KC, r
        C.addcmul_((Z >= 0).to(Z.dtype), r[:, None], value=eta)
        torch.mm(K, C, out=KC)
        torch.addcmul(begin.Z, KC, signs, out=Z)


def weights(X, Z):
    """The weights W [m, d] with X W^T = Z [n, m], for inputs X [n, d] of rank d."""
    check_array("X", X, "[n, d]")
    check_array("Z", Z, "[n, m]")
    if len(Z) != len(X) or torch.linalg.matrix_rank(X) < X.shape[1]:
        raise ValueError(f"X must have rank d, {X.shape[1]}, and as many rows as Z; they have {len(X)} and {len(Z)}")
    return torch.linalg.lstsq(X, Z).solution.T


def gram(begin, Z):
    """H(W) where the arguments of the units are Z [n, m]: [n, n], float64."""
    check_value("begin", begin, Start)
    check_array("Z", Z, "[n, m]")
    if len(Z) != len(begin.X):
        raise ValueError(f"Z must have one row for each of the {len(begin.X)} inputs, not {len(Z)}")
    active = (Z >= 0).to(Z.dtype)
    return begin.X @ begin.X.T * (active @ active.T).double() / Z.shape[1]


class Run(NamedTuple):
    """A training, after each of its steps, the start first: [steps + 1] each."""

    squares: torch.Tensor  # |y - f(X)|^2
    largest: torch.Tensor  # max_k |w_k(t) - w_k(0)|
    together: torch.Tensor  # |W_t - W_0|_F
    flips: torch.Tensor  # share of the pairs (unit, input) whose activity is not that of the start
    ends: tuple  # the least eigenvalue of H(W) at the start and at the end
    restless: float  # share of the pairs (unit, input) whose activity changed in one of the last `RECENT` steps


@arguments(begin=Start, eta=_ETA, steps=STEPS)
def train(begin, eta, steps):
    """The `Run` of gradient descent on |y - f(X)|^2 / 2."""
    rows, least, before, restless = [], [], begin.Z >= 0, torch.zeros_like(begin.Z, dtype=torch.bool)
    for t, (Z, C, KC, r) in enumerate(itertools.islice(descent(begin, eta), steps + 1)):
        moved = (C * KC).sum(0).clamp(min=0) / Z.shape[1]  # |w_k(t) - w_k(0)|^2
        active = Z >= 0
        flips = (active != (begin.Z >= 0)).sum().double() / Z.numel()
        rows.append((r.double().square().sum(), moved.max().sqrt(), moved.double().sum().sqrt(), flips))
        if t > steps - RECENT:
            restless |= active != before
        before = active
        if t in (0, steps):
            least.append(float(torch.linalg.eigvalsh(gram(begin, Z))[0]))
    columns = (torch.stack(column).double() for column in zip(*rows, strict=True))
    return Run(*columns, tuple(least), float(restless.double().mean()))


# --- What an infinitely wide network would do -----------------------------------------------------------------------


class Predicted(NamedTuple):
    """What the end of a training is in the limit of large width, from its start alone."""

    largest: float  # max_k |w_k - w_k(0)|, for the units of this start
    together: float  # |W - W_0|_F
    flips: float


@arguments(eta=_ETA, steps=STEPS)
def linear_residuals(H, residual, eta, steps):
    """(I - eta H)^t r for t < steps, the residuals of a training whose Gram matrix stays H: [steps, n]."""
    _check_square(H, residual)
    values, vectors = torch.linalg.eigh(H)
    return (1 - eta * values) ** torch.arange(steps, dtype=H.dtype)[:, None] * (vectors.T @ residual) @ vectors.T


@arguments(eta=_ETA, draws=_DRAWS, generator=torch.Generator)
def flip_constant(X, residuals, eta, draws, generator):
    """sqrt(m) times the share of flips in the limit of large width: (mean, its standard error over draws).

    residuals: [steps, n], one in each step. Only units near the plane w . x_i = 0 flip at x_i. Of these let s be
    sqrt(m) w . x_i: a step adds eta a_k sum_j r_j x_i . x_j 1(w . x_j >= 0) to it, where only the term j = i depends on
    s. At the start s has the density (2 pi m)^(-1/2), and it is followed from a uniform draw for each w on that plane.
    """
    overparameterization.check_inputs(X)
    check_array("residuals", residuals, "[steps, n]")
    if residuals.dtype != X.dtype or residuals.shape[1] != len(X):
        raise ValueError(
            f"residuals must be float64, one column for each row of X, {len(X)}; got {list(residuals.shape)}"
        )
    check_size(residuals.numel(), draws, "draws")
    n, K = len(X), X @ X.T
    Z = X @ torch.randn(X.shape[1], draws, generator=generator, dtype=X.dtype)
    a = torch.randint(2, (n, draws), generator=generator).to(X.dtype) * 2 - 1
    others = torch.empty(len(residuals), n, draws, dtype=X.dtype)  # the sum over j != i
    for i in range(n):
        active = (Z - K[:, i : i + 1] * Z[i] >= 0).to(X.dtype)
        active[i] = 0
        torch.mm(residuals * K[i], active, out=others[:, i])
    reach = eta * torch.maximum(others.abs(), (others + residuals[:, :, None]).abs()).sum(0)  # of s: [n, draws]
    s = (2 * torch.rand(n, draws, generator=generator, dtype=X.dtype) - 1) * reach
    before = s >= 0
    for r, g in zip(residuals, others, strict=True):
        s = s + eta * a * (g + r[:, None] * (s >= 0))
    share = (2 * reach * ((s >= 0) != before)).mean(0) / math.sqrt(2 * math.pi)
    return float(share.mean()), float(share.std()) / math.sqrt(draws)


@arguments(begin=Start, eta=_ETA, steps=STEPS, draws=_DRAWS, generator=torch.Generator)
def predict(begin, H, eta, steps, draws, generator):
    """The `Predicted` end of `train`: the Gram matrix stays the kernel H, and all units stay active where they are."""
    residuals = linear_residuals(H, begin.residual, eta, steps)
    c = eta * residuals.sum(0)
    m, K = len(begin.a), (begin.X @ begin.X.T).to(begin.Z.dtype)
    C = c.to(begin.Z.dtype)[:, None] * (begin.Z >= 0)
    largest = float((C * (K @ C)).sum(0).max()) / m
    flips = flip_constant(begin.X, residuals, eta, draws, generator)[0]
    return Predicted(math.sqrt(max(largest, 0)), math.sqrt(float(c @ H @ c)), flips / math.sqrt(m))


def expected_movement(X, y):
    """The mean over starts of |W - W_0|_F^2 after training, in the limit: y . H^-1 y + tr(H^-1 Cov f(X))."""
    _check_problem(X, y)
    H = overparameterization.kernel(X)
    if float(torch.linalg.eigvalsh(H)[0]) < overparameterization.ROUNDING:
        raise ValueError("X must have a kernel with lambda_0 > 0: no equal inputs, no dependent opposite pairs")
    inverse = torch.linalg.inv(H)
    return float(y @ inverse @ y + (inverse * overparameterization.output_covariance(X)).sum())
