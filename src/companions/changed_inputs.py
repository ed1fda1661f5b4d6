r"""Layers of linear attention that change the inputs too, A_l = a_l Sigma^-1 and B_l = b_l I: the source's GD++.

After Ahn, Cheng, Daneshmand and Sra (2023), see `linear_attention` and `in_context_descent`. With x ~ N(0, Sigma) and
w ~ N(0, Sigma^-1) the loss is d times a mean over the spectrum mu of the whitened Gram matrix, of a polynomial of the
degree 3^L - 1 for L layers.
"""

from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import least_squares

from src import verdicts
from src.checks import arguments, between, check_value, each, vector
from src.companions import wishart

NEAR = 0.05  # relative
_NUMBER, _POSITIVE = between(-1e6, 1e6), between(0, 1e6)


@arguments(steps=vector(_NUMBER))
def residual(nodes, steps, changes=None):
    """What is left of w in directions where the Gram matrix has the eigenvalues `nodes` [m]: [m].

    A layer multiplies it by 1 - a_l lambda_l and makes lambda_{l+1} = lambda_l (1 - a_l b_l lambda_l)^2. changes: the
    b_l, one fewer than the steps, as the last one changes nothing; None for zeros.
    """
    check_value("nodes", nodes, vector(_NUMBER))
    changes = [0.0] * (len(steps) - 1) if changes is None else changes
    check_changes(changes, steps)
    return _residual(np.asarray(nodes, float), steps, changes)


@arguments(steps=vector(_NUMBER))
def check_changes(changes, steps):
    """Numbers b_l, one fewer than the steps."""
    if len(steps) > 1:
        check_value("changes", changes, vector(_NUMBER))
    if len(changes) != len(steps) - 1:
        raise ValueError(f"changes must be one fewer than the {len(steps)} steps, not {len(changes)}")


def _residual(nodes, steps, changes):
    left = np.ones_like(nodes)
    for a, b in zip(steps, [*changes, 0.0], strict=True):
        left = left * (1 - a * nodes)
        nodes = nodes * (1 - a * b * nodes) ** 2
    return left


@arguments(d=wishart.SIZE, n=wishart.SIZE, depth=range(1, 4))
def exact_rule(d, n, depth):
    """The `Rule` d mu that is exact for the squared `residual` of that depth, of degree 2, 8, 26."""
    rule = wishart.spectrum(d, n, 3**depth - 1)
    return wishart.Rule(rule.nodes, d * rule.weights)


@arguments(d=wishart.SIZE, n=wishart.SIZE, count=range(1, 10**6), generator=torch.Generator)
def batch_rule(d, n, count, generator):
    """The same for a batch of prompts: the eigenvalues of `count` Gram matrices, each with the weight 1 / count."""
    nodes = torch.linalg.eigvalsh(wishart.draw(d, n, count, generator)).flatten().numpy()
    return wishart.Rule(nodes, np.full(len(nodes), 1 / count))


PICTURES = (  # steps and changes in the authors' notebooks, means over the diagonals; not Sigma = I, and Sigma = I
    ((0.38, 2.40, 9.56), (0.90, 0.57)),
    ((0.71, 2.65, 7.13), (0.34, 0.34)),
)


class Minimum(NamedTuple):
    """A local minimum of the loss over the steps a and the changes b."""

    loss: float
    steps: np.ndarray  # [L]
    changes: np.ndarray  # [L - 1]


@arguments(rule=wishart.Rule, depth=range(2, 4), starts=range(1, 1001), seed=range(2**31))
def minima(rule, depth, starts, seed):
    """Different local `Minimum`s of `rule.weights @ residual(...)^2`, the lowest first, found from random starts.

    Levenberg and Marquardt's method; where it does not come to rest at finite values, nothing is counted.
    """
    draws, found = np.random.default_rng(seed), []
    for _ in range(starts):
        start = np.concatenate((np.sort(draws.uniform(0.1, 4, depth)), draws.uniform(0, 1, depth - 1)))
        one = _descend(rule, depth, start)
        if one is not None and all(abs(one.loss / other.loss - 1) > 1e-6 for other in found):
            found.append(one)
    return sorted(found, key=lambda one: one.loss)


@arguments(rule=wishart.Rule, starts=each(Minimum))
def nearby(rule, starts):
    """The local `Minimum`s for another `rule` that descents from `starts` reach; without those that do not rest."""
    found = (_descend(rule, len(one.steps), np.concatenate((one.steps, one.changes))) for one in starts)
    return [one for one in found if one is not None]


def _descend(rule, depth, start):
    root = np.sqrt(rule.weights)

    def fun(t):
        return root * _residual(rule.nodes, t[:depth], t[depth:])

    def slopes(t):  # exact to rounding: the residual is a polynomial, and a complex step subtracts nothing
        return np.stack([fun(t + 1e-100j * direction).imag for direction in np.eye(len(t))], 1) / 1e-100

    found = least_squares(fun, start, slopes, method="lm", xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=400)
    rests = found.status > 0 and np.abs(found.x).max() < 100 and np.abs(found.grad).max() < 1e-6
    return Minimum(2 * found.cost, found.x[:depth], found.x[depth:]) if rests else None


class Origin(NamedTuple):
    """How far printed steps and changes are from the closest of the minima for two numbers n of examples.

    One entry a picture: the largest relative difference of its numbers from those of the closest minimum.
    """

    text: tuple  # for the n that the text gives
    code: tuple  # for that of the authors' code

    @property
    def verdict(self):
        """Holds, if all pictures belong to the text's n; corrected, if to the code's and none to the text's."""
        if max(self.text) < NEAR:
            return verdicts.HOLDS
        return verdicts.CORRECTED if max(self.code) < NEAR < min(self.text) else verdicts.FAILS


@arguments(minima=each(Minimum), steps=vector(_POSITIVE), changes=vector(_POSITIVE))
def distance(minima, steps, changes):
    """The largest relative difference of steps and changes from those of the closest of the `minima`."""
    if any(len(one.steps) != len(steps) for one in minima) or len(changes) != len(steps) - 1:
        raise ValueError("minima must be of the depth of steps, and changes one fewer")
    printed = np.concatenate((steps, changes))
    return float(min(np.abs(np.concatenate((one.steps, one.changes)) / printed - 1).max() for one in minima))
