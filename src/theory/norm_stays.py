r"""|W|_2 stays below gamma through Phase I and ever after, with one gamma_0 for all dimensions from 100 on.

Printed scale: steps are W + eta (R + E), |E|_2 <= noise. With p = u / sqrt(d), Pi = I - p p^T, M = W* - W, sigma = M p
and h = g / d, both fast parts of the gradient, (pi/2) d sigma p^T and g I, drop out of M_hat = M Pi - h Pi exactly. It
is split as X + Z, where Z holds what the diagonal of M drives. |h|, |sigma|, |M_hat^T p|, the diagonal of M_hat, X and
Z each obey x_{k+1} <= (1 - eta lambda) x_k + eta (the others). The `Theorem` has a bound for each, made of constants
and of the products f, q and q_bar of 1 - eta theta d, 1 - eta pi/2 and 1 - eta (pi/2 - 1) over the steps so far. That a
step keeps every bound is what `conditions` says, an inequality between numbers each; they hold at d = 100 and, as each
side moves the right way with d, in every larger dimension.
"""

import math
from fractions import Fraction
from typing import NamedTuple

import torch

from src import verdicts
from src.checks import COUNT, arguments, between, check_pair
from src.model import landscape, population
from src.theory import curvature, family_certificate, joint_margin, linear_part
from src.theory.intervals import Interval

THETA = Fraction(97, 100)  # the share of the rate d at which the fast part is shown to decay
EARLY = Fraction(1, 20)  # f above it counts as early
LOG_EARLY = 3  # more than log 20
G_LIMIT = Fraction(1, 10)  # of the potential, from which on the margin of `joint_margin` is there
_DIMENSION = range(100, 10**9)


class Theorem(NamedTuple):
    """The statement and the constants of its proof, all of them exact."""

    d_least: int = 100
    gamma_0: Fraction = Fraction(1, 1000)  # bounds |W_0|_2 and |W*|_2
    gamma: Fraction = Fraction(1, 100)  # then bounds every |W_k|_2
    noise: Fraction = Fraction(1, 10_000)  # bounds |E_k|_2
    step: Fraction = Fraction(1, 36)  # bounds eta d^2
    h_fast: Fraction = Fraction(2000, 10**6)  # |h| <= h_fast f + g_slow / d
    g_slow: Fraction = Fraction(650, 10**6)
    sigma_fast: Fraction = Fraction(3400, 10**6)  # |sigma| <= sigma_fast f + sigma_slow
    sigma_slow: Fraction = Fraction(190, 10**6)
    v: Fraction = Fraction(242, 10**6)  # |M_hat^T p|_oo / sqrt d <= (2 gamma_0 / sqrt d + v_fast) q - v_fast f + v
    v_fast: Fraction = Fraction(8, 10**6)
    own: Fraction = Fraction(2820, 10**6)  # on M_hat's diagonal: own + own_start q_bar - own_medium q - own_fast f
    own_start: Fraction = Fraction(1463, 10**6)
    own_medium: Fraction = Fraction(209, 10**6)
    own_fast: Fraction = Fraction(72, 10**6)
    x: Fraction = Fraction(4050, 10**6)  # |X|_2 <= x - x_fast f
    x_fast: Fraction = Fraction(42, 10**6)
    z: Fraction = Fraction(4060, 10**6)  # |Z|_2 <= z (1 - q) + 2 own_start (q_bar - q) + z_fast (q - f)
    z_fast: Fraction = Fraction(76, 10**6)


THEOREM = Theorem()


class Certificate(NamedTuple):
    """What became of the theorem's conditions in each arithmetic."""

    theorem: Theorem
    slacks: dict  # of the arithmetic: of the condition: a float that its slack is not below

    @property
    def verdict(self):
        """holds, if every condition has positive slack in every arithmetic; open otherwise."""
        rows = [row.values() for row in self.slacks.values()]
        return verdicts.HOLDS if rows and all(slack > 0 for row in rows for slack in row) else verdicts.OPEN


