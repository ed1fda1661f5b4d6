r"""Tian's Theorem 4.1: K equal ReLU nodes and what breaks their symmetry.

Y. Tian, "Symmetry-Breaking Convergence Analysis of Certain Two-layered Neural Networks with ReLU nonlinearity"
(submitted to ICLR 2017). K teachers w*_j are orthonormal, and the students start at x w*_j + y (sum of the others).
They stay of this form, so that two numbers (x, y) tell all. In this book's model the teachers are the unit vectors,
W* = 0, and W = (x - 1) I + y (J - I), J the matrix of ones. The loss is half the mean squared error, half of eq. 2.

Polar coordinates with r = |w_j| and theta the angle of w_j to w*_j, x = r cos(theta), sqrt(K-1) y = r sin(theta):

    loss = K / (4 pi) (r^2 p(theta) - 2 r q(theta)) + constant,    dr/dt = (q - r p) / (2 pi),
    r dtheta/dt = (2 q' - r p') / (4 pi),                           h(a) = sin(a) + (pi - a) cos(a),
    p = pi + (K - 1) h(phi),    q = h(theta) + (K - 1) h(phi*),

phi the angle of two students, phi* that of w_j to another teacher. A point is critical where r = q / p and
N = 2 q' p - q p' vanishes: one function of the angle decides Theorem 4.1. `sector` bounds it for all K at once.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from scipy.integrate import solve_ivp

from src import verdicts
from src.checks import arguments, between, each, entries
from src.model import population

NODES = range(2, 10**9)  # K: with one node there is no symmetry to break
_MATRIX = range(2, 1001)  # K of weights that are made
_STEPS = range(1, 10**6 + 1)
_COORDINATE, _POSITIVE = entries(between(-math.inf, math.inf)), between(0, math.inf)
_DETOUR = 0.05  # a path that rises this far in y has left the straight way to (1, 0)
_ZERO, _AT_SADDLE = 1e-10, 1e-6  # as a matrix the gradient at the saddle has an arc cosine's half of the digits

# (x - 1)^2 + (K - 1) y^2 after 1000 steps of 0.01 from (0.001, 0), as dynamics.py of
# https://github.com/yuandong-tian/ICML17_ReLU gives it, by K: the last points of Figure 4 (d).
PUBLISHED = {2: 2.2101348e-3, 5: 9.38598e-7, 10: 3.99823e-13}


@arguments(K=_MATRIX, x=between(-math.inf, math.inf), y=between(-math.inf, math.inf))
def weights(K, x, y):
    """W [K, K] of this book with the students x w*_j + y (sum of the others): W* = 0, float64."""
    return torch.full((K, K), float(y), dtype=torch.float64) + (x - y - 1) * torch.eye(K, dtype=torch.float64)


@arguments(K=NODES, x=_COORDINATE, y=_COORDINATE)
def loss(K, x, y):
    """Half the mean squared error at (x, y), numbers or arrays of one shape."""
    r, theta, phi, phi_star = _polar(K, x, y)
    p, q = math.pi + (K - 1) * _h(phi), _h(theta) + (K - 1) * _h(phi_star)
    return K / (4 * math.pi) * (r**2 * p - 2 * r * q + math.pi + K - 1)


@arguments(K=NODES, x=_COORDINATE, y=_COORDINATE)
def velocity(K, x, y):
    """(dx/dt, dy/dt) of the gradient flow of `loss` in the weights, his eq. 16, at numbers or arrays of one shape."""
    return _velocity(K, x, y)


def _velocity(K, x, y):
    r, theta, phi, phi_star = _polar(K, x, y)
    pull = (math.pi - phi) * (x - 1 + (K - 1) * y)
    stretch = (K - 1) * (np.sin(phi_star) / r - np.sin(phi)) + np.sin(theta) / r
    dx = stretch * x - pull - theta - phi * (x - 1)
    dy = stretch * y - pull - (phi_star - phi) - phi * y
    return dx / (2 * math.pi), dy / (2 * math.pi)


def _polar(K, x, y):
    """r, theta, phi and phi*. The first two angles are taken such that small ones keep their digits."""
    if np.shape(x) != np.shape(y):
        raise ValueError(f"y must have the shape of x, {list(np.shape(x))}, not {list(np.shape(y))}")
    r = np.sqrt(x**2 + (K - 1) * y**2)
    if not np.all(r > 0):
        raise ValueError("x and y must not both be zero: there the loss has no gradient")
    theta = np.arctan2(math.sqrt(K - 1) * np.abs(y), x)
    return r, theta, 2 * np.arcsin(np.minimum(np.abs(x - y) / (math.sqrt(2) * r), 1)), np.arccos(y / r)


def _h(angle):
    return np.sin(angle) + (math.pi - angle) * np.cos(angle)


@arguments(K=NODES, x=_COORDINATE, y=_COORDINATE, step=_POSITIVE, steps=_STEPS)
def descend(K, x, y, step, steps):
    """Gradient descent in the plane from (x, y), numbers or arrays of one shape: [steps + 1, 2, ...]."""
    path = [np.array([x, y], dtype=float)]
    for _ in range(steps):
        path.append(path[-1] + step * np.array(_velocity(K, *path[-1])))
    return np.stack(path)


# --- The symmetric case ----------------------------------------------------------------------------------------------


@arguments(K=NODES)
def saddle(K):
    """x = y of the saddle: K equal nodes, the best student of that kind."""
    return (math.sqrt(K - 1) + math.pi - math.acos(1 / math.sqrt(K))) / (math.pi * K)


@arguments(K=NODES)
def escape_rate(K):
    """The rate at which equal nodes part at the saddle: minus the lowest eigenvalue of the Hessian of half of eq. 2."""
    return K / (2 * math.pi * saddle(K) * math.sqrt(K - 1))


@arguments(K=_MATRIX)
def spectrum_at_saddle(K):
    """The ascending eigenvalues [K^2] of the Hessian of half of eq. 2 at the saddle, in all K^2 directions."""
    mu = escape_rate(K)
    counted = {-mu: (K - 1) ** 2, 0.0: K - 1, K / 2 - mu: K - 1, K / 2: 1}
    return np.repeat(list(counted), list(counted.values()))


@arguments(K=NODES)
def rates_at_teacher(K):
    """The two eigenvalues, slow and fast, of the Hessian of half of eq. 2 at (1, 0) in the plane."""
    a, d = 1 / 2 + (K - 1) / (2 * math.pi), K / 4 + 1 / (2 * math.pi)
    root = math.sqrt((a - d) ** 2 + (K - 1) / 4)
    return (a + d - root) / 2, (a + d + root) / 2


class Symmetric(NamedTuple):
    """Theorem 4.1 (1): arrays [n], one entry for each number K of nodes."""

    nodes: np.ndarray  # K
    place: np.ndarray  # x = y of the saddle in closed form
    gradient_norm: np.ndarray  # there, of half of eq. 2, in all K^2 directions
    arrival: np.ndarray  # the largest distance in x from it, after a descent from x = y between 0 and 1
    curvature: np.ndarray  # the lowest eigenvalue of the Hessian there, measured in the plane

    @property
    def verdict(self):
        """Holds, if every descent arrives at a critical point with a negative curvature; else fails."""
        critical = (self.arrival < _ZERO) & (self.gradient_norm < _AT_SADDLE * self.nodes)
        return verdicts.HOLDS if (critical & (self.curvature < 0)).all() else verdicts.FAILS


@arguments(nodes=each(_MATRIX))
def symmetric(nodes):
    """The Symmetric evidence for these K: descents from x = y in (0, 1] with the step 1/K."""
    rows = []
    for K in nodes:
        s, x = saddle(K), np.array([1e-6, 0.01, 0.1, 0.5, 1.0])
        W, apart = weights(K, s, s), weights(K, 1, -1 / (K - 1)) + torch.eye(K, dtype=torch.float64)
        gradient = population.gradient(W, torch.zeros_like(W)) / 2
        product = population.hessian_product(W, torch.zeros_like(W), apart) / 2
        end = descend(K, x, x, 1 / K, 60)[-1]
        curvature = (apart * product).sum() / (apart * apart).sum()
        rows.append((K, s, gradient.norm(), np.abs(end - s).max(), curvature))
    return Symmetric(*np.array(rows, dtype=float).T)


# --- Symmetry broken -------------------------------------------------------------------------------------------------


@arguments(K=NODES, gaps=each(between(0, 0.1)))
def escape_times(K, gaps):
    """The times [n] after which x - y = 1/2, on the flow from the saddle's x = y, parted by these gaps."""

    def parted(t, z):
        return z[0] - z[1] - 0.5

    parted.terminal = True
    times, s = [], saddle(K)
    for gap in gaps:
        start = [s + gap * (K - 1) / K, s - gap / K]
        options = {"events": parted, "rtol": 1e-9, "atol": 1e-14}
        times.append(solve_ivp(lambda t, z: _velocity(K, *z), (0, 1e4), start, **options).t[-1])
    return np.array(times)


