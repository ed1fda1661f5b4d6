r"""How large a gradient can be: the bounds of section 2 on which the step size of Phase I rests.

Section 2 writes a stochastic gradient as G_t = R + E_t with |E_t|_F <= epsilon and says that |G_t|_2 <= G_2 and
|G_t|_F <= G_F (`bounds`) when |W|_2, |W*|_2 <= gamma. R = -pi grad L is the sum of Lemma 2.1. What is to be shown is
|R|_2 <= 6 d gamma: the noise adds at most epsilon to either norm, and |R|_F <= sqrt(d) |R|_2. Here it is bounded from
above by a proof (`proved_norms`) and from below by a search (`sizes`).
"""

import math
from typing import NamedTuple

import torch

from src import verdicts
from src.checks import COUNT, FORMULA, MATRIX, arguments, between, each, like
from src.model import population
from src.theory import bounds, search

SMALL = 0.1  # the largest gamma that counts as small weights; the theorems' constants are below 0.03
LEAST_D = 100  # the theorems ask for d >= 100
_BOUNDS = {2: bounds.gradient_spectral, "fro": bounds.gradient_frobenius}
_POSITIVE = between(0, math.inf)


class Pieces(NamedTuple):
    """Bounds on the spectral norms of the pieces of R, whose sum they are; see `landscape.gradient_parts`."""

    columns: float  # (pi/2) M J
    itself: float  # (pi/2) M
    potential: float  # A_bar Diag(g_j)
    first_order: float  # the columns A_j a_bar_j
    higher_order: float  # the rest


@arguments(d=FORMULA, gamma=_POSITIVE)
def proved_norms(d, gamma):
    r"""The Pieces for every pair with |W|_2, |W*|_2 <= gamma < 0.1015, in dimension d.

    With beta = 2 gamma / (1 - gamma), psi = 1 + beta and xi = psi^2 - 1 the bars obey |A_bar - I|_2 <= beta and
    |A_bar|_2 <= psi, B_bar too, and the cosines |C - I|_2, |C* - I|_2 <= xi, C = A_bar^T A_bar, C* = B_bar^T A_bar.
    Without their diagonals: |off(C)|_2 <= xi, |off(C*)|_2 <= 2 xi, |off(C* - C)|_2 <= 4 beta psi. A function with
    non-negative Taylor coefficients, taken entry by entry, obeys |f(X)|_2 <= f(|X|_2), as Hadamard powers do.
    Raises ValueError unless 2 xi < 1.
    """
    beta = 2 * gamma / (1 - gamma) if gamma < 1 else math.inf
    psi, xi = 1 + beta, beta * (2 + beta)
    if not 2 * xi < 1:
        raise ValueError(f"gamma must be below 0.1010, so that the series of the arc sine converges, not {gamma}")
    turn = 2 * math.asin(beta)  # the largest angle between a_j and b_j, whose directions differ by at most 2 beta
    longest = 1 + gamma  # the largest |a_j|, |b_j|, |I + W|_2
    odd = (math.asin(2 * xi) - 2 * xi) + (math.asin(xi) - xi)  # of arcsin(c) - c over C* and C
    even = xi**2  # of sum_i q(c_ij), q(c) = 1 - sqrt(1 - c^2) <= c^2, in one column: student and teacher subtract
    own = 2 * beta * math.sin(turn) + psi * (turn - math.sin(turn))  # sin(theta) a_bar_j - theta b_bar_j
    return Pieces(
        columns=math.pi * gamma * d,
        itself=math.pi * gamma,
        potential=2 * gamma * (d - 1) * psi,
        first_order=2 * gamma * 2 * xi + longest * 4 * beta * psi,
        higher_order=longest * (odd + psi * even + own),
    )


@arguments(d=FORMULA, gamma=_POSITIVE)
def proved_share(d, gamma):
    """The bound of `proved_norms` over G_2 without noise. It grows with gamma and falls with d: each piece over gamma
    grows with gamma, and the sum is linear in d with positive coefficients."""
    return sum(proved_norms(d, gamma)) / bounds.gradient_spectral(d, gamma)


