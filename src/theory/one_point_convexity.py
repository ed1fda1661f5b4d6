r"""One-point strong convexity: Definition 2.4, what it has to do with convexity, and a surface for Figure 4.

A function f is delta-one-point strongly convex towards x* where <-grad f(x), x* - x> > delta |x* - x|^2. The surface
is our own,

$$f(x, y) = x^2 + h \sin^2 x + y^2 + h \sin^2 y, \qquad h = 3 .$$

Along an axis x f'(x) = x^2 (2 + 2 h sin(2x) / (2x)), and sin(z) / z is never below -0.2173: one-point strongly convex
towards the origin for h < 4.60, convex only for h <= 1, because f''(pi/2) = 2 - 2 h.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import minimize_scalar

from src import verdicts
from src.checks import COUNT, DIMENSION, arguments, between, entries, within
from src.model import weights

_AT = entries(within(-math.inf, math.inf))  # numbers x or y
_HEIGHT = within(0, math.inf)


class Strictness(NamedTuple):
    """Definition 2.4 for the surface, with delta: <-grad f(x), x* - x> - delta |x* - x|^2, which is to be positive."""

    at_optimum: float  # at x = x*
    elsewhere: float  # the smallest over other points, in units of |x* - x|^2

    @property
    def verdict(self):
        """holds, if the strict inequality is true at x* too; holds, corrected, if everywhere else and with >= there,
        so that it is enough to leave x* out; fails otherwise."""
        if min(self.at_optimum, self.elsewhere) > 0:
            return verdicts.HOLDS
        return verdicts.CORRECTED if self.at_optimum == 0 < self.elsewhere else verdicts.FAILS


class FromConvexity(NamedTuple):
    """Section 2: a strongly convex f is one-point strongly convex in the whole space; ratios over the modulus of f."""

    at_optimum: float  # <-grad f(x), x* - x> - delta |x* - x|^2 at x = x*, which is to be positive
    smallest: float  # <-grad f(x), x* - x> / |x* - x|^2 over the modulus: the smallest over functions and points

    @property
    def verdict(self):
        """holds, if the strict inequality is true at x* too; holds, corrected, if the constant is the modulus at all
        other points; fails otherwise."""
        if self.smallest < 1 - 1e-9:
            return verdicts.FAILS
        return verdicts.HOLDS if self.at_optimum > 0 else verdicts.CORRECTED


@arguments(n=DIMENSION, generator=torch.Generator)
def strongly_convex(n, generator):
    """(gradient, modulus) of f(x) = <x, H x> / 2 + sum_k log cosh(<c_k, x> - e_k) on [..., n], H, c and e random.

    The modulus is the least eigenvalue of H, between 0.1 and 1: the sum is convex, and almost flat far away.
    """
    Q = weights.with_norms(n, 1.0, math.sqrt(n), generator)
    curvatures = 10 ** -torch.rand(n, generator=generator, dtype=torch.float64)
    c, e = (torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((n, n), (n,)))
    return lambda x: x @ (Q * curvatures) @ Q.mT + torch.tanh(x @ c - e) @ c.mT, float(curvatures.min())


@arguments(gradient=callable, n=DIMENSION)
def minimiser(gradient, n):
    """Where the gradient of a function of `strongly_convex` vanishes, [n], by Newton's method with halved steps."""
    x = torch.zeros(n, dtype=torch.float64)
    for _ in range(200):
        slope = gradient(x)
        way = torch.linalg.solve(torch.func.jacrev(gradient)(x), slope)
        step = 1.0
        while step > 1e-3 and gradient(x - step * way).norm() > slope.norm():
            step /= 2
        x = x - step * way
        if slope.norm() < 1e-13:
            break
    return x


@arguments(n=DIMENSION[1:], functions=COUNT[1:], points=DIMENSION[1:], generator=torch.Generator)
def from_convexity(n, functions, points, generator):
    """The FromConvexity of that many functions of `strongly_convex` in n dimensions, each at `points` points near and
    far. Raises TypeError or ValueError for bad input."""
    ratios, at_optimum = [], []
    for _ in range(functions):
        gradient, modulus = strongly_convex(n, generator)
        optimum = minimiser(gradient, n)
        way = torch.randn(points, n, generator=generator, dtype=torch.float64)
        way = way * 10 ** torch.linspace(-2, 2, points, dtype=torch.float64)[:, None]
        ratios.append(float(((gradient(optimum + way) * way).sum(1) / way.square().sum(1)).min()) / modulus)
        zero = optimum - optimum
        at_optimum.append(float(gradient(optimum) @ zero - modulus * zero @ zero))
    return FromConvexity(max(at_optimum), min(ratios))


