r"""Is the global minimum unique, and is the identity needed? (abstract and section 1)

f is a sum over the columns of I + W. For a permutation matrix P the weights $(I + W^*)P - I$ give the teacher's
function, so that they are global minima: d! of them. And the vanilla network with weights V is this model at W = V - I.
"""

import math
from typing import NamedTuple

import torch

from src import verdicts
from src.checks import COUNT, DIMENSION, MATRIX, SEED, arguments, between, check_pair, like
from src.model import population, weights
from src.theory import minima
from src.theory.basins import all_orders, permuted
from src.theory.closed_form import loss_in_digits, network

RADIUS = math.sqrt(3) / 2  # the spectral norm within which chapter 1 proves the global minimum to be unique

_POSITIVE = between(0, math.inf)
_PAIR = {"W_0": MATRIX, "W_star": like("W_0")}
_DESCENTS = {"d": DIMENSION, "runs": COUNT}


class Uniqueness(NamedTuple):
    """The permuted teachers as global minima."""

    minima: int  # weights with the teacher's function, the teacher included: d!
    loss: float  # largest |L| at the others, closed form in float64
    gradient: float  # largest |grad L|_F at the others, true scale
    precise_loss: float  # |L| with the first two columns of I + W* exchanged, in 50 digits
    not_permuted: float  # L with the first two columns of W* exchanged instead: another function
    nearest: float  # smallest |W|_2 of the others
    within: float  # the smallest max(|W|_2, |W*|_2) of a teacher and another minimum, over all teachers tried

    @property
    def verdict(self):
        """holds, if the others are no global minima; holds, corrected, if they are, but none within the RADIUS; else,
        or where the numbers contradict each other, fails."""
        if all(x < 1e-12 for x in (self.loss, self.gradient, self.precise_loss)):
            return verdicts.CORRECTED if self.within >= RADIUS * (1 - 1e-12) else verdicts.FAILS
        return verdicts.HOLDS if min(self.loss, self.precise_loss) > 1e-12 else verdicts.FAILS


class MovedStart(NamedTuple):
    """What the identity is for: SGD of both networks along one path, and where descents from small weights end."""

    apart: float  # |I + W - V|_F after SGD of both networks from one start and with one sequence of inputs
    moved: float  # |W - W_0|_F, how far they went
    runs: int  # descents from small random weights, with the identity and without it
    arrived: int  # of those with the identity, at a global minimum
    arrived_without: int  # of those without it

    @property
    def same_path(self):
        """Whether the identity makes no difference to SGD but where it starts."""
        return self.apart < 1e-12 * (1 + self.moved)

    @property
    def verdict(self):
        """holds, if only the start differs, and from small weights all runs arrive with the identity and none without;
        holds, corrected (it helps), if some more do with it; fails otherwise."""
        if not self.same_path or not self.arrived_without < self.arrived:
            return verdicts.FAILS
        needed = self.arrived == self.runs and self.arrived_without == 0
        return verdicts.HOLDS if needed else verdicts.CORRECTED


@arguments(
    weights=MATRIX,
    network=callable,
    target=callable,
    generator=torch.Generator,
    eta=_POSITIVE,
    batch=range(1, 10**7),
    steps=COUNT,
)
def sgd(weights, network, target, generator, eta=0.02, batch=50, steps=50):
    """The end of SGD on the mean squared difference of network(x, weights) and target(x), x ~ N(0, I) fresh.

    weights: [d, d]. The gradient is autograd's, so that it does not know what the network is.
    """
    _check_single(weights=weights)
    weights = weights.clone().requires_grad_()
    for _ in range(steps):
        x = torch.randn(batch, len(weights), generator=generator, dtype=torch.float64)
        (gradient,) = torch.autograd.grad((network(x, weights) - target(x)).square().mean(), weights)
        weights = (weights - eta * gradient).detach().requires_grad_()
    return weights.detach()


@arguments(d=DIMENSION[2:])
def turned_cycle(d):
    """A teacher, [d, d], at which the RADIUS is attained: |W*|_2 is sqrt(3)/2, and that of another copy of it is too.

    In the plane orthogonal to (1, 1, 1) of the first three coordinates I + W* shrinks by one half and turns by -60
    degrees. Moving the first three columns around turns that by 120 degrees, to 60.
    """
    turn = torch.zeros(d, d, dtype=torch.float64)
    cycle = torch.eye(3, dtype=torch.float64).roll(1, 0)
    plane, quarter = torch.eye(3, dtype=torch.float64) - 1 / 3, (cycle - cycle.T) / math.sqrt(3)
    turn[:3, :3] = (math.cos(math.pi / 3) * plane - math.sin(math.pi / 3) * quarter) / 2 - plane
    return turn


