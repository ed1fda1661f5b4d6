r"""How small can the one-point ratio of Theorem 3.3 be? Adversarial search, exact families, and a bound from below.

Everything here is at the printed scale: the ratio is <R, M> / |M|_F^2 with R the sum of Lemma 2.1 and M = W* - W, which
is pi times `landscape.one_point_ratio`. A pair (W, W*) is allowed when |W|_2, |W*|_2 <= gamma and g <= g_max.

`minimize` searches all pairs from many starts, `minimize_span` only those in the span of I, J = u u^T / d and Paley's
K, where the ratio is a formula in six numbers, for any d. What a search finds is an upper bound on the smallest ratio;
`lower_bound` is a lower one, for every d at once.
"""

import math
from typing import NamedTuple

import mpmath
import numpy as np
import torch
from scipy.optimize import minimize as minimize_smooth
from tqdm import tqdm

from src import landscape, matrices
from src.bounds import G_LIMIT
from src.checks import check_generator, check_integer, check_positive

KINDS = ("random", "structured", "opposite", "near", "blocks")
_MARGIN = 1e-4  # the penalty on g sets in a little before its limit


class Search(NamedTuple):
    """What `minimize` found. Values are those of its objective; inf for a start that met no allowed pair."""

    W: torch.Tensor  # [d, d], the best allowed pair
    W_star: torch.Tensor
    best: float  # its value
    values: torch.Tensor  # [S], the best value from each start
    history: torch.Tensor  # [steps], the best value so far over all starts


def printed_ratio(W, W_star):
    """<R, M> / |M|_F^2, of shape [...]: pi times `landscape.one_point_ratio`."""
    return math.pi * landscape.one_point_ratio(W, W_star)


def clip(W, gamma):
    """The matrix with spectral norm at most gamma that is nearest to W in Frobenius norm: singular values clipped."""
    U, s, Vh = torch.linalg.svd(W, full_matrices=False)
    return U * s.clamp(max=gamma)[..., None, :] @ Vh


