r"""How large a gradient can be, and how noisy: the bounds of section 2 on which the step size of Phase I rests.

Section 2 writes a stochastic gradient as G_t = R + E_t and says that |G_t|_2 <= G_2, |G_t|_F <= G_F (`bounds`) when
|W|_2, |W*|_2 <= gamma; Theorem 3.1 asks for |E_t|_F <= epsilon <= gamma^2. R = -pi grad L is the sum of Lemma 2.1.
"""

import math
from typing import NamedTuple

import torch

from src import verdicts
from src.checks import check_generator, check_integer, check_matrix, check_pair, check_positive, check_same_kind
from src.model import population, weights
from src.theory import bounds, search

SMALL = 0.1  # the largest gamma that counts as small weights; the theorems' constants are below 0.03
_BOUNDS = {2: bounds.gradient_spectral, "fro": bounds.gradient_frobenius}


class Sizes(NamedTuple):
    """The largest gradients found, as shares of the paper's bounds at the printed scale, without noise."""

    gammas: tuple  # increasing spectral norms of W and W*
    spectral: tuple  # the largest |R|_2 / G_2 over the pairs, at each gamma
    frobenius: tuple  # the largest |R|_F / G_F over the pairs, at each gamma
    ascended: tuple  # (|R|_2 / G_2, |R|_F / G_F) after gradient ascent from the worst of them

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
        """holds, if with small weights no norm exceeds its bound; fails otherwise."""
        return verdicts.HOLDS if max(self.largest) <= 1 else verdicts.FAILS


def share(W, W_star, gamma, norm):
    """|R| / G without noise, of shape [...]: spectral norm and G_2 for norm = 2, Frobenius and G_F for norm = "fro".

    W, W_star: [..., d, d]. Differentiable. Raises ValueError for another norm, and errors as `population.gradient`.
    """
    if norm not in _BOUNDS:
        raise ValueError(f"norm must be 2 or 'fro', not {norm!r}")
    R = -math.pi * population.gradient(W, W_star)
    return torch.linalg.matrix_norm(R, norm) / _BOUNDS[norm](W.shape[-1], gamma)


def sizes(W, W_star, gammas, ascent, ascend_at=0.01):
    """The largest `share` of the pairs gamma W, gamma W* at each of the gammas, and what ascent reaches: Sizes.

    W, W_star: [S, d, d] pairs of spectral norm at most one. Projected gradient ascent takes `ascent` steps at
    gamma = `ascend_at`, for each norm from its two worst pairs.
    """
    check_matrix("W", W)
    check_same_kind("W_star", W_star, W)
    if W.ndim != 3 or len(W) < 2:
        raise ValueError(f"W must hold at least two pairs, [S, d, d], not {list(W.shape)}")
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
    return Sizes(tuple(gammas), *tried, tuple(ascended))


class Noise(NamedTuple):
    """The noise E_t of a minibatch's gradient at one pair (W, W*), true scale (pi times that in the printed one)."""

    d: int
    batch: int  # inputs of a minibatch, B
    gamma: float  # what the paper says of the spectral norms there
    loss: float  # L(W)
    mean_square: float  # of |E_t|_F over the minibatches drawn
    error: float  # standard error of the mean of |E_t|_F

    @property
    def factor(self):
        """The root mean square of |E_t|_F in units of gamma^2: the bound asks for at most one."""
        return math.sqrt(self.mean_square) / self.gamma**2

    @property
    def predicted(self):
        """d sqrt(2 L / B), what the root mean square of |E_t|_F is close to for small weights and large d."""
        return self.d * math.sqrt(2 * self.loss / self.batch)

    @property
    def enough(self):
        """The batch with which the root mean square would be down to gamma^2."""
        return self.batch * self.mean_square / self.gamma**4


class NoiseBound(NamedTuple):
    """The noise at several places, by name."""

    places: dict  # of Noise

    @property
    def verdict(self):
        """fails, if the noise exceeds gamma^2 at every place; holds otherwise."""
        return verdicts.FAILS if min(noise.factor for noise in self.places.values()) > 1 else verdicts.HOLDS


def minibatch_noise(W, W_star, batch, batches, generator):
    """|E_t|_F of `batches` minibatches of `batch` Gaussian inputs at one [d, d] pair, true scale: [batches].

    Of one sample the gradient is 2 (f(x, W) - f(x, W*)) x 1(x^T (I + W) > 0); E_t is the minibatch's mean less
    grad L.
    """
    W, W_star = check_pair(W, W_star)
    if W.ndim != 2:
        raise ValueError(f"W must be one [d, d] matrix, not {list(W.shape)}")
    check_integer("batch", batch, at_least=1)
    check_integer("batches", batches, at_least=1)
    check_generator(generator)
    A = torch.eye(W.shape[-1], dtype=W.dtype) + W
    exact = population.gradient(W, W_star)
    noise = []
    for _ in range(batches):
        x = torch.randn(batch, W.shape[-1], generator=generator, dtype=W.dtype)
        h = x @ A  # [batch, d]
        h_star = x + x @ W_star if W_star.any() else x
        residual = h.relu().sum(1) - h_star.relu().sum(1)  # [batch]
        G = 2 / batch * (x * residual[:, None]).mT @ (h > 0).to(W.dtype)
        noise.append((G - exact).norm())
    return torch.stack(noise)


def noise_at(W, W_star, gamma, batch, batches, generator):
    """`minibatch_noise` and the loss as a Noise; needs at least two batches."""
    check_positive("gamma", gamma)
    check_integer("batches", batches, at_least=2)
    size = minibatch_noise(W, W_star, batch, batches, generator)
    return Noise(
        d=W.shape[-1],
        batch=batch,
        gamma=gamma,
        loss=float(population.loss(W, W_star)),
        mean_square=float(size.square().mean()),
        error=float(size.std()) / math.sqrt(batches),
    )


def noise_bound(large, batches, generator):
    """The NoiseBound at the starts of sections 5.2 and 5.3, with their batches, and at a pair inside Theorem 3.1.

    large: the dimension of section 5.3's start, a prime congruent to 3 modulo 4 (1500 in the paper); up to 1000 its
    Frobenius norm is 2 instead of 5, which keeps the spectral norm small.
    """
    first, teacher = (weights.with_norms(100, 0.6, F, generator) for F in (5.0, 5.7))
    inside, inside_teacher = (weights.with_norms(100, 0.01, F, generator) for F in (0.05, 0.06))
    F = 5.0 if large > 1000 else 2.0
    wrong_way = weights.wrong_way_start(large, F, -0.75 * F**2)
    places = {
        "section 5.2": (first, teacher, 0.6, 200),
        "section 5.3": (wrong_way, torch.zeros_like(wrong_way), 0.15, 300),
        "inside the theorem": (inside, inside_teacher, 0.01, 200),
    }
    return NoiseBound({name: noise_at(*place, batches, generator) for name, place in places.items()})
