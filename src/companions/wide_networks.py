r"""Families of trainings of several widths: how fast they learn, how little they move, and the exponents of both.

After Du, Zhai, Poczos and Singh (2019), see `overparameterization`; a training is `lazy_training.train`.
"""

import functools
import itertools
import math
from typing import NamedTuple

import numpy as np
import torch
from scipy import stats

from src import verdicts
from src.checks import DIMENSION, SEED, arguments, between, each, entries, optional, vector, within
from src.companions import lazy_training, overparameterization
from src.companions.lazy_training import DTYPES, STEPS, WIDTH, check_size
from src.runs import files, recorded, sweeps

LEVEL = 0.95  # of an interval
FLOOR = 1e-24  # of the squared error at the start: below it, in float64, ratios are rounding
LATE = 20  # steps over which the late rate is measured
_PACE, _POSITIVE = within(1e-6, 1), between(0, math.inf)
_NAMES = ("squares", "largest", "together", "flips")


class Family(NamedTuple):
    """Trainings of several widths: every seed has data of its own, the same for all widths."""

    widths: np.ndarray  # [M]
    eta: np.ndarray  # [S]
    lambda_0: np.ndarray  # [S]
    curves: np.ndarray  # [S, M, 4, steps + 1]: squares, largest, together, flips, as in `lazy_training.Run`
    ends: np.ndarray  # [S, M, 2]: the least eigenvalue of H(W) at start and end
    restless: np.ndarray  # [S, M]: share of the pairs (unit, input) that still change at the end
    predicted: np.ndarray  # [S, M, 3]: largest, together, flips at the end

    def curve(self, name):
        """[S, M, steps + 1]"""
        return self.curves[:, :, _NAMES.index(name)]

    @property
    def promised(self):
        """1 - eta lambda_0 / 2: [S, 1]."""
        return 1 - (self.eta * self.lambda_0)[:, None] / 2

    @property
    def limit(self):
        """(1 - eta lambda_0)^2: [S, 1]."""
        return (1 - (self.eta * self.lambda_0)[:, None]) ** 2

    @property
    def at_end(self):
        """(1 - eta lambda)^2 with the least eigenvalue lambda of H(W) at the end: [S, M]."""
        return (1 - self.eta[:, None] * self.ends[..., 1]) ** 2

    @property
    def worst(self):
        """The largest ratio of successive squared errors, before rounding sets in: [S, M]."""
        squares = self.curve("squares")
        before = squares[..., :-1]
        counts = before > FLOOR * squares[..., :1]
        return np.divide(squares[..., 1:], before, where=counts, out=np.zeros_like(before)).max(-1)

    @property
    def late(self):
        """The mean ratio in the last `LATE` steps before rounding sets in, or of the run: [S, M]."""
        squares = self.curve("squares")
        last = np.maximum((squares > FLOOR * squares[..., :1]).sum(-1, keepdims=True) - 1, LATE)
        after, before = (np.take_along_axis(squares, at, -1)[..., 0] for at in (last, last - LATE))
        return (after / before) ** (1 / LATE)

    @property
    def left(self):
        """The squared error at the end in units of that at the start: [S, M]."""
        return self.curve("squares")[..., -1] / self.curve("squares")[..., 0]

    def end(self, name):
        """A curve's end: [S, M]."""
        return self.curve(name)[..., -1]

    def of_predicted(self, name):
        """What is seen at the end in units of what is predicted: [S, M]."""
        return self.end(name) / self.predicted[..., _NAMES.index(name) - 1]

    @property
    def kept(self):
        """Whether the error fell as promised in every step, and to a millionth of its start: [S, M]."""
        return (self.worst <= self.promised) & (self.left < 1e-6)

    @property
    def works(self):
        """The least width from which on every run is `kept`; NaN if there is none."""
        good = np.logical_and.accumulate(self.kept.all(0)[::-1])[::-1]
        return float(self.widths[good][0]) if good.any() else math.nan


@arguments(n=DIMENSION, d=DIMENSION, widths=each(WIDTH), seeds=each(SEED), steps=range(LATE, STEPS.stop), pace=_PACE,
           precision=tuple(DTYPES), draws=range(2, 10**6), folder=optional(files.plain),
           workers=optional(sweeps.WORKERS))  # fmt: skip
def family(n, d, widths, seeds, steps, pace, precision="float64", draws=200, folder=None, workers=0):
    """The `Family` at random data (`lazy_training.problem`).

    pace: the step size in units of 1 / lambda_max, the largest eigenvalue of the kernel. draws: those of
    `lazy_training.flip_constant`. The seeds are a sweep (`sweeps.sweep`): kept in `folder`, gone on with when they are
    there, and made by so many worker processes, None for one a core and 0 for none but this one.
    """
    check_size(max(n, d), max(widths), "widths")
    settings = {"n": n, "d": d, "widths": list(widths), "steps": steps, "pace": pace, "precision": precision}
    one = functools.partial(_of_seed, **settings, draws=draws)
    return _joined(widths, sweeps.values(sweeps.sweep(one, {"seed": list(seeds)}, folder, workers=workers)))


def _of_seed(n, d, widths, steps, pace, precision, draws, seed):
    """The trainings of `family` with one seed, a point of its sweep: the last six fields of a `Family` by name."""
    generator = torch.Generator().manual_seed(seed)
    return _trainings(*lazy_training.problem(n, d, generator), widths, steps, pace, precision, draws, generator)