class Figure(NamedTuple):
    """Figure 4 (c) and (d): descent from (0.001, 0) with steps of 0.01, arrays [n] for the published K."""

    nodes: np.ndarray
    errors: np.ndarray  # [n, steps + 1], (x - 1)^2 + (K - 1) y^2
    largest_y: np.ndarray  # of each path, which starts and ends at y = 0: the detour
    published: np.ndarray  # the errors after the last step, by the published code

    @property
    def verdict(self):
        """Holds, if the last errors are the published ones to six digits, fall with K, and every path takes the
        detour; else fails."""
        last = self.errors[:, -1]
        same = np.allclose(last, self.published, rtol=3e-6, atol=0)
        return (
            verdicts.HOLDS
            if same and (np.diff(last) < 0).all() and (self.largest_y > _DETOUR).all()
            else verdicts.FAILS
        )


@arguments()
def figure():
    """The Figure evidence, 1000 steps."""
    paths = np.stack([descend(K, 1e-3, 0.0, 0.01, 1000) for K in PUBLISHED])
    nodes = np.array(list(PUBLISHED))
    errors = (paths[:, :, 0] - 1) ** 2 + (nodes[:, None] - 1) * paths[:, :, 1] ** 2
    return Figure(nodes, errors, paths[:, :, 1].max(1), np.array(list(PUBLISHED.values())))
