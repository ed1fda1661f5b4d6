r"""Figures 1 and 2: what the identity link changes about the columns of W, and where gradient descent ends.

W_star is one [d, d] float64 teacher; I + W* with its columns in another order, (I + W*) P, is a *copy* of it: the same
function in another place. Descent is that of the exact loss in all d^2 dimensions, at the true scale.
"""

import itertools
import math
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import torch

from src import verdicts
from src.checks import COUNT, DIMENSION, MATRIX, arguments, between, check_value, each, entries, like, within
from src.model import population
from src.theory import search
from src.theory.closed_form import check_array, network, single

AT_REST = 1e-6  # the norm of the gradient below which a descent has come to rest
ARRIVED = 0.05  # the distance in Frobenius norm within which it has reached a copy
SOLVED = 1e-5  # the loss below which it has found some copy
NEAR = 0.5  # the spectral norm up to which a start is near the identity

_POSITIVE = between(0, math.inf)


class Exchange(NamedTuple):
    """Figure 1: how much the output changes, on average over inputs, when two columns of W change places."""

    with_link: float  # root mean square change of f(x, W), over the standard deviation of f(x, W)
    without_link: float  # the same for the sum of ReLU(W^T x), without the identity
    link_error: float  # largest difference between ReLU((I + W)^T x) and ReLU(W^T x + x), summed: they are one network

    @property
    def verdict(self):
        """illustrated, if the exchange changes the output with the link only; fails otherwise."""
        shown = abs(self.link_error) < 1e-12 and abs(self.without_link) < 1e-12 and self.with_link > 1e-3
        return verdicts.ILLUSTRATED if shown else verdicts.FAILS


@arguments(W=MATRIX)
def exchange_columns(W, x):
    """The `Exchange` of the first two columns of W, [d, d], measured on the inputs x, [n, d], at least two."""
    if W.ndim != 2 or len(W) < 2:
        raise ValueError(f"W must be one [d, d] matrix with d >= 2, not {list(W.shape)}")
    check_array("x", x, "[n, d]", W)
    if len(x) < 2:
        raise ValueError("x must hold at least two inputs, not one")
    eye, order = torch.eye(len(W), dtype=W.dtype), [1, 0, *range(2, len(W))]

    def change(link):
        before, after = network(x, link + W), network(x, link + W[:, order])
        return ((after - before).square().mean().sqrt() / before.std()).item()

    link_error = ((x @ W + x).relu().sum(-1) - network(x, eye + W)).abs().max().item()
    return Exchange(change(eye), change(0 * eye), link_error)


@arguments(W_star=MATRIX)
def permuted(W_star, order):
    """The weights (I + W*) P - I, [..., d, d], whose columns are those of I + W*, [d, d], in the order given.

    order: a permutation of 0 ... d - 1 as a list, or a tensor of them, [..., d].
    """
    d = _check_teacher(W_star)
    check_value("order of W_star's columns", order, (entries if isinstance(order, torch.Tensor) else each)(range(d)))
    order = torch.as_tensor(order)
    if order.shape[-1:] != (d,) or not torch.equal(order.sort().values, torch.arange(d).expand(order.shape)):
        raise ValueError(f"order must list the columns 0 to {d - 1}, each once")
    eye = torch.eye(d, dtype=W_star.dtype)
    return (eye + W_star).mT[order].mT - eye


@arguments(d=range(1, 9))  # for d = 8 there are 40,320
def all_orders(d):
    """The d! permutations of d <= 8 columns, [d!, d], the identity first."""
    return torch.tensor(list(itertools.permutations(range(d))))


class Switch(NamedTuple):
    """Section 1, "by switching any two columns in W, we get different functions": the loss of one against the other."""

    equal: float  # the largest, for columns that are equal, W = 0 among them
    different: float  # the smallest over |w_i - w_j|^2 for columns that differ, |W|_2 <= 1/2; by a search
    starts: int  # of that search

    @property
    def verdict(self):
        """fails, if columns that differ can be switched unnoticed near the identity; holds, if equal ones cannot;
        holds, corrected, if only equal ones can."""
        if not self.different > 1e-3:
            return verdicts.FAILS
        return verdicts.CORRECTED if abs(self.equal) < 1e-12 else verdicts.HOLDS


@arguments(W=MATRIX)
def switched(W, i=0, j=1):
    """W, [..., d, d], with columns i and j exchanged."""
    for name, column in (("i", i), ("j", j)):
        check_value(f"{name}, a column of W,", column, range(W.shape[-1]))
    order = list(range(W.shape[-1]))
    order[i], order[j] = j, i
    return W[..., order]


