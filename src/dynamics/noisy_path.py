r"""The whole run of section 5.3 with its noise: a law for the mean and the spread of |W_k|_F^2 under SGD, W* = 0.

W is its path, which moves in `three_variables` as the exact flow does, and noise with the second moments C, 15 numbers
as in `second_moments`. Three things are new against the linear problem there, all true scale and to leading order in
1/d.

*The source.* The gradient of one input is 2 r X, with r = f - f* and X = x a^T. As E r^2 |x|^2 = (d + 2) L exactly, its
second moments are close to 4 (1 + 2/d) L E[X (x) X], and L is the exact loss: in Phase I that of the linear problem is
far off.

*The curvature.* Where Phase I ends, g = 0 and A = I + W is nearly a rotation, A^T A = I, that turns each column by the
angle phi from its teacher. A matrix V in general position has there

    pi (Hessian of L) V = (pi/2 - s + s^2/2) V + (1 - s^2) V^T,        s = sin(phi),

in place of (pi/2) V + V^T: -s is from each column and its own teacher, whose angle no longer vanishes, s^2/2 from the
other teachers, and A V^T A = cos(phi)^2 V^T + ... from the student's columns among themselves. Parts that are
neither along V nor along V^T are left out.

*The way back.* Noise turns columns too, s^2 = sin(phi)^2 + E |noise|^2 / d, and makes the path slower by that share.

The spread adds up what a step does to |W|_F^2, as if f were linear in W: it takes (4 eta - 2 eta^2 d (d + 2) / B)
times the minibatch's mean of r^2, which for a normal r of mean m = -g / sqrt(2 pi) has the variance (2 L^2 - 2 m^4) /
B.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

from src.checks import COUNT, FORMULA, arguments, between
from src.dynamics import second_moments, three_variables
from src.dynamics.history import TIMES

_RTOL = 1e-6


class Law(NamedTuple):
    """At the times t = eta k, [K] arrays each."""

    t: np.ndarray
    path: np.ndarray  # |w|_F^2 of the path
    noise: np.ndarray  # E |W - w|_F^2
    spread: np.ndarray  # the standard deviation of |W|_F^2 over its mean

    @property
    def distance(self):
        """The root mean square of |W - W*|_F."""
        return np.sqrt(self.path + self.noise)


@arguments(W=three_variables.POINT, d=FORMULA[4:], eta=between(0, math.inf), batch=COUNT, t=TIMES)
def law(W, d, eta, batch, t):
    """The Law of SGD from the coordinates W (alpha, kappa, tau), with the step eta and `batch` fresh inputs a step.

    t: increasing times. Raises ValueError, naming eta, for a step above the largest stable one.
    """
    largest = second_moments.largest_stable_step(batch, d)
    if not eta < largest:
        raise ValueError(f"eta must be below the largest stable step, {largest:.6g}, not {eta}")
    drift = (second_moments.step_matrix(eta, batch, d) - np.eye(15)) / eta
    transposed, total = second_moments.transposition(), second_moments.total(d)
    source = 4 * eta / batch * (1 + 2 / d) * second_moments.of_inputs()
    linear_loss = total @ second_moments.maps(d).left  # <C, H>, H = E[X (x) X]
    taken = 4 * eta - 2 * eta**2 * d * (d + 2) / batch

    def slope(_, state):
        w, C = tuple(state[:3].tolist()), state[3:18]
        path, noise = three_variables.inner(w, w, d), max(total @ C, 0.0)
        turned = w[1] / math.hypot(1 + w[0], w[1])
        s = math.sqrt(turned**2 + noise / d)
        bend, twist = (s - s**2 / 2) / math.pi, s**2 / math.pi
        less = (bend * noise + twist * (total @ (transposed @ C))) / 2  # by which the loss of the noise is smaller
        loss = three_variables.loss(w, d)
        whole, mean = loss + linear_loss @ C - less, three_variables.potential(w, d) / math.sqrt(2 * math.pi)
        slower = (s - turned) / math.pi
        dw = slower * np.array(w) - three_variables.gradient(w, d)
        dC = drift @ C + 2 * (bend * C + twist * (transposed @ C)) + (loss - less) * source
        spread = taken**2 / eta * 2 * (whole**2 - mean**4) / batch / (path + noise) ** 2
        return np.concatenate([dw, dC, [spread]])

    start, t = np.concatenate([W, np.zeros(16)]), np.asarray(t, dtype=float)
    size = np.abs(np.array(W)).max()
    atol = _RTOL * np.concatenate([np.full(3, 1e-4 * size), np.full(15, 1e-4 * size**2), [1e-6]])
    y = solve_ivp(slope, (0, t[-1]), start, method="BDF", t_eval=t, rtol=_RTOL, atol=atol).y
    path = three_variables.inner(y[:3], y[:3], d)
    return Law(t, path, total @ y[3:18], np.sqrt(y[18].clip(min=0)))
