r"""Du, Zhai, Poczos and Singh (2019): the kernel of a wide ReLU network and the theorem that rests on it.

The network is f(x) = m^(-1/2) sum_k a_k relu(w_k . x) with m units, fixed signs a_k = 1 or -1 and w_k ~ N(0, I) at the
start. It learns labels y [n] at inputs X [n, d], whose rows have length one, by descent in the w_k on half the squared
error. A unit is *active* at x if w_k . x >= 0. At weights W the outputs change by the Gram matrix

    H(W)_ij = x_i . x_j (1/m) sum_k 1(w_k . x_i >= 0) 1(w_k . x_j >= 0),

whose mean at the start is the `kernel` H. Its least eigenvalue is the theorem's lambda_0.
"""

import math
from typing import NamedTuple

import torch

from src import verdicts
from src.checks import DIMENSION, FORMULA, arguments, between, within
from src.theory import radial_inputs
from src.theory.closed_form import check_array

ROUNDING = 1e-11  # below it an eigenvalue of a kernel counts as zero: angles are exact to some 1e-16
TOLERANCE = 1e-8  # up to it two inputs count as parallel
_LEAST, _PROBABILITY = within(1e-300, 0.5), between(0, 1)  # lambda_0 is at most the mean of all eigenvalues, 1/2


def check_inputs(X):
    """Inputs X [n, d] whose rows have length one, float64."""
    check_array("X", X, "[n, d]")
    if X.dtype != torch.float64:
        raise TypeError(f"X must have the dtype torch.float64, not {X.dtype}")
    far = (X.norm(dim=1) - 1).abs()
    if far.max() > 1e-9:
        row = int(far.argmax())
        raise ValueError(f"X must have rows of length 1; row {row} has length {X[row].norm():.6g}")


@arguments(n=DIMENSION, d=DIMENSION, generator=torch.Generator)
def sphere(n, d, generator):
    """n uniformly random unit vectors in R^d: [n, d]."""
    return radial_inputs.sphere(n, d, generator) / math.sqrt(d)


def angles(X):
    """The angles between all inputs, to a relative error of rounding also near 0 and pi: [n, n], radian."""
    check_inputs(X)
    apart, joined = (torch.cdist(X, Y, compute_mode="donot_use_mm_for_euclid_dist") for Y in (X, -X))
    return 2 * torch.atan2(apart, joined)


def kernel(X):
    """H_ij = E x_i . x_j 1(w . x_i >= 0) 1(w . x_j >= 0) = x_i . x_j (pi - angle) / (2 pi) for w ~ N(0, I): [n, n]."""
    theta = angles(X)
    return theta.cos() * (math.pi - theta) / (2 * math.pi)


def output_covariance(X):
    """The covariance of the outputs f(x_i) at a random start, E relu(w . x_i) relu(w . x_j): [n, n]."""
    theta = angles(X)
    return (theta.sin() + (math.pi - theta) * theta.cos()) / (2 * math.pi)


def least(X):
    """lambda_0, the least eigenvalue of the kernel."""
    return float(torch.linalg.eigvalsh(kernel(X))[0])


@arguments(theta=within(0, math.pi))
def least_of_two(theta):
    """lambda_0 of two inputs at the angle theta: 1/2 - |cos theta| (pi - theta) / (2 pi)."""
    return 0.5 - abs(math.cos(theta)) * (math.pi - theta) / (2 * math.pi)


def null_dimension(X):
    """The dimension of the kernel's null space, from the inputs alone.

    It is n less the number of different inputs, plus the number of linear dependencies between the inputs that occur
    with both signs (one of each pair x, -x). Angles and singular values up to `TOLERANCE` count as zero.
    """
    theta = angles(X)
    first = [i for i in range(len(X)) if not (theta[i, :i] <= TOLERANCE).any()]  # each input once
    both = [i for i in first if any(math.pi - theta[i, j] <= TOLERANCE for j in first if j < i)]
    rank = int((torch.linalg.svdvals(X[both]) > TOLERANCE).sum()) if both else 0
    return len(X) - len(first) + len(both) - rank


@arguments(tilt=within(0, math.pi / 2))
def three_pairs(tilt):
    """Three opposite pairs in space: [6, 3]. Their axes are 60 degrees apart in a plane, but for the last, which is
    turned by `tilt` towards the normal of the plane."""
    turn = math.pi / 3 * torch.arange(3, dtype=torch.float64)
    X = torch.stack((turn.cos(), turn.sin(), torch.zeros_like(turn)), 1)
    X[2] = math.cos(tilt) * X[2] + math.sin(tilt) * X.new_tensor([0, 0, 1])
    return torch.cat((X, -X))


class Set(NamedTuple):
    """A set of inputs, and what its kernel's null space is predicted and found to be."""

    name: str
    n: int
    parallel: int  # pairs of parallel inputs, equal or opposite
    predicted: int  # dimension of the null space
    found: int  # eigenvalues of the kernel that are zero
    least: float  # lambda_0


