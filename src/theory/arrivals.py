r"""Runs of chapter 9's map looked at again: by the gradient flow beside the descent, and those that came to rest."""

import math
from typing import NamedTuple

import torch

from src.checks import arguments, between, check_value
from src.dynamics import flow
from src.theory import how_far, minima, search
from src.theory.how_far import ARRIVED, HOME, REST, TIME


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


@arguments(recording=how_far.Map, size=dict, gamma=between(0, math.inf), generator=torch.Generator)
def rests(recording, size, gamma, generator):
    """The runs of a recorded Map that came to rest with positive loss at this gamma, made once more.

    recording: the Map; size: the arguments of `make_map` that made it; generator: seeded as then. Returns a list of
    (d, weights at the end, teacher, outcome), the outcome by `follow` as it is now.
    """
    if gamma not in recording.gammas:
        raise ValueError(f"gamma must be one of those of the recording, {list(recording.gammas)}, not {gamma}")
    for name in ("runs", "t_end", "search_starts", "search_steps"):
        check_value(f"{name} of size", size.get(name), how_far.SIZE[name])
    if size["runs"] != recording.outcomes.shape[-1]:
        raise ValueError(
            f"runs of size must be those of the recording, {recording.outcomes.shape[-1]}, not {size['runs']}"
        )
    n, found = list(recording.gammas).index(gamma), []
    for k, x in enumerate(recording.gammas[: n + 1]):
        worst = search.starts(how_far.SEARCHED_D, x, size["search_starts"], generator)[:2]
        if k == n:
            searched = search.minimize(*worst, x, g_max=math.inf, steps=size["search_steps"])
            worst = searched.W, searched.W_star
        else:
            worst = worst[0][0], worst[1][0]  # any pair: only the draws count
        for m, d in enumerate(recording.dims):
            W, W_star = torch.cat(
                [how_far.pairs(kind, d, x, size["runs"], worst, generator) for kind in how_far.KINDS], 1
            )
            chosen = torch.from_numpy(recording.outcomes[:, m, n].ravel() == REST)
            if k == n and chosen.any():
                end, outcome = how_far.follow(W[chosen], W_star[chosen], size["t_end"])
                found += [(int(d), *run) for run in zip(end, W_star[chosen], outcome.tolist())]
    return found