@arguments(theorem=Theorem, arithmetic=tuple(family_certificate.KINDS))
def conditions(theorem=THEOREM, arithmetic="Arb"):
    """{name: slack}: by how much each condition holds, as intervals that hold the exact slack at d_least.

    Raises ArithmeticError for a gamma for which `linear_part.bounds` has none.
    """
    kind = family_certificate.KINDS[arithmetic]
    t = Theorem(*(kind(int(x.numerator)) / int(x.denominator) for x in map(Fraction, theorem)))
    theta, early = (kind(x.numerator) / x.denominator for x in (THETA, EARLY))
    d, root, a = t.d_least, t.d_least.sqrt(), kind.pi() / 2
    c, start, size = a - 1, 2 * t.gamma_0, t.gamma - t.gamma_0  # |M_0| and |M| are at most
    at = linear_part.bounds(t.gamma, t.gamma_0)
    eta = t.step / d.square()
    # What is left of the gradient, of its diagonal, and of the potential's slope.
    rest = at.rest * size + t.noise
    own_rest = (at.diagonal + at.rest / root) * size + t.noise
    whole = (a + at.psi) * size + ((a + 3) * size + rest) / d
    slope = at.potential * size + t.noise + t.step * at.inverse * whole.square() / 2
    own_tilt = at.dip + at.beta / root
    both = (1 + a.square()).sqrt() + a * at.beta + 2 / root
    h_slow = t.g_slow / d
    # |Z|_2 at its largest, late and early.
    top = t.z + 2 * t.own_start - t.z_fast
    late = t.z + t.own_start * 4 / 3 * (2 * t.own_start / (3 * top)).sqrt()
    soon = (t.z + 2 * t.own_start) * (LOG_EARLY * a / (theta * d * (1 - eta * a))) + t.z_fast
    late_size = (t.x + late + t.h_fast * early + h_slow).square() + (t.sigma_fast * early + t.sigma_slow).square()
    soon_size = (t.x + soon + t.h_fast + h_slow).square() + (t.sigma_fast + t.sigma_slow).square()
    return {
        "h, fast": (1 - theta) * d * t.h_fast - a * at.psi * t.sigma_fast,
        "h, slow": t.g_slow - a * at.psi * t.sigma_slow - slope,
        "sigma, start": t.sigma_fast - start,
        "sigma, fast": (a - theta) * t.sigma_fast - at.psi * t.h_fast,
        "sigma, slow": a * d * t.sigma_slow - 3 * size - rest - at.psi * t.g_slow,
        "v, fast": t.v_fast * (theta * d - a)
        - (4 / d * (t.sigma_fast / root + t.h_fast / d) + (at.beta * d * t.h_fast + t.sigma_fast) / root),
        "v, slow": a * t.v
        - 4 / d * (t.own + t.own_start + t.sigma_slow / root + h_slow / d)
        - (at.beta * t.g_slow + t.sigma_slow + rest) / root,
        "diagonal, medium": t.own_medium - start / root - t.v_fast,
        "diagonal, fast": t.own_fast * (theta * d - c)
        - (3 * t.sigma_fast / root + 2 * t.h_fast / d + own_tilt * d * t.h_fast + a * at.psi * t.sigma_fast),
        "diagonal, start": t.own + t.own_start - 2 * start - t.own_medium - t.own_fast,
        "diagonal, slow": c * t.own
        - (t.v + 3 * t.sigma_slow / root + 2 * h_slow / d + own_tilt * t.g_slow + own_rest)
        - (a * at.psi * t.sigma_slow + slope),
        "X, fast": t.x_fast * (theta * d - c) - at.beta * d * t.h_fast,
        "X, start": t.x - 2 * start - t.x_fast,
        "X, slow": c * t.x - at.beta * t.g_slow - rest,
        "Z, fast": t.z_fast * (theta * d - a) - both * t.sigma_fast - 2 * t.h_fast / d,
        "Z, slow": a * t.z - 2 * t.own - slope - both * t.sigma_slow - 2 * h_slow / d,
        "Z, top": top,
        "|M|, late": size - late_size.sqrt(),
        "|M|, early": size - soon_size.sqrt(),
        "steps": 1 - eta * a * (d + 1),
        "q >= q_bar^3": 3 * c * (1 - eta * a) - a,
        "angles": 1 - t.gamma.asin() - t.gamma_0.asin(),
        "gamma_0 below gamma": t.gamma - t.gamma_0,
    }


@arguments(theorem=Theorem)
def certify(theorem=THEOREM):
    """The Certificate of a Theorem; one whose h_fast is below 2 gamma_0, where |h| may start, is open."""
    starts = {"h, start": 1.0 if theorem.h_fast >= 2 * theorem.gamma_0 else -1.0}
    rows = {name: conditions(theorem, name) for name in family_certificate.KINDS}
    return Certificate(
        theorem, {name: starts | {k: x.at_least() for k, x in row.items()} for name, row in rows.items()}
    )


class Descent(NamedTuple):
    """Both phases in d dimensions: floats on the safe side."""

    d: int
    step: float  # eta
    phase_one: int  # steps after which g <= G_LIMIT for good
    distance: float  # |M|_F until then, and later, at most
    margin: float  # c, at most the one-point ratio from then on
    floor: float  # 2 noise / c, to which the distance falls if |E|_F <= noise

    @property
    def rate(self):
        """eta c / 2: the share of the distance that a step then takes at least, but for the noise."""
        return self.step * self.margin / 2

    @property
    def verdict(self):
        """holds, if there is a margin; open otherwise."""
        return verdicts.HOLDS if self.margin > 0 else verdicts.OPEN