@arguments(d=range(2, DIMENSION.stop), starts=range(5, 10**6), generator=torch.Generator, gamma=between(0, 1))
def switch_columns(d, starts, generator, gamma=0.5):
    """The `Switch` of the first two columns in dimension d, with so many starts of the search over |W|_2 <= gamma.

    The search minimises L / |w_1 - w_2|^2; a fifth of its starts have columns that differ by about a thousandth.
    """

    def relative(W, _):
        return population.loss(switched(W), W) / (W[..., 0] - W[..., 1]).square().sum(-1)

    W = torch.randn(starts, d, d, generator=generator, dtype=torch.float64) / d**0.5
    W[::5, :, 1] = W[::5, :, 0] + 1e-3 * W[::5, :, 1]
    found = search.minimize(gamma / 2 * W, 0 * W, gamma, g_max=math.inf, steps=100, objective=relative)
    equal = gamma / 2 * W[:5]
    equal[..., 1] = equal[..., 0]
    equal = torch.cat([equal, torch.zeros(1, d, d, dtype=W.dtype)])
    return Switch(
        equal=population.loss(switched(equal), equal).abs().max().item(),
        different=found.best,
        starts=starts,
    )


@arguments(eta=between(0, 1), decay=within(0, 1))
def paths_apart(W, W_star, x, eta, decay=0.0):
    """The largest entry of V - (I + W) after SGD on W, with the link, and on V = I + W at the start, without it.

    Both learn the teacher W* from the same inputs x, [steps, batch, d], with weight decay `decay` on what they train.
    """
    W, W_star = single(W, W_star)
    check_array("x", x, "[steps, batch, d]", W)
    eye = torch.eye(len(W), dtype=W.dtype)
    V, W = eye + W, W.clone()
    for batch in x:
        target = network(batch, eye + W_star)
        linked, vanilla = W.clone().requires_grad_(), V.clone().requires_grad_()
        outputs = (batch @ linked + batch).relu().sum(-1), network(batch, vanilla)
        losses = [(output - target).square().mean() for output in outputs]
        W = (1 - eta * decay) * W - eta * torch.autograd.grad(losses[0], linked)[0]
        V = (1 - eta * decay) * V - eta * torch.autograd.grad(losses[1], vanilla)[0]
    return (V - eye - W).abs().max().item()


class End(IntEnum):
    """Where gradient descent ends."""

    TEACHER = 0  # at I + W*
    SHIFTED = 1  # at the copy whose columns are shifted by one
    OTHER = 2  # at another copy
    AT_REST = 3  # where the gradient is zero and the loss is not
    MOVING = 4  # nowhere yet


@arguments(d=DIMENSION)
def cyclic_shift(d):
    """The permutation matrix P, [d, d] float64, that moves every column on by one."""
    return torch.eye(d, dtype=torch.float64).roll(1, dims=1)


@arguments(d=DIMENSION)
def plane(c_1, c_2, d):
    """The matrices c_1 I + c_2 P for coefficients [n_1] and [n_2], P the cyclic shift: [n_2, n_1, d, d]."""
    check_array("c_1", c_1, "[n_1]")
    check_array("c_2", c_2, "[n_2]")
    c_1, c_2 = torch.meshgrid(c_1, c_2, indexing="xy")
    return c_1[..., None, None] * torch.eye(d, dtype=torch.float64) + c_2[..., None, None] * cyclic_shift(d)


@arguments(A=MATRIX, W_star=like("A"), steps=COUNT)
def destination(A, W_star, steps):
    """Where gradient descent from each start I + W = A, [n, d, d], ends after at most so many steps: `End`s, [n].

    Raises TypeError or ValueError for bad input, a start with a column of zeros among it.
    """
    if A.ndim != 3 or not len(A) or not A.any(-2).all():
        raise ValueError(f"A must be of shape [n, d, d], n >= 1, without columns of zeros, not {list(A.shape)}")
    d = _check_teacher(W_star)
    eta = 3 / (d + 2)  # the largest curvature at the identity, about d / 2 + 1, allows 4 / (d + 2)
    eye = torch.eye(d, dtype=W_star.dtype)
    W = A - eye
    moving = torch.arange(len(W))
    for _ in range(steps):
        gradient = population.gradient(W[moving], W_star)
        W[moving] -= eta * gradient
        moving = moving[gradient.norm(dim=(-2, -1)) > AT_REST]
        if len(moving) == 0:
            break

    def distance(target):
        return (eye + W - target).norm(dim=(-2, -1))

    end = torch.where(population.gradient(W, W_star).norm(dim=(-2, -1)) > AT_REST, End.MOVING, End.AT_REST)
    end[population.loss(W, W_star) < SOLVED] = End.OTHER
    end[distance((eye + W_star) @ cyclic_shift(d)) < ARRIVED] = End.SHIFTED
    end[distance(eye + W_star) < ARRIVED] = End.TEACHER
    return end.numpy()


