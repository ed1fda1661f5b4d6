r"""Phase I: the clauses of Theorem 3.2, all of them together, for one pair of constants (gamma_0, gamma) at a time.

Rates and steps are at the printed scale, as the paper's constants are: a step of size eta adds eta (R + E) to W, with
R = -pi grad L the sum of Lemma 2.1 and |E|_F <= gamma^2. Times are those of the gradient flow, so that the theorem's
1 / (16 eta) steps are the time pi / 16, and with the true gradient 1 / 16.

g is a sum of lengths with a minus sign, hence concave along any step: g(W + eta X) <= g(W) + eta dg(X). So a step of
any size multiplies g by at most 1 - eta d times the `shrink_rate` at W, less what the noise can add. Only the points
that are visited depend on eta; they are those of the flow up to a part eta d, at most 1 / 3600 for the theorem's steps.
"""

import math
from typing import NamedTuple

import torch

from src import verdicts
from src.checks import (
    FORMULA,
    arguments,
    between,
    check_generator,
    check_pair,
    check_value,
    each,
    entries,
    optional,
    within,
)
from src.dynamics import three_variables
from src.model import landscape, population
from src.theory import bounds, norm_growth, phase_one_pairs
from src.theory.phase_one_updates import potential_slope, proved_remainder

END = math.pi / 16  # 1 / (16 eta) steps of size eta along R, as a time of the flow
TRUE_END = 1 / 16  # as many steps along the true gradient

_POSITIVE = between(0, math.inf)
_NORM = between(0, 1)  # from 1 on a column of I + W can vanish
_TIME = within(0, math.inf)
_SPAN = FORMULA[2:]  # dimensions of the span of I, J, K
_MOST = 10**7  # times of one path


def shrink_rate(W, W_star):
    """-(dg / d eta) / (d g) at eta = 0, of shape [...]: Theorem 3.2 says at least 0.5 where g is above 197 gamma^2."""
    return -potential_slope(W, W_star) / (W.shape[-1] * landscape.potential(W, W_star))


@arguments(gamma=_NORM, norm=_POSITIVE, norm_star=within(0, math.inf))
def proved_rate(gamma, norm, norm_star):
    """No pair with |W|_2 <= norm, |W*|_2 <= norm_star and g >= 197 gamma^2 has a smaller `shrink_rate`, in any d.

    The proposition of chapter 6, as <u, s> >= -d |M|_2 and |s| <= sqrt(d) |M|_2, M = W* - W.
    """
    if not max(norm, norm_star) < 1 / 3:
        raise ValueError(f"norm and norm_star must be below 1/3, not {norm} and {norm_star}")
    M, g = norm + norm_star, bounds.phase_one_potential(gamma)
    # the remainder is proportional to d when |s| is to sqrt(d), so that d = 1 stands for all
    return 1 - (math.pi / 2 * M + proved_remainder(max(norm, norm_star), 1, M)) / g


def _check_times(name, t):
    check_value(name, t, torch.Tensor)
    check_value(name, t, entries(_TIME))
    if t.ndim != 1 or t.dtype not in (torch.float32, torch.float64) or (t.diff() <= 0).any():
        raise ValueError(f"{name} must be increasing times [T] of a floating dtype, not {t.dtype} {list(t.shape)}")


class Path(NamedTuple):
    """Descent on the exact loss from S starts at once: T points."""

    t: torch.Tensor  # [T], time of the flow
    g: torch.Tensor  # [T, S], the potential
    rate: torch.Tensor  # [T, S], `shrink_rate`
    norm: torch.Tensor  # [T, S], |W|_2


