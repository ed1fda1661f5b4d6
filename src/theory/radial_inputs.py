r"""Section 6, second half: rotation-invariant inputs x = r omega, omega uniform on the sphere.

The network is homogeneous, f(r omega) = r f(omega), so the loss is E r^2 / d times the Gaussian one and only the flow's
clock changes. A sample's gradient is of second degree in x: its noise needs E r^4. With inputs scaled to E r^2 = d, the
noise term of `second_moments` gets the factor chi = d E r^4 / ((d + 2) (E r^2)^2).
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from scipy import stats

from src import verdicts
from src.checks import COUNT, DIMENSION, FORMULA, MATRIX, SEED, arguments, between, each, like, within
from src.dynamics import second_moments, sgd
from src.model import landscape, weights
from src.theory.closed_form import single

NU = 5  # degrees of freedom of Student's multivariate t: its fourth moment is finite, its eighth is not
_POSITIVE = between(0, math.inf)
_inputs = arguments(n=range(1, 10**8), d=DIMENSION, generator=torch.Generator)


@_inputs
def normal(n, d, generator):
    """N(0, I): [n, d] float64."""
    return torch.randn(n, d, generator=generator, dtype=torch.float64)


@_inputs
def sphere(n, d, generator):
    """Uniform on the sphere of radius sqrt(d): [n, d] float64."""
    x = normal(n, d, generator)
    return d**0.5 * x / x.norm(dim=1, keepdim=True)


@_inputs
def student(n, d, generator):
    """Student's multivariate t with `NU` degrees of freedom, sqrt(nu / chi^2_nu) times a Gaussian: [n, d] float64."""
    return normal(n, d, generator) * (NU / normal(n, NU, generator).square().sum(1, keepdim=True)).sqrt()


class Law(NamedTuple):
    """A rotation-invariant law of inputs in dimension d."""

    draw: object  # (n, d, generator) -> [n, d]
    clock: float  # E r^2 / d, by which loss and gradient differ from the Gaussian ones
    noise: float  # chi


@arguments(d=FORMULA)
def laws(d):
    """The three laws by name."""
    return {
        "sphere": Law(sphere, 1.0, d / (d + 2)),
        "Gaussian": Law(normal, 1.0, 1.0),
        f"Student, ν = {NU}": Law(student, NU / (NU - 2), (NU - 2) / (NU - 4)),
    }


BATCHES = 20
_SAMPLES = COUNT[BATCHES - 1 :]