class Plane(NamedTuple):
    """Where descent ends from a grid of starts in the plane of all c_1 I + c_2 P."""

    ticks: torch.Tensor  # [n], the grid's values of c_1, and of c_2
    end: np.ndarray  # [n, n] of `End`, c_2 down and c_1 across
    safe_radius: float  # |W|_2 of the nearest start to I that misses the teacher


@arguments(W_star=MATRIX, steps=COUNT)
def ends_on_plane(W_star, ticks, steps):
    """`Plane` for the grid of all pairs of ticks, [n], none of which may be zero. Errors as in `destination`."""
    d = _check_teacher(W_star)
    check_array("ticks", ticks, "[n]")
    if not ticks.all():
        raise ValueError("ticks must not hold zero: the gradient does not exist at the origin")
    starts = plane(ticks, ticks, d).flatten(0, 1)
    end = destination(starts, W_star, steps)
    norm = torch.linalg.matrix_norm(starts - torch.eye(d, dtype=W_star.dtype), 2).numpy()
    missed = norm[end != End.TEACHER]
    return Plane(ticks, end.reshape(len(ticks), -1), float(missed.min() if len(missed) else norm.max()))


class RandomStarts(NamedTuple):
    """Where descent ends from Gaussian noise around the identity and, the same noise, around the origin."""

    norms: np.ndarray  # [k], spectral norms of the noise
    around_identity: np.ndarray  # [k, starts] of `End`
    around_origin: np.ndarray  # [k, starts] of `End`


@arguments(W_star=MATRIX, norms=each(_POSITIVE), starts=range(1, 10**6), steps=COUNT, generator=torch.Generator)
def ends_at_random(W_star, norms, starts, steps, generator):
    """`RandomStarts` with so many starts for every norm. Raises TypeError or ValueError, naming the argument."""
    d = _check_teacher(W_star)
    noise = torch.randn(starts, d, d, generator=generator, dtype=W_star.dtype)
    noise /= torch.linalg.matrix_norm(noise, 2)[:, None, None]
    noise = torch.cat([norm * noise for norm in norms])
    eye = torch.eye(d, dtype=W_star.dtype)
    ends = (destination(centre + noise, W_star, steps).reshape(len(norms), starts) for centre in (eye, 0 * eye))
    return RandomStarts(np.asarray(norms), *ends)


class Sketch(NamedTuple):
    """What Figure 2 comes to. Shares are those of the random starts, from 0 to 1."""

    near_identity: float  # that reach the teacher, around I with noise of norm at most `NEAR`
    near_origin: float  # that reach the teacher, around O
    at_rest: float  # that come to rest with a loss above zero, around O
    safe_radius: float  # |W|_2 of the nearest start on the plane that misses the teacher

    @property
    def verdict(self):
        """illustrated, if all starts near I arrive, most around O do not and some of these get stuck; else fails."""
        easy = self.near_identity == 1 and self.safe_radius > NEAR
        hard = self.near_origin < 0.5 and self.at_rest > 0
        return verdicts.ILLUSTRATED if easy and hard else verdicts.FAILS


@arguments(on_plane=Plane, at_random=RandomStarts)
def sketch(on_plane, at_random):
    """The `Sketch` that a `Plane` and `RandomStarts` amount to."""
    near = at_random.around_identity[at_random.norms <= NEAR]
    return Sketch(
        near_identity=(near == End.TEACHER).mean(),
        near_origin=(at_random.around_origin == End.TEACHER).mean(),
        at_rest=(at_random.around_origin == End.AT_REST).mean(),
        safe_radius=on_plane.safe_radius,
    )


def _check_teacher(W_star):
    """The dimension of a teacher that is one [d, d] float64 matrix."""
    if W_star.ndim != 2 or W_star.dtype != torch.float64:
        raise ValueError(f"W_star must be one [d, d] float64 matrix, not {W_star.dtype} {list(W_star.shape)}")
    return len(W_star)