def starts(d, gamma, count, generator):
    r"""`count` pairs (W, W*) of spectral norm at most gamma, each [count, d, d], and a list of their kinds, in turn:

    random      gamma times two independent orthogonal matrices;
    structured  two sums of I, u u^T / d, a skew K, a symmetric S (both with flat spectrum, random) and a diagonal of
                signs, with coefficients -1, 0 and 1, clipped;
    opposite    P - Q and P + Q with two such sums P and Q, clipped, P being zero every other time (W = -W*);
    near        such a sum and the same with a hundredth of a random orthogonal matrix added, clipped;
    blocks      two blocks of random sizes: W = -W* skew with flat spectrum on the first, W = W* = gamma I on the other.
    """
    check_integer("d", d, at_least=3)
    check_integer("count", count, at_least=1)
    check_positive("gamma", gamma)
    check_generator(generator)
    like = {"dtype": torch.float64, "device": generator.device}

    def orthogonal():
        return matrices.with_norms(d, 1.0, math.sqrt(d), generator)

    def combination():
        Q = orthogonal()
        signs = torch.where(torch.rand(2, d, generator=generator, **like) < 0.5, -1.0, 1.0)
        elements = torch.stack(
            [
                torch.eye(d, **like),
                torch.full((d, d), 1 / d, **like),
                matrices.flat_skew(d, generator),
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
            K[:m, :m] = matrices.flat_skew(m, generator)
            rest[:m, :m] = 0
            pair = rest - K, rest + K
        pairs.append(torch.stack(pair))
    W, W_star = torch.stack(pairs, 1)
    # A small random push, because a symmetric start would keep its symmetry.
    W = W + 1e-3 * torch.randn(W.shape, generator=generator, **like) / math.sqrt(d)
    return gamma * clip(W, 1.0), gamma * clip(W_star, 1.0), kinds


def minimize(W, W_star, gamma, *, g_min=-math.inf, g_max=G_LIMIT, steps=200, step=0.2, objective=printed_ratio):
    """Projected gradient descent on `objective` over the allowed pairs, from every pair of a batch at once: a Search.

    W, W_star: [S, d, d], the starts. `objective` maps such a pair to [S] and is differentiable. Each step follows the
    normalised gradient with momentum, `step` gamma sqrt(2 d) long at first and shrinking to nothing, and then clips
    the singular values to gamma. g is kept between g_min and g_max by an exact penalty; only pairs that satisfy the
    constraint as it stands count. Raises ValueError when no pair met on the way is allowed.
    """
    check_positive("gamma", gamma)
    check_integer("steps", steps, at_least=1)
    check_positive("step", step)
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
        raise ValueError(f"no start met a pair with {g_min} <= g <= {g_max}; allow more steps or another interval")
    return Search(best[0, winner], best[1, winner], values[winner].item(), values, torch.stack(history))


def best_of(values):
    """What the best of n of the S starts is on average, n = 1 ... S (drawn without replacement): [S].

    It says how the result grew with the number of starts: where it is flat, more starts would hardly help.
    """
    ordered = values[values.isfinite()].sort().values.tolist()
    S = len(ordered)
    n = np.arange(1, S + 1)
    mean, weight = np.zeros(S), n / S  # weight: the probability that the k-th smallest is the least of n draws
    for k, value in enumerate(ordered):
        mean += weight * value
        weight = weight * np.maximum(S - k - n, 0) / max(S - k - 1, 1)
    return mean


def precise(W, W_star, digits=30):
    """(printed ratio, g) of one [d, d] pair by Lemma 2.1 in mpmath, as printed, term by term; 60 x 60 takes seconds."""
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


class Span(NamedTuple):
    """The best pair W = x_1 I + x_2 J + x_3 K, W* = y_1 I + y_2 J + y_3 K that `minimize_span` found."""

    x: tuple
    y: tuple
    ratio: float
    g: float


def span_matrix(x, d):
    """x_1 I + x_2 u u^T / d + x_3 K with Paley's `flat_skew` K, [d, d] float64: d a prime congruent to 3 modulo 4."""
    return x[0] * torch.eye(d, dtype=torch.float64) + x[1] / d + x[2] * matrices.flat_skew(d)


def span_norm(x):
    """The spectral norm of `span_matrix`: |x_1 + x_2| on u, |(x_1, x_3)| on everything orthogonal to it."""
    return max(abs(x[0] + x[1]), math.hypot(x[0], x[2]))


def span_ratio(x, y, d):
    r"""(printed ratio, g) of the pair W, W* with coordinates x, y, from six scalars, floats or mpmath numbers.

    With A = I + W and B = I + W*, the products A^T A, B^T B and B^T A lie in the same span (K is skew, K^2 = J - I), so
    that all columns have one length and there are four angles: of (a_i, a_j), of (b_j, a_j), and of (b_i, a_j) where
    K_ij is plus or minus 1 / sqrt(d). As a formula it makes sense for every d.
    """
    m = mpmath if isinstance(x[0], mpmath.mpf) else math
    (alpha, p, k), (beta, q, l) = x, y
    alpha, beta = 1 + alpha, 1 + beta
    u, v = alpha + p, beta + q

    def entries(c, s, t):  # of c (I - J) + s K + t J: on the diagonal, where K is positive, where it is negative
        return (c * (d - 1) + t) / d, (t - c) / d + s / m.sqrt(d), (t - c) / d - s / m.sqrt(d)

    AA, BB = entries(alpha**2 + k**2, 0, u**2), entries(beta**2 + l**2, 0, v**2)
    BA = entries(alpha * beta + k * l, beta * k - alpha * l, u * v)  # [i, j] is <b_i, a_j>
    AB = BA[0], BA[2], BA[1]
    a, b = m.sqrt(AA[0]), m.sqrt(BB[0])
    own = m.atan2(m.sqrt(abs(AA[0] * BB[0] - BA[0] ** 2)), BA[0])
    theta = 0, m.acos(AA[1] / a**2), m.acos(AA[1] / a**2)
    theta_star = own, m.acos(BA[1] / (a * b)), m.acos(BA[2] / (a * b))
    total = 0
    for n, k in zip((1, (d - 1) / 2, (d - 1) / 2), range(3)):
        total += n * ((m.pi - theta_star[k]) * (BB[k] - BA[k]) - (m.pi - theta[k]) * (AB[k] - AA[k]))
        total += n * (b * m.sin(theta_star[k]) - a * m.sin(theta[k])) * (AB[0] - AA[0]) / a
    return total / (AA[0] + BB[0] - 2 * BA[0]), d * (b - a)


def minimize_span(d, gamma, *, g_max=G_LIMIT, tries=5, seed=0):
    """The smallest `span_ratio` with spectral norms at most gamma and g <= g_max, by SLSQP from random starts: a Span.

    Only results that satisfy every constraint as it stands count.
    """
    check_integer("d", d, at_least=3)
    check_positive("gamma", gamma)
    rng, best = np.random.default_rng(seed), None
    root = math.sqrt(d)
    trace = 1 / root / (1 + gamma * root)  # so much of I in W* - W moves g by about 1, or the inner product as K does
    scale = gamma * np.array([1, 1 / root, 1, trace, 1, 1])

    def coordinates(z):
        u, half_u, i, half_i, k, half_k = (scale * z).tolist()
        return (i - half_i, u - half_u - i + half_i, k - half_k), (i + half_i, u + half_u - i - half_i, k + half_k)

    def slack(z):
        x, y = coordinates(z)
        norms = [1 - f / gamma**2 for w in (x, y) for f in (w[0] ** 2 + w[2] ** 2, (w[0] + w[1]) ** 2)]
        return np.array([*norms, g_max - span_ratio(x, y, d)[1]]) - 1e-7

    for _ in range(tries):
        found = minimize_smooth(
            lambda z: span_ratio(*coordinates(z), d)[0],
            rng.uniform(-0.6, 0.6, 6),
            method="SLSQP",
            constraints={"type": "ineq", "fun": slack},
            options={"maxiter": 200, "ftol": 1e-10},
        )
        x, y = coordinates(found.x)
        ratio, g = span_ratio(x, y, d)
        allowed = max(span_norm(x), span_norm(y)) <= gamma and g <= g_max
        if allowed and (best is None or ratio < best.ratio):
            best = Span(x, y, ratio, g)
    if best is None:
        raise ValueError("no start of the search ended at an allowed pair; allow more tries")
    return best


def span_limit(gamma, g=G_LIMIT):
    r"""The ratio at W = -a I - b K and W* = -a I + b K, plus a trace that makes g what it is, as d goes to infinity.

    With a^2 + b^2 = gamma^2, t = b / (1 - a) and n = sqrt((1 - a)^2 + b^2) the length of every column, the
    least over a of
        pi/2 - arctan t - t / (1 + t^2) - 1 / (1 + t^2)^2 - g / (2 n).
    """
    a = np.linspace(0, gamma, 2001)
    t = np.sqrt(gamma**2 - a**2) / (1 - a)
    square = 1 + t**2
    ratio = math.pi / 2 - np.arctan(t) - t / square - 1 / square**2 - g / (2 * (1 - a) * np.sqrt(square))
    return float(ratio.min())


def lower_bound(gamma, g_max=G_LIMIT):
    r"""No allowed pair, in any dimension, has a smaller printed ratio than this. Chapter 5 has the proof.

    With kappa = 1 / (1 - gamma), rho = (1 + gamma) kappa, epsilon = rho^2 - 1 and mu = 1 / sqrt(1 - epsilon^2),
        pi/2 - mu rho^2 - 2 gamma kappa (1 + kappa) - 2.6 gamma^2 kappa^2 - arcsin epsilon
             - (1 + gamma) mu epsilon rho kappa - mu epsilon^2 / 2 - kappa max(g_max, 0) / 2.
    Raises ValueError unless epsilon < 1, that is gamma < 0.17.
    """
    check_positive("gamma", gamma)
    kappa = 1 / (1 - gamma)
    rho = (1 + gamma) * kappa
    epsilon = rho**2 - 1
    if not (gamma < 1 and epsilon < 1):
        raise ValueError(f"gamma must be below (sqrt(2) - 1) / (sqrt(2) + 1) = 0.1716, not {gamma}")
    mu = 1 / math.sqrt(1 - epsilon**2)
    return (
        math.pi / 2
        - mu * rho**2
        - 2 * gamma * kappa * (1 + kappa)
        - 2.6 * (gamma * kappa) ** 2
        - math.asin(epsilon)
        - (1 + gamma) * mu * epsilon * rho * kappa
        - mu * epsilon**2 / 2
        - kappa * max(g_max, 0.0) / 2
    )
