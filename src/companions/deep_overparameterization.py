r"""Deep networks of several widths, after Zou, Cao, Zhou and Gu (2018): do they learn, how far do they move, and why.

For a convex loss that falls to 0, h(loss) is the steepness at the margin where the loss is `loss`. If all along a path
of descent with the steps eta / m

    |grad|^2 >= mu m h(loss)^2    and    loss_t - loss_(t+1) >= kappa (eta / m) |grad|^2,

then with every step the margin of the mean loss grows by kappa sqrt(mu m) times the length of the step at least: see
`allowed`. As the largest loss of an input is at least the mean, mu = (least eigenvalue of the Gram matrix) / (m n^2)
will do.
"""

import math
from typing import NamedTuple

import numpy as np
import torch

from src import verdicts
from src.checks import DIMENSION, SEED, arguments, between, each, entries
from src.companions import deep_relu, depth_maps
from src.companions.deep_relu import DTYPES, ETA, LAYERS, LOSSES, MOST, WIDTH
from src.companions.wide_networks import exponent
from src.theory.closed_form import check_array

STRETCHES = 10  # of a path, equal in the margin
_POSITIVE = between(0, math.inf)


@arguments(losses=entries(_POSITIVE), loss=tuple(LOSSES))
def margins(losses, loss):
    """(margins, steepness there) where the loss has the values `losses` [.], positive."""
    check_array("losses", losses, "[.]")
    z = torch.tensor([LOSSES[loss].margin(float(value)) for value in losses], dtype=torch.float64)
    return z, -LOSSES[loss].slope(z)


@arguments(gained=_POSITIVE, mu=_POSITIVE, kappa=_POSITIVE, eta=ETA, steepness=_POSITIVE, width=WIDTH)
def allowed(gained, mu, kappa, eta, steepness, width):
    """(length, steps) that a path can have at most, which gained this margin; steepness: h at its end."""
    return gained / (kappa * math.sqrt(mu * width)), gained / (kappa * eta * mu * steepness)


class Path(NamedTuple):
    """A path of gradient descent beside what the theorem asks and allows."""

    ratios: torch.Tensor  # [STRETCHES] least |grad|^2 / (m h(loss)^2) in each part of the path; mu is the least of all
    plain: float  # least |grad|^2 / (m loss^2)
    kappa: float  # least fall of the loss in a step, in units of (eta / m) |grad|^2
    length: float  # in units of what is allowed
    steps: float  # in units of what is allowed


@arguments(run=deep_relu.Run, loss=tuple(LOSSES), eta=ETA)
def path(run, loss, eta):
    """The `Path` of a training by gradient descent of at least one step. Where kappa <= 0 nothing is allowed."""
    if run.steps < 1:
        raise ValueError("run must have a step: its loss was at the target from the start")
    m = len(run.network.v)
    z, h = margins(run.losses, loss)
    ratios = run.slopes / (m * h.square())
    edges = torch.linspace(float(z[0]), float(z[-1]), STRETCHES + 1, dtype=torch.float64)[1:-1]
    part = torch.bucketize(z, edges)
    least = torch.stack([ratios[part == k].min() if (part == k).any() else ratios.max() for k in range(STRETCHES)])
    kappa = float(((run.losses[:-1] - run.losses[1:]) / (eta / m * run.slopes[:-1])).min())
    plain = float((run.slopes / (m * run.losses.square())).min())
    if not (kappa > 0 and ratios.min() > 0):
        return Path(least, plain, kappa, math.inf, math.inf)
    length, steps = allowed(float(z[-1] - z[0]), float(ratios.min()), kappa, eta, float(h[-1]), m)
    return Path(least, plain, kappa, run.length / length, run.steps / steps)


@arguments(begin=deep_relu.Network, end=deep_relu.Network, generator=torch.Generator)
def least_around(begin, end, X, generator):
    """The least eigenvalue of the Gram matrix over m at the start, at the end, twice as far away, and where every layer
    has moved as far (in Frobenius norm) in a random direction: [4]."""
    deep_relu.check_network(begin, X)
    deep_relu.check_network(end, X)
    twice, aside = [], []
    for W_0, W in zip(begin.weights, end.weights, strict=True):
        move = torch.randn(W.shape, generator=generator, dtype=W.dtype)
        twice.append(2 * W - W_0)
        aside.append(W_0 + move * ((W - W_0).norm() / move.norm()))
    places = (begin, end, begin._replace(weights=tuple(twice)), begin._replace(weights=tuple(aside)))
    return [float(torch.linalg.eigvalsh(deep_relu.gram(one, X).sum(0))[0]) / len(begin.v) for one in places]


class Family(NamedTuple):
    """Trainings of several widths; every seed has data of its own, the same for all widths. Logistic loss."""

    widths: np.ndarray  # [M]
    steps: np.ndarray  # [S, M, 2]: of gradient descent, and of its stochastic version with batch one
    errors: np.ndarray  # [S, M, 2] share of the inputs on the wrong side at the end
    losses: np.ndarray  # [S, M, 2] at the end
    moved: np.ndarray  # [S, M, 2, L] spectral norm of W_l - W_l(0)
    lengths: np.ndarray  # [S, M, 2] of the paths
    flips: np.ndarray  # [S, M, 2, L]
    norms: np.ndarray  # [S, M] the least of the spectral norms of the W_l(0)
    ratios: np.ndarray  # [S, M, STRETCHES] as in `Path`
    judged: np.ndarray  # [S, M, 4]: plain, kappa, length, steps, as in `Path`
    least: np.ndarray  # [S, M, 4] as in `least_around`
    limits: np.ndarray  # [S, M, 3 + L]: least eigenvalue of the kernel, steps, length, moved, in the limit

    @property
    def largest(self):
        """The movement of the layer that moves most: [S, M, 2]."""
        return self.moved.max(-1)

    @property
    def mu(self):
        """The least of `ratios` along each path: [S, M]."""
        return self.ratios.min(-1)

    @property
    def of_limit(self):
        """Steps, length and largest movement of gradient descent in units of their limits: [S, M, 3]."""
        root = np.sqrt(self.widths)[:, None]
        seen = np.stack((self.steps[..., 0], self.lengths[..., 0], self.largest[..., 0]), -1)
        limit = np.stack((*np.moveaxis(self.limits[..., 1:3], -1, 0), self.limits[..., 3:].max(-1)), -1)
        return seen / np.where([True, False, False], limit, limit / root)


