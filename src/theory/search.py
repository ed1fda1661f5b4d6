r"""How small can the one-point ratio of Theorem 3.3 be? An adversarial search over all pairs.

Everything here is at the printed scale: the ratio is <R, M> / |M|_F^2 with R the sum of Lemma 2.1 and M = W* - W, which
is pi times `landscape.one_point_ratio`. A pair (W, W*) is allowed when |W|_2, |W*|_2 <= gamma and g <= g_max.

What the search finds is an upper bound on the smallest ratio; `bounds.one_point_ratio` is a lower one, for every d at
once, and `src.theory.span` searches a family in which the ratio is a formula.
"""

import itertools
import math
import numbers
from typing import NamedTuple

import mpmath
import numpy as np
import torch
from tqdm import tqdm

from src.checks import COUNT, DIMENSION, MATRIX, arguments, between, check_pair, check_value, entries
from src.model import landscape, weights
from src.theory.bounds import G_LIMIT
from src.theory.closed_form import single

KINDS = ("random", "structured", "opposite", "near", "blocks")
_MARGIN = 1e-4  # the penalty on g sets in a little before its limit
_POSITIVE = between(0, math.inf)
_starts = arguments(d=DIMENSION[2:], gamma=_POSITIVE, count=DIMENSION, generator=torch.Generator)


class Search(NamedTuple):
    """What `minimize` found. Values are those of its objective; inf for a start that met no allowed pair."""

    W: torch.Tensor  # [d, d], the best allowed pair
    W_star: torch.Tensor
    best: float  # its value
    values: torch.Tensor  # [S], the best value from each start
    history: torch.Tensor  # [steps], the best value so far over all starts


def _check_values(name, values):
    check_value(name, values, torch.Tensor)
    check_value(name, values, entries(check_limit))


def printed_ratio(W, W_star):
    """<R, M> / |M|_F^2, of shape [...]: pi times `landscape.one_point_ratio`."""
    return math.pi * landscape.one_point_ratio(W, W_star)


