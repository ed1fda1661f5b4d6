r"""The theorem of Du, Zhai, Poczos and Singh (2019) with the constants of the chapter's proof, and its evidence.

With probability 1 - 3 p a network of `overparameterization.sufficient_width` learns at the promised rate, no weight
leaves `overparameterization.radius`, and the least eigenvalue of H(W) stays above lambda_0 / 2.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np
import torch

from src import verdicts
from src.checks import arguments, between, within
from src.companions import lazy_training, overparameterization, wide_networks
from src.companions.lazy_training import STEPS

WIDEST = 10**7  # of a network that is trained at the width that the theorem asks for
_SLACK = 1 + 1e-9
_SIZE, _PROBABILITY = within(0, 1e3), between(0, 1 / 3)


@arguments(begin=lazy_training.Start, eta=between(0, 10), steps=STEPS)
def proof_steps(begin, eta, steps):
    """The three inequalities of the proof along a training, as the largest ratio of left to right side: [3].

    kernel: |H(W_t) - H(W_0)|_2 <= 2 n b. remainder: |r_(t+1) - (I - eta H(W_t)) r_t| <= eta sqrt(n) b |r_t|. movement:
    max_k |w_k(t+1) - w_k(0)| <= eta sqrt(n / m) sum_(s <= t) |r_s|. There b is the sum over inputs of the share of
    units with |w_k(0) . x_i| at most the largest movement until t + 1.
    """
    states = lazy_training.descent(begin, eta)
    seen = [(Z.clone(), (C * KC).sum(0).max() / Z.shape[1], r) for Z, C, KC, r in itertools.islice(states, steps + 1)]
    n, m = begin.Z.shape
    first, farthest, total, ratios = lazy_training.gram(begin, begin.Z), 0.0, 0.0, []
    for (Z, _, r), (_, square, after) in itertools.pairwise(seen):
        moved, H, size = math.sqrt(square), lazy_training.gram(begin, Z), float(r.norm())
        farthest, total = max(farthest, moved), total + size
        b = float((begin.Z.abs() <= farthest).sum()) / m
        left = torch.linalg.matrix_norm(H - first, 2), (after - r + eta * H @ r).norm(), moved
        right = 2 * n * b, eta * math.sqrt(n) * b * size, eta * math.sqrt(n / m) * total
        ratios.append([float(x) / y if x > 1e-12 else 0.0 for x, y in zip(left, right, strict=True)])
    return np.max(ratios, 0)


class Regime(NamedTuple):
    """Trainings of one input at a width that the theorem asks for, with the constants of the proof."""

    width: int
    p: float  # it fails with probability 3 p at most
    faster: float  # share of the starts from which the error falls as promised in every step
    inside: float  # share from which no weight leaves the radius
    curved: float  # share from which H(W) keeps half of lambda_0


@arguments(size=_SIZE, p=_PROBABILITY, starts=range(1, 10**4), generator=torch.Generator, flow=bool)
def regime(size, p, starts, generator, flow=False):
    """The `Regime` of the input 1 with the label `size`, at eta = 1/n = 1; the flow's by steps of 1/4."""
    eta, lambda_0 = (0.25 if flow else 1.0), 0.5
    width = math.ceil(overparameterization.sufficient_width(1, lambda_0, p, size, flow))
    if width > WIDEST:
        raise ValueError(f"p must be larger, or size smaller: the width would be {width:,}, more than {WIDEST:,}")
    radius = overparameterization.radius(1, lambda_0, p)
    promised = math.exp(-lambda_0 * eta) if flow else overparameterization.promised_ratio(eta, lambda_0)
    X, y = torch.ones(1, 1, dtype=torch.float64), torch.tensor([size], dtype=torch.float64)
    good = []
    for _ in range(starts):
        run = lazy_training.train(lazy_training.start(X, y, width, generator), eta, round(20 / eta))
        before, after = run.squares[:-1], run.squares[1:]
        falls = (after <= promised * before) | (before < wide_networks.FLOOR * before[0])
        good.append([bool(falls.all()), float(run.largest.max()) <= radius, min(run.ends) >= lambda_0 / 2])
    return Regime(width, p, *np.mean(good, 0).tolist())


class Theorem(NamedTuple):
    """The proof's steps, and trainings where the theorem promises something."""

    kernel: float
    remainder: float
    movement: float  # largest ratios of left to right side, see `proof_steps`
    closes: float  # the movement that the asked width allows, in units of the radius that the proof needs
    regime: Regime

    @property
    def promise(self):
        """1 - 3 p, the probability with which the theorem holds at least."""
        return 1 - 3 * self.regime.p

    def _verdict(self, share):
        if share < self.promise:
            return verdicts.FAILS
        proved = max(self.kernel, self.remainder, self.movement, self.closes) <= _SLACK
        return verdicts.HOLDS if proved else verdicts.OPEN

    @property
    def rate(self):
        """Fails, if fewer starts than promised converge at the rate; open, if a step of the proof fails; else holds."""
        return self._verdict(self.regime.faster)

    @property
    def near(self):
        """The same for the weights that stay in the radius, and H(W) that keeps half of lambda_0."""
        return self._verdict(min(self.regime.inside, self.regime.curved))


@arguments(n=range(2, 101), width=range(1, 10**5), steps=range(2, 1000), size=_SIZE, p=_PROBABILITY,
           starts=range(1, 10**4), generator=torch.Generator, flow=bool)  # fmt: skip
def theorem(n, width, steps, size, p, starts, generator, flow=False):
    """The evidence `Theorem`: the steps at n random inputs and eta = 1/n, the constants there, and `regime`."""
    X, y = lazy_training.problem(n, n, generator)
    ratios = proof_steps(lazy_training.start(X, y, width, generator), 1 / n, steps)
    lambda_0 = overparameterization.least(X)
    asked = overparameterization.sufficient_width(n, lambda_0, p, size, flow)
    residual = math.sqrt(n * (size**2 + 0.5) / p)  # but for a probability p
    moves = overparameterization.movement_bound(n, asked, lambda_0, residual, flow)
    closes = moves / overparameterization.radius(n, lambda_0, p)
    return Theorem(*ratios.tolist(), closes, regime(size, p, starts, generator, flow))
