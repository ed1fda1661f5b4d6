r"""Lemma 2.5: descent with noise where a function is one-point strongly convex, W_{t+1} = W_t - eta G_t.

The lemma is about any function, at whatever scale its constants are.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch

from src import verdicts
from src.checks import COUNT, DIMENSION, arguments, between, check_value, each, within
from src.model import landscape, population, weights
from src.theory.closed_form import check_array
from src.theory.how_far import DRAWS

_POSITIVE, _NOISE = between(0, math.inf), within(0, math.inf)
_run_arguments = arguments(T=within(2, 1e15), alpha=_POSITIVE, delta=_POSITIVE)


@_run_arguments
def step_size(T, alpha, delta):
    """Lemma 2.5: the fixed step size eta = (1 + alpha) log T / (delta T) for T steps."""
    return (1 + alpha) * math.log(T) / (delta * T)


@_run_arguments
@arguments(G=_POSITIVE)
def bound(T, alpha, delta, G):
    """Lemma 2.5: E |W_T - W*|_F^2 <= (1 + alpha) log T G^2 / (delta^2 T) for E |G_t|_F^2 <= G^2."""
    return (1 + alpha) * math.log(T) * (G / delta) ** 2 / T


@_run_arguments
@arguments(G=_POSITIVE, D=_POSITIVE)
def enough_steps(T, alpha, delta, G, D):
    """Lemma 2.5: whether T^alpha log T >= D^2 delta^2 / ((1 + alpha) G^2), D the radius (in the paper: diameter)."""
    return T**alpha * math.log(T) >= (D * delta / G) ** 2 / (1 + alpha)


class Setting(NamedTuple):
    """A descent with noise: from optimum + offset along `gradient` plus Gaussian noise of mean square noise^2."""

    optimum: torch.Tensor  # x*, of any shape
    offset: torch.Tensor  # the start less x*
    gradient: Callable  # [S, ...] -> [S, ...]
    noise: float  # root of the mean squared length of the noise of one step
    delta: float  # the function is to be delta-one-point strongly convex along the runs
    ratio: Callable | None = None  # [S, ...] -> [S], the one-point ratio; None where delta is known to be right


@arguments(noise=_NOISE)
def quadratic(curvatures, noise):
    """The Setting of sum_k c_k x_k^2 / 2 with the curvatures c, [n], the least of them 1; the start has length 1."""
    check_array("curvatures", curvatures, "[n]")
    if curvatures.dtype != torch.float64 or curvatures.min() != 1:
        raise ValueError(f"curvatures must be of dtype float64 and the least of them 1, not {curvatures}")
    n = len(curvatures)
    start = torch.full((n,), n**-0.5, dtype=torch.float64)
    return Setting(torch.zeros_like(start), start, lambda x: curvatures * x, noise, 1.0)


@arguments(d=DIMENSION, noise=_NOISE, delta=_POSITIVE, generator=torch.Generator)
def exact_loss(d, noise, delta, generator):
    """The Setting of eq. 2, true scale: a random teacher of spectral norm 0.1 and a start 0.3 away from it."""
    teacher, offset = (weights.gaussian((d, d), norm, generator) for norm in (0.1, 0.3))
    return Setting(
        teacher,
        offset,
        lambda W: population.gradient(W, teacher),
        noise,
        delta,
        lambda W: landscape.one_point_ratio(W, teacher),
    )


@arguments(generator=torch.Generator)
def settings(generator):
    """Settings by name: three quadratics in 20 dimensions, with curvatures from 1 to 4 or all 1, and the exact loss."""
    spread, alike = torch.linspace(1, 4, 20, dtype=torch.float64), torch.ones(20, dtype=torch.float64)
    return {
        "quadratic, much noise": quadratic(spread, 10.0),
        "quadratic, little noise": quadratic(spread, 0.3),
        "isotropic quadratic, much noise": quadratic(alike, 10.0),
        "exact loss $L$, $d = 8$": exact_loss(8, 0.3, 0.12, generator),
    }


class Arrival(NamedTuple):
    """Where T steps of one Setting ended, in units of Lemma 2.5's bound."""

    setting: str
    T: int
    square: float  # mean of |W_T - W*|^2 over the runs / bound
    error: float  # its standard error, in the same unit
    enough_steps: bool  # whether T meets the lemma's condition
    convex: bool  # whether the one-point ratio exceeded delta wherever it was looked at

    @property
    def crosses(self):
        """Whether the mean lies above the bound by more than three standard errors."""
        return self.square - 3 * self.error > 1


class Arrivals(NamedTuple):
    """All runs for Lemma 2.5."""

    each: tuple  # of Arrival

    @property
    def tightest(self):
        """The Arrival that comes nearest to the bound."""
        return max(self.each, key=lambda arrival: arrival.square)

    @property
    def verdict(self):
        """fails, if a mean crosses the bound; holds, if none does and every run met the lemma's conditions."""
        if any(arrival.crosses for arrival in self.each):
            return verdicts.FAILS
        met = all(arrival.enough_steps and arrival.convex for arrival in self.each)
        return verdicts.HOLDS if met else verdicts.UNDECIDED


@arguments(setting=Setting, step=_POSITIVE, T=COUNT, runs=DRAWS, generator=torch.Generator)
def descend(setting, step, T, runs, generator):
    """T noisy steps from `runs` copies of the start: the ends [runs, ...], the largest mean |G_t|^2 over the steps,
    and the smallest one-point ratio at every tenth of them (inf where it is not looked at)."""
    x = (setting.optimum + setting.offset).expand(runs, *setting.optimum.shape).clone()
    largest, smallest = 0.0, math.inf
    for t in range(T):
        G = setting.gradient(x)
        largest = max(largest, float(G.square().flatten(1).sum(1).mean()) + setting.noise**2)
        if setting.ratio is not None and t % 10 == 0:
            smallest = min(smallest, float(setting.ratio(x).min()))
        noise = torch.randn(G.shape, generator=generator, dtype=torch.float64)
        x = x - step * (G + setting.noise / math.sqrt(G[0].numel()) * noise)
    return x, largest, smallest


@arguments(
    settings=dict,
    lengths=each(range(2, COUNT.stop)),
    alpha=_POSITIVE,
    runs=range(2, DRAWS.stop),
    generator=torch.Generator,
)
def lemma_2_5(settings, lengths, alpha, runs, generator):
    """The Arrivals of every Setting in the dict `settings` after each number of steps in `lengths`.

    runs: of a known function; of one whose ratio is looked at, a fifth of them but at least ten. G^2 in the bound is
    the largest mean square of G_t along the runs. Raises TypeError or ValueError for bad input.
    """
    if not settings:
        raise ValueError("settings must hold at least one Setting")
    for name, setting in settings.items():
        check_value(f"{name!r} of settings", setting, Setting)
    found = []
    for name, setting in settings.items():
        delta, D = setting.delta, float(setting.offset.norm())
        for T in lengths:
            count = runs if setting.ratio is None else max(10, runs // 5)
            x, G_squared, ratio = descend(setting, step_size(T, alpha, delta), T, count, generator)
            G = math.sqrt(G_squared)
            square = (x - setting.optimum).square().flatten(1).sum(1) / bound(T, alpha, delta, G)
            error = float(square.std()) / math.sqrt(count)
            enough = enough_steps(T, alpha, delta, G, D)
            found.append(Arrival(name, T, float(square.mean()), error, enough, ratio > delta))
    return Arrivals(tuple(found))
