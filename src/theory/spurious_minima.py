r"""Local minima that are not global, as others published them: the points of Safran and Shamir, in this book's model.

At W* = 0 the teacher's columns are the unit vectors, and eq. 2 is twice the loss that Safran and Shamir study for
k = n = d units ("Spurious Local Minima are Common in Two-Layer ReLU Neural Networks", ICML 2018). The points of theirs
that come nearest to the identity are one family, here up to the order of inputs and units: A = I + W with

    A_11 = a,   A_1j = b,   A_i1 = c,   A_ii = p,   A_ij = q        (i, j > 1, i != j),

which a unit turned the wrong way leads to: descent from A = I - 2 e_1 e_1^T keeps the pattern and ends there. Its
saddles at d = 3, 4, 5 turn into minima at d = 6.

Permuting the columns of A changes neither the function nor the loss, so W has d! copies. Which one is nearest to W = 0,
in the norm ||W||_2 that the paper's theorems use? For the family, exchanging columns 1 and j, and no other order:
where a column j > 1 is put to a row other than j and 1, that column of W is b, p, q - 1 and d - 3 times q, so that
||W||_2 >= sqrt(b^2 + p^2 + (1 - q)^2 + (d - 3) q^2); and where all stay, ||W||_2 >= |a - 1|.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment
from threadpoolctl import threadpool_limits
from torch import Tensor

from src import verdicts
from src.checks import COUNT, DIMENSION, MATRIX, arguments, each
from src.model import population
from src.theory import minima

# a, b, c, p, q at d = 7 with the digits given in README.md of https://github.com/ItaySafran/Overparameterization, the
# code of "The Effects of Mild Over-parameterization on the Optimization Landscape of Shallow ReLU Neural Networks".
PUBLISHED = (-0.6327039049, 0.2616910758, 0.1859910463, 0.9969227988, -0.0350801559)
PUBLISHED_AT, PUBLISHED_ACCURACY = 7, 1e-10

# Matrices this small gain nothing from a second thread, and beside other processes the threads wait for each other.
_one_thread = threadpool_limits.wrap(limits=1)

CRITICAL = 1e-8  # a point counts as critical where the Frobenius norm of the exact gradient is below this
SPURIOUS = 1e-3  # and a minimum as not global where eq. 2 is above this; at the family's points it is about 0.57 / d


@arguments(d=DIMENSION[2:])
@_one_thread
def minimum(d: int) -> Float[Tensor, "{d} {d}"]:
    """The member W [d, d] of the family (float64; the teacher is W* = 0): descent from -2 e_1 e_1^T, then Newton steps.

    The Newton steps move in the five entries that the symmetry leaves. A minimum for d >= 6, a saddle for d = 3, 4, 5.
    Raises TypeError or ValueError unless d is an integer of at least 3.
    """
    zero = torch.zeros(d, d, dtype=torch.float64)
    start = zero.clone()
    start[0, 0] = -2
    basis = _pattern(d)
    W = _combine(_coordinates(minima.descend(start, zero), basis), basis)
    for _ in range(5):
        slope = _coordinates(population.gradient(W, zero), basis)
        curvature = _coordinates(population.hessian_product(W, zero, basis), basis)  # [5, 5]
        W = W - _combine(torch.linalg.solve(curvature, slope), basis)
    return W


@arguments(W=MATRIX)
def entries(W: Float[Tensor, "d d"]) -> Float[Tensor, "5"]:
    """a, b, c, p, q of a member W of the family: entries of I + W."""
    _check_single(W, least=3)
    return torch.stack([1 + W[0, 0], W[0, 1], W[1, 0], 1 + W[1, 1], W[1, 2]])


@arguments(W=MATRIX)
def exchanged(W: Float[Tensor, "d d"]) -> Float[Tensor, "d d"]:
    """The copy of W [d, d] in which columns 1 and 2 of I + W have changed places; for the family, the nearest to 0."""
    _check_single(W, least=2)
    order = [1, 0, *range(2, len(W))]
    return _copy(W, order)


@arguments(W=MATRIX)
def other_copies(W: Float[Tensor, "d d"]) -> float:
    """A lower bound for ||W||_2 of all copies of a member W of the family but those like `exchanged` (see above)."""
    a, b, _, p, q = entries(W).tolist()
    return min(abs(a - 1), (b**2 + p**2 + (1 - q) ** 2 + (len(W) - 3) * q**2) ** 0.5)


@arguments(W=MATRIX)
@_one_thread
def nearest_copy(W: Float[Tensor, "d d"]) -> Float[Tensor, "d d"]:
    """A copy of any W [d, d] near to 0: of small ||W||_2, such that exchanging two columns makes it no smaller.

    The search starts at the copy of least ||W||_F, which an assignment finds, and so gives an upper bound for the
    nearest of the d! copies. Errors as in `population.gradient`, and ValueError for a batch.
    """
    _check_single(W, least=1)
    d = len(W)
    order = linear_sum_assignment((W.detach() + torch.eye(d)).numpy(), maximize=True)[1]
    first, second = np.triu_indices(d, 1)
    row = np.arange(len(first))
    best = torch.linalg.matrix_norm(_copy(W, order), 2)
    while len(first):
        orders = np.tile(order, (len(first), 1))  # one for each pair of columns, exchanged
        orders[row, first], orders[row, second] = order[second], order[first]
        copies = (W + torch.eye(d, dtype=W.dtype))[:, orders].movedim(1, 0) - torch.eye(d, dtype=W.dtype)
        norms = torch.linalg.matrix_norm(copies, 2)
        if norms.min() > best - 1e-9:
            break
        best, order = norms.min(), orders[norms.argmin()]
    return _copy(W, order)


class Ends(NamedTuple):
    """Where descents from random starts end, arrays [S]."""

    loss: np.ndarray  # of eq. 2; zero at a copy of the teacher
    spectral_norm: np.ndarray  # ||W||_2 of the end's `nearest_copy`; 0 at a copy of the teacher
    lowest_curvature: np.ndarray  # the least eigenvalue of the Hessian, at the true scale

    @property
    def spurious(self):
        """Which of them are local minima that are not global, a mask [S]."""
        return (self.loss > SPURIOUS) & (self.lowest_curvature > 0)


@arguments(d=DIMENSION[1:], count=COUNT, generator=torch.Generator)
@_one_thread
def from_random_starts(d: int, count: int, generator: torch.Generator) -> Ends:
    """The Ends of `count` descents for the teacher W* = 0, from I + W with independent entries N(0, 1/d).

    These are the starts of Safran and Shamir's own search. Raises TypeError or ValueError for bad input.
    """
    zero, ends = torch.zeros(d, d, dtype=torch.float64), []
    for _ in range(count):
        A = torch.randn(d, d, generator=generator, dtype=torch.float64) / d**0.5
        W = minima.descend(A - torch.eye(d, dtype=torch.float64), zero)
        near = torch.linalg.matrix_norm(nearest_copy(W), 2)
        ends.append((population.loss(W, zero), near, minima.lowest_curvature(W, zero)))
    return Ends(*np.array(ends).T)


class Spurious(NamedTuple):
    """The family for a range of dimensions, arrays [n]; the loss is eq. 2, its derivatives at the true scale."""

    d: np.ndarray
    loss: np.ndarray
    gradient_norm: np.ndarray  # ||grad L||_F
    lowest_curvature: np.ndarray  # the least eigenvalue of the Hessian
    spectral_norm: np.ndarray  # ||W||_2 of the copy nearest to W = 0
    other_copies: np.ndarray  # a lower bound for ||W||_2 of all other copies
    deviation: float  # largest difference of an entry from the published ones, at d = 7

    @property
    def nearest(self):
        """The dimension at which a minimum comes nearest to W = 0, and its ||W||_2."""
        k = self.spectral_norm.argmin()
        return int(self.d[k]), float(self.spectral_norm[k])

    @property
    def verdict(self):
        """holds, if at every dimension the point is critical, a strict minimum and above the global one, if no other
        copy is nearer, and if the published digits come out; fails otherwise."""
        minimum = (self.gradient_norm < CRITICAL) & (self.lowest_curvature > 0) & (self.loss > SPURIOUS)
        found = minimum & (self.other_copies > self.spectral_norm)
        return verdicts.HOLDS if found.all() and self.deviation <= PUBLISHED_ACCURACY else verdicts.FAILS


@arguments(dimensions=each(DIMENSION[2:]))
@_one_thread
def spurious(dimensions=range(6, 21)) -> Spurious:
    """The Spurious evidence for these dimensions, each at least 3; 6 to 20 are those of Safran and Shamir's proof."""
    rows = []
    for d in dimensions:
        W, zero = minimum(d), torch.zeros(d, d, dtype=torch.float64)
        rows.append(
            (
                d,
                population.loss(W, zero),
                population.gradient(W, zero).norm(),
                minima.lowest_curvature(W, zero),
                torch.linalg.matrix_norm(exchanged(W), 2),
                other_copies(W),
            )
        )
    difference = entries(minimum(PUBLISHED_AT)) - torch.tensor(PUBLISHED, dtype=torch.float64)
    return Spurious(*np.array(rows, dtype=float).T, float(difference.abs().max()))


def _check_single(W, least):
    if W.ndim != 2 or len(W) < least:
        raise ValueError(f"W must be one [d, d] matrix with d >= {least}, not {list(W.shape)}")


def _copy(W, order):
    eye = torch.eye(len(W), dtype=W.dtype)
    return (W + eye)[:, order] - eye


def _pattern(d):
    """The five directions [5, d, d] that keep the family's pattern, orthonormal: where a, b, c, p, q stand."""
    places = torch.zeros(5, d, d, dtype=torch.float64)
    places[0, 0, 0] = 1
    places[1, 0, 1:] = 1
    places[2, 1:, 0] = 1
    places[3].diagonal()[1:] = 1
    places[4, 1:, 1:] = 1 - torch.eye(d - 1, dtype=torch.float64)
    return places / places.norm(dim=(1, 2), keepdim=True)


def _coordinates(V, basis):
    """[..., d, d] -> [..., 5]: the coefficients of V along the directions of `basis`."""
    return torch.einsum("...ij,kij->...k", V, basis)


def _combine(coefficients, basis):
    return torch.einsum("k,kij->ij", coefficients, basis)