@arguments(W_star=MATRIX)
def within(W_star):
    """The smallest max(|W|_2, |W*|_2) over the other copies W of the teacher W*, [d, d] with d <= 8."""
    _check_single(W_star=W_star)
    if not 2 <= len(W_star) <= 8:
        raise ValueError(f"W_star must have from 2 to 8 columns, not {len(W_star)}")
    others = permuted(W_star, all_orders(len(W_star))[1:])
    return float(torch.linalg.matrix_norm(others, 2).min().clamp(min=torch.linalg.matrix_norm(W_star, 2)))


@arguments(W_star=MATRIX)
def judge(W_star):
    """The Uniqueness of the teacher W*, [d, d] with 3 <= d <= 8, its multiples and the `turned_cycle`.

    The entries of W* should be multiples of 2^-20, so that I + W* is exact. Errors as `population.loss`.
    """
    _check_single(W_star=W_star)
    d = len(W_star)
    if not 3 <= d <= 8 or not W_star.any():
        raise ValueError(f"W_star must have from 3 to 8 columns, and not be zero; d is {d}")
    check_pair(0 * W_star, W_star)  # no zero column
    swap = [1, 0, *range(2, d)]
    others = permuted(W_star, all_orders(d)[1:])  # [d! - 1, d, d]
    size = torch.linalg.matrix_norm(W_star, 2)
    teachers = [W_star * norm / size for norm in (0.3, 0.6, 0.9)] + [turned_cycle(d), 0 * W_star]
    return Uniqueness(
        minima=1 + len(others),
        loss=float(population.loss(others, W_star).abs().max()),
        gradient=float(population.gradient(others, W_star).norm(dim=(1, 2)).max()),
        precise_loss=float(abs(loss_in_digits(permuted(W_star, swap), W_star, 50))),
        not_permuted=float(loss_in_digits(W_star[:, swap], W_star, 50)),
        nearest=float(torch.linalg.matrix_norm(others, 2).min()),
        within=min(map(within, [W_star, *teachers])),
    )


@arguments(**_PAIR, seed=SEED)
def same_path(W_0, W_star, seed):
    """(apart, moved) of `MovedStart`: SGD with the identity from W_0, and without it from I + W_0, [d, d] each.

    Both networks see the same inputs, drawn from `seed`. Raises TypeError or ValueError for bad input.
    """
    _check_single(W_0=W_0, W_star=W_star)
    eye = torch.eye(len(W_star), dtype=W_star.dtype)

    def path(start, student):
        return sgd(start, student, lambda x: network(x, eye + W_star), torch.Generator().manual_seed(seed))

    end = path(W_0, lambda x, W: network(x, eye + W))
    end_vanilla = path(eye + W_0, network)
    return float((eye + end - end_vanilla).norm()), float((end - W_0).norm())


@arguments(**_DESCENTS, generator=torch.Generator, norm=_POSITIVE)
def arrivals(d, runs, generator, norm=0.1):
    """(with, without): how many of `runs` descents of the exact loss from random weights end at loss zero.

    Student and teacher, Gaussian [d, d], have that spectral norm; without the identity the student's columns are w_j.
    """
    eye, ended = torch.eye(d, dtype=torch.float64), []
    for _ in range(runs):
        W, W_star = weights.gaussian((2, d, d), norm, generator)
        ended.append([float(population.loss(minima.descend(start, W_star), W_star)) < 1e-8 for start in (W, W - eye)])
    return tuple(map(sum, zip(*ended)))


@arguments(**_PAIR, **_DESCENTS, seed=SEED)
def moved_start(W_0, W_star, d, runs, seed):
    """The MovedStart of SGD from W_0, [n, n], for the teacher W*, and of `runs` descents in d dimensions."""
    return MovedStart(*same_path(W_0, W_star, seed), runs, *arrivals(d, runs, torch.Generator().manual_seed(seed)))


def _check_single(**given):
    for name, X in given.items():
        if X.ndim != 2 or X.dtype != torch.float64:
            raise ValueError(f"{name} must be one [d, d] matrix of float64, not {X.dtype} of shape {list(X.shape)}")
