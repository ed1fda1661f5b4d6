r"""Critical points of deep linear networks, and what Kawaguchi (2016) claims of them.

Chapter 21 proves the claims; here the critical points are made and their exact curvatures computed. weights, X, Y and
the modes are those of `deep_linear`; losses are in units of the loss at zero weights, |Y|_F^2 / 2.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.utils import parameters_to_vector

from src import verdicts
from src.checks import arguments, between, check_value, each, entries, within
from src.companions import deep_linear

ZERO = 1e-9  # what counts as none of an excess, or of a curvature in units of the largest
_NONE = 1e-12  # a singular value that is zero, in units of the largest


@arguments(generator=torch.Generator)
def designs(generator):
    """Three pairs (X, Y) by name: one that meets the conditions quoted for the theorem, and two that do not."""

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    inputs = {"full rank": normal(4, 20), "X of rank 2": normal(4, 2) @ normal(2, 20) / 2, "d_x < d_y": normal(2, 20)}
    outputs = {"full rank": 3, "X of rank 2": 3, "d_x < d_y": 4}
    found = {}
    for name, X in inputs.items():
        Y = normal(outputs[name], len(X)) @ X + 0.3 * normal(outputs[name], 20)
        found[name] = X / 20**0.5, Y / 20**0.5
    return found


@arguments(hidden=each(deep_linear.WIDTH), generator=torch.Generator)
def critical_point(X, Y, hidden, chosen, generator):
    """Weights at which the gradient vanishes: the product keeps the modes in the list `chosen`, and no other.

    hidden: the widths h_1, ..., h_{N-1}, into which the modes are embedded at random. Without a mode all weights are 0.
    """
    C, back = deep_linear.whitened(X, Y)
    P, S, Qh = torch.linalg.svd(C, full_matrices=False)
    check_value("chosen", chosen, list | tuple)
    for k in chosen:
        check_value("every entry of chosen", k, range(len(S)))
    if len(chosen) != len(set(chosen)) or len(chosen) > min(hidden):
        raise ValueError(f"chosen must be different modes, at most {min(hidden)} for these widths, not {chosen}")
    chosen = list(chosen)
    embedded = [torch.randn(h, len(chosen), generator=generator, dtype=X.dtype) for h in hidden]
    left = [torch.linalg.pinv(T) for T in embedded]
    middle = [T @ L for T, L in zip(embedded[1:], left)]
    return [embedded[0] * S[chosen] @ Qh[chosen] @ back, *middle, P[:, chosen] @ left[-1]]


def chain(weights, X, Y):
    """Directions D_k with (W_N + t D_N) ... (W_1 + t D_1) = Z + t^N p q^T in the coordinates of C, or None.

    p and q are the vectors of the largest mode that is missing in Z, at one of the `critical_point`s; every hidden
    layer must have room: a unit vector e_k orthogonal to what reaches it, which the next matrix sends to zero.
    """
    deep_linear.check_network(weights, X, Y)
    C, back = deep_linear.whitened(X, Y)
    Z = torch.linalg.multi_dot(weights[::-1]) @ torch.linalg.pinv(back)
    P, S, Qh = torch.linalg.svd(C - Z, full_matrices=False)
    if S[0] <= _NONE * C.norm():
        return None
    directions, inner, before = [], X, Qh[0] @ back
    for W in weights[:-1]:
        inner = W @ inner
        U, sizes, _ = torch.linalg.svd(inner)
        if len(sizes) == len(U) and sizes[-1] > _NONE * sizes[0]:
            return None
        directions.append(torch.outer(U[:, -1], before))
        before = U[:, -1]
    return [*directions, torch.outer(P[:, 0], before)]


# --- Points ----------------------------------------------------------------------------------------------------------


class Point(NamedTuple):
    """A critical point, its exact curvatures, and how far the loss falls and rises close to it."""

    network: str
    kept: tuple  # the modes that the product keeps
    matrices: int  # N
    excess: float  # loss less the least loss of the network
    slope: float  # norm of the gradient in units of the largest curvature
    least: float  # eigenvalues of the Hessian
    largest: float
    fall: float  # of the loss, at the distance of `examine`
    rise: float

    @property
    def best(self):
        """Whether it is a global minimum."""
        return self.excess < ZERO

    @property
    def curved(self):
        """Whether there is a negative curvature that rounding does not explain."""
        return self.least < -ZERO * max(self.largest, 1.0)


@arguments(network=str, hidden=each(deep_linear.WIDTH), generator=torch.Generator, radius=between(0, math.inf))
def examine(network, X, Y, hidden, chosen, generator, radius=0.1):
    """The Point at a `critical_point`. Its neighbours lie `radius` away, to both sides along the extreme
    eigenvectors of the Hessian and along the `chain`."""
    weights = critical_point(X, Y, hidden, chosen, generator)
    values, vectors = torch.linalg.eigh(deep_linear.hessian(weights, X, Y))
    least, largest = float(values[0]), float(values[-1])
    counts = [W.numel() for W in weights]
    directions = [sign * vectors[:, k] for k in (0, -1) for sign in (1, -1)]
    if along := chain(weights, X, Y):
        directions += [parameters_to_vector([*along[:-1], sign * along[-1]]) / len(along) ** 0.5 for sign in (1, -1)]
    scale = float(Y.square().sum()) / 2
    here = float(deep_linear.loss(weights, X, Y)) / scale
    near = []
    for direction in directions:
        moved = [W + radius * D.view(W.shape) for W, D in zip(weights, direction.split(counts), strict=True)]
        near.append(float(deep_linear.loss(moved, X, Y)) / scale)
    best = deep_linear.best_loss(X, Y, min(len(X), *hidden, len(Y))) / scale
    slope = float(parameters_to_vector(deep_linear.gradient(weights, X, Y)).norm()) / max(largest, 1.0)
    return Point(
        network, tuple(chosen), len(weights), here - best, slope, least, largest, here - min(near), max(near) - here
    )


def check_cases(designs, networks):
    """Pairs (X, Y) by name, and the hidden widths of each network."""
    check_value("designs", designs, dict)
    if not designs:
        raise ValueError("designs must hold at least one pair (X, Y)")
    for name, pair in designs.items():
        if not (isinstance(name, str) and isinstance(pair, tuple) and len(pair) == 2):
            raise TypeError(f"designs must hold pairs (X, Y) by name, not {name!r}: {type(pair).__name__}")
    check_value("networks", networks, each(each(deep_linear.WIDTH)))


@arguments(generator=torch.Generator)
def examine_all(designs, networks, generator):
    """The Points of all networks and designs, one for every set of modes that the product can keep."""
    check_cases(designs, networks)
    found = []
    for (name, (X, Y)), hidden in itertools.product(designs.items(), networks):
        count = len(deep_linear.modes(X, Y))
        for size in range(min(count, *hidden) + 1):
            for chosen in itertools.combinations(range(count), size):
                found.append(examine(name, X, Y, hidden, chosen, generator))
    return Points(tuple(found))


class Points(NamedTuple):
    """Critical points of several networks, and the verdicts on what is claimed of them."""

    each: tuple  # of Point

    @property
    def others(self):
        """Those that are no global minimum."""
        return tuple(point for point in self.each if not point.best)

    @property
    def saddles(self):
        """Claim 3: every other one has lower and higher points close to it."""
        return _verdict([point.fall > 0 < point.rise for point in self.others])

    @property
    def strict(self):
        """Claim 4, two matrices: every other one has a direction of negative curvature."""
        return _verdict([point.curved for point in self.others if point.matrices == 2])

    @property
    def flat(self):
        """The saddles of more than two matrices without negative curvature."""
        return tuple(p for p in self.others if p.matrices > 2 and p.fall > 0 < p.rise and not p.curved)

    @property
    def bad(self):
        """Claim 4, more than two matrices: every number of them has such a saddle."""
        deep = {point.matrices for point in self.others if point.matrices > 2}
        return _verdict([depth in {point.matrices for point in self.flat} for depth in deep])


def _verdict(found):
    return verdicts.HOLDS if found and all(found) else verdicts.FAILS


# --- Segments --------------------------------------------------------------------------------------------------------


class NotConvex(NamedTuple):
    """How far the loss is from convex and from concave, the least of several networks."""

    hump: float  # loss half-way between two global minima, W and W with the signs of W_1 and W_2 changed, less theirs
    sag: float  # mean loss at the ends of a segment along W_N, from zero to twice a minimum, less the loss half-way

    @property
    def verdict(self):
        """Claim 1."""
        return _verdict([self.hump > ZERO, self.sag > ZERO])


@arguments(generator=torch.Generator)
def not_convex(designs, networks, generator):
    """The NotConvex of all networks and designs."""
    check_cases(designs, networks)
    humps, sags = [], []
    for (X, Y), hidden in itertools.product(designs.values(), networks):
        best = list(range(min(len(deep_linear.modes(X, Y)), *hidden)))
        weights = critical_point(X, Y, hidden, best, generator)
        scale = float(Y.square().sum()) / 2

        first, second, *rest = weights
        between_minima = [deep_linear.loss([t * first, t * second, *rest], X, Y) / scale for t in (-1, 0, 1)]
        along_last = [deep_linear.loss([*weights[:-1], t * weights[-1]], X, Y) / scale for t in (0, 1, 2)]
        humps.append(float(between_minima[1] - max(between_minima[0], between_minima[2])))
        sags.append(float((along_last[0] + along_last[2]) / 2 - along_last[1]))
    return NotConvex(min(humps), min(sags))


# --- One unit ---------------------------------------------------------------------------------------------------------


class Valleys(NamedTuple):
    """The least losses of one unit that is to map the inputs 1 and -1 to two outputs."""

    linear: float  # of w_2 w_1 x
    right: float  # of w_2 ReLU(w_1 x) where w_1 > 0
    left: float  # and where w_1 < 0


def unit_loss(w_1, w_2, outputs, relu):
    """(|f(1) - y_1|^2 + |f(-1) - y_2|^2) / 2 for f(x) = w_2 w_1 x, or w_2 ReLU(w_1 x); w_1, w_2 numbers or arrays."""
    for name, w in (("w_1", w_1), ("w_2", w_2)):
        check_value(name, w, entries(within(-math.inf, math.inf)))
    _two("outputs", outputs)
    check_value("relu", relu, bool)
    hidden = [np.maximum(w_1, 0.0), np.maximum(-w_1, 0.0)] if relu else [w_1, -w_1]
    return sum((w_2 * h - y) ** 2 for h, y in zip(hidden, outputs, strict=True)) / 2


def valleys(outputs):
    """The Valleys for the outputs (y_1, y_2): each half of the ReLU unit serves one of them, a linear unit both."""
    _two("outputs", outputs)
    first, second = outputs
    return Valleys((first + second) ** 2 / 4, second**2 / 2, first**2 / 2)


def _two(name, value):
    check_value(name, value, each(within(-math.inf, math.inf)))
    if len(value) != 2:
        raise ValueError(f"{name} must be two numbers, not {len(value)}")
