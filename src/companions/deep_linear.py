r"""Deep linear networks without links: the critical points of L(W_1, ..., W_N) = |W_N ... W_1 X - Y|_F^2 / 2.

After Kawaguchi (2016), whose abstract makes four claims. `weights` is the list [W_1, ..., W_N], W_k of shape
[h_k, h_{k-1}] with h_0 = d_x and h_N = d_y; X is [d_x, n] and Y is [d_y, n], in any unit. A network "with three
layers" there counts input and output and has two matrices.

In coordinates in which X has orthonormal rows, L is half the squared distance of the product Z = W_N ... W_1 from a
matrix C, and a constant. The squared singular values of C are the eigenvalues of Y X^T (X X^T)^-1 X Y^T, with a
pseudo-inverse where X X^T is singular. A *mode* is a singular value of C, counted from 0, with its two vectors.
"""

import itertools
import math
from typing import NamedTuple

import torch
from scipy.integrate import quad
from scipy.optimize import minimize
from torch.nn.utils import parameters_to_vector

from src import verdicts
from src.checks import COUNT, arguments, between, check_value, each
from src.theory.closed_form import check_array

WIDTH = range(1, 65)  # of a layer whose exact Hessian is computed
AT_REST = 1e-5  # norm of a gradient
_UNTIL = {"maxiter": 3000, "maxfun": 6000, "ftol": 1e-15, "gtol": 1e-9}  # of a descent that is to come to rest


def check_data(X, Y):
    """Inputs X [d_x, n], not zero, and outputs Y [d_y, n], float64."""
    check_array("X", X, "[d_x, n]")
    check_array("Y", Y, "[d_y, n]")
    if not X.dtype == Y.dtype == torch.float64:
        raise TypeError(f"X and Y must have the dtype torch.float64, not {X.dtype} and {Y.dtype}")
    if X.shape[1] != Y.shape[1]:
        raise ValueError(f"X and Y must have one number n of columns, not {X.shape[1]} and {Y.shape[1]}")
    if not X.any():
        raise ValueError("X must not be zero")


def check_network(weights, X, Y):
    """Matrices that lead from X to Y, one after the other; all may have one batch shape in front."""
    check_data(X, Y)
    check_value("weights", weights, each(torch.Tensor))
    ends = [len(X), *(W.shape[-2] if W.ndim > 1 else 0 for W in weights)]
    for k, W in enumerate(weights):
        check_array(f"matrix {k + 1} of weights", W, "[..., rows, columns]")
        if W.ndim < 2 or (W.dtype, W.shape[-1], W.shape[:-2]) != (X.dtype, ends[k], weights[0].shape[:-2]):
            raise ValueError(
                f"weights must lead from X to Y, in the dtype of X: matrix {k + 1} must have {ends[k]} columns, "
                f"not be of shape {list(W.shape)} and {W.dtype}"
            )
    if ends[-1] != len(Y):
        raise ValueError(f"weights must lead from X to Y: the last must have {len(Y)} rows, not {ends[-1]}")


def loss(weights, X, Y):
    """|W_N ... W_1 X - Y|_F^2 / 2: [...]."""
    check_network(weights, X, Y)
    return _loss_and_gradient(weights, X, Y)[0]


def gradient(weights, X, Y):
    """The gradients of the loss in W_1, ..., W_N, in their shapes."""
    check_network(weights, X, Y)
    return _loss_and_gradient(weights, X, Y)[1]


def _loss_and_gradient(weights, X, Y):
    inner = [X]  # W_k ... W_1 X, [..., h_k, n]
    for W in weights:
        inner.append(W @ inner[-1])
    E, found = inner.pop() - Y, []
    back = E  # W_{k+1}^T ... W_N^T E
    for W, V in zip(reversed(weights), reversed(inner), strict=True):
        found.append(back @ V.mT)
        back = W.mT @ back
    return E.square().sum((-2, -1)) / 2, found[::-1]


def hessian(weights, X, Y):
    """The exact Hessian [P, P] in all P entries of the weights, those of W_1 first, row after row.

    Its part of first order in the residual E = Z X - Y joins different layers k < l only: in the directions D_k and D_l
    it is <E, W_N ... W_{l+1} D_l (W_{l-1} ... W_{k+1}) D_k W_{k-1} ... W_1 X>.
    """
    check_network(weights, X, Y)
    if weights[0].ndim != 2:
        raise ValueError(f"weights must be single matrices, not batches of shape {list(weights[0].shape)}")
    inner, outer = [X], [torch.eye(len(Y), dtype=X.dtype)]  # W_k ... W_1 X and W_N ... W_{k+1}
    for W in weights:
        inner.append(W @ inner[-1])
    for W in reversed(weights):
        outer.insert(0, outer[0] @ W)
    E = inner[-1] - Y
    J = torch.cat([torch.kron(outer[k + 1], inner[k].mT.contiguous()) for k in range(len(weights))], 1)  # of Z X
    H = J.mT @ J
    ends = [0, *itertools.accumulate(W.numel() for W in weights)]
    for k, V in enumerate(inner[:-2]):
        links = torch.eye(len(inner[k + 1]), dtype=X.dtype)
        for m in range(k + 1, len(weights)):
            T = outer[m + 1].mT @ E @ V.mT  # [h_l, h_(k-1)], l = m + 1, while the k of the formula is k + 1 here
            block = torch.einsum("ac,bd->abdc", T, links)
            block = block.reshape(ends[m + 1] - ends[m], ends[k + 1] - ends[k])
            H[ends[m] : ends[m + 1], ends[k] : ends[k + 1]] += block
            H[ends[k] : ends[k + 1], ends[m] : ends[m + 1]] += block.mT
            links = weights[m] @ links
    return H


