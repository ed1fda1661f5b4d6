"""What the training of `deep_relu` needs and what it does not: other losses, starts, separations and depths."""

import math
from typing import NamedTuple

import numpy as np
import torch

from src import verdicts
from src.checks import DIMENSION, SEED, arguments, between, each, within
from src.companions import deep_relu, depth_maps, overparameterization
from src.companions.deep_overparameterization import margins
from src.companions.deep_relu import ETA, LAYERS, LOSSES, MOST, WIDTH

_TARGET, _ANGLE, _PACE = between(0, 1), within(0, math.pi), between(0, 2)


# --- Losses -----------------------------------------------------------------------------------------------------------


class Losses(NamedTuple):
    """Trainings with several losses [K], S seeds each."""

    names: tuple  # [K]
    losses: np.ndarray  # [K, S] at the end
    errors: np.ndarray  # [K, S]
    steps: np.ndarray  # [K, S]
    bound: np.ndarray  # [K, S] least of |grad| / (h(loss) sqrt(least eigenvalue) / n) at start and end
    target: float

    @property
    def verdict(self):
        """Holds, if with every loss all inputs are learned to the target, with a gradient as large as the least
        eigenvalue of the Gram matrix demands; else fails."""
        learned = (self.losses <= self.target) & (self.errors == 0)
        return verdicts.HOLDS if (learned & (self.bound >= 1 - 1e-9)).all() else verdicts.FAILS


@arguments(
    n=DIMENSION, d=DIMENSION, layers=LAYERS, width=WIDTH, seeds=each(SEED), pace=_PACE, target=_TARGET, most=MOST
)
def losses(n, d, layers, width, seeds, pace, target, most):
    """The `Losses` of all of `deep_relu.LOSSES`, from the same starts; the step is pace / (m bend)."""
    rows = []
    for name, rule in LOSSES.items():
        for seed in seeds:
            data, begin = _start(n, d, width, layers, seed)
            run = deep_relu.train(begin, data, name, pace / rule.bend, target, most)
            bound = [_bound(net, data.X, run, at, name) for net, at in ((begin, 0), (run.network, -1))]
            rows.append((run.losses[-1], run.error, run.steps, min(bound)))
    parts = np.array(rows, dtype=float).reshape(len(LOSSES), len(seeds), 4)
    return Losses(tuple(LOSSES), *np.moveaxis(parts, -1, 0), target)


def _start(n, d, width, layers, seed, variance=2.0, kind="Gaussian"):
    generator = torch.Generator().manual_seed(seed)
    data = deep_relu.random_labels(n, d, generator)
    return data, deep_relu.start(d, width, layers, generator, variance, kind)


def _bound(network, X, run, at, name):
    """|grad| in units of h(loss) sqrt(least eigenvalue) / n; where the loss is zero, nothing is demanded of it."""
    if run.losses[at] == 0:
        return math.inf
    least = float(torch.linalg.eigvalsh(deep_relu.gram(network, X).sum(0))[0])
    steep = float(margins(run.losses[[at]], name)[1])
    return math.sqrt(float(run.slopes[at])) * len(X) / (steep * math.sqrt(max(least, 1e-300)))


# --- Starts -----------------------------------------------------------------------------------------------------------


class Started(NamedTuple):
    """Trainings from one kind of start; S seeds."""

    kind: str
    variance: float  # mean square of an entry, times m
    layers: int
    signal: float  # mean of |x_L|^2 at the start; the expectation of random ones is (variance / 2)^layers
    slopes: tuple  # [S] squared gradient at the start
    losses: tuple  # [S] at the end
    steps: tuple  # [S]


class Starts(NamedTuple):
    """Several kinds of start, trained alike."""

    each: tuple  # of Started
    target: float

    def reached(self, one):
        """How many of the trainings of a `Started` reach the target."""
        return sum(loss <= self.target for loss in one.losses)

    @property
    def verdict(self):
        """Fails, if a training from N(0, 2/m) does not arrive; holds, if moreover the one from zero stays where it is,
        so that not every start is proper; else open."""
        proper = [one for one in self.each if (one.kind, one.variance) == ("Gaussian", 2.0)]
        if not proper or any(self.reached(one) < len(one.losses) for one in proper):
            return verdicts.FAILS
        still = [one for one in self.each if one.kind == "zero"]
        stay = still and all(max(one.slopes) == 0 and max(one.steps) == 0 and not self.reached(one) for one in still)
        return verdicts.HOLDS if stay else verdicts.OPEN


TRIED = (("Gaussian", 2.0), ("signs", 2.0), ("Gaussian", 1.0), ("constant", 2.0), ("zero", 2.0))