def check_limit(name, value):
    """A kind of argument: a number that may be infinite, but not NaN."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, not {value!r}")
    if math.isnan(value):
        raise ValueError(f"{name} must be a number or an infinity, not {value}")


@arguments(W=MATRIX, gamma=_POSITIVE)
def clip(W, gamma):
    """The matrix with spectral norm at most gamma that is nearest to W in Frobenius norm: singular values clipped."""
    U, s, Vh = torch.linalg.svd(W, full_matrices=False)
    return U * s.clamp(max=gamma)[..., None, :] @ Vh


@_starts
def starts(d, gamma, count, generator):
    r"""`count` pairs (W, W*) of spectral norm at most gamma, each [count, d, d], and a list of their kinds, in turn:

    random      gamma times two independent orthogonal matrices;
    structured  two sums of I, u u^T / d, a skew K, a symmetric S (both with flat spectrum, random) and a diagonal of
                signs, with coefficients -1, 0 and 1, clipped;
    opposite    P - Q and P + Q with two such sums P and Q, clipped, P being zero every other time (W = -W*);
    near        such a sum and the same with a hundredth of a random orthogonal matrix added, clipped;
    blocks      two blocks of random sizes: W = -W* skew with flat spectrum on the first, W = W* = gamma I on the other.
    """
    like = {"dtype": torch.float64, "device": generator.device}

    def orthogonal():
        return weights.with_norms(d, 1.0, math.sqrt(d), generator)

    def combination():
        Q = orthogonal()
        signs = torch.where(torch.rand(2, d, generator=generator, **like) < 0.5, -1.0, 1.0)
        elements = torch.stack(
            [
                torch.eye(d, **like),
                torch.full((d, d), 1 / d, **like),
                weights.flat_skew(d, generator),
                Q * signs[0] @ Q.mT,
                torch.diag(signs[1]),
            ]
        )
        coefficients = torch.randint(-1, 2, (5, 1, 1), generator=generator, device=generator.device)
        return (coefficients * elements).sum(0)

    pairs, kinds = [], [KINDS[k % len(KINDS)] for k in range(count)]
    for k, kind in enumerate(kinds):
        if kind == "random":
            pair = orthogonal(), orthogonal()
        elif kind == "structured":
            pair = combination(), combination()
        elif kind == "opposite":
            P, Q = combination() * (k // len(KINDS) % 2), combination()
            pair = P - Q, P + Q
        elif kind == "near":
            P = combination()
            pair = P, P + 0.01 * orthogonal()
        else:
            m = int(torch.randint(3, d + 1, (), generator=generator, device=generator.device))
            K, rest = torch.zeros(d, d, **like), torch.eye(d, **like)
            K[:m, :m] = weights.flat_skew(m, generator)
            rest[:m, :m] = 0
            pair = rest - K, rest + K
        pairs.append(torch.stack(pair))
    W, W_star = torch.stack(pairs, 1)
    # A small random push, because a symmetric start would keep its symmetry.
    W = W + 1e-3 * torch.randn(W.shape, generator=generator, **like) / math.sqrt(d)
    return gamma * clip(W, 1.0), gamma * clip(W_star, 1.0), kinds


@_starts
def with_corners(d, gamma, count, generator):
    """Pairs (W, W*) of spectral norm at most gamma, each [n, d, d]: the corners of the span of I and J, then `starts`.

    A corner has eigenvalues +-gamma on u and +-gamma orthogonally to it, for W and for W*, W being another than W*:
    the 12 pairs at which a linear function of the weights in this span is largest. n = 12 + count; arguments and
    errors as in `starts`.
    """
    W, W_star, _ = starts(d, gamma, count, generator)
    signs = torch.tensor(list(itertools.product((-gamma, gamma), repeat=4)), dtype=W.dtype, device=W.device)
    signs = signs[(signs[:, :2] != signs[:, 2:]).any(1), :, None, None]  # [12, 4, 1, 1]
    on_u = torch.full((d, d), 1 / d, dtype=W.dtype, device=W.device)  # J / d
    on_rest = torch.eye(d, dtype=W.dtype, device=W.device) - on_u
    corners, corners_star = (signs[:, k] * on_rest + signs[:, k + 1] * on_u for k in (0, 2))
    return torch.cat([corners, W]), torch.cat([corners_star, W_star])


@arguments(gamma=_POSITIVE, g_min=check_limit, g_max=check_limit, steps=COUNT, step=_POSITIVE, objective=callable)
def minimize(W, W_star, gamma, *, g_min=-math.inf, g_max=G_LIMIT, steps=200, step=0.2, objective=printed_ratio):
    """Projected gradient descent on `objective` over the allowed pairs, from every pair of a batch at once: a Search.

    W, W_star: [S, d, d], the starts. `objective` maps such a pair to [S] and is differentiable. Each step follows the
    normalised gradient with momentum, `step` gamma sqrt(2 d) long at first and shrinking to nothing, and then clips
    the singular values to gamma. g is kept between g_min and g_max by an exact penalty; only pairs that satisfy the
    constraint as it stands count. Raises ValueError when no pair met on the way is allowed.
    """
    W, W_star = check_pair(W, W_star)
    if W.ndim != 3:
        raise ValueError(f"W and W_star must be batches of starts, [S, d, d], not {list(W.shape)}")
    if not g_min < g_max:
        raise ValueError(f"g_min must be below g_max, not {g_min} and {g_max}")
    pair = clip(torch.stack((W, W_star)), gamma)
    values = torch.full(pair.shape[1:2], math.inf, dtype=pair.dtype, device=pair.device)
    best, history, velocity = pair.clone(), [], 0
    for k in tqdm(range(steps), leave=False, disable=None):
        pair.requires_grad_()
        value, g = objective(*pair), landscape.potential(*pair)
        outside = (g - g_max + _MARGIN).clamp(min=0) + (g_min + _MARGIN - g).clamp(min=0)
        slope = torch.autograd.grad((value + outside).sum(), pair)[0]
        with torch.no_grad():
            better = (g <= g_max) & (g >= g_min) & (value < values)
            values = torch.where(better, value, values)
            best[:, better] = pair[:, better]
            history.append(values.min())
            length = slope.square().sum((0, -2, -1), keepdim=True).sqrt()
            velocity = 0.8 * velocity + 0.2 * slope / length.clamp(min=1e-300)
            size = step * gamma * math.sqrt(2 * pair.shape[-1]) * (1 - k / steps)
            pair = clip(pair.detach() - size * velocity, gamma)
    winner = values.argmin()
    if not torch.isfinite(values[winner]):
        raise ValueError(
            f"no start met a pair with g from g_min = {g_min} to g_max = {g_max}; allow more steps or another interval"
        )
    return Search(best[0, winner], best[1, winner], values[winner].item(), values, torch.stack(history))


@arguments(values=_check_values)
def best_of(values):
    """What the best of n of the S starts is on average, n = 1 ... S (drawn without replacement): [S].

    It says how the result grew with the number of starts: where it is flat, more starts would hardly help.
    """
    if values.ndim != 1 or not values.isfinite().any():
        raise ValueError(f"values must be a row [S], not all of it infinite, not {list(values.shape)}")
    ordered = values[values.isfinite()].sort().values.tolist()
    S = len(ordered)
    n = np.arange(1, S + 1)
    mean, weight = np.zeros(S), n / S  # weight: the probability that the k-th smallest is the least of n draws
    for k, value in enumerate(ordered):
        mean += weight * value
        weight = weight * np.maximum(S - k - n, 0) / max(S - k - 1, 1)
    return mean


@arguments(digits=range(1, 10_001))
def precise(W, W_star, digits=30):
    """(printed ratio, g) of one [d, d] pair by Lemma 2.1 in mpmath, as printed, term by term; 60 x 60 takes seconds."""
    W, W_star = single(W, W_star)
    if torch.equal(W, W_star):
        raise ValueError("W must differ from W_star: the one-point ratio is not defined at W = W_star")
    d = W.shape[-1]
    with mpmath.workdps(digits):
        A, B = (
            [[mpmath.mpf(x) + (i == j) for i, x in enumerate(column)] for j, column in enumerate(X.mT.tolist())]
            for X in (W, W_star)
        )
        M = [[y - x for x, y in zip(a, b)] for a, b in zip(A, B)]
        a, b = ([mpmath.norm(x) for x in X] for X in (A, B))
        total = mpmath.mpf(0)
        for j in range(d):
            am, aj = mpmath.fdot(A[j], M[j]) / a[j], A[j]
            for i in range(d):
                theta = mpmath.mpf(0) if i == j else mpmath.acos(mpmath.fdot(A[i], aj) / (a[i] * a[j]))
                theta_star = mpmath.acos(min(mpmath.mpf(1), mpmath.fdot(B[i], aj) / (b[i] * a[j])))
                total += mpmath.pi / 2 * mpmath.fdot(M[i], M[j])
                total += (mpmath.pi / 2 - theta_star) * mpmath.fdot(B[i], M[j])
                total -= (mpmath.pi / 2 - theta) * mpmath.fdot(A[i], M[j])
                total += (b[i] * mpmath.sin(theta_star) - a[i] * mpmath.sin(theta)) * am
        return total / mpmath.fsum(x * x for m in M for x in m), mpmath.fsum(b) - mpmath.fsum(a)