@arguments(d=FORMULA, t_end=_TIME, finest=_POSITIVE)
def times(d, t_end, finest=0.25):
    """Increasing times from 0 to at least t_end, [T]: `finest` / d apart up to END, which is one of them, as TRUE_END
    is, and then 2 / d, at which the fastest mode is still stable."""
    if not END * d / finest + t_end * d / 2 <= _MOST:
        raise ValueError(f"d, t_end and finest must ask for at most {_MOST} times, not d = {d}, {t_end} and {finest}")
    first, second = (math.ceil(span * d / finest) for span in (TRUE_END, END - TRUE_END))
    rest = math.ceil(max(t_end - END, 0) * d / 2)
    pieces = [torch.linspace(0, TRUE_END, first + 1), torch.linspace(TRUE_END, END, second + 1)[1:]]
    pieces += [END + 2 / d * torch.arange(1, rest + 1)]
    return torch.cat([piece.double() for piece in pieces])


@arguments(t=_check_times, noise=within(0, math.inf), generator=optional(torch.Generator))
def descend(W, W_star, t, noise=0.0, generator=None):
    """The Path of gradient descent from the pairs [S, d, d] with steps between the times t [T].

    noise: the Frobenius norm of E_t at the printed scale, in a random direction at every step.
    """
    W, W_star = check_pair(W, W_star)
    if noise:
        check_generator(generator)
    eye, rows = torch.eye(W.shape[-1], dtype=W.dtype), []
    for h in [*t.diff().tolist(), 0.0]:
        gradient, A = population.gradient(W, W_star), W + eye
        g = landscape.potential(W, W_star)
        slope = math.pi * (A / A.norm(dim=-2, keepdim=True) * gradient).sum((-2, -1))
        rows.append(torch.stack([g, -slope / (W.shape[-1] * g), torch.linalg.matrix_norm(W, 2)]))
        if noise:
            E = torch.randn(W.shape, generator=generator, dtype=W.dtype)
            gradient = gradient - noise / math.pi * E / E.norm(dim=(-2, -1), keepdim=True)
        W = W - h * gradient
    return Path(t, *torch.stack(rows, 1))


@arguments(pairs=each(each(three_variables.COORDINATES)), d=_SPAN, t=_check_times)
def descend_in_span(pairs, d, t):
    """The Path from pairs of coordinates (alpha, kappa, tau) in span{I, J, K}, `three_variables`, in any dimension."""
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError("pairs must be a list of pairs of coordinates (alpha, kappa, tau)")
    if not all(three_variables.spectral_norm(X) < 1 for pair in pairs for X in pair):
        raise ValueError("pairs must have spectral norms below 1")
    columns = []
    for W, W_star in pairs:
        rows = []
        for h in [*t.diff().tolist(), 0.0]:
            g, norm = three_variables.potential(W, d, W_star), three_variables.spectral_norm(W)
            rows.append((g, phase_one_pairs.shrink_rate(W, W_star, d), norm))
            W = tuple(x - h * y for x, y in zip(W, three_variables.gradient(W, d, W_star)))
        columns.append(rows)
    return Path(t, *torch.tensor(columns, dtype=torch.float64).permute(2, 1, 0))


class Clauses(NamedTuple):
    """What one pair of constants comes to in one dimension: the worst over all starts and steps."""

    d: int
    gamma_0: float
    gamma: float
    rate: float  # (a): the smallest `shrink_rate`, with the noise against it, while g is above 197 gamma^2
    left: float  # (b): the largest g after 1 / (16 eta) steps, in units of 197 gamma^2
    left_true: float  # (b): the same with steps along the true gradient, pi times shorter
    norm: float  # (c): the largest |W_T|_2 from the step on at which g has come down to 197 gamma^2
    g_after: float  # (c): the largest g_T from there on

    @property
    def kept(self):
        """Whether each of (a), (b), (c) is kept, at the printed scale."""
        after = self.norm <= bounds.PHASE_TWO_SPECTRAL and self.g_after <= bounds.G_LIMIT
        return self.rate >= phase_one_pairs.RATE, self.left <= 1, after


