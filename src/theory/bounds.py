r"""The formulas of the lemmas and theorems: how large a gradient is, which steps are allowed, what is promised.

All of them belong to the scale of the sum R that Lemma 2.1 prints, which is pi times the true negative gradient: a
gradient bound here is for R, delta is for <R, W* - W>, and a step of size eta moves W by eta R, so that the step size
to use with `population.gradient` is pi * eta. (Lemma 2.5 itself holds for any f, at whatever scale its G and delta
are.) `gamma` bounds |W_0|_2 and |W*|_2; `noise` is the paper's epsilon, which bounds the Frobenius norm of a
gradient's noise.
"""

import math

from scipy.optimize import brentq

from src.checks import check_integer, check_positive

G_LIMIT = 0.1  # g up to which Theorem 3.3 promises one-point convexity
DELTA = 0.03  # of Theorem 3.3: <R, W* - W> > 0.03 |W* - W|_F^2
PHASE_TWO_SPECTRAL = 0.01  # of Theorem 3.2: |W_T|_2 after phase I


def gradient_spectral(d, gamma, noise=0.0):
    """Section 2, G_2 = 6 d gamma + epsilon, said to bound the spectral norm of every stochastic gradient."""
    _check(d, gamma)
    return 6 * d * gamma + noise


def gradient_frobenius(d, gamma, noise=0.0):
    """Section 2, G_F = 6 d^1.5 gamma + epsilon, said to bound the Frobenius norm of every stochastic gradient."""
    _check(d, gamma)
    return 6 * d**1.5 * gamma + noise


def phase_one_step(d, gamma, noise=0.0):
    """Theorems 3.1 and 3.2: the largest step size of phase I, eta = gamma^2 / G_2^2, close to 1 / (36 d^2)."""
    return (gamma / gradient_spectral(d, gamma, noise)) ** 2


def phase_one_steps(step):
    """Theorem 3.2: after at most 1 / (16 eta) steps of size eta = `step` the potential is down to 197 gamma^2."""
    check_positive("step", step)
    return 1 / (16 * step)


def phase_one_factor(d, step):
    """Theorem 3.2: the factor 1 - 0.5 eta d by which every step of phase I is said to shrink the potential at least."""
    check_positive("step", step)
    return 1 - 0.5 * step * d


def phase_one_potential(gamma):
    """Theorem 3.2: the potential at which phase I ends, 197 gamma^2; at most 0.1 when gamma <= 0.0225."""
    check_positive("gamma", gamma)
    return 197 * gamma**2


def one_point_step(T, alpha, delta):
    """Lemma 2.5: the fixed step size eta = (1 + alpha) log T / (delta T) for T steps."""
    _check_run(T, alpha, delta)
    return (1 + alpha) * math.log(T) / (delta * T)


def one_point_bound(T, alpha, delta, G):
    """Lemma 2.5: E |W_T - W*|_F^2 <= (1 + alpha) log T G^2 / (delta^2 T) for E |G_t|_F^2 <= G^2."""
    _check_run(T, alpha, delta)
    return (1 + alpha) * math.log(T) * (G / delta) ** 2 / T


def one_point_enough_steps(T, alpha, delta, G, D):
    """Lemma 2.5: whether T^alpha log T >= D^2 delta^2 / ((1 + alpha) G^2), D the radius (in the paper: diameter)."""
    _check_run(T, alpha, delta)
    return T**alpha * math.log(T) >= (D * delta / G) ** 2 / (1 + alpha)


def phase_two_step(T, alpha):
    """Theorem 3.1, phase II: eta = (1 + alpha) log T / (0.03 T)."""
    return one_point_step(T, alpha, DELTA)


def phase_two_bound(T, alpha, d, gamma, noise=0.0):
    """Theorem 3.1, phase II: E |W_T - W*|_F^2 <= 100^2 (1 + alpha) log T G_F^2 / (9 T)."""
    return one_point_bound(T, alpha, DELTA, gradient_frobenius(d, gamma, noise))


def phase_two_radius(d):
    """Proof of Theorem 3.1: |W - W*|_F <= D = sqrt(d) / 50, which needs |W|_2 and |W*|_2 at most 1/100."""
    check_integer("d", d, at_least=1)
    return math.sqrt(d) / 50


def phase_two_useful_steps(alpha, d, gamma, noise=0.0):
    """The T from which `phase_two_bound` is below D^2, that is, promises more than the region already does."""
    _check(d, gamma)
    check_positive("alpha", alpha)
    excess = (1 + alpha) * (gradient_frobenius(d, gamma, noise) / (DELTA * phase_two_radius(d))) ** 2
    if excess <= math.e:  # log T / T is at most 1 / e
        return 2.0
    return math.exp(brentq(lambda x: math.log(excess * x) - x, 1, 10 + 2 * math.log(excess)))


def one_point_ratio(gamma, g_max=G_LIMIT):
    r"""No pair with |W|_2, |W*|_2 <= gamma, g <= g_max has a smaller printed ratio, in any d. Chapter 5 has the proof.

    With kappa = 1 / (1 - gamma), rho = (1 + gamma) kappa, epsilon = rho^2 - 1 and mu = 1 / sqrt(1 - epsilon^2),
        pi/2 - mu rho^2 - 2 gamma kappa (1 + kappa) - 2.6 gamma^2 kappa^2 - arcsin epsilon
             - (1 + gamma) mu epsilon rho kappa - mu epsilon^2 / 2 - kappa max(g_max, 0) / 2.
    Raises ValueError unless epsilon < 1, that is gamma < 0.17.
    """
    check_positive("gamma", gamma)
    kappa = 1 / (1 - gamma)
    rho = (1 + gamma) * kappa
    epsilon = rho**2 - 1
    if not (gamma < 1 and epsilon < 1):
        raise ValueError(f"gamma must be below (sqrt(2) - 1) / (sqrt(2) + 1) = 0.1716, not {gamma}")
    mu = 1 / math.sqrt(1 - epsilon**2)
    return (
        math.pi / 2
        - mu * rho**2
        - 2 * gamma * kappa * (1 + kappa)
        - 2.6 * (gamma * kappa) ** 2
        - math.asin(epsilon)
        - (1 + gamma) * mu * epsilon * rho * kappa
        - mu * epsilon**2 / 2
        - kappa * max(g_max, 0.0) / 2
    )


def _check(d, gamma):
    check_integer("d", d, at_least=1)
    check_positive("gamma", gamma)


def _check_run(T, alpha, delta):
    check_positive("T", T)
    if T < 2:
        raise ValueError(f"T must be at least 2, not {T}")
    check_positive("alpha", alpha)
    check_positive("delta", delta)