@arguments(theta=between(0, math.pi), widths=each(WIDTH), seeds=each(SEED))
def close_pair(theta, widths, seeds):
    """The `Family` at two inputs at the angle theta with the labels 1 and -1, long enough to learn them."""
    check_size(2, max(widths), "widths")
    X = torch.tensor([[1, 0], [math.cos(theta), math.sin(theta)]], dtype=torch.float64)
    steps = LATE + math.ceil(8 / overparameterization.least_of_two(theta))
    generators = (torch.Generator().manual_seed(seed) for seed in seeds)
    y = X.new_tensor([1, -1])
    return _joined(widths, [_trainings(X, y, widths, steps, 1.0, "float64", 2, generator) for generator in generators])


def _trainings(X, y, widths, steps, pace, precision, draws, generator):
    """The last six fields of a `Family` by name, for one problem and seed."""
    H = overparameterization.kernel(X)
    values = torch.linalg.eigvalsh(H)
    eta, rows = pace / float(values[-1]), []
    for width in widths:
        begin = lazy_training.start(X, y, width, generator, precision)
        run = lazy_training.train(begin, eta, steps)
        predicted = lazy_training.predict(begin, H, eta, steps, draws, generator)
        rows.append((torch.stack([getattr(run, name) for name in _NAMES]), run.ends, run.restless, predicted))
    return {"eta": eta, "lambda_0": float(values[0])} | dict(
        zip(Family._fields[3:], map(list, zip(*rows)), strict=True)
    )


def _joined(widths, done):
    return Family(np.array(widths), **{name: np.array([one[name] for one in done]) for name in Family._fields[1:]})


def record(seeds, *, folder=None, workers=None, **size):
    """The `Family` of `size`, the settings of `family`, recorded as `overparameterization`."""
    run = recorded.Recorder("overparameterization", __name__, parameters=size, seeds=seeds, folder=folder)
    made = family(**size, seeds=seeds, folder=run.points, workers=workers)
    run.save(made._asdict())
    return made


def recording(folder=None):
    """The recording `overparameterization`, or None where it has not been made."""
    try:
        return recorded.load("overparameterization", folder)
    except FileNotFoundError:
        return None


class Plane(NamedTuple):
    """A network of inputs in the plane before and after its training."""

    X: torch.Tensor  # [n, 2]
    y: torch.Tensor  # [n]
    before: torch.Tensor  # weights [m, 2]
    after: torch.Tensor
    a: torch.Tensor  # [m]

    def output(self, x):
        """The trained network at the inputs x [N, 2]: [N]."""
        return (x @ self.after.T).relu() @ self.a / math.sqrt(len(self.a))


@arguments(n=range(3, 100, 2), width=WIDTH, steps=STEPS, generator=torch.Generator)
def in_plane(n, width, steps, generator):
    """The `Plane` of n evenly spaced inputs, an odd number so that no two are parallel, with labels from N(0, 1)."""
    turn = 2 * math.pi / n * torch.arange(n, dtype=torch.float64)
    X = torch.stack((turn.cos(), turn.sin()), 1)
    begin = lazy_training.start(X, torch.randn(n, generator=generator, dtype=X.dtype), width, generator)
    eta = 1 / float(torch.linalg.eigvalsh(overparameterization.kernel(X))[-1])
    Z = next(itertools.islice(lazy_training.descent(begin, eta), steps, None))[0]
    return Plane(X, begin.y, lazy_training.weights(X, begin.Z), lazy_training.weights(X, Z), begin.a)


class Exponent(NamedTuple):
    """A power of the width, fitted to each seed: its mean and the interval of the mean, from Student's t."""

    mean: float
    low: float
    high: float


@arguments(widths=vector(_POSITIVE), values=entries(_POSITIVE))
def exponent(widths, values):
    """The `Exponent` of positive values [S, M] at the widths [M]; at least two of each."""
    if np.ndim(values) != 2 or values.shape[1] != len(widths) or min(values.shape) < 2:
        raise ValueError(f"values must have a row for each of two seeds or more, as long as widths, {len(widths)}")
    slopes = np.polyfit(np.log(widths), np.log(values).T, 1)[0]
    half = stats.t.ppf((1 + LEVEL) / 2, len(slopes) - 1) * stats.sem(slopes)
    return Exponent(float(slopes.mean()), float(slopes.mean() - half), float(slopes.mean() + half))


# --- The three figures -----------------------------------------------------------------------------------------------


class Figures(NamedTuple):
    """What the source's three figures show, of the runs made here; one row of numbers a seed, the widths growing."""

    worst: np.ndarray  # [S, M] largest ratio of successive squared errors
    promised: np.ndarray  # [S, 1]
    flips: np.ndarray  # [S, M] share of changed patterns at the end
    largest: np.ndarray  # [S, M] largest movement at the end

    @classmethod
    def of(cls, family):
        return cls(family.worst, family.promised, family.end("flips"), family.end("largest"))

    @property
    def error(self):
        """Holds, if the error falls in every step of every run at least as promised; else fails."""
        return verdicts.HOLDS if (self.worst <= self.promised).all() else verdicts.FAILS

    @property
    def patterns(self):
        """Holds, if in every seed the wider network changes fewer patterns; else fails."""
        return verdicts.HOLDS if (np.diff(self.flips, axis=1) < 0).all() else verdicts.FAILS

    @property
    def distance(self):
        """Holds, if in every seed the wider network's largest movement is smaller; else fails."""
        return verdicts.HOLDS if (np.diff(self.largest, axis=1) < 0).all() else verdicts.FAILS
