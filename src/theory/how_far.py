r"""From how far away the exact gradient still leads to the teacher: pairs of starts and teachers, and where runs end.

The paper makes no statement about this. Every pair has |W_0|_2 = |W*|_2 = gamma.
"""

import functools
import math
from typing import NamedTuple

import numpy as np
import torch

from src.checks import (
    COUNT,
    DIMENSION,
    MATRIX,
    SEED,
    arguments,
    between,
    check_pair,
    check_value,
    each,
    like,
    optional,
)
from src.dynamics import flow
from src.model import landscape, population, weights
from src.runs import files, recorded, sweeps
from src.theory import minima, search

KINDS = ("Gaussian", "flat", "adversarial")
FAMILIES = ("orthogonal", "±I", "±uuᵀ/d", "skew", "signs", "−aI ± bK", "three-cycle", "searched")
OUTCOMES = ("reaches W*", "permuted copy", "rest, loss > 0", "still moving", "a column reaches zero")
HOME, COPY, REST, MOVING, ZERO = range(5)  # indices into OUTCOMES
ARRIVED = 1e-2  # a run arrives at this share of its first distance
AT_REST = 2e-5  # and rests where |gradient|_F is below this share of its first distance
SEARCHED_D = 5  # dimension of the searched pairs
DRAWS = range(1, 10**6)  # pairs that are drawn at once
TIME = between(0, 1e6)  # at which runs end

_FROM_THREE, _FROM_FIVE, _POSITIVE = range(3, DIMENSION.stop), range(SEARCHED_D, DIMENSION.stop), between(0, math.inf)
SIZE = {"dims": each(_FROM_FIVE), "gammas": each(_POSITIVE), "runs": DRAWS, "t_end": TIME}
SIZE |= {"search_starts": DRAWS, "search_steps": COUNT}  # the arguments of `make_map` and what they may be


@arguments(gamma=_POSITIVE, K=MATRIX, plane=like("K"))
def opposite_turns(gamma, K, plane):
    """(W_0, W*) = (-a plane + b K, -a plane - b K) of spectral norm gamma, a = gamma^2 but at most 3/4.

    `K` is a quarter turn within the range of the projector `plane`. The turns are opposite and as large as the norm
    allows, up to 60 degrees each.
    """
    a = min(gamma**2, 0.75)
    b = math.sqrt(gamma**2 - a**2)
    return -a * plane + b * K, -a * plane - b * K


@arguments(d=_FROM_THREE)
def three_cycle(d):
    """The quarter turn K of the plane x_1 + x_2 + x_3 = 0 in d >= 3 dimensions, and the projector on it, [d, d]."""
    C = torch.eye(3, dtype=torch.float64).roll(1, 0)
    K, plane = torch.zeros(2, d, d, dtype=torch.float64)
    K[:3, :3] = (C - C.T) / math.sqrt(3)
    plane[:3, :3] = torch.eye(3, dtype=torch.float64) - 1 / 3
    return K, plane


@arguments(d=_FROM_THREE, gammas=each(_POSITIVE))
def turned_cycles(d, gammas):
    """The pair of `opposite_turns` in the plane of `three_cycle` at each of n norms gamma: W_0 and W*, [n, d, d]."""
    pairs = [torch.stack(opposite_turns(gamma, *three_cycle(d))) for gamma in gammas]
    return torch.stack(pairs, 1)


@arguments(family=FAMILIES, d=_FROM_THREE, gamma=_POSITIVE, worst=each(MATRIX), generator=torch.Generator)
def adversarial_pair(family, d, gamma, worst, generator):
    """A pair (W_0, W*) of a family of FAMILIES, [d, d] each, of norm gamma; `worst` is the pair to pad for "searched".

    The first five are +-gamma Q and its negative for one matrix Q, the sign drawn at random.
    """
    _check_worst(worst, d)
    sign = 1 if torch.rand((), generator=generator) < 0.5 else -1
    eye = torch.eye(d, dtype=torch.float64)
    if family == "−aI ± bK":
        return opposite_turns(gamma, weights.flat_skew(d, generator), eye)
    if family == "three-cycle":
        return opposite_turns(gamma, *three_cycle(d))
    if family == "searched":
        return tuple(torch.nn.functional.pad(X, (0, d - len(X)) * 2) for X in worst)
    if family == "orthogonal":
        Q = weights.with_norms(d, 1.0, math.sqrt(d), generator)
    elif family == "skew":
        Q = weights.flat_skew(d, generator)
    elif family == "signs":
        Q = torch.diag(torch.where(torch.rand(d, generator=generator) < 0.5, -1.0, 1.0).double())
    else:
        Q = eye if family == "±I" else torch.full_like(eye, 1 / d)
    return sign * gamma * Q, -sign * gamma * Q