class NotConvex(NamedTuple):
    """What the surface has to show."""

    proved: float  # the one-point constant that the text proves, 2 + 2 h min sin(z) / z
    one_point: float  # the smallest <-grad f(x), -x> / |x|^2 over a grid
    curvature: float  # the smallest second derivative along an axis, over the grid
    chord_gap: float  # height of a chord from x to the centre above the surface: negative where it passes below

    @property
    def verdict(self):
        """holds, if a positive one-point constant is proved and no point contradicts it, though a curvature is negative
        and a chord passes below; fails otherwise."""
        one_point_convex = 0 < self.proved <= self.one_point + 1e-12
        return verdicts.HOLDS if one_point_convex and self.curvature < 0 and self.chord_gap < 0 else verdicts.FAILS


@arguments(x=_AT, y=_AT, height=_HEIGHT)
def surface(x, y, height=3.0):
    """f(x, y) with ripples of that height, elementwise."""
    _check_shapes(x, y)
    return x**2 + height * np.sin(x) ** 2 + y**2 + height * np.sin(y) ** 2


@arguments(x=_AT, height=_HEIGHT)
def slope(x, height=3.0):
    """The derivative of f along one axis, elementwise."""
    return 2 * x + height * np.sin(2 * x)


@arguments(x=_AT, y=_AT, height=_HEIGHT)
def chord_gap(x, y, height=3.0):
    """The lowest height above the surface of the chord from each point (x, y) to the centre, at 49 places on it."""
    _check_shapes(x, y)
    part = np.linspace(0.02, 0.98, 49).reshape(-1, *np.ones(max(np.ndim(x), np.ndim(y)), dtype=int))
    return (part * surface(x, y, height) - surface(part * x, part * y, height)).min(0)


@arguments(height=_HEIGHT)
def constant(height=3.0):
    """The largest one-point constant of the surface in the whole plane: the infimum of 2 + 2 h sin(z) / z."""
    return 2 + 2 * height * float(minimize_scalar(lambda z: math.sin(z) / z, bounds=(4, 5), method="bounded").fun)


@arguments(x=_AT, y=_AT, height=_HEIGHT)
def one_point_ratios(x, y, height=3.0):
    """<-grad f, -(x, y)> / |(x, y)|^2, elementwise, for points (x, y) other than the origin."""
    _check_shapes(x, y)
    square = x**2 + y**2
    if not np.all(square > 0):
        raise ValueError("x and y must leave out the origin, where the one-point ratio is not defined")
    return (x * slope(x, height) + y * slope(y, height)) / square


@arguments(x=_AT, y=_AT, height=_HEIGHT)
def not_convex(x, y, height=3.0):
    """The NotConvex of the surface over the points (x, y), none of them the origin."""
    x, y = np.asarray(x), np.asarray(y)
    one_point = one_point_ratios(x, y, height).min()
    curvature = 2 + 2 * height * np.cos(2 * x)
    return NotConvex(constant(height), float(one_point), float(curvature.min()), float(chord_gap(x, y, height).min()))


@arguments(x=_AT, y=_AT, delta=between(0, math.inf), height=_HEIGHT)
def strictness(x, y, delta, height=3.0):
    """The Strictness of Definition 2.4 for the surface with that delta, at the origin and at the points (x, y)."""
    at_optimum = 2 * 0.0 * slope(0.0, height) - delta * 0.0**2
    return Strictness(float(at_optimum), float(one_point_ratios(np.asarray(x), np.asarray(y), height).min()) - delta)


def _check_shapes(x, y):
    try:
        np.broadcast_shapes(np.shape(x), np.shape(y))
    except ValueError:
        raise ValueError(
            f"x and y must have shapes that broadcast, not {list(np.shape(x))} and {list(np.shape(y))}"
        ) from None
