r"""Section 5.5: f(x, W) = sum ReLU((I + W)^T x) as a classifier of two classes, with W in a spectral-norm ball.

The class with the smaller f(x, 0) is below the threshold T, which is the best one for f(x, 0) and stays. Training
lowers the mean over images of a loss of the margin

    z = s (f(x, W) - T) / (m sigma),        s = +1 above and -1 below,

where sigma is the standard deviation of f(x, 0) over the training images and m a number: misclassified is z <= 0.
"""

import time
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch.nn.functional import softplus

from src.checks import COUNT, MATRIX, arguments, check_positive, check_value, each
from src.experiments import inputs

LOSSES = {  # of the margin z; all but the last are upper bounds of the error up to a factor
    "logistic": lambda z: softplus(-z),
    "hinge": lambda z: (1 - z).relu(),
    "squared": lambda z: (1 - z).square() / 2,
}


class Threshold(NamedTuple):
    """Class True is taken to be above `value` (below it where `above` is False); `error` is what that gets wrong."""

    value: float
    above: bool
    error: float


@dataclass
class Trained:
    """What training left, one row per allowed norm, the first being 0 (W = 0): errors as fractions, float64 [R].

    `train` and `test` keep the threshold of f(x, 0); `refitted` is the training error at the best threshold for
    f(x, W). `W` [R, d, d] are the weights; `norm` [R] their spectral norms; `seconds` is processor time.
    """

    radii: list
    threshold: Threshold
    train: torch.Tensor
    refitted: torch.Tensor
    test: torch.Tensor
    norm: torch.Tensor
    W: torch.Tensor
    seconds: float