@arguments(
    n=DIMENSION, d=DIMENSION, depths=each(LAYERS), width=WIDTH, seeds=each(SEED), eta=ETA, target=_TARGET, most=MOST
)
def starts(n, d, depths, width, seeds, eta, target, most):
    """The `Starts` of the kinds `TRIED`, with the step eta / (m layers) at every depth; logistic loss."""
    found = []
    for layers in depths:
        for kind, variance in TRIED:
            runs, signals = [], []
            for seed in seeds:
                data, begin = _start(n, d, width, layers, seed, variance, kind)
                signals.append(float(deep_relu.layers(begin, data.X)[-1].square().sum(1).mean()))
                runs.append(deep_relu.train(begin, data, "logistic", eta / layers, target, most))
            ends = [(float(run.slopes[0]), float(run.losses[-1]), run.steps) for run in runs]
            found.append(Started(kind, variance, layers, float(np.mean(signals)), *zip(*ends, strict=True)))
    return Starts(tuple(found), target)


# --- Separation and depth ---------------------------------------------------------------------------------------------


class Separation(NamedTuple):
    """Two inputs with opposite labels, at several angles [A]; S seeds."""

    angles: np.ndarray  # [A] radian
    losses: np.ndarray  # [A, S] at the end
    errors: np.ndarray  # [A, S]
    steps: np.ndarray  # [A, S]
    moved: np.ndarray  # [A, S] spectral movement of the layer that moves most
    target: float

    @property
    def verdict(self):
        """Fails, if two different inputs are not learned; holds, if moreover equal ones keep the loss log 2 and an
        error, and closer inputs take longer; else open."""
        apart = self.angles > 0
        if not apart.any() or (self.losses[apart] > self.target).any() or (self.errors[apart] > 0).any():
            return verdicts.FAILS
        floor = (self.losses[~apart] >= depth_maps.FLOOR - 1e-12).all() and (self.errors[~apart] >= 0.5).all()
        slower = (np.diff(self.steps[apart].mean(1)[np.argsort(self.angles[apart])]) < 0).all()
        return verdicts.HOLDS if floor and slower and (~apart).any() else verdicts.OPEN


@arguments(angles=each(_ANGLE), width=WIDTH, layers=LAYERS, seeds=each(SEED), eta=ETA, target=_TARGET, most=MOST)
def separation(angles, width, layers, seeds, eta, target, most):
    """The `Separation` of two inputs at these angles, 0 to pi; logistic loss."""
    rows = []
    for theta in angles:
        data = deep_relu.two_inputs(theta)
        for seed in seeds:
            begin = deep_relu.start(2, width, layers, torch.Generator().manual_seed(seed))
            run = deep_relu.train(begin, data, "logistic", eta, target, most)
            rows.append((run.losses[-1], run.error, run.steps, max(run.moved)))
    parts = np.moveaxis(np.array(rows, dtype=float).reshape(len(angles), len(seeds), 4), -1, 0)
    return Separation(np.array(angles, dtype=float), *parts, target)


class Depth(NamedTuple):
    """Trainings at one depth and in the limit of width, the step a quarter of what is stable; S seeds."""

    layers: int
    angle: np.ndarray  # [S] least angle between inputs after the last layer
    least: np.ndarray  # [S] lambda_0
    largest: np.ndarray  # [S] the largest eigenvalue of the kernel
    mu: np.ndarray  # [S] least |grad|^2 / (m h(loss)^2) along the path, in the limit
    steps: np.ndarray  # [S, 2] in the limit, and seen
    moved: np.ndarray  # [S, 2] the same of sqrt(m) times the spectral movement of the layer that moves most


@arguments(n=DIMENSION, d=DIMENSION, layers=LAYERS, width=WIDTH, seeds=each(SEED), target=_TARGET, most=MOST)
def depth(n, d, layers, width, seeds, target, most):
    """The `Depth` at random inputs and labels, of networks of this width; logistic loss."""
    rows = []
    for seed in seeds:
        data, begin = _start(n, d, width, layers, seed)
        K = depth_maps.kernel(data.X, layers)
        values = torch.linalg.eigvalsh(K)
        eta = 2 * n / float(values[-1])
        ideal = depth_maps.limit(data, layers, deep_relu.output(begin, data.X), "logistic", eta, target, most)
        steep = margins(ideal.losses, "logistic")[1]
        run = deep_relu.train(begin, data, "logistic", eta, target, most)
        moved = max(run.moved) * math.sqrt(width)
        rows.append((
            float(depth_maps.angles(_least_angle(data.X), layers)[-1]), float(values[0]), float(values[-1]),
            float((ideal.slopes / steep.square()).min()), ideal.steps, run.steps, max(ideal.moved), moved,
        ))  # fmt: skip
    parts = np.array(rows, dtype=float).T
    return Depth(layers, *parts[:4], parts[4:6].T, parts[6:].T)


def _least_angle(X):
    if len(X) < 2:
        return math.pi
    theta = overparameterization.angles(X)
    return float(theta[~torch.eye(len(X), dtype=torch.bool)].min())
