r"""What chapter 9's maps show, and their runs looked at again: by the gradient flow, and those that came to rest."""

import math
from typing import NamedTuple

import numpy as np
import torch
from scipy.linalg import logm, polar
from scipy.optimize import brentq

from src.checks import SEED, arguments, between, check_value, each
from src.dynamics import flow
from src.theory import how_far, minima, spurious_minima
from src.theory.how_far import ARRIVED, COPY, HOME, KINDS, MOVING, REST, TIME

_THOUSANDTHS = (
    *range(100, 300, 50),
    *range(300, 600, 5),
    *range(600, 700, 10),
    *range(700, 1000, 20),
    *range(1000, 1550, 50),
)
LARGE = {  # the recording `how_far_large`: a map of large dimensions, with fewer runs
    "dims": [50, 100], "gammas": [n / 1000 for n in _THOUSANDTHS], "runs": 8, "t_end": 150.0, "search_starts": 5,
    "search_steps": 40,
}  # fmt: skip


class TwoWays(NamedTuple):
    """The same pairs by descent (`how_far.follow`) and by the gradient flow (`flow.integrate`), n runs each."""

    by_descent: torch.Tensor  # [n], indices into OUTCOMES
    left: torch.Tensor  # [n], distance at the end of the flow, relative to the first
    copies: list  # n distances |A - B P|_F from the nearest copy of the teacher at the end of the flow

    @property
    def agree(self):
        """The number of runs of which descent and flow both say that they arrive, or both that they do not."""
        return int(((self.by_descent == HOME) == (self.left <= ARRIVED)).sum())


@arguments(t_end=TIME)
def two_ways(W, W_star, t_end):
    """Descent and flow from W, [n, d, d], up to time t_end: TwoWays; NaN where the flow reaches a point without one."""
    W, W_star = how_far.check_runs(W, W_star)
    by_descent, ends = how_far.follow(W, W_star, t_end)[1], _flow_ends(W, W_star, t_end)
    left = (ends - W_star).norm(dim=(-2, -1)) / (W - W_star).norm(dim=(-2, -1))
    defined = [bool(end.isfinite().all()) for end in ends]
    copies = [minima.match_columns(*pair).distance if ok else math.nan for *pair, ok in zip(ends, W_star, defined)]
    return TwoWays(by_descent, left, copies)


def _flow_ends(W, W_star, t_end):
    """The weights at the end of the flow from each W, [n, d, d]; NaN where it meets a point without a gradient."""
    try:
        return flow.integrate(W, W_star, t_end).W
    except FloatingPointError:
        if len(W) == 1:
            return torch.full_like(W, math.nan)
        return torch.cat([_flow_ends(W[[k]], W_star[[k]], t_end) for k in range(len(W))])


@arguments(made=how_far.Map, size=dict, gamma=between(0, math.inf), seed=SEED)
def rests(made, size, gamma, seed):
    """The runs of a Map that came to rest with positive loss at this gamma, made once more.

    size, seed: the arguments of `make_map` that made it. Returns a list of (d, weights at the end, teacher, outcome),
    the outcome by `follow` as it is now.
    """
    if gamma not in made.gammas:
        raise ValueError(f"gamma must be one of those of the map, {list(made.gammas)}, not {gamma}")
    for name in ("runs", "t_end", "search_starts", "search_steps"):
        check_value(f"{name} of size", size.get(name), how_far.SIZE[name])
    if size["runs"] != made.outcomes.shape[-1]:
        raise ValueError(f"runs of size must be those of the map, {made.outcomes.shape[-1]}, not {size['runs']}")
    n, found = list(made.gammas).index(gamma), []
    search = {name: size[name] for name in ("search_starts", "search_steps")}
    for m, d in enumerate(made.dims.tolist()):
        chosen = torch.from_numpy(made.outcomes[:, m, n].ravel() == REST)
        if chosen.any():
            W, W_star = how_far.drawn(d, gamma, size["runs"], **search, seed=seed)[:, chosen]
            end, outcome = how_far.follow(W, W_star, size["t_end"])
            found += [(d, *run) for run in zip(end, W_star, outcome.tolist())]
    return found


@arguments(maps=each(how_far.Map), outcomes=each(range(len(how_far.OUTCOMES))), kinds=each(range(len(KINDS))))
def smallest_gamma(maps, outcomes, kinds=(0, 1, 2)):
    """The smallest gamma of these maps at which a run of these kinds ended in one of `outcomes`; inf if none did."""
    hits = (np.isin(one.outcomes[list(kinds)], outcomes).any(axis=(0, 1, 3)) for one in maps)
    return min(float(one.gammas[hit].min(initial=math.inf)) for one, hit in zip(maps, hits))


@arguments(d=range(6, 201))
def spurious_pair(d):
    """(W, W*), [d, d] each and of one spectral norm, with W a strict local minimum of positive loss for the teacher W*.

    It is the nearest copy of the minimum that Safran and Shamir published for W* = 0 (`spurious_minima`), its two sides
    turned alike, which keeps the loss, and by as much as makes the larger norm smallest: A = U P with a rotation U, and
    U^-t A beside U^-t. For d = 3, 4, 5 that point is a saddle.
    """
    eye = torch.eye(d, dtype=torch.float64)
    A = eye + spurious_minima.exchanged(spurious_minima.minimum(d))
    turn = torch.from_numpy(np.real(logm(polar(A.numpy())[0])))

    def pair(t):
        Q = torch.matrix_exp(-t * turn)
        return Q @ A - eye, Q - eye

    def difference(t):
        student, teacher = (float(torch.linalg.matrix_norm(W, 2)) for W in pair(t))
        return student - teacher

    return pair(brentq(difference, 0, 1))


class Room(NamedTuple):
    """How much room the theorem leaves, by these maps together."""

    not_home: float  # the smallest gamma with a run that had not arrived by the end
    elsewhere: float  # the smallest gamma with a run at rest elsewhere, or at a permuted copy
    safe: int  # runs at smaller gamma than `not_home`, all of which arrive
    safe_adversarial: int  # those from adversarial pairs
    last_safe: float  # the largest gamma of these maps below `not_home`; 0 if there is none
    wrong_way: int  # runs, at any gamma, whose first gradient points away from W*
    wrong_way_home: int  # those that arrive all the same


@arguments(maps=each(how_far.Map))
def room(maps):
    """The Room that these maps show."""
    not_home = smallest_gamma(maps, (COPY, REST, MOVING))
    safe = sum(one.below(not_home) for one in maps)
    wrong = [one.first_ratio < 0 for one in maps]
    return Room(
        not_home=not_home,
        elsewhere=smallest_gamma(maps, (COPY, REST)),
        safe=int(safe.sum()),
        safe_adversarial=int(safe[KINDS.index("adversarial")]),
        last_safe=max(float(one.gammas[one.gammas < not_home].max(initial=0)) for one in maps),
        wrong_way=sum(int(w.sum()) for w in wrong),
        wrong_way_home=sum(int((w & (one.outcomes == HOME)).sum()) for w, one in zip(wrong, maps)),
    )