class Sizes(NamedTuple):
    """The largest gradients found, as shares of the paper's bounds at the printed scale, without noise."""

    gammas: tuple  # increasing spectral norms of W and W*
    spectral: tuple  # the largest |R|_2 / G_2 over the pairs, at each gamma
    frobenius: tuple  # the largest |R|_F / G_F over the pairs, at each gamma
    ascended: tuple  # (|R|_2 / G_2, |R|_F / G_F) after gradient ascent from the worst of them
    proved: float  # `proved_share` at the least d of the theorems and the largest gamma that counts as small

    @property
    def largest(self):
        """(|R|_2 / G_2, |R|_F / G_F), the largest with small weights."""
        small = [k for k, gamma in enumerate(self.gammas) if gamma <= SMALL]
        return tuple(
            max(top, *(shares[k] for k in small)) for top, shares in zip(self.ascended, (self.spectral, self.frobenius))
        )

    @property
    def crossing(self):
        """The first gamma at which |R|_2 exceeds G_2; None if it nowhere does."""
        return next((gamma for gamma, share in zip(self.gammas, self.spectral) if share > 1), None)

    @property
    def verdict(self):
        """fails, if with small weights a norm exceeds its bound; holds otherwise."""
        return verdicts.HOLDS if max(self.largest) <= 1 else verdicts.FAILS

    @property
    def evidence(self):
        """proved, if the proof reaches all small weights; searched, if only the search does."""
        return verdicts.PROVED if self.proved <= 1 else verdicts.SEARCHED


@arguments(gamma=_POSITIVE)
def share(W, W_star, gamma, norm):
    """|R| / G without noise, of shape [...]: spectral norm and G_2 for norm = 2, Frobenius and G_F for norm = "fro".

    W, W_star: [..., d, d]. Differentiable. Raises ValueError for another norm, and errors as `population.gradient`.
    """
    if not isinstance(norm, int | str) or isinstance(norm, bool) or norm not in _BOUNDS:
        raise ValueError(f"norm must be 2 or 'fro', not {norm!r}")
    R = -math.pi * population.gradient(W, W_star)
    return torch.linalg.matrix_norm(R, norm) / _BOUNDS[norm](W.shape[-1], gamma)


@arguments(W=MATRIX, W_star=like("W"), gammas=each(_POSITIVE), ascent=COUNT, ascend_at=_POSITIVE)
def sizes(W, W_star, gammas, ascent, ascend_at=0.01):
    """The largest `share` of the pairs gamma W, gamma W* at each of the gammas, and what ascent reaches: Sizes.

    W, W_star: [S, d, d] pairs of spectral norm at most one. Projected gradient ascent takes `ascent` steps at
    gamma = `ascend_at`, for each norm from its two worst pairs.
    """
    if W.ndim != 3 or len(W) < 2:
        raise ValueError(f"W must hold at least two pairs, [S, d, d], not {list(W.shape)}")
    if W_star.shape != W.shape:
        raise ValueError(f"W_star must hold as many matrices as W, {len(W)}, not {list(W_star.shape)}")
    if torch.linalg.matrix_norm(torch.cat([W, W_star]), 2).max() > 1 + 1e-6:
        raise ValueError("W and W_star must have spectral norms of at most 1")
    if list(gammas) != sorted(set(gammas)):
        raise ValueError(f"gammas must increase, not {gammas}")
    tried, ascended = [], []
    for norm in _BOUNDS:
        tried.append(tuple(float(share(y * W, y * W_star, y, norm).max()) for y in gammas))
        worst = share(ascend_at * W, ascend_at * W_star, ascend_at, norm).topk(2).indices
        found = search.minimize(
            ascend_at * W[worst],
            ascend_at * W_star[worst],
            ascend_at,
            g_max=math.inf,
            steps=ascent,
            objective=lambda *pair, norm=norm: -share(*pair, ascend_at, norm),
        )
        ascended.append(-found.best)
    return Sizes(tuple(gammas), *tried, tuple(ascended), proved_share(LEAST_D, SMALL))