@arguments(samples=_SAMPLES, draw=callable)
def sampled_gradients(W, W_star, draw, samples):
    """Twenty independent sampled gradients of eq. 2 (true scale), [20, d, d], of samples / 20 inputs draw(n) each."""
    W, W_star = single(W, W_star)
    I, gradients = torch.eye(len(W), dtype=W.dtype), []
    for _ in range(BATCHES):
        x = draw(samples // BATCHES)  # [n, d]
        hidden = x @ (I + W)
        residual = hidden.relu().sum(1) - (x @ (I + W_star)).relu().sum(1)
        gradients.append(2 / len(x) * x.mT @ (residual[:, None] * (hidden > 0)))
    return torch.stack(gradients)


@arguments(gradients=MATRIX)
def standard_error(gradients):
    """Frobenius norm of the standard error of the sampled gradients' mean."""
    if gradients.ndim < 3 or len(gradients) < 2:
        raise ValueError(f"gradients must be at least two matrices, [n, d, d], not {list(gradients.shape)}")
    return (gradients.std(0) / len(gradients) ** 0.5).norm().item()


class Clock(NamedTuple):
    """A sampled gradient against the Gaussian one times the predicted factor."""

    predicted: float  # E r^2 / d
    factor: float  # the c for which c times the Gaussian gradient fits best
    error: float  # its standard error, from twenty batches
    rest: float  # norm of what is not along the Gaussian gradient, in standard errors

    @property
    def agrees(self):
        """Within the range of 99.9 % of Student's t with 19 degrees of freedom, and nothing but noise beside it."""
        return abs(self.factor - self.predicted) < stats.t.isf(0.0005, BATCHES - 1) * self.error and self.rest < 2


@arguments(W=MATRIX, gradient=like("W"), law=Law, samples=_SAMPLES, generator=torch.Generator)
def clock(W, W_star, gradient, law, samples, generator):
    """How much faster the flow runs for inputs of `law` than for Gaussian ones with this `gradient`: a Clock."""
    if gradient.ndim != 2 or not gradient.any():
        raise ValueError(f"gradient must be one [d, d] matrix other than zero, not {list(gradient.shape)}")
    batches = sampled_gradients(W, W_star, lambda n: law.draw(n, len(W), generator), samples)
    factors = (batches * gradient).sum((-2, -1)) / gradient.square().sum()
    factor, error = factors.mean().item(), factors.std().item() / len(factors) ** 0.5
    rest = (batches.mean(0) - factor * gradient).norm().item() / standard_error(batches)
    return Clock(law.clock, factor, error, rest)


class Clocks(NamedTuple):
    """Whether Lemma 2.1 carries over to rotation-invariant inputs."""

    laws: tuple  # of `Clock`

    @property
    def verdict(self):
        return verdicts.HOLDS if self.laws and all(clock.agrees for clock in self.laws) else verdicts.FAILS


@_inputs
def uniform(n, d, generator):
    """Independent coordinates, uniform on [-sqrt 3, sqrt 3]: covariance I, no rotation invariance. [n, d] float64."""
    return math.sqrt(3) * (2 * torch.rand(n, d, generator=generator, dtype=torch.float64) - 1)


class Example(NamedTuple):
    """One law that is neither Gaussian nor rotation-invariant: sampled one-point ratios, printed scale."""

    ratio: float  # the smallest over the pairs
    error: float  # its standard error

    @property
    def verdict(self):
        """The paper names no law, so one that behaves decides nothing; one that points the wrong way would."""
        return verdicts.FAILS if self.ratio + 4 * self.error < 0 else verdicts.UNDECIDED


@arguments(
    draw=callable, d=DIMENSION[1:], gamma=between(0, 1), pairs=COUNT, samples=_SAMPLES, generator=torch.Generator
)
def example(draw, d, gamma, pairs, samples, generator):
    """Sampled one-point ratios for inputs draw(n, d, generator) at pairs of spectral norm gamma, g <= 0.1: an Example.

    Of each pair's W the trace is moved until its (Gaussian) potential is just below 0.1 where it was above.
    """
    found = []
    for _ in range(pairs):
        W, W_star = (weights.with_norms(d, gamma, gamma * d**0.5, generator) for _ in range(2))
        W = W + max(landscape.potential(W, W_star).item() - 0.09, 0) / d * torch.eye(d, dtype=torch.float64)
        batches = sampled_gradients(W, W_star, lambda n: draw(n, d, generator), samples)
        M = W_star - W
        ratios = -math.pi * (batches * M).sum((-2, -1)) / M.square().sum()
        found.append((ratios.mean().item(), ratios.std().item() / BATCHES**0.5))
    return Example(*min(found))


class Decay(NamedTuple):
    """How fast SGD's squared distance decays near the teacher, per unit of t = eta * steps."""

    predicted: float  # of the mean square, by `second_moments.growth`; negative where that grows
    mean: float  # mean over the runs
    error: float  # its standard error
    mean_square: float  # of the runs' mean square
    t: torch.Tensor  # [37]
    squares: torch.Tensor  # [37, runs], the squared distances


@arguments(
    W=MATRIX,
    law=Law,
    level=_POSITIVE,
    batch=COUNT,
    seeds=each(SEED),
    generator=torch.Generator,
    begin=within(0, math.inf),
    finish=_POSITIVE,
)
def decay(W, law, level, batch, seeds, generator, begin=2.0, finish=7.0):
    """SGD from W near W* = 0 at the noise level eta d^2 / batch = `level`, fitted between two times: a Decay.

    W: [d, d]. seeds: the runs. Each run goes through a random half of the inputs, in an order of its own, and meets
    none twice. The inputs are scaled to E r^2 = d.
    """
    if W.ndim != 2 or len(W) < 4:
        raise ValueError(f"W must be one [d, d] matrix with d >= 4, not {list(W.shape)}")
    if len(seeds) < 2 or not begin < finish:
        raise ValueError(f"seeds must be at least two and begin less than finish, not {seeds}, {begin} and {finish}")
    d = W.shape[-1]
    eta = level * batch / d**2
    if not 36 <= finish / eta <= 10**8 / (2 * batch):
        raise ValueError(f"level and finish must leave 36 to {10**8 / (2 * batch):.3g} steps for this W and batch")
    steps = round(finish / eta)
    x = (law.draw(2 * steps * batch, d, generator) / law.clock**0.5).to(W.dtype)
    record_at = np.linspace(0, steps, 37).astype(int)
    run = sgd.train(
        W, torch.zeros_like(W), eta=eta, batch=batch, steps=steps, seeds=seeds, samples=x,
        record_at=record_at, allow_unstable=True,
    )  # fmt: skip
    squares, window = run.distance.square(), (run.t >= begin) & (run.t <= finish)
    fits = [-np.polyfit(run.t[window], one[window].log(), 1)[0] for one in squares.T]
    mean_square = -np.polyfit(run.t[window], squares[window].mean(1).log(), 1)[0]
    predicted = -math.log(second_moments.growth(eta, batch, d, law.noise)) / eta
    return Decay(predicted, np.mean(fits), np.std(fits, ddof=1) / len(fits) ** 0.5, mean_square, run.t, squares)