def _part(name, value):
    """Inputs [n, d] and bool labels [n]."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise TypeError(f"{name} must be two tensors, inputs [n, d] and labels [n]; got {type(value).__name__}")
    inputs.data("[n, d]")(f"{name}[0]", value[0])
    _labels(f"{name}[1]", value[1])
    if len(value[0]) != len(value[1]):
        raise ValueError(f"{name} must have a label for each input, {len(value[0])}, not {len(value[1])}")


def _radii(name, value):
    """Positive numbers that rise."""
    check_value(name, value, each(check_positive))
    inputs.increasing(name, value)


_labels = inputs.data("[n]", (torch.bool,))
_values = inputs.data("[n]", inputs.NUMBERS)


@arguments(W=inputs.matrix)
def output(x, W):
    """f(x, W) of eq. 1, [n], for inputs x [n, d] and weights [d, d]."""
    inputs.check_rows("x", x, W)
    return torch.cat([(part + part @ W).relu_().sum(1) for part in x.split(2000)])


@arguments(values=_values, labels=_labels)
def best_threshold(values, labels):
    """The `Threshold` with the fewest errors on values [n] with bool labels [n]: exact, by sorting.

    Every cut between two different values is tried, and both ways round. Of equally good cuts the lowest is taken, and
    of a gap its middle. Raises ValueError unless both classes occur and the values are finite.
    """
    if values.shape != labels.shape:
        raise ValueError(f"labels must be as many as values, {len(values)}, not {len(labels)}")
    if labels.all() or not labels.any():
        raise ValueError("labels must hold both classes")
    values, order = values.double().sort()
    true_below = torch.cat([torch.zeros(1, dtype=torch.int64), labels[order].cpu().cumsum(0)])
    false_below = torch.arange(len(values) + 1) - true_below
    wrong = true_below + (false_below[-1] - false_below)  # with class True above the cut after the k-th value
    cuts = torch.cat([torch.tensor([0]), 1 + (values.diff() > 0).cpu().nonzero()[:, 0], torch.tensor([len(values)])])
    ways = torch.stack([wrong[cuts], len(values) - wrong[cuts]])
    best = int(ways.argmin())
    cut = int(cuts[best % len(cuts)])
    low, high = values[max(cut - 1, 0)].item(), values[min(cut, len(values) - 1)].item()
    value = low - 1 if cut == 0 else high + 1 if cut == len(values) else (low + high) / 2
    return Threshold(value, best < len(cuts), ways.min().item() / len(values))


@arguments(values=_values, labels=_labels, threshold=Threshold)
def error(values, labels, threshold):
    """The fraction of values [n] that lie on the wrong side of a `Threshold`."""
    if values.shape != labels.shape:
        raise ValueError(f"labels must be as many as values, {len(values)}, not {len(labels)}")
    return ((values > threshold.value) != (labels == threshold.above)).double().mean().item()


@arguments(W=MATRIX, radius=check_positive)
def project(W, radius):
    """The matrix nearest to W [..., d, d] (in Frobenius norm) with ‖W‖₂ <= radius: singular values clipped.

    Raises TypeError or ValueError for W that is no finite square matrix and a radius that is not positive.
    """
    U, S, Vh = torch.linalg.svd(W, full_matrices=False)
    return (U * S.clamp(max=radius)[..., None, :]) @ Vh


@arguments(G=inputs.matrix)
def polar(G):
    """U V^T of the singular value decomposition G = U S V^T, without the directions that G sends to zero.

    Among matrices of spectral norm one it is the one with the largest inner product with G [d, d].
    """
    U, S, Vh = torch.linalg.svd(G, full_matrices=False)
    rank = int((S / S[0] > 1e-5).sum())
    return U[:, :rank] @ Vh[:rank]


@arguments(
    train=_part,
    test=_part,
    radii=_radii,
    steps=COUNT,
    batch=COUNT,
    loss=tuple(LOSSES),
    margin=check_positive,
    generator=torch.Generator,
)
def frank_wolfe(train, test, *, radii, steps, batch, loss, margin, generator):
    """Conditional gradient in the balls ‖W‖₂ <= r for the increasing `radii`: a `Trained`.

    Step t = 0, 1, ... moves W the fraction 2 / (t + 2) of the way to -r polar(M), the point of the ball that a running
    mean M of the minibatch gradients favours most: W never leaves the ball, and all singular directions of the gradient
    count alike. Each radius starts from the weights of the one before, scaled up, and takes `steps` steps.

    train, test: pairs of inputs [n, d] and bool labels [n]; batch: images per step, all where there are fewer.
    loss: one of `LOSSES`; margin: m above.
    """
    problem = _Problem(train, test, loss, margin, generator)
    start, t, W, M = time.process_time(), 0, problem.zero(), None
    weights = []
    for before, radius in zip([radii[0], *radii], radii, strict=False):
        W = W * (radius / before)
        for _ in range(steps):
            G = problem.gradient(W, batch)
            M = G if M is None else (M + G) / 2
            W = W + 2 / (t + 2) * (-radius * polar(M) - W)
            t += 1
        weights.append(W)
    return _measured(problem, test, radii, weights, time.process_time() - start)


@arguments(
    train=_part,
    test=_part,
    radius=check_positive,
    step=check_positive,
    momentum=inputs.MOMENTUM,
    steps=COUNT,
    batch=COUNT,
    every=COUNT,
    loss=tuple(LOSSES),
    margin=check_positive,
    generator=torch.Generator,
)
def projected_sgd(train, test, *, radius, step, momentum, steps, batch, every, loss, margin, generator):
    """Minibatch SGD with heavy-ball momentum, projected onto ‖W‖₂ <= radius every so many steps and at the end.

    Returns a `Trained`. The step size is `step`, from the middle of the run on linearly decreasing to zero. Other
    arguments as in `frank_wolfe`.
    """
    problem = _Problem(train, test, loss, margin, generator)
    start, W = time.process_time(), problem.zero()
    velocity = torch.zeros_like(W)
    for n in range(1, steps + 1):
        velocity.mul_(momentum).add_(problem.gradient(W, batch))
        W = W - step * min(1, 2 * (1 - n / (steps + 1))) * velocity
        if n % every == 0 or n == steps:
            W = project(W, radius)
    return _measured(problem, test, [radius], [W], time.process_time() - start)


class _Problem:
    """The training set of one pair with its threshold, and minibatch gradients of the loss."""

    def __init__(self, train, test, loss, margin, generator):
        inputs.check_like("the inputs of test", test[0], train[0], "those of train")
        self.x, self.labels = train
        values = self.x.relu().sum(1)
        if self.labels.all() or not self.labels.any() or values.min() == values.max():
            raise ValueError("train must hold both classes, and inputs whose f(x, 0) are not all the same")
        self.threshold = best_threshold(values, self.labels)
        self.sign = torch.where(self.labels == self.threshold.above, 1.0, -1.0).to(self.x)
        self.scale = margin * values.std().item()
        self.loss, self.generator = LOSSES[loss], generator

    def zero(self):
        return self.x.new_zeros(self.x.shape[1], self.x.shape[1])

    def gradient(self, W, batch):
        """The gradient [d, d] of the mean loss over `batch` images drawn without replacement."""
        rows = torch.randperm(len(self.x), generator=self.generator)[:batch].to(self.x.device)
        x, sign = self.x[rows], self.sign[rows]
        h = x + x @ W
        z = (sign * (h.relu().sum(1) - self.threshold.value) / self.scale).requires_grad_()
        (slope,) = torch.autograd.grad(self.loss(z).mean(), z)
        return x.mT @ ((h > 0) * (slope * sign / self.scale)[:, None])


def _measured(problem, test, radii, weights, seconds):
    """The `Trained` with W = 0 put before the trained weights."""
    weights = [problem.zero(), *weights]
    on_train, on_test = ([output(x, W) for W in weights] for x in (problem.x, test[0]))
    rows = {
        "train": [error(f, problem.labels, problem.threshold) for f in on_train],
        "refitted": [best_threshold(f, problem.labels).error for f in on_train],
        "test": [error(f, test[1], problem.threshold) for f in on_test],
        "norm": [torch.linalg.matrix_norm(W, 2).item() for W in weights],
    }
    rows = {name: torch.tensor(row, dtype=torch.float64) for name, row in rows.items()}
    return Trained([0.0, *radii], problem.threshold, W=torch.stack(weights), seconds=seconds, **rows)