@arguments(kind=KINDS, d=_FROM_THREE, gamma=_POSITIVE, runs=DRAWS, worst=each(MATRIX), generator=torch.Generator)
def pairs(kind, d, gamma, runs, worst, generator):
    """`runs` pairs of a kind of KINDS: a [2, runs, d, d] tensor of (W_0, W*), all of spectral norm gamma.

    Gaussian: two independent Gaussian matrices, rescaled. Flat: gamma times two independent random orthogonal ones.
    Adversarial: the FAMILIES in turn, with a random push of a thousandth of gamma.
    """
    _check_worst(worst, d)
    G = torch.randn(2, runs, d, d, generator=generator, dtype=torch.float64)
    if kind == "Gaussian":
        return _scaled(G, gamma)
    if kind == "flat":
        flat = [weights.with_norms(d, 1.0, math.sqrt(d), generator) for _ in range(2 * runs)]
        return gamma * torch.stack(flat).view(2, runs, d, d)
    made = [torch.stack(adversarial_pair(FAMILIES[k % len(FAMILIES)], d, gamma, worst, generator)) for k in range(runs)]
    return _scaled(torch.stack(made, 1) + 1e-3 * gamma * G / math.sqrt(d), gamma)


@arguments(t_end=TIME, over_zero=bool)
def follow(W, W_star, t_end, over_zero=False):
    """Descent on the exact loss from W, [n, d, d]: the weights at the end, and the outcome of each run, [n] int8.

    Steps of 1.5 / (d / 2 + 2), the denominator a little more than the largest curvature at the identity, halved for a
    run whose loss would grow, and no longer than moves every column by half its length, so that none jumps over zero;
    t_end / step of them at most. With `over_zero` columns may jump, as those of a descent in fixed steps do.

    Outcomes are indices into OUTCOMES: the distance falls to ARRIVED of its start, to the teacher or to a copy of it
    with permuted columns; the gradient falls to AT_REST of that distance elsewhere; nothing of this happens; the length
    of a column falls to flow.SHORTEST.
    """
    W, W_star = check_runs(W, W_star)
    longest = 1.5 / (W.shape[-1] / 2 + 2)
    first = (W - W_star).norm(dim=(-2, -1))
    outcome = torch.full_like(first, MOVING, dtype=torch.int8)
    end, going = W.clone(), torch.arange(len(W))
    loss, slope = population.loss_and_gradient(W, W_star)
    step = torch.full_like(first, longest)
    steps = math.ceil(t_end / longest)
    for k in range(1, steps + 1):
        here, teacher = end[going], W_star[going]
        half_length = (_lengths(here) / slope.norm(dim=-2).clamp(min=1e-300)).amin(-1) / 2
        size = step if over_zero else torch.minimum(step, half_length)
        trial = here - size[:, None, None] * slope
        trial_loss, trial_slope = population.loss_and_gradient(trial, teacher)
        down = trial_loss <= loss + 1e-12 * (1 + loss)  # up to rounding
        here = torch.where(down[:, None, None], trial, here)
        slope = torch.where(down[:, None, None], trial_slope, slope)
        loss = torch.where(down, trial_loss, loss)
        step = torch.where(down, (1.2 * step).clamp(max=longest), step / 2)
        end[going] = here
        arrived = (here - teacher).norm(dim=(-2, -1)) <= ARRIVED * first[going]
        resting = ~arrived & (slope.norm(dim=(-2, -1)) <= AT_REST * first[going])
        vanished = ~arrived & (_lengths(here).amin(-1) <= flow.SHORTEST)
        outcome[going[arrived]], outcome[going[resting]], outcome[going[vanished]] = HOME, REST, ZERO
        done = arrived | resting | vanished
        # Looking for the nearest copy costs more than a step, so it is done now and then.
        for n in torch.nonzero(~arrived if k % 50 == 0 or k == steps else resting)[:, 0].tolist():
            if minima.match_columns(here[n], teacher[n]).distance <= ARRIVED * first[going[n]]:
                outcome[going[n]], done[n] = COPY, True
        going, slope, loss, step = going[~done], slope[~done], loss[~done], step[~done]
        if not len(going):
            break
    return end, outcome


class Map(NamedTuple):
    """How the runs end, for every kind of KINDS, m dimensions, n norms gamma and r runs each."""

    dims: np.ndarray  # [m]
    gammas: np.ndarray  # [n], increasing
    outcomes: np.ndarray  # [3, m, n, r], indices into OUTCOMES
    first_ratio: np.ndarray  # [3, m, n, r], the one-point ratio at the start, true scale

    @property
    def share(self):
        """[3, m, n]: the share of the runs that reach W*."""
        return (self.outcomes == HOME).mean(-1)

    def below(self, gamma):
        """[3]: the number of runs of each kind with a smaller norm than gamma."""
        kinds, m, _, runs = self.outcomes.shape
        return np.full(kinds, m * runs * int((self.gammas < gamma).sum()))


