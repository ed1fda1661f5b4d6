r"""Theorem 3.3 on trial: for which gamma the negative gradient points home with a margin of 0.03.

The ratio is <R, M> / |M|_F^2 with R the sum that Lemma 2.1 prints and M = W* - W, the printed scale throughout. A pair
is allowed at gamma when |W|_2, |W*|_2 <= gamma and g <= 0.1. `bounds.one_point_ratio` bounds the ratio of all allowed
pairs from below (`src.theory.margin` has the proof's steps), `src.theory.search` and `src.theory.span` look for small
ones; here both sides are put together.
The Taylor expansion behind the theorem is in `src.theory.taylor`.
"""

import functools
import math
from typing import NamedTuple

import mpmath
import numpy as np
import torch
from scipy.optimize import brentq

from src import verdicts
from src.checks import COUNT, DIMENSION, FORMULA, SEED, arguments, between, each, optional, vector, within
from src.dynamics import three_variables
from src.runs import files, recorded, sweeps
from src.theory import bounds, search, span

TRUE_DELTA = math.pi * bounds.DELTA  # the theorem's 0.03 if it is meant for the true gradient
_NUMBER = within(-math.inf, math.inf)
_POSITIVE = between(0, math.inf)
SIDES = {
    "g ≤ 0.1": (-math.inf, 0.1),
    "|g| ≤ 0.1": (-0.1, 0.1),
    "g ≤ −0.1": (-math.inf, -0.1),
    "g ≤ −0.5": (-math.inf, -0.5),
}