@arguments(path=Path, d=FORMULA, gamma_0=_POSITIVE, gamma=_NORM)
def judge(path, d, gamma_0, gamma):
    """The Clauses of a Path whose starts and teachers have spectral norm gamma_0; inf and 0 where nothing is asked."""
    threshold = bounds.phase_one_potential(gamma)
    above = (path.g > threshold).cummin(0).values  # [T, S]: Phase I is not over yet
    against = gamma**2 / (math.sqrt(d) * path.g)  # noise in the direction that lengthens the columns least
    return Clauses(
        d,
        gamma_0,
        gamma,
        float(torch.where(above, path.rate - against, math.inf).min()),
        float(path.g[path.t <= END + 1e-12][-1].max()) / threshold,
        float(path.g[path.t <= TRUE_END + 1e-12][-1].max()) / threshold,
        float(torch.where(above, 0.0, path.norm).max()),
        float(torch.where(above, -math.inf, path.g).max()),
    )


@arguments(d=_SPAN, gamma_0=_NORM, gamma=_NORM, t_end=_TIME)
def clauses_in_span(d, gamma_0, gamma, t_end=0.5):
    """The Clauses over the corners, the slowest pair and W = gamma_0 (J - I) / (d - 1), W* = 0, in any dimension d."""
    slowest = phase_one_pairs.slowest_pair(d, gamma_0, gamma)
    hollow = (-gamma_0 / (d - 1), 0.0, gamma_0), three_variables.ZERO
    pairs = [*phase_one_pairs.corners(gamma_0), hollow, *([slowest] if slowest else [])]
    return judge(descend_in_span(pairs, d, times(d, t_end, finest=0.05)), d, gamma_0, gamma)


class Theorem(NamedTuple):
    """Theorem 3.2 for one pair of constants: the Clauses with matrices in one dimension, and in the span in several."""

    clauses: tuple  # of Clauses
    growth: float  # the largest |W_T|_2 / gamma_0 to first order, over all starts, T and dimensions

    def worst(self, name):
        """The least favourable value of one field of the clauses: the smallest rate, the largest of the others."""
        return (min if name == "rate" else max)(getattr(clauses, name) for clauses in self.clauses)

    @property
    def broken(self):
        """The clauses, of "a", "b" and "c", that some dimension does not keep, (c) to first order from every start."""
        kept = [all(clause) for clause in zip(*(clauses.kept for clauses in self.clauses))]
        kept[2] = kept[2] and self.growth * self.clauses[0].gamma_0 <= bounds.PHASE_TWO_SPECTRAL
        return [name for name, keeps in zip("abc", kept) if not keeps]

    @property
    def together(self):
        """Whether the constants serve all clauses at once, in every dimension tried."""
        return not self.broken

    @property
    def rate_verdict(self):
        """fails, unless the clauses hold together; corrected, if (a) needs R in place of the gradient; holds."""
        if not self.together:
            return verdicts.FAILS
        return verdicts.CORRECTED if self.worst("rate") / math.pi < phase_one_pairs.RATE else verdicts.HOLDS

    @property
    def steps_verdict(self):
        """fails, unless the clauses hold together; corrected, if (b) needs R in place of the gradient; holds."""
        if not self.together:
            return verdicts.FAILS
        return verdicts.CORRECTED if self.worst("left_true") > 1 else verdicts.HOLDS

    @property
    def after_verdict(self):
        """holds, if the clauses hold together; fails otherwise. No rate enters (c), and so no scale."""
        return verdicts.HOLDS if self.together else verdicts.FAILS


@arguments(here=optional(Clauses), growth=norm_growth.Growth, dimensions=each(_SPAN), gamma_0=_NORM, gamma=_NORM)
def theorem(here, growth, dimensions, gamma_0, gamma):
    """The Theorem from the Clauses `here`, or none (None), and `clauses_in_span` in every one of `dimensions`.

    growth: the `norm_growth.Growth` in one dimension. Its value, or the limit of large dimensions if that is more,
    counts for all dimensions.
    """
    in_span = [clauses_in_span(d, gamma_0, gamma) for d in dimensions]
    return Theorem((*([here] if here else []), *in_span), max(growth.value, norm_growth.limit()[0]))