@arguments(name=str)
def examine(name, X):
    """The `Set` of the inputs X [n, d]."""
    theta, eigenvalues = angles(X), torch.linalg.eigvalsh(kernel(X))
    parallel = int((torch.minimum(theta, math.pi - theta) <= TOLERANCE).triu(1).sum())
    zero = int((eigenvalues.abs() < ROUNDING).sum())
    return Set(name, len(X), parallel, null_dimension(X), zero, float(eigenvalues[0]))


class Sets(NamedTuple):
    """When lambda_0 > 0: several sets of inputs."""

    each: tuple  # of Set

    @property
    def positive(self):
        """Non-parallel inputs have lambda_0 > 0: holds, if it is seen wherever no two are parallel."""
        least = [one.least for one in self.each if not one.parallel]
        return verdicts.HOLDS if least and min(least) > ROUNDING else verdicts.FAILS

    @property
    def beyond(self):
        """The condition is not necessary, and what is: holds, if the null space is always the predicted one, is zero
        for some parallel inputs and is not for others."""
        found = {one.found > 0 for one in self.each if one.parallel}
        right = all(one.found == one.predicted for one in self.each)
        return verdicts.HOLDS if right and found == {True, False} else verdicts.FAILS


@arguments(d=range(3, 1001), generator=torch.Generator)
def sets(d, generator):
    """`Sets` of random and of special inputs in d dimensions."""
    X = sphere(2 * d, d, generator)
    flat = X[: d + 1].clone()
    flat[:, -1] = 0
    flat /= flat.norm(dim=1, keepdim=True)  # d + 1 inputs in d - 1 dimensions
    close = X[:2].clone()
    close[1] = close[0] + 1e-6 * close[1]
    close /= close.norm(dim=1, keepdim=True)
    made = {
        "random": X,
        "more than dimensions": sphere(6 * d, d, generator),
        "in a subspace": flat,
        "at an angle of about 10⁻⁶": close,
        "one twice": torch.cat([X, X[:1]]),
        "one opposite pair": torch.cat([X, -X[:1]]),
        "d opposite pairs": torch.cat([X[:d], -X[:d]]),
        "d + 1 opposite pairs": torch.cat([X[: d + 1], -X[: d + 1]]),
        "d opposite pairs in a subspace": torch.cat([flat[:d], -flat[:d]]),
        "d opposite pairs, one input three times": torch.cat([X[:d], -X[:d], X[:1], X[:1]]),
    }
    return Sets(tuple(examine(name, inputs) for name, inputs in made.items()))


# --- The theorem's constants -----------------------------------------------------------------------------------------


@arguments(n=FORMULA, lambda_0=_LEAST, p=_PROBABILITY)
def asked_width(n, lambda_0, p):
    """n^6 / (lambda_0^4 p^3): the order of the width that the theorem asks for, to fail with probability p."""
    return n**6 / (lambda_0**4 * p**3)


@arguments(n=FORMULA, lambda_0=_LEAST, p=_PROBABILITY)
def radius(n, lambda_0, p):
    """sqrt(2 pi) p lambda_0 / (16 n^2): how far each w_k may move; then H(W) changes by at most lambda_0 / 4."""
    return math.sqrt(2 * math.pi) * p * lambda_0 / (16 * n**2)


@arguments(n=FORMULA, lambda_0=_LEAST, p=_PROBABILITY, size=within(0, 1e100), flow=bool)
def sufficient_width(n, lambda_0, p, size, flow=False):
    """A width with which descent at eta <= 1/n (or the flow) converges with probability at least 1 - 3 p.

    size: the bound on the labels, |y_i| <= size. It is `asked_width` times a constant, the proof stands in the chapter.
    """
    constant = 512 / math.pi if flow else 8192 / (9 * math.pi)
    return constant * (size**2 + 0.5) * asked_width(n, lambda_0, p)


@arguments(n=FORMULA, width=between(0, math.inf), lambda_0=_LEAST, residual=within(0, 1e100), flow=bool)
def movement_bound(n, width, lambda_0, residual, flow=False):
    """How far a w_k moves at most while the residual, `residual` at the start, falls as promised."""
    return (2 if flow else 8 / 3) / lambda_0 * math.sqrt(n / width) * residual


@arguments(eta=between(0, math.inf), lambda_0=_LEAST)
def promised_ratio(eta, lambda_0):
    """1 - eta lambda_0 / 2: the squared error falls at least so much in each step of the descent."""
    return 1 - eta * lambda_0 / 2


@arguments(eta=between(0, math.inf), lambda_0=_LEAST)
def limit_ratio(eta, lambda_0):
    """(1 - eta lambda_0)^2: how much it falls in a step, late, of an infinitely wide network."""
    return (1 - eta * lambda_0) ** 2
