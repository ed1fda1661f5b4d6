r"""The model in three variables, exactly: weights in the span of I, J and K.

J = u u^T is the matrix of ones. K is skew, with K u = 0 and K K^T = I - J/d, and where d is a prime congruent to 3
modulo 4 it can be Paley's matrix: K_ij = chi(j - i) / sqrt(d), chi the quadratic character modulo d. The weights

$$W = \alpha\,(I - J/d) + \kappa K + \tau J/d$$

act on u as the number $\tau$ and orthogonally to u, where K^2 = -1, as the complex number $\alpha + i\kappa$: sums,
products and transposes of such matrices are sums, products and conjugates of the pairs $(\alpha + i\kappa, \tau)$.

Let student and teacher both be of this kind. The loss does not change when rows and columns of both are permuted alike,
and I, J, K span the matrices that commute with the permutations $x \mapsto sx + c$, s a square. So the gradient lies in
the same span, and the flow of eq. 2 is an ordinary differential equation for $(\alpha, \kappa, \tau)$.

All columns have one length, and every angle takes one of few values: between a_i and a_j, between b_j and a_j, and
between b_i and a_j where K_ij is positive or negative. That is all the functions compute with. They take coordinates
(alpha, kappa, tau) and d, and work in Python floats or, given mpmath numbers, in mpmath's precision. They need no
matrix, and as formulas they make sense for every d.
"""

import math

import mpmath
import numpy as np
import torch
from scipy.integrate import solve_ivp

from src.checks import DIMENSION, FORMULA, arguments, between, check_value, each, entries, within
from src.dynamics.history import CURVES, TIMES, History
from src.model.weights import flat_skew, has_paley

ZERO = (0.0, 0.0, 0.0)  # the teacher of section 5.3
_FINITE = between(-math.inf, math.inf)
_ANY = within(1, FORMULA[-1])  # a dimension, which need be no integer in a formula


def _are_three_floats(W):
    """As hot loops pass them, and told at once."""
    return isinstance(W, tuple | list) and len(W) == 3 and all(isinstance(x, float) and math.isfinite(x) for x in W)


def _check_coordinates(name, W):
    """Three numbers or arrays of them, as a list or an array."""
    if _are_three_floats(W):
        return
    array = isinstance(W, np.ndarray | torch.Tensor)
    check_value(name, W, entries(_FINITE) if array else each(entries(_FINITE)))
    if (array and W.ndim == 0) or len(W) != 3:
        raise ValueError(f"{name} must be the three coordinates (alpha, kappa, tau)")


def _check_point(name, W):
    """Three numbers, as a list or a numpy array."""
    if _are_three_floats(W):
        return
    if isinstance(W, torch.Tensor):
        raise TypeError(f"{name} must be a list or numpy array of the coordinates, not a tensor")
    _check_coordinates(name, W)
    _check_numbers(name, W)


def _check_numbers(name, W):
    if any(np.ndim(x) for x in W):
        raise ValueError(f"{name} must hold three numbers, not arrays")


COORDINATES, POINT = _check_coordinates, _check_point  # kinds of arguments for `src.checks.arguments`


@arguments(d=FORMULA[2:], frobenius=between(0, math.inf), trace=_FINITE)
def start(d, frobenius, trace):
    """Coordinates of `weights.wrong_way_start(d, frobenius, trace)`, the start of section 5.3: tau is 0.

    Raises ValueError, naming the argument, unless |trace| <= frobenius * sqrt(d - 1).
    """
    largest = frobenius * math.sqrt(d - 1)
    if not abs(trace) <= largest:
        raise ValueError(f"trace must be between -{largest:.6g} and {largest:.6g}, not {trace!r}")
    alpha = trace / (d - 1)
    return alpha, math.sqrt(max(frobenius**2 / (d - 1) - alpha**2, 0.0)), 0.0


@arguments(W=COORDINATES, d=DIMENSION)
def matrix(W, d):
    """The [d, d] float64 tensor with coordinates W and Paley's K; d must be a prime congruent to 3 modulo 4."""
    _check_numbers("W", W)
    if not has_paley(d):
        raise ValueError(f"d must be a prime congruent to 3 modulo 4, not {d}")
    alpha, kappa, tau = map(float, W)
    return kappa * flat_skew(d) + (tau - alpha) / d + alpha * torch.eye(d, dtype=torch.float64)