@arguments(x=vector(_NUMBER), y=vector(search.check_limit), level=_NUMBER)
def crossing(x, y, level):
    """The first x where the piecewise linear y, given at the increasing x, falls below the level; inf if nowhere."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if len(x) != len(y) or not np.all(np.diff(x) > 0):
        raise ValueError(f"x must be increasing and as long as y, not {x} for {len(y)} values")
    below = np.flatnonzero(y < level)
    if not len(below):
        return math.inf
    k = below[0]
    return float(x[0] if k == 0 else np.interp(-level, -y[k - 1 : k + 1], x[k - 1 : k + 1]))


@arguments(delta=_NUMBER, g_max=_NUMBER)
def proved_up_to(delta, g_max=bounds.G_LIMIT):
    """The gamma up to which `bounds.one_point_ratio` proves that no allowed pair has a ratio below delta.

    Raises ValueError for a delta that is not proved at any gamma.
    """
    largest = 0.17  # the bound is defined up to 0.1716 and decreases
    if not bounds.one_point_ratio(largest, g_max) < delta < bounds.one_point_ratio(1e-9, g_max):
        raise ValueError(f"delta must be below pi/2 - 1 - g_max/2, the bound at small gamma, not {delta}")
    return brentq(lambda gamma: bounds.one_point_ratio(gamma, g_max) - delta, 1e-9, largest)


class Searches(NamedTuple):
    """Searches for the worst allowed pair, one for each of m dimensions and n bounds gamma, from S starts each."""

    dims: np.ndarray  # [m]
    gammas: np.ndarray  # [n], increasing
    values: np.ndarray  # [m, n, S], the smallest ratio that each start led to; inf where it met no allowed pair
    kinds: np.ndarray  # [S], the kind of each start, of `search.KINDS`
    pairs: tuple  # m arrays [n, 2, d, d]: the pair (W, W*) with the smallest ratio

    @classmethod
    def from_arrays(cls, arrays):
        """The searches that `arrays` stored."""
        dims = arrays["dims"]
        pairs = tuple(np.stack([arrays[f"W_{d}"], arrays[f"W_star_{d}"]], 1) for d in dims)
        return cls(dims, arrays["gammas"], arrays["values"], arrays["kinds"], pairs)

    def arrays(self):
        """The searches as a dict of arrays, for a recording."""
        result = {name: getattr(self, name) for name in ("dims", "gammas", "values", "kinds")}
        for d, pairs in zip(self.dims, self.pairs):
            result |= {f"W_{d}": pairs[:, 0], f"W_star_{d}": pairs[:, 1]}
        return result

    @property
    def worst(self):
        """[m, n]: the smallest ratio in the first k dimensions together, as a padded pair counts in larger ones."""
        return np.minimum.accumulate(self.values.min(-1), axis=0)

    def first_below(self, level):
        """The gamma where the smallest ratio of all dimensions falls below the level, interpolated; inf if nowhere."""
        return crossing(self.gammas, self.worst[-1], level)

    def pair_below(self, delta):
        """The Counterexample of the smallest gamma, and then the first dimension, with a ratio below delta.

        Raises ValueError when no pair of these searches is below delta.
        """
        for k, gamma in enumerate(self.gammas):
            for values, pairs in zip(self.values, self.pairs):
                if values[k].min() < delta:
                    return Counterexample.of(*torch.from_numpy(pairs[k]), float(gamma))
        raise ValueError(f"no searched pair has a ratio below {delta}; search at a larger gamma")


@arguments(d=DIMENSION[2:], gamma=_POSITIVE, starts=DIMENSION, steps=COUNT, seed=SEED)
def one_search(d, gamma, starts, steps, seed):
    """A point of the sweep of `run_searches`: {"values" [starts], "pair" [2, d, d], "kinds"}.

    It draws from a generator of its own, seeded with seed + 1000 d + 10^4 gamma, so that it does not depend on others.
    """
    generator = torch.Generator().manual_seed(seed + 1000 * d + round(1e4 * gamma))
    W, W_star, kinds = search.starts(d, gamma, starts, generator)
    found = search.minimize(W, W_star, gamma, steps=steps)
    return {"values": found.values, "pair": torch.stack([found.W, found.W_star]), "kinds": list(kinds)}


@arguments(dims=each(DIMENSION[2:]), gammas=each(_POSITIVE), starts=DIMENSION, steps=COUNT, seed=SEED,
           folder=optional(files.plain), workers=optional(sweeps.WORKERS))  # fmt: skip
def run_searches(dims, gammas, starts, steps, seed, folder=None, workers=0):
    """Searches with `starts` starts of `steps` steps in every dimension and at every gamma.

    They are a sweep (`sweeps.sweep`): kept in `folder`, gone on with when they are there, and made by so many worker
    processes, None for one a core and 0 for none but this one. Errors as in `search.starts` and `search.minimize`.
    """
    one = functools.partial(one_search, starts=starts, steps=steps, seed=seed)
    done = sweeps.values(sweeps.sweep(one, {"d": list(dims), "gamma": list(gammas)}, folder, workers=workers))
    rows = [done[k : k + len(gammas)] for k in range(0, len(done), len(gammas))]
    values = np.array([[found["values"] for found in row] for row in rows])
    pairs = tuple(np.array([found["pair"] for found in row]) for row in rows)
    return Searches(np.array(dims), np.array(gammas), values, np.array(done[0]["kinds"]), pairs)


def record(seed, *, folder=None, workers=None, **size):
    """The Searches of `size`, the settings of `run_searches`, stored as the recording `theorem_3_3`."""
    run = recorded.Recorder("theorem_3_3", __name__, parameters=size, seeds=[seed], folder=folder)
    made = run_searches(**size, seed=seed, folder=run.points, workers=workers)
    run.save(made.arrays())
    return made


class Counterexample(NamedTuple):
    """One pair with a small ratio, evaluated in 30-digit arithmetic."""

    d: int
    gamma: float  # the bound at which it is to be allowed
    norm: float  # the larger one of |W|_2 and |W*|_2
    g: float
    ratio: float  # in 30 digits
    double: float  # in float64
    W: torch.Tensor | tuple  # [d, d], or coordinates (alpha, kappa, tau) as in `src.theory.span`
    W_star: torch.Tensor | tuple

    @classmethod
    def of(cls, W, W_star, gamma):
        """A pair of matrices [d, d], by Lemma 2.1 term by term (`search.precise`)."""
        ratio, g = search.precise(W, W_star)
        norm = torch.linalg.matrix_norm(torch.stack((W, W_star)), 2).max().item()
        double = search.printed_ratio(W, W_star).item()
        return cls(len(W), gamma, norm, float(g), float(ratio), double, W, W_star)

    @classmethod
    def in_span(cls, d, gamma, tries, seed):
        """The pair that `span.minimize` finds in the span of I, J and K."""
        pair = span.minimize(d, gamma, tries=tries, seed=seed)
        with mpmath.workdps(30):
            exact = (tuple(map(mpmath.mpf, X)) for X in (pair.W, pair.W_star))
            ratio, g = map(float, span.printed_ratio(*exact, d))
        norm = max(map(three_variables.spectral_norm, (pair.W, pair.W_star)))
        return cls(d, gamma, norm, g, ratio, pair.ratio, pair.W, pair.W_star)

    @property
    def allowed(self):
        """Whether the pair meets the conditions of Theorem 3.3, up to rounding, and both arithmetics agree on it."""
        close = abs(self.ratio - self.double) < 1e-9
        return self.norm <= self.gamma + 1e-9 and self.g <= bounds.G_LIMIT + 1e-9 and close


class Margin(NamedTuple):
    """Theorem 3.3: what is proved and what is found about the smallest ratio, in units of |M|_F^2, printed scale."""

    proved: float  # no allowed pair at gamma = 1/100 has a smaller ratio, in any dimension
    found: float  # the smallest ratio met at gamma = 1/100
    proved_printed: float  # the gamma up to which 0.03 is proved
    proved_true: float  # the gamma up to which 0.03 pi is proved
    below_printed: Counterexample  # a pair below 0.03, at the smallest gamma where one was met
    below_true: Counterexample  # the same below 0.03 pi

    @property
    def verdict(self):
        """Fails, if a pair at gamma = 1/100 is below 0.03; open, if 0.03 is not proved there or a pair contradicts the
        proof; holds, if the theorem is proved for the true gradient; holds, corrected, if at the printed scale only."""
        if self.found < bounds.DELTA:
            return verdicts.FAILS
        if self.proved < bounds.DELTA or self.found < self.proved:
            return verdicts.OPEN
        return verdicts.HOLDS if self.proved > TRUE_DELTA else verdicts.CORRECTED

    @property
    def spread(self):
        """What the numbers are worth: exact, if both counterexamples are allowed pairs."""
        return "exact" if self.below_printed.allowed and self.below_true.allowed else "a counterexample is not allowed"


@arguments(searches=Searches, found=_NUMBER)
def margin(searches, found):
    """The Margin from `Searches` at larger gamma and the smallest ratio found at gamma = 1/100."""
    return Margin(
        proved=bounds.one_point_ratio(bounds.PHASE_TWO_SPECTRAL),
        found=found,
        proved_printed=proved_up_to(bounds.DELTA),
        proved_true=proved_up_to(TRUE_DELTA),
        below_printed=searches.pair_below(bounds.DELTA),
        below_true=searches.pair_below(TRUE_DELTA),
    )


class OneSided(NamedTuple):
    """Theorem 3.3's condition g <= 0.1, which has no absolute value: ratios with very negative g beside the others."""

    proved: float  # no pair at gamma = 1/100 with g <= -0.1 has a smaller ratio, in any dimension
    found: float  # the smallest ratio that a search met among these
    far_found: float  # and with g <= -0.5
    as_printed: float  # the worst ratio found at a larger gamma with g <= 0.1
    two_sided: float  # there with |g| <= 0.1
    below: float  # there with g <= -0.1
    far_below: float  # there with g <= -0.5

    @property
    def verdict(self):
        """Fails, if a pair with negative g at gamma = 1/100 is below 0.03; open, if the proof does not exclude that, or
        a pair contradicts it; else holds."""
        found = min(self.found, self.far_found)
        if found < bounds.DELTA:
            return verdicts.FAILS
        return verdicts.HOLDS if TRUE_DELTA < self.proved <= found else verdicts.OPEN


@arguments(
    d=DIMENSION[2:],
    gamma=_POSITIVE,
    starts=DIMENSION,
    steps=COUNT,
    span_dims=each(FORMULA[2:]),
    tries=COUNT,
    seed=SEED,
)
def one_sided(d, gamma, starts, steps, span_dims, tries, seed):
    """The OneSided evidence: in the span of I, J and K at gamma = 1/100 in the dimensions `span_dims`, and by four
    searches in d dimensions at `gamma`, from the corners and the same `starts` starts, of `steps` steps; all are seeded
    with `seed`."""
    small = bounds.PHASE_TWO_SPECTRAL
    in_span = (min(span.smallest(span_dims, small, tries, seed, g_max=x)) for x in (-0.1, -0.5))
    W, W_star = search.with_corners(d, gamma, starts, torch.Generator().manual_seed(seed))  # a corner meets any limit
    found = (search.minimize(W, W_star, gamma, g_min=low, g_max=high, steps=steps).best for low, high in SIDES.values())
    return OneSided(bounds.one_point_ratio(small, -0.1), *in_span, *found)