@arguments(d=_FROM_FIVE, gamma=_POSITIVE, runs=DRAWS, search_starts=DRAWS, search_steps=COUNT, seed=SEED)
def drawn(d, gamma, runs, search_starts, search_steps, seed):
    """The pairs of a cell, `runs` of every kind of KINDS: [2, 3 runs, d, d], drawn from a stream of its own."""
    worst, generator = worst_pair(gamma, search_starts, search_steps, seed), _generator(seed, d, gamma)
    return torch.cat([pairs(kind, d, gamma, runs, worst, generator) for kind in KINDS], 1)


@arguments(d=_FROM_FIVE, gamma=_POSITIVE, runs=DRAWS, t_end=TIME, search_starts=DRAWS, search_steps=COUNT, seed=SEED)
def cell(d, gamma, runs, t_end, search_starts, search_steps, seed):
    """A cell of the Map, a point of its sweep: {"outcomes", "first_ratio"}, [3, runs] each, as lists."""
    W, W_star = drawn(d, gamma, runs, search_starts, search_steps, seed)
    found = {"outcomes": follow(W, W_star, t_end)[1], "first_ratio": landscape.one_point_ratio(W, W_star)}
    return {name: values.view(len(KINDS), runs).tolist() for name, values in found.items()}


@arguments(gamma=_POSITIVE, search_starts=DRAWS, search_steps=COUNT, seed=SEED)
@functools.lru_cache
def worst_pair(gamma, search_starts, search_steps, seed):
    """The pair (W_0, W*) with the smallest one-point ratio that a search finds in 5 dimensions, [5, 5] each.

    It is `search.minimize` from so many starts with so many steps, with no condition on g.
    """
    generator = _generator(seed, 0, gamma)  # no dimension of the map
    W, W_star, _ = search.starts(SEARCHED_D, gamma, search_starts, generator)
    found = search.minimize(W, W_star, gamma, g_max=math.inf, steps=search_steps)
    return found.W, found.W_star


@arguments(**SIZE, seed=SEED, folder=optional(files.plain), workers=optional(sweeps.WORKERS))
def make_map(dims, gammas, runs, t_end, search_starts, search_steps, seed, folder=None, workers=0):
    """The Map over these dimensions and norms, with `runs` runs of every kind in each cell.

    The cells are a sweep (`sweeps.sweep`): kept in `folder`, gone on with when they are there, and made by so many
    worker processes, None for one a core and 0 for none but this one. A cell does not depend on the others.
    """
    settings = {"runs": runs, "t_end": t_end, "search_starts": search_starts, "search_steps": search_steps}
    one = functools.partial(cell, **settings, seed=seed)
    grid = {"d": list(dims), "gamma": list(gammas)}
    cells = sweeps.values(sweeps.sweep(one, grid, folder, workers=workers))
    outcomes, ratios = (
        np.array([found[name] for found in cells]).reshape(len(dims), len(gammas), len(KINDS), runs)
        for name in ("outcomes", "first_ratio")
    )
    return Map(np.array(dims), np.array(gammas), np.moveaxis(outcomes, 2, 0).astype(np.int8), np.moveaxis(ratios, 2, 0))


@arguments(seed=SEED)
def record(seed, *, name="how_far", folder=None, workers=None, **size):
    """The Map of `size`, the arguments of `make_map` but the last three, stored as a recording (`how_far`)."""
    for argument, allowed in SIZE.items():
        check_value(argument, size.get(argument), allowed)
    run = recorded.Recorder(name, __name__, parameters=size, seeds=[seed], folder=folder)
    made = make_map(**size, seed=seed, folder=run.points, workers=workers)
    run.save(made._asdict())
    return made


def check_runs(W, W_star):
    """Starts and teachers of n runs, [n, d, d] each. Errors as in `src.checks.check_pair`."""
    W, W_star = check_pair(W, W_star)
    if W.ndim != 3:
        raise ValueError(f"W must be of shape [n, d, d], not {list(W.shape)}")
    return W, W_star


def _check_worst(worst, d):
    if len(worst) != 2 or worst[0].shape != worst[1].shape or worst[0].ndim != 2 or len(worst[0]) > d:
        raise ValueError(f"worst must be two [m, m] matrices with m at most d = {d}")


def _generator(seed, d, gamma):
    """The random stream of a cell."""
    state = np.random.SeedSequence([seed, d, round(1e9 * gamma)]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))


def _lengths(W):
    """The lengths of the columns of I + W, [..., d]."""
    return (torch.eye(W.shape[-1], dtype=W.dtype) + W).norm(dim=-2)


def _scaled(W, gamma):
    return gamma * W / torch.linalg.matrix_norm(W, 2)[..., None, None]