@arguments(W=POINT)
def spectral_norm(W):
    """|W|_2: |tau| on u, |alpha + i kappa| on everything orthogonal to it."""
    return max(abs(W[2]), math.hypot(W[0], W[1]))


@arguments(X=COORDINATES, Y=COORDINATES, d=_ANY)
def inner(X, Y, d):
    """The Frobenius inner product of two matrices given by their coordinates."""
    return (d - 1) * (X[0] * Y[0] + X[1] * Y[1]) + X[2] * Y[2]


@arguments(W=COORDINATES, d=_ANY)
def trace(W, d):
    return (d - 1) * W[0] + W[2]


@arguments(W=POINT, d=_ANY)
def column_length(W, d):
    """|e_j + w_j|, the same for every j."""
    return _column_length(W, d)


def _column_length(W, d):
    square = (d - 1) * ((1 + W[0]) ** 2 + W[1] ** 2) + (1 + W[2]) ** 2
    return _arithmetic(W).sqrt(square / d)


@arguments(W=POINT, d=_ANY, W_star=POINT)
def potential(W, d, W_star=ZERO):
    """g of Definition 2.2."""
    return d * (_column_length(W_star, d) - _column_length(W, d))


@arguments(W=POINT, d=_ANY, W_star=POINT)
def gradient(W, d, W_star=ZERO):
    """The gradient of eq. 2 in W at the true scale, as coordinates."""
    return _gradient(W, d, W_star)


@arguments(W=POINT, d=_ANY, W_star=POINT)
def loss(W, d, W_star=ZERO):
    """Eq. 2. In floats good to some ten digits at W* = 0; elsewhere to an absolute error of some 1e-16 |W*|_F^2 d."""
    return _loss(W, d, W_star)


def _loss(W, d, W_star):
    # A pair of columns adds h(c) = 1 + (pi/2) c + phi(c) times their lengths to pi L, c the cosine between them. The
    # first two parts add up to squares; phi(c) is of second order.
    m = _arithmetic(W)
    M = tuple(x - y for x, y in zip(W, W_star, strict=True))
    a, b = _column_length(W, d), _column_length(W_star, d)
    theta, own, plus, minus = _angles(W, W_star, d)
    theta_star = _angles(W_star, W_star, d)[0]

    def phi(angle):
        c = m.cos(angle)
        return c * m.asin(c) - c**2 / (1 + m.sin(angle))

    straight = d**2 * (a - b) ** 2 + m.pi / 2 * (d * M[2] ** 2 - inner(M, M, d))
    same = (m.pi - 1) * (a - b) ** 2 + 2 * a * b * (m.pi * 2 * m.sin(own / 2) ** 2 - m.sin(own) + own * m.cos(own))
    other = a**2 * phi(theta) + b**2 * phi(theta_star) - a * b * (phi(plus) + phi(minus))
    return (straight + d * same + d * (d - 1) * other) / (2 * m.pi)


def _gradient(W, d, W_star):
    m = _arithmetic(W)
    (z, t), (z_star, t_star) = _shifted(W, m), _shifted(W_star, m)
    a, b = _column_length(W, d), _column_length(W_star, d)
    theta, own, plus, minus = _angles(W, W_star, d)
    radial = (d - 1) * (a * m.sin(theta) - b * (m.sin(plus) + m.sin(minus)) / 2) - b * m.sin(own)
    # pi grad L = (I + W) X - (I + W*) Y with X_ij = pi - theta_ij, on the diagonal radial / |a_j| more, and
    # Y_ij = pi - theta_i*j.
    x, x_u = _from_entries(m.pi + radial / a, m.pi - theta, m.pi - theta, d, m)
    y, y_u = _from_entries(m.pi - own, m.pi - plus, m.pi - minus, d, m)
    on_rest, on_u = z * x - z_star * y, t * x_u - t_star * y_u
    return on_rest.real / m.pi, on_rest.imag / m.pi, on_u / m.pi