@arguments(n=DIMENSION, d=DIMENSION, layers=LAYERS, widths=each(WIDTH), seeds=each(SEED), eta=ETA,
           target=between(0, 1), most=MOST, precision=tuple(DTYPES))  # fmt: skip
def family(n, d, layers, widths, seeds, eta, target, most, precision="float64"):
    """The `Family` at random inputs and labels."""
    done = []
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        data = deep_relu.random_labels(n, d, generator)
        done.append([_member(data, width, layers, eta, target, most, precision, generator) for width in widths])
    return Family(np.array(widths), *(np.array(part) for part in _transposed(done)))


def _transposed(done):
    """[S][M][field] as field, S, M."""
    return ([[row[k] for row in rows] for rows in done] for k in range(len(Family._fields) - 1))


def _member(data, width, layers, eta, target, most, precision, generator):
    """All fields of a `Family` but the widths, for one width and seed, as numbers and lists."""
    begin = deep_relu.start(data.X.shape[1], width, layers, generator, precision=precision)
    limit = depth_maps.limit(data, layers, deep_relu.output(begin, data.X).double(), "logistic", eta, target, most)
    runs = [deep_relu.train(begin, data, "logistic", eta, target, most, noise) for noise in (None, generator)]
    if not runs[0].steps:
        first = float(runs[0].losses[0])
        raise ValueError(f"target must be below the loss at the start, {first:.3g} at width {width}, not {target}")
    judged = path(runs[0], "logistic", eta)
    return [
        [run.steps for run in runs],
        [run.error for run in runs],
        [float(run.losses[-1]) for run in runs],
        [list(run.moved) for run in runs],
        [run.length for run in runs],
        [list(run.flips) for run in runs],
        min(deep_relu.spectral_norm(W) for W in begin.weights),
        judged.ratios.tolist(),
        [judged.plain, judged.kappa, judged.length, judged.steps],
        least_around(begin, runs[0].network, data.X, generator),
        [depth_maps.least(data.X, layers), limit.steps, limit.length, *limit.moved],
    ]


# --- What the abstract says ------------------------------------------------------------------------------------------


class Reached(NamedTuple):
    """Whether trainings reach the target loss, with no error left; one row a seed, the widths growing."""

    errors: np.ndarray  # [S, M]
    losses: np.ndarray  # [S, M]
    target: float

    @property
    def verdict(self):
        """Holds, if every one does; else fails."""
        return verdicts.HOLDS if ((self.errors == 0) & (self.losses <= self.target)).all() else verdicts.FAILS


class Near(NamedTuple):
    """Whether the region in which trainings stay shrinks as the network gets wider."""

    widths: np.ndarray  # [M]
    largest: np.ndarray  # [S, M, 2] spectral movement of the layer that moves most, of descent and of its noisy version
    lengths: np.ndarray  # [S, M, 2] of the paths
    norms: np.ndarray  # [S, M] spectral norms of the start

    @property
    def exponents(self):
        """The `wide_networks.Exponent` of both movements and of both lengths."""
        values = (*np.moveaxis(self.largest, -1, 0), *np.moveaxis(self.lengths, -1, 0))
        return [exponent(self.widths, value) for value in values]

    @property
    def verdict(self):
        """Holds, if movements and lengths fall with the width, to 95 per cent, and at the largest width no layer moved
        as far as a third of its norm; fails, if one of them does not fall; else open."""
        if any(one.high >= 0 for one in self.exponents):
            return verdicts.FAILS if any(one.low >= 0 for one in self.exponents) else verdicts.OPEN
        return verdicts.HOLDS if (3 * self.largest[:, -1] < self.norms[:, -1:]).all() else verdicts.OPEN


class Curvature(NamedTuple):
    """Whether the loss is steep enough in the region to bring descent to its goal."""

    widths: np.ndarray  # [M]
    ratios: np.ndarray  # [S, M, STRETCHES]
    judged: np.ndarray  # [S, M, 4]
    least: np.ndarray  # [S, M, 4]
    limit: np.ndarray  # [S] lambda_0

    @property
    def exponent(self):
        """Of the least gradient along the path."""
        return exponent(self.widths, self.ratios.min(-1))

    @property
    def verdict(self):
        """Fails, if the gradient vanishes somewhere on a path, or more and more as the network gets wider, or a step
        does not pay, or a path is longer or slower than allowed; holds, if also at the largest width the Gram matrix
        keeps half of the least eigenvalue of the kernel wherever it was looked at; else open."""
        kappa, used = self.judged[..., 1], self.judged[..., 2:]
        if not (self.ratios > 0).all() or not (kappa > 0).all() or not (used <= 1).all() or self.exponent.high < 0:
            return verdicts.FAILS
        kept = (self.least[:, -1] >= self.limit[:, None] / 2).all()
        return verdicts.HOLDS if kept else verdicts.OPEN
