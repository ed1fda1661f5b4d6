r"""A column that reaches zero on the way, where the gradient does not exist: the family of chapter 9.

W_0 = gamma (I - 2 e_1 e_1^T) and W* = -gamma I, both of norm gamma. The flow commutes with all permutations of the
coordinates 2 ... d, so that I + W keeps the form

    [[p, q u^T], [r u, s I + t u u^T]],    u in R^(d-1) the vector of ones,

and five variables are enough, at every d. At first g = -2 gamma (d - 1): Phase I shortens every column by about the
same, 2 gamma, and the first one is only 1 - gamma long.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from src.checks import COUNT, DIMENSION, FORMULA, arguments, between, check_pair, check_value, each, entries, within
from src.dynamics import flow
from src.model import population
from src.theory import how_far, minima, search

_NORM = between(0, 1)  # of the family: the first column is 1 - gamma long at first
_FAMILY = range(3, 10**9)  # dimensions
_ENTRIES = entries(within(-math.inf, math.inf))
_TIME = between(1e-9, 10_000)


def _check_rows(name, x):
    """The five variables, or K of each, [5, K]."""
    check_value(name, x, _ENTRIES if isinstance(x, np.ndarray | torch.Tensor) else each(_ENTRIES))
    if np.shape(x)[:1] != (5,):
        raise ValueError(f"{name} must be the five variables p, q, r, s, t, not of shape {list(np.shape(x))}")


def _check_variables(name, x):
    _check_rows(name, x)
    if np.ndim(x) != 1:
        raise ValueError(f"{name} must be five numbers p, q, r, s, t, not of shape {list(np.shape(x))}")


@arguments(d=DIMENSION[1:], gamma=_NORM)
def pair(d, gamma):
    """(W_0, W*) of the family, [d, d] float64 each."""
    W_star = -gamma * torch.eye(d, dtype=torch.float64)
    W = -W_star.clone()
    W[0, 0] = -gamma
    return W, W_star


@arguments(x=_check_variables, d=DIMENSION[1:])
def matrix(x, d):
    """The [d, d] weights W with the five variables x = (p, q, r, s, t) of I + W."""
    p, q, r, s, t = map(float, x)
    A = torch.full((d, d), t, dtype=torch.float64) + s * torch.eye(d, dtype=torch.float64)
    A[0], A[:, 0] = q, r
    A[0, 0] = p
    return A - torch.eye(d, dtype=torch.float64)


@arguments(x=_check_rows, d=FORMULA[1:])
def lengths(x, d):
    """The lengths of the first column of I + W and of every other one; x may be [5, K]."""
    return _lengths(x, d)


def _lengths(x, d):
    p, q, r, s, t = x
    return np.sqrt(p**2 + (d - 1) * r**2), np.sqrt(q**2 + (s + t) ** 2 + (d - 2) * t**2)


@arguments(x=_check_variables, d=FORMULA[1:], b=between(0, math.inf))
def descent_direction(x, d, b):
    """-grad L at the true scale as five variables, for the teacher I + W* = b I."""
    return _descent_direction(x, d, b)


def _descent_direction(x, d, b):
    p, q, r, s, t = map(float, x)
    n, half = d - 1, math.pi / 2
    a, a_2 = map(float, _lengths((p, q, r, s, t), d))
    own, own_2 = math.atan2(math.sqrt(n) * abs(r), p), math.atan2(math.hypot(q, math.sqrt(n - 1) * t), s + t)
    # cosines: of a_1, a_2 and of a_2, a_3; of b_2, a_1, of b_1, a_2 and of b_3, a_2
    cos, cos_23 = (p * q + r * (s + n * t)) / (a * a_2), (q**2 + 2 * s * t + n * t**2) / a_2**2
    star_21, star_12, star_32 = r / a, q / a_2, t / a_2
    arc, arc_23, arc_21, arc_12, arc_32 = map(_asin, (cos, cos_23, star_21, star_12, star_32))
    sin, sin_23, sin_21, sin_12, sin_32 = map(math.cos, (arc, arc_23, arc_21, arc_12, arc_32))
    on_1, on_rest = half * (b - p - n * q), half * (b - r - s - n * t)  # pi/2 M u
    # Lemma 2.1 with pi/2 - theta = arcsin c; `pull` is what multiplies a_bar in the first column and in another.
    pull = b * math.sin(own) + n * (b * sin_21 - a_2 * sin)
    pull_2 = b * (sin_12 + math.sin(own_2) + (n - 1) * sin_32) - a * sin - (n - 1) * a_2 * sin_23
    diagonal = on_rest + half * (b - s - t) - own_2 * b - arc * r - arc_23 * (n - 1) * t + pull_2 * (s + t) / a_2
    other = on_rest - half * t + arc_32 * b - arc * r - arc_23 * (s + (n - 1) * t) + pull_2 * t / a_2
    R = (
        on_1 + half * (b - p) - own * b - arc * n * q + pull * p / a,
        on_1 - half * q + arc_12 * b - arc * p - arc_23 * (n - 1) * q + pull_2 * q / a_2,
        on_rest - half * r + arc_21 * b - arc * (s + n * t) + pull * r / a,
        diagonal - other,
        other,
    )
    return np.array(R) / math.pi


class Path(NamedTuple):
    """The exact flow of the family from its start."""

    t: np.ndarray  # [K], times
    first: np.ndarray  # [K], length of the first column
    others: np.ndarray  # [K], length of every other column
    x: np.ndarray  # [5], the five variables at the end
    vanishes: bool  # whether it ends because the first column reaches `flow.SHORTEST`


@arguments(d=_FAMILY, gamma=_NORM, t_end=_TIME)
def follow(d, gamma, t_end=60.0):
    """The Path at this dimension and norm up to t_end, or to the point where the first column vanishes."""

    def left(_, x):
        return _lengths(x, d)[0] - flow.SHORTEST

    left.terminal = True
    run = solve_ivp(
        lambda _, x: _descent_direction(x, d, 1 - gamma),
        (0, t_end),
        [1 - gamma, 0, 0, 1 + gamma, 0],
        method="LSODA",
        rtol=1e-9,
        atol=1e-13,
        events=left,
    )
    return Path(run.t, *_lengths(run.y, d), run.y[:, -1], vanishes=run.status == 1)


@arguments(d=_FAMILY, t_end=_TIME)
def onset(d, t_end=10.0):
    """The gamma from which on the first column reaches zero in dimension d, to four digits."""
    sign = {False: -1.0, True: 1.0}
    try:
        return brentq(lambda gamma: sign[follow(d, gamma, t_end).vanishes], 0.3, 0.6, xtol=5e-5)
    except ValueError:
        raise ValueError(
            f"t_end must be long enough for an onset between 0.3 and 0.6, not {t_end} at d = {d}"
        ) from None


class Jump(NamedTuple):
    """A descent in fixed steps that jumps over the point where a column vanishes."""

    d: int
    gamma: float
    watched: int  # how a descent that keeps columns from jumping ends, an index into `how_far.OUTCOMES`
    outcome: int  # how the one in fixed steps ends
    loss: float  # its loss at the end
    curvature: float  # the smallest eigenvalue of the Hessian there
    first: float  # the first entry of the first column there; 1 - gamma in the teacher


@arguments(d=DIMENSION[2:], gamma=_NORM, t_end=_TIME, generator=torch.Generator, push=within(0, math.inf))
def jump(d, gamma, t_end, generator, push=1e-3):
    """The Jump of descent (`how_far.follow`) up to t_end, from the family's start with a random push of this size."""
    W, W_star = pair(d, gamma)
    G = torch.randn(d, d, generator=generator, dtype=torch.float64) / math.sqrt(d)
    W = W + push * gamma * G
    start, teacher = (gamma / torch.linalg.matrix_norm(W, 2) * W)[None], W_star[None]
    watched = how_far.follow(start, teacher, t_end)[1].item()
    end, outcome = how_far.follow(start, teacher, t_end, over_zero=True)
    loss, curvature = population.loss(end[0], W_star).item(), minima.lowest_curvature(end[0], W_star)
    return Jump(d, gamma, watched, outcome.item(), loss, curvature, 1 + end[0, 0, 0].item())


