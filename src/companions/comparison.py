r"""The theorems of this book side by side: for each one a training by exact gradients, at several sizes.

All are measured alike. V are the matrices that the inputs meet, I + W where there is a link; a training moves them by
|V_T - V_0|_F / |V_0|_F, the norms over all layers. A *flip* is a pair of a unit and an input at which the unit is
active before the training and not after it, or the other way round. The *late rate* is the factor by which the error
falls in one of the last steps; the exact one is that of the linearised descent, (1 - eta lambda)^2 for the least
positive eigenvalue lambda of the Hessian at the end.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh

from src.checks import SEED, arguments, between, each
from src.companions import deep_relu, depth_maps, overparameterization, symmetry_breaking, wide_networks
from src.model import population, weights
from src.theory import bounds
from src.theory.closed_form import check_array

FLOOR = 1e-22  # of the error at the start: below it ratios are rounding
LATE = 20  # steps over which the late rate is measured
REACHED = 1e-6  # of the error at the start
FAILURE = 0.1  # probability that a width may be asked for
_D, _WIDTH, _NORM = range(3, 201), range(1, 20_001), between(0, 0.7)


class Training(NamedTuple):
    """One training by descent."""

    size: int  # the width: the number of units in a layer, which is the dimension d of a link
    moved: float  # |V_T - V_0|_F / |V_0|_F
    flips: float | None  # share of the pairs (unit, input); None for a linear network
    late: float  # the late rate
    reached: bool  # whether the error fell to `REACHED`, or to the source's target


class Row(NamedTuple):
    """A theorem, what it asks and promises, and trainings; a text in place of a number says why there is none."""

    theorem: str
    prefix: str  # of its claims in the ledger
    condition: str  # on data, start or target
    value: float  # of that condition, measured
    asked: float | str  # width, with the constant 1
    promised: float | str  # largest factor of the error in a step
    exact: float  # the same by linearisation, for the last training
    trainings: tuple  # of Training, the sizes growing

    @property
    def last(self):
        """The training of the largest size."""
        return self.trainings[-1]

    @property
    def worked(self):
        """The least size from which on every training reached its goal; NaN if there is none."""
        good = np.logical_and.accumulate([one.reached for one in self.trainings][::-1])[::-1]
        return float(self.trainings[int(good.argmax())].size) if good.any() else math.nan

    @property
    def exponent(self):
        """The slope of log(moved) over log(size), by least squares over the trainings that reached their goal; NaN
        where these are fewer than two."""
        points = [(one.size, one.moved) for one in self.trainings if one.reached]
        return float(np.polyfit(*np.log(points).T, 1)[0]) if len(points) > 1 else math.nan


@arguments(errors=np.ndarray, floor=between(0, 1))
def arrival(errors, floor=FLOOR):
    """(late, reached) of a `Training` with the errors [steps + 1]: the mean factor in the last `LATE` steps before
    rounding sets in, at `floor` of the start, and whether the error fell to `REACHED`."""
    if errors.dtype.kind != "f":
        raise TypeError(f"errors must have a floating dtype, not {errors.dtype}")
    if errors.ndim != 1 or len(errors) <= LATE or not (errors[0] > 0 and np.isfinite(errors).all()):
        raise ValueError(f"errors must be finite, more than {LATE} in number and positive at the start")
    below = errors <= floor * errors[0]
    last = max(int(below.argmax() if below.any() else len(errors)) - 1, LATE)
    late = float((errors[last] / errors[last - LATE]) ** (1 / LATE))
    return late, bool(errors[-1] < REACHED * errors[0])


@arguments(begin=each(torch.Tensor), end=each(torch.Tensor))
def moved(begin, end):
    """|V_T - V_0|_F / |V_0|_F for two lists of matrices of the same shapes, the norms over all of them."""
    for name, matrices in {"begin": begin, "end": end}.items():
        for k, V in enumerate(matrices, 1):
            check_array(f"matrix {k} of {name}", V, "[..., rows, columns]")
    if [V.shape for V in begin] != [V.shape for V in end]:
        raise ValueError("end must hold matrices of the shapes of begin")
    return math.sqrt(_squares([W - V for V, W in zip(begin, end, strict=True)]) / _squares(begin))


def _squares(matrices):
    return float(sum(V.square().sum() for V in matrices))


# --- With the identity: this paper, and Tian's plane -----------------------------------------------------------------


@arguments(sizes=each(_D), norm=_NORM, time=between(0, 1000), seed=SEED)
def identity(sizes, norm, time, seed):
    """The `Row` of Theorem 3.1: student and teacher random, of this spectral norm, d = sizes; exact descent.

    The step is one over the largest curvature at W = W* = 0, about d/2, and `time` is the step times their number. What
    falls is the squared distance; the promise is that of one-point convexity for the flow over the time of a step.
    """
    trainings, value = [], 0.0
    for d in sizes:
        generator = torch.Generator().manual_seed(seed)
        W_0, W_star = weights.gaussian((2, d, d), norm, generator)
        value = float(torch.linalg.matrix_norm(torch.stack((W_0, W_star)), 2).max())
        eta, W, errors = 1 / (d / 2 + 1 / 2 + 1 / math.pi), W_0, []
        for _ in range(math.ceil(time / eta)):
            errors.append(float((W - W_star).square().sum()))
            W = W - eta * population.gradient(W, W_star)
        I = torch.eye(d, dtype=W.dtype)
        cosine = torch.nn.functional.cosine_similarity(I + W_0, I + W, dim=0)
        flips = float(cosine.clamp(-1, 1).acos().mean()) / math.pi  # over Gaussian inputs, exact
        trainings.append(Training(d, moved([I + W_0], [I + W]), flips, *arrival(np.array(errors))))
    promised = math.exp(-2 * eta * bounds.DELTA / math.pi)
    exact = (1 - eta * _least_curvature(W_star)) ** 2
    return Row("Li and Yuan, Theorem 3.1", "thm-3.1", "norm of W₀ and W*", value, d, promised, exact, tuple(trainings))


def _least_curvature(W_star):
    """The least eigenvalue of the Hessian of the loss at W = W_star."""
    d = len(W_star)

    def product(v):
        V = torch.from_numpy(np.ascontiguousarray(v)).view(d, d)
        return population.hessian_product(W_star, W_star, V).flatten().numpy()

    operator = LinearOperator((d * d, d * d), product, dtype=float)
    begin = np.random.default_rng(0).standard_normal(d * d)
    return float(eigsh(operator, 1, which="SA", v0=begin, tol=1e-6, return_eigenvectors=False)[0])


@arguments(sizes=each(range(2, 1001)), x=between(0, 1), gap=between(0, 1), steps=range(LATE, 10**6))
def tian(sizes, x, gap, steps):
    """The `Row` of Theorem 4.1: descent in the plane from (x, x - gap), K = sizes. The loss is half of eq. 2."""
    if gap > x:
        raise ValueError(f"gap must be at most x = {x}, as y must not be negative; got {gap}")
    trainings, y = [], x - gap
    for K in sizes:
        slow, fast = symmetry_breaking.rates_at_teacher(K)
        path = symmetry_breaking.descend(K, x, y, 1 / fast, steps)
        end, scale = path[-1], np.array([1.0, math.sqrt(K - 1)])
        errors = ((path - [1, 0]) ** 2 * scale**2).sum(1)
        before, after = scale * [x, y], scale * end
        cosine = before @ after / (np.linalg.norm(before) * np.linalg.norm(after))
        way = float(np.linalg.norm(after - before) / np.linalg.norm(before))
        flips = math.acos(min(cosine, 1.0)) / math.pi
        trainings.append(Training(K, way, flips, *arrival(errors)))
    exact = (1 - slow / fast) ** 2
    return Row(
        "Tian, Theorem 4.1", "tian-theorem-4.1", "x − y at the start", gap, K, "none: no rate", exact, tuple(trainings)
    )


# --- Wide networks ---------------------------------------------------------------------------------------------------


@arguments(family=wide_networks.Family, d=range(1, 10_001))
def movements(family, d):
    """The `Training`s of a family of wide networks in d dimensions, means over its seeds.

    |W_0|_F is taken as sqrt(m d), its root mean square.
    """
    way = family.end("together").mean(0) / np.sqrt(family.widths * d)
    columns = family.widths, way, family.end("flips").mean(0), family.late.mean(0), family.kept.all(0)
    return tuple(Training(*(x.item() for x in row)) for row in zip(*columns, strict=True))


@arguments(n=range(2, 201), d=range(2, 201), sizes=each(_WIDTH), seeds=each(SEED), steps=range(LATE, 10**5))
def du(n, d, sizes, seeds, steps):
    """The `Row` of Du et al.: one hidden layer of width m = sizes, random data, the step 1 / lambda_max."""
    family = wide_networks.family(n, d, sizes, seeds, steps, 1.0, draws=2)
    lambda_0 = float(family.lambda_0.mean())
    asked = overparameterization.asked_width(n, lambda_0, FAILURE)
    promised, exact = float(family.promised.mean()), float(family.limit.mean())
    return Row("Du et al.", "du-descent", "λ₀ of the inputs", lambda_0, asked, promised, exact, movements(family, d))


@arguments(n=range(2, 201), d=range(2, 201), layers=range(1, 21), sizes=each(_WIDTH), target=between(0, 1), seed=SEED)
def zou(n, d, layers, sizes, target, seed):
    """The `Row` of Zou et al.: a deep network of width m = sizes, random labels, logistic loss down to `target`.

    The loss has no minimiser; the exact rate is that of the limit of width where it is at the target.
    """
    generator = torch.Generator().manual_seed(seed)
    data, trainings = deep_relu.random_labels(n, d, generator), []
    for m in sizes:
        begin = deep_relu.start(d, m, layers, generator)
        run = deep_relu.train(begin, data, "logistic", 0.5, target, 10_000)
        way = moved(list(begin.weights), list(run.network.weights))
        late, reached = float(run.losses[-1] / run.losses[-2]), float(run.losses[-1]) <= target and run.error == 0
        trainings.append(Training(m, way, float(np.mean(run.flips)), late, reached))
    ideal = depth_maps.limit(data, layers, deep_relu.output(begin, data.X), "logistic", 0.5, target, 10_000).losses
    theta = overparameterization.angles(data.X) + math.pi * torch.eye(n, dtype=torch.float64)
    degrees, exact = math.degrees(float(theta.min())), float(ideal[-1] / ideal[-2])
    unread = "not read"  # of this source only the abstract
    return Row("Zou et al.", "zou-", "least angle (degrees)", degrees, unread, unread, exact, tuple(trainings))