@arguments(d=_DIMENSION)
def after(d):
    """The Descent in d >= 100 dimensions with steps of 1 / (36 d^2), from |W_0|_2, |W*|_2 <= 1/1000.

    Raises ArithmeticError if the step were longer than c / Lambda^2, with Lambda of `curvature.bound`.
    """
    theorem = THEOREM
    gamma, size = math.nextafter(float(theorem.gamma), 1), math.nextafter(float(theorem.gamma - theorem.gamma_0), 1)
    c, steepest = joint_margin.certified(gamma, float(G_LIMIT)), curvature.bound(d, gamma, d * size)
    step = float(theorem.step) / d**2 * (1 - 1e-12)
    if not (Interval(c) - Interval(step) * Interval(steepest).square()).positive():
        raise ArithmeticError(f"the step {step} is longer than c / Lambda^2 at d = {d}")
    ratio = float(2 * theorem.gamma_0 * d / (G_LIMIT - theorem.g_slow))
    phase_one = math.ceil(max(0.0, math.log(ratio)) / (float(THETA) * d * step)) + 1
    distance = float(theorem.gamma - theorem.gamma_0) * math.sqrt(d) * (1 + 1e-12)
    return Descent(d, step, phase_one, distance, c, 2 * float(theorem.noise) / c * (1 + 1e-12))


@arguments(at=Descent, distance=between(0, math.inf))
def steps_to(at, distance):
    """After so many steps |W - W*|_F is at most `distance` above the floor of the noise. Raises ValueError where the
    Descent does not hold."""
    if at.verdict != verdicts.HOLDS:
        raise ValueError(f"at must hold, with a positive margin, not {at}")
    return at.phase_one + max(0, math.ceil(math.log(at.distance / distance) / at.rate) + 1)


class Watched(NamedTuple):
    """The largest values over descents, over what the theorem promises at that step: at most one each."""

    norm: float  # |W|_2
    potential: float  # |g|
    sigma: float  # |M p|

    @property
    def kept(self):
        """Whether no promise is broken."""
        return all(share <= 1 for share in self)


class Proved(NamedTuple):
    """Claim certified-phase-one."""

    certificate: Certificate
    phases: tuple  # the Descents in some dimensions
    watched: Watched

    @property
    def verdict(self):
        """fails, if a descent breaks a promise; holds, if the certificate does and every Descent; else open."""
        if not self.watched.kept:
            return verdicts.FAILS
        every = all(one.verdict == verdicts.HOLDS for one in (self.certificate, *self.phases))
        return verdicts.HOLDS if every and self.phases else verdicts.OPEN


@arguments(d=_DIMENSION)
def hard_pairs(d):
    """Four pairs of norm 1/1000, [4, d, d] each, from which the weights grow or the potential falls slowly."""
    eye = torch.eye(d, dtype=torch.float64)
    J, one = torch.full((d, d), 1 / d, dtype=torch.float64), torch.diag_embed(eye[0])
    W, W_star = (eye, J, one, 2 * J - eye), (J - eye, -J, eye - 2 * one, eye)
    return tuple(float(THEOREM.gamma_0) * torch.stack(side) for side in (W, W_star))


@arguments(step=between(0, 1), steps=COUNT, generator=torch.Generator)
def watch(W, W_star, step, steps, generator):
    """Watched over descents [..., d, d] with noise of spectral norm 1/10,000 in random directions.

    `step` is eta; a longer one than the theorem's comes further and follows the flow, of which it says the same.
    Raises ValueError for norms above 1/1000 or d < 100, and errors as `src.checks.check_pair` does.
    """
    W, W_star = check_pair(W, W_star)
    t, d = Theorem(*map(float, THEOREM)), W.shape[-1]
    largest = torch.linalg.matrix_norm(torch.stack((W, W_star)), 2).max()
    if d < t.d_least or largest > t.gamma_0 * (1 + 1e-9):
        raise ValueError(f"W and W_star must be of norm at most {THEOREM.gamma_0} and of d >= {THEOREM.d_least}")
    worst, f = torch.zeros(3, dtype=W.dtype), 1.0
    for _ in range(steps + 1):
        found = (
            torch.linalg.matrix_norm(W, 2) / t.gamma,
            landscape.potential(W, W_star).abs() / (t.h_fast * d * f + t.g_slow),
            (W_star - W).sum(-1).norm(dim=-1) / d**0.5 / (t.sigma_fast * f + t.sigma_slow),
        )
        worst = torch.maximum(worst, torch.stack([x.max() for x in found]))
        E = torch.randn(W.shape, generator=generator, dtype=W.dtype)
        E = t.noise * E / torch.linalg.matrix_norm(E, 2)[..., None, None]
        W = W + step * (population.lemma_2_1(W, W_star) + E)
        f *= 1 - float(THETA) * step * d
    return Watched(*worst.tolist())