class Hunt(NamedTuple):
    """A search for pairs of norm gamma on whose way home a column gets short."""

    gamma: float
    W: torch.Tensor  # [d, d], the pair with the shortest column
    W_star: torch.Tensor
    shortest: torch.Tensor  # [S], the shortest column on the way from the best pair that each start led to


@arguments(steps=COUNT)
def shortest_on_the_way(W, W_star, steps):
    """The shortest column of I + W on the way of `steps` steps of descent from W, [n, d, d]: [n], differentiable.

    Steps of 1 / (d / 2 + 2), or shorter so that no column moves by more than 0.3 of its length.
    """
    check_pair(W, W_star)
    if W.ndim != 3 or W_star.ndim > 3:
        raise ValueError(
            f"W must be starts [n, d, d] and W_star one or n, not {list(W.shape)} and {list(W_star.shape)}"
        )
    eye, longest = torch.eye(W.shape[-1], dtype=W.dtype), 1 / (W.shape[-1] / 2 + 2)
    length = (eye + W).norm(dim=-2)
    shortest = length.amin(-1)
    for _ in range(steps):
        slope = population.gradient(W, W_star)
        step = (0.3 * length / slope.norm(dim=-2).clamp(min=1e-300)).amin(-1).clamp(max=longest).detach()
        W = W - step[:, None, None] * slope
        length = (eye + W).norm(dim=-2)
        shortest = torch.minimum(shortest, length.amin(-1))
    return shortest


@arguments(d=DIMENSION[2:], gamma=_NORM, starts=DIMENSION, iterations=COUNT, steps=COUNT, generator=torch.Generator)
def hunt(d, gamma, starts, iterations, steps, generator):
    """Projected descent on `shortest_on_the_way` over the pairs with both norms at most gamma: a Hunt.

    From the starts of `search.starts`, the first replaced by this module's pair with a small push.
    """
    W, W_star, _ = search.starts(d, gamma, starts, generator)
    push = 1e-3 * gamma * torch.randn(2, d, d, generator=generator, dtype=torch.float64)
    W[0], W_star[0] = torch.stack(pair(d, gamma)) + push
    both = search.clip(torch.stack((W, W_star)), gamma)
    shortest, best, velocity = torch.full((starts,), math.inf, dtype=torch.float64), both.clone(), 0
    for k in range(iterations):
        both.requires_grad_()
        values = shortest_on_the_way(*both, steps)
        slope = torch.autograd.grad(values.sum(), both)[0].nan_to_num()
        with torch.no_grad():
            better = values < shortest
            shortest, best[:, better] = torch.where(better, values, shortest), both[:, better]
            length = slope.square().sum((0, -2, -1), keepdim=True).sqrt()
            velocity = 0.8 * velocity + 0.2 * slope / length.clamp(min=1e-300)
            size = 0.2 * gamma * math.sqrt(2 * d) * (1 - k / iterations)
            both = search.clip(both.detach() - size * velocity, gamma)
    return Hunt(gamma, *best[:, shortest.argmin()], shortest)


def _asin(c):
    return math.asin(min(1.0, max(-1.0, c)))
