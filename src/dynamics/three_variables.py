r"""The dynamics of section 5.3 in three variables, exactly.

Let d be a prime congruent to 3 modulo 4, $J = uu^\top$ and K Paley's skew matrix, $K_{ij} = \chi(j - i)$ with $\chi$
the quadratic character modulo d: entries 0 and $\pm 1$, $Ku = 0$, $KK^\top = dI - J$. For W* = 0 and
$W = \alpha I + \beta J + \kappa K$ the gradient lies in the same span, because L is unchanged when rows and columns are
permuted alike and I, J, K span the matrices that commute with the permutations $x \mapsto sx + c$, s a square. The
flow of eq. 2 is then an ordinary differential equation for $(\alpha, \beta, \kappa)$.

Every angle takes one of few values, for $A = I + W = cI + \beta J + \kappa K$, $c = 1 + \alpha$:

    |a_j|^2 = n^2 = (c + beta)^2 + (d - 1)(beta^2 + kappa^2)        <a_i, a_j> = 2 c beta + d beta^2 - kappa^2  (i != j)
    <e_j, a_j> = c + beta                                           <e_i, a_j> = beta +- kappa                  (i != j)

The functions take the coordinates (alpha, beta, kappa) and d, and compute in Python floats or, if given mpmath numbers,
in mpmath's precision. They need no matrix, and as formulas they make sense for every d.
"""

import math

import mpmath
import numpy as np
import torch
from scipy.integrate import solve_ivp

from src.dynamics.history import CURVES, History
from src.model.weights import flat_skew


def start(d, frobenius, trace):
    """Coordinates of `weights.wrong_way_start(d, frobenius, trace)`."""
    a = -trace / (d - 1)
    square = frobenius**2 - a**2 * (d - 1)
    if square < 0:
        raise ValueError(f"trace must be at most frobenius * sqrt(d - 1) in size, not {trace}")
    return -a, a / d, math.sqrt(square / (d * (d - 1)))


def matrix(coordinates, d):
    """alpha I + beta J + kappa K as a [d, d] float64 tensor; d must be a prime congruent to 3 modulo 4."""
    alpha, beta, kappa = map(float, coordinates)
    return kappa * math.sqrt(d) * flat_skew(d) + beta + alpha * torch.eye(d, dtype=torch.float64)


def gradient(coordinates, d):
    """The gradient of eq. 2 at the true scale, as coordinates: grad L = x I + y J + z K for the returned (x, y, z)."""
    _, beta, kappa = coordinates
    m, c, n, theta, diagonal, plus, minus = _angles(coordinates, d)
    # (pi - theta_i*j) over rows i is p I + q J + r K.
    q, r = m.pi - (plus + minus) / 2, (minus - plus) / 2
    p = m.pi - diagonal - q
    radial = (d - 1) * (n * m.sin(theta) - (m.sin(plus) + m.sin(minus)) / 2) - m.sin(diagonal)
    own = theta + radial / n
    return (
        (own * c - p) / m.pi,
        ((m.pi - theta) * (c + d * beta) + own * beta - q) / m.pi,
        (own * kappa - r) / m.pi,
    )


def inner(X, Y, d):
    """The Frobenius inner product of two matrices given by their coordinates."""
    return d * (X[0] + X[1]) * (Y[0] + Y[1]) + d * (d - 1) * (X[1] * Y[1] + X[2] * Y[2])


def curves(coordinates, d):
    """(distance, potential, inner product, loss) as in `src.dynamics.history`, evaluated in 40-digit arithmetic."""
    with mpmath.workdps(40):
        W = tuple(mpmath.mpf(x) for x in coordinates)
        m, _, n, theta, diagonal, plus, minus = _angles(W, d)

        def h(angle):
            return m.sin(angle) + (m.pi - angle) * m.cos(angle)

        pairs = d * (d - 1)
        student = d * m.pi * n**2 + pairs * n**2 * h(theta)
        cross = d * n * h(diagonal) + pairs * n * (h(plus) + h(minus)) / 2
        teacher = d * m.pi + pairs
        loss = (student - 2 * cross + teacher) / (2 * m.pi)
        return tuple(map(float, (m.sqrt(inner(W, W, d)), d * (1 - n), inner(gradient(W, d), W, d), loss)))


def trajectory(coordinates, d, t, rtol=1e-12):
    """The gradient flow dW/dt = -grad L from the given coordinates: its coordinates [3, K] at the K increasing times t.

    By LSODA, which changes to a stiff method by itself; the distance is good to some hundred times rtol.
    """
    t = np.asarray(t, dtype=float)
    if t.ndim != 1 or not len(t) or t[0] < 0 or np.any(np.diff(t) <= 0):
        raise ValueError("t must be a list of increasing times, the first at least 0")
    return solve_ivp(
        lambda _, W: np.negative(gradient(tuple(map(float, W)), d)),
        (0, t[-1]),
        np.array(coordinates, dtype=float),
        method="LSODA",
        t_eval=t,
        rtol=rtol,
        atol=rtol * 1e-2,
    ).y


def integrate(coordinates, d, t, rtol=1e-12):
    """`trajectory` as a History, exact curves included; History.W is the [3] tensor of the final coordinates."""
    path = trajectory(coordinates, d, t, rtol)
    values = torch.tensor([curves(tuple(W), d) for W in path.T], dtype=torch.float64).T
    times = torch.as_tensor(np.asarray(t, dtype=float))
    return History(t=times, W=torch.from_numpy(path[:, -1]), **dict(zip(CURVES, values, strict=True)))


def _angles(coordinates, d):
    alpha, beta, kappa = coordinates
    m = mpmath if isinstance(alpha, mpmath.mpf) else math
    c = 1 + alpha
    n = m.sqrt((c + beta) ** 2 + (d - 1) * (beta**2 + kappa**2))
    if n == 0:
        raise ValueError("coordinates must leave the columns of I + W non-zero")
    theta = m.acos((2 * c * beta + d * beta**2 - kappa**2) / n**2)
    # From the tangent: the arc cosine would lose half the digits where a_j is close to e_j.
    diagonal = m.atan2(m.sqrt((d - 1) * (beta**2 + kappa**2)), c + beta)
    return m, c, n, theta, diagonal, m.acos((beta + kappa) / n), m.acos((beta - kappa) / n)