@arguments(W=POINT, d=_ANY, W_star=POINT)
def curves(W, d, W_star=ZERO):
    """(distance, potential, inner product, loss) as in `src.dynamics.history`, evaluated in 40-digit arithmetic."""
    with mpmath.workdps(40):
        W, W_star = (tuple(map(mpmath.mpf, X)) for X in (W, W_star))
        M = tuple(x - y for x, y in zip(W, W_star, strict=True))
        inside = inner(_gradient(W, d, W_star), M, d)
        values = mpmath.sqrt(inner(M, M, d)), potential(W, d, W_star), inside, _loss(W, d, W_star)
        return tuple(map(float, values))


@arguments(W=POINT, d=FORMULA, t=TIMES, W_star=POINT, rtol=between(0, 1))
def trajectory(W, d, t, W_star=ZERO, rtol=1e-12):
    """The gradient flow dW/dt = -grad L from the coordinates W: coordinates [3, K] at the K increasing times t.

    By backward differentiation, as the flow is stiff; the distance is good to some thousand times rtol at d = 1499.
    """
    t = np.asarray(t, dtype=float)
    return solve_ivp(
        lambda _, X: np.negative(_gradient(X.tolist(), d, W_star)),
        (0, t[-1]),
        np.array(W, dtype=float),
        method="BDF",
        t_eval=t,
        rtol=rtol,
        atol=rtol * 1e-2,
    ).y


@arguments(W=POINT, d=FORMULA, t=TIMES, W_star=POINT, rtol=between(0, 1))
def integrate(W, d, t, W_star=ZERO, rtol=1e-12):
    """`trajectory` as a History, exact curves included; History.W is the [3] tensor of the final coordinates."""
    path = trajectory(W, d, t, W_star, rtol)
    values = torch.tensor([curves(X, d, W_star) for X in path.T.tolist()], dtype=torch.float64).T
    times = torch.as_tensor(np.asarray(t, dtype=float))
    return History(t=times, W=torch.from_numpy(path[:, -1]), **dict(zip(CURVES, values, strict=True)))


def _angles(W, W_star, d):
    """The angles of (a_i, a_j), of (b_j, a_j), and of (b_i, a_j) where K_ij > 0 and where K_ij < 0, for i != j."""
    m = _arithmetic(W)
    (z, t), (z_star, t_star) = _shifted(W, m), _shifted(W_star, m)
    a, b = _column_length(W, d), _column_length(W_star, d)
    if not (a > 0 and b > 0):
        raise ValueError("coordinates must leave the columns of I + W and I + W* non-zero")
    _, between, _ = _entries(abs(z) ** 2, t**2, d, m)
    own, plus, minus = _entries(z_star.conjugate() * z, t_star * t, d, m)
    # Of b_j and a_j the arc cosine would lose half the digits where they are close: from the part of a_j - b_j that is
    # orthogonal to b_j, which is a column of the same kind.
    along = own / b**2 - 1
    across = abs(z - z_star - along * z_star) ** 2 * (d - 1) + (t - t_star - along * t_star) ** 2
    own_angle = m.atan2(b * m.sqrt(across / d), own)
    return m.acos(between / a**2), own_angle, m.acos(plus / (a * b)), m.acos(minus / (a * b))


def _arithmetic(W):
    return mpmath if isinstance(W[0], mpmath.mpf) else math


def _shifted(W, m):
    """I + W as a complex number, for what is orthogonal to u, and a real one, for u."""
    return (complex if m is math else mpmath.mpc)(1 + W[0], W[1]), 1 + W[2]


def _entries(z, t, d, m):
    """The entries of the matrix (z, t): on the diagonal, where K is positive and where K is negative."""
    return ((d - 1) * z.real + t) / d, (t - z.real) / d + z.imag / m.sqrt(d), (t - z.real) / d - z.imag / m.sqrt(d)


def _from_entries(diagonal, plus, minus, d, m):
    """The matrix (z, t) with these entries."""
    mean = (plus + minus) / 2
    z = (complex if m is math else mpmath.mpc)(diagonal - mean, m.sqrt(d) * (plus - minus) / 2)
    return z, diagonal + (d - 1) * mean