def whitened(X, Y):
    """(C, back): with W_1 = V @ back, L is |W_N ... W_2 V - C|^2 / 2 and a constant. C is [d_y, rank of X]."""
    check_data(X, Y)
    U, S, Vh = torch.linalg.svd(X, full_matrices=False)
    kept = S / S[0] > max(X.shape) * torch.finfo(X.dtype).eps
    return Y @ Vh[kept].mT, U[:, kept].mT / S[kept, None]


def modes(X, Y):
    """The singular values of C, falling."""
    return torch.linalg.svdvals(whitened(X, Y)[0])


@arguments(rank=WIDTH)
def best_loss(X, Y, rank):
    """The least loss of all matrices of at most that rank: |Y|^2 / 2 less half the largest squares (Eckart and Young).

    `rank` is the smallest width of the network, input and output included.
    """
    sizes = modes(X, Y)[:rank]
    return float((Y.square().sum() - sizes.square().sum()) / 2)


@arguments(depth=range(2, 101), start=between(0, 1), end=between(0, 1))
def escape_time(depth, start, end=0.5):
    """Time of the flow on (w_1 ... w_N - 1)^2 / 2 from N equal weights `start` until their product is `end`.

    All weights stay equal, with dw/dt = w^(N-1) (1 - w^N). For small starts it is about log(1 / start) for N = 2, and
    start^(2-N) / (N - 2) for more.
    """
    last = end ** (1 / depth)
    if start >= last:
        raise ValueError(f"start must be below end^(1/depth), {last:.3g}; got {start}")
    # in x = log w, where the integrand w^(2-N) / (1 - w^N) has no long tail
    return quad(
        lambda x: math.exp((2 - depth) * x) / -math.expm1(depth * x), math.log(start), math.log(last), epsrel=1e-10
    )[0]


@arguments(eta=between(0, math.inf), steps=COUNT)
def descend(weights, X, Y, eta, steps):
    """Gradient descent with the step size eta: (the last weights, the losses [steps + 1, ...] along the way)."""
    check_network(weights, X, Y)
    losses = []
    for _ in range(steps):
        value, slopes = _loss_and_gradient(weights, X, Y)
        losses.append(value)
        weights = [W - eta * G for W, G in zip(weights, slopes, strict=True)]
    return weights, torch.stack([*losses, _loss_and_gradient(weights, X, Y)[0]])


@arguments(level=between(0, math.inf))
def steps_to(losses, level):
    """The first step at which each curve of `losses` [steps + 1, ...] is at the level or below; inf where none is."""
    check_array("losses", losses, "[..., steps + 1]")
    below = losses <= level
    return torch.where(below.any(0), below.to(torch.uint8).argmax(0).double(), math.inf)


class Landing(NamedTuple):
    """Where descents from random weights came to rest in one network."""

    network: str
    widths: tuple  # h_0, ..., h_N
    best: float  # the least loss, in closed form
    next: float  # the next larger loss of a critical point
    losses: tuple  # at the ends of the descents
    slopes: tuple  # norms of the gradient there

    @property
    def at_rest(self):
        """The losses of the descents that came to rest."""
        return tuple(value for value, slope in zip(self.losses, self.slopes, strict=True) if slope < AT_REST)

    @property
    def reached(self):
        """How many of these are the least loss, to a thousandth of the way to the next."""
        return sum(abs(value - self.best) < 1e-3 * (self.next - self.best) for value in self.at_rest)


class Landings(NamedTuple):
    """Descents in several networks, for Kawaguchi's second claim."""

    each: tuple  # of Landing

    @property
    def verdict(self):
        """Fails, if one rests above the least loss; holds, if none does and in each network some came to rest."""
        if any(landing.reached < len(landing.at_rest) for landing in self.each):
            return verdicts.FAILS
        return verdicts.HOLDS if self.each and all(landing.at_rest for landing in self.each) else verdicts.OPEN


@arguments(network=str, hidden=each(WIDTH), runs=COUNT, generator=torch.Generator)
def land(network, X, Y, hidden, runs, generator):
    """The Landing of `runs` descents by L-BFGS from Gaussian weights. Each is disturbed at its end and goes on, so that
    it does not rest at a saddle."""
    sizes = modes(X, Y).square()
    widths = (len(X), *hidden, len(Y))
    shapes = [(rows, columns) for columns, rows in itertools.pairwise(widths)]
    counts = [rows * columns for rows, columns in shapes]

    def value(vector):
        parts = torch.from_numpy(vector).split(counts)
        found, slopes = _loss_and_gradient([part.view(s) for part, s in zip(parts, shapes, strict=True)], X, Y)
        return float(found), parameters_to_vector(slopes).numpy()

    losses, slopes = [], []
    for _ in range(runs):
        place = parameters_to_vector([torch.randn(s, generator=generator, dtype=X.dtype) / s[1] ** 0.5 for s in shapes])
        for _ in range(2):
            place = place + 0.01 * torch.randn(place.shape, generator=generator, dtype=X.dtype)
            end = minimize(value, place.numpy(), jac=True, method="L-BFGS-B", options=_UNTIL)
            place = torch.from_numpy(end.x)
        losses.append(float(end.fun))
        slopes.append(math.hypot(*end.jac))
    rank = min(min(widths), len(sizes))
    following = sizes[rank] if rank < len(sizes) else 0.0  # the mode that could stand for the last one kept
    best = best_loss(X, Y, rank)
    return Landing(network, widths, best, best + float(sizes[rank - 1] - following) / 2, tuple(losses), tuple(slopes))
