r"""A fixed training set near W = W* = 0: its own Hessian in place of the population's, and how much slower that is.

On n given inputs the loss is the mean of <W, X>^2 with X = x 1(x > 0)^T, so that its Hessian is twice the sample mean
of X (x) X, as a sample covariance of n vectors in d^2 dimensions. For n < d^2 it is zero on at least d^2 - n
directions, and whatever W has there stays. Otherwise its spectrum is close to the law of Marchenko and Pastur for the
population's rates l_k with multiplicities m_k (`linearised.families`) and the ratio c = d^2 / n. The lower edge of
that law is the largest value on y < -1 / min l of (Silverstein and Choi 1995)

    -1/y + (c / d^2) sum_k m_k l_k / (1 + l_k y).

The law asks for independent entries, which X has not; that it fits all the same is what `compare` shows.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import minimize_scalar
from torch import Tensor

from src import verdicts
from src.checks import FORMULA, arguments, between, check_tensor, each
from src.dynamics import linearised

CLOSE = 0.05  # of that of fresh inputs the slowest rate may be off
_LARGEST = 40  # dimension of a spectrum that is computed


def rates(x: Float[Tensor, "n d"]) -> Float[Tensor, " m"]:
    """The m = d^2 eigenvalues, ascending, of the Hessian of the training loss at W = W* = 0 on the inputs x [n, d].

    Raises TypeError or ValueError for anything else, and for d above 40.
    """
    form = f"inputs [n, d] with d from 3 to {_LARGEST}"
    check_tensor("x", x, form, lambda shape: len(shape) == 2 and 3 <= shape[1] <= _LARGEST)
    X = torch.einsum("ni,nj->nij", x, (x > 0).to(x)).flatten(1)
    return torch.linalg.eigvalsh(2 / len(x) * X.mT @ X).clamp(min=0)


@arguments(d=FORMULA[3:], n=FORMULA)
def slowest(d, n):
    """The smallest rate by the law: 0 for n <= d^2."""
    if n <= d**2:
        return 0.0
    families = linearised.families(d)
    l, m = (np.array([getattr(one, name) for one in families]) for name in ("rate", "multiplicity"))

    def below(share):  # y = -1 / (share min l)
        y = -1 / (share * l.min())
        return -float(-1 / y + np.sum(m * l / (1 + l * y)) / n)

    return -float(minimize_scalar(below, bounds=(0, 1), method="bounded", options={"xatol": 1e-10}).fun)


class Set(NamedTuple):
    """One training set."""

    d: int
    n: int
    slowest: float  # the smallest rate seen
    law: float  # and by the law
    flat: int  # rates that are zero
    population: float  # the smallest rate of fresh inputs

    @property
    def share(self):
        """The smallest rate seen, over that of fresh inputs."""
        return self.slowest / self.population


class Sets(NamedTuple):
    """Claim fixed-set."""

    sets: tuple

    @property
    def verdict(self):
        """holds, if every smallest rate is the law's up to CLOSE, and at least d^2 - n directions are flat."""
        flat = all(one.flat >= one.d**2 - one.n for one in self.sets)
        near = all(abs(one.slowest - one.law) <= CLOSE * one.population for one in self.sets)
        return verdicts.HOLDS if self.sets and flat and near else verdicts.FAILS


@arguments(d=range(3, _LARGEST + 1), ratios=each(between(0, 200)), generator=torch.Generator)
def compare(d, ratios, generator):
    """The Sets with ratio * d^2 Gaussian inputs each."""
    found = []
    for ratio in ratios:
        n = max(1, round(ratio * d**2))
        seen = rates(torch.randn(n, d, generator=generator, dtype=torch.float64))
        flat = int((seen < 1e-10).sum())
        population = linearised.families(d)[-1].rate
        found.append(Set(d, n, float(seen[0]) if not flat else 0.0, slowest(d, n), flat, population))
    return Sets(tuple(found))
