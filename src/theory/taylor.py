r"""Figure 5 and the joint expansion of section 4: the Taylor expansion about right angles, part by part.

`landscape.inner_product_parts` splits <R, M>, printed scale, into a constant part (every angle between two columns
taken as a right one), a first-order and a higher-order part. The paper bounds them from below by pi/2 - O(g), -1.3 and
-0.085 times |M|_F^2, and does not say to which part the column i = j belongs. Two readings:

    "g_j"   as the thought experiment of section 4 prints it: the constant part holds sum_j g_j <a_bar_j, m_j>;
    "g"     it holds g <A_bar, M> instead, and the first-order part the difference, -sum_j r_j <a_bar_j, m_j> with
            r_j = |b_j| - |a_j|.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import brentq

from src import verdicts
from src.checks import COUNT, DIMENSION, SEED, arguments, between, each, vector, within
from src.model import landscape, weights
from src.theory import bounds, search
from src.theory.phase_two import crossing

READINGS = (("constant", "g_j"), ("constant", "g"), ("first_order", "g_j"), ("first_order", "g"), ("higher_order", "g"))
FIRST_ORDER = -1.3  # Figure 5's bounds
HIGHER_ORDER = -0.085
PARTS = ("constant", "first_order", "higher_order")

_POSITIVE = between(0, math.inf)
_EVEN = DIMENSION[1::2]


@arguments(part=PARTS, reading=("g_j", "g"))
def part_ratio(part, reading):
    """The function (W, W*) -> that part of <R, M> over |M|_F^2, [..., d, d] to [...], differentiable.

    part: a field of `landscape.Parts`; reading: "g_j" or "g", see above (the higher-order part is the same in both).
    Raises ValueError for another name.
    """
    signs = dict(zip(PARTS, (1, -1, 0)))

    def ratio(W, W_star):
        M, A = W_star - W, torch.eye(W.shape[-1], dtype=W.dtype) + W
        value = getattr(landscape.inner_product_parts(W, W_star), part)
        if reading == "g":
            along = (A * M).sum(-2) / A.norm(dim=-2)  # <a_bar_j, m_j>, [..., d]
            r = landscape.potential(W, W_star)[..., None] - landscape.potentials_of_others(W, W_star)
            value = value + signs[part] * (r * along).sum(-1)
        return value / M.square().sum((-2, -1))

    return ratio


@arguments(d=_EVEN, gamma=_POSITIVE)
def diagonal_pair(d, gamma):
    """W = 0 and a W* of spectral norm gamma, each [d, d], with M u = 0, tr M = 0 and nearly all of M on the diagonal.

    M is a multiple of D - D J / d, with D = diag(-1, 1, -1, 1, ...) and J the matrix of ones; d must be even, so that
    the signs add up to zero.
    """
    signs = torch.tensor([-1.0, 1.0], dtype=torch.float64).repeat(d // 2)
    M = torch.diag(signs) - signs[:, None] / d
    return torch.zeros_like(M), gamma * M / torch.linalg.matrix_norm(M, 2)


class ThreeParts(NamedTuple):
    """Figure 5: what is proved and what is found about each part over |M|_F^2, printed scale."""

    gammas: list  # [n], increasing; the verdict looks at the first
    worst: dict  # (part, reading) of READINGS -> [n], the smallest value found
    proved: bounds.Figure5Bounds  # with g, at the first gamma, g <= 0.1, in any dimension
    first_up_to: float  # the gamma up to which -1.3 is proved for the first-order part
    higher_up_to: float  # the gamma up to which -0.085 is proved for the higher-order part
    diagonal: float  # the constant part of `diagonal_pair` with g_j
    diagonal_with_g: float  # and with g
    diagonal_g: float  # the potential of that pair

    @property
    def verdict(self):
        """Fails, if a pair at the first gamma is below a bound of the figure even with g; open, if such pairs are not
        excluded by the proof, or one contradicts it; holds, corrected, if the diagonal pair is below the first bound
        with g_j, though its potential is zero; else holds."""
        at_least = bounds.Figure5Bounds(math.pi / 2 - bounds.G_LIMIT, FIRST_ORDER, HIGHER_ORDER)  # O(g): at most g
        found = [self.worst[part, "g"][0] for part in at_least._fields]
        if any(value < level for value, level in zip(found, at_least)):
            return verdicts.FAILS
        if any(not level <= floor <= value + 1e-9 for level, floor, value in zip(at_least, self.proved, found)):
            return verdicts.OPEN
        diagonal_fails = self.diagonal < math.pi / 2 - 0.5 and abs(self.diagonal_g) < 1e-5
        return verdicts.CORRECTED if diagonal_fails else verdicts.HOLDS

    def passed(self, part):
        """The gamma where a pair was found whose part, with g, is below its bound in Figure 5, interpolated; or inf."""
        bound = {"first_order": FIRST_ORDER, "higher_order": HIGHER_ORDER}[part]
        return crossing(self.gammas, self.worst[part, "g"], bound)


@arguments(part=PARTS, level=within(-math.inf, math.inf))
def figure_5_up_to(part, level):
    """The gamma up to which `bounds.figure_5` proves that this part is at least `level`.

    Raises ValueError for a level that is not proved at any gamma, or at all of them.
    """
    if not getattr(bounds.figure_5(0.17), part) < level < getattr(bounds.figure_5(1e-9), part):
        raise ValueError(f"level must lie between what is proved of the {part} part at large and small gamma")
    return brentq(lambda gamma: getattr(bounds.figure_5(gamma), part) - level, 1e-9, 0.17)


@arguments(
    d=DIMENSION[2:],
    gammas=each(_POSITIVE),
    starts=DIMENSION,
    steps=COUNT,
    seed=SEED,
    diagonal_d=_EVEN,
    diagonal_gamma=_POSITIVE,
)
def three_parts(d, gammas, starts, steps, seed, diagonal_d=100, diagonal_gamma=1e-4):
    """The ThreeParts found by searches in d dimensions, at each gamma from `starts` starts of `steps` steps."""
    if any(np.diff(gammas) <= 0) or gammas[0] > 0.17:
        raise ValueError(f"gammas must be increasing, the first at most 0.17, not {gammas}")
    worst = {key: [] for key in READINGS}
    for gamma in gammas:
        W, W_star, _ = search.starts(d, gamma, starts, torch.Generator().manual_seed(seed))
        for key, values in worst.items():
            values.append(search.minimize(W, W_star, gamma, steps=steps, objective=part_ratio(*key)).best)
    pair = diagonal_pair(diagonal_d, diagonal_gamma)
    return ThreeParts(
        gammas,
        worst,
        bounds.figure_5(gammas[0]),
        figure_5_up_to("first_order", FIRST_ORDER),
        figure_5_up_to("higher_order", HIGHER_ORDER),
        *(part_ratio("constant", reading)(*pair).item() for reading in ("g_j", "g")),
        landscape.potential(*pair).item(),
    )


class OneAngle(NamedTuple):
    """Near the teacher: how far an angle is from a right one, and the error of its linear expansion, in radians."""

    distance: float  # |W - W*|_F at the nearest point, relative to the start of the way
    furthest: float  # the largest |theta_i*j - pi/2| there, over i != j
    separate: float  # the largest error of theta_i*j = pi/2 - c*_ij there
    limit: float  # what that error is at W = W*: arcsin c - c of the teacher's most correlated columns

    @property
    def verdict(self):
        """Holds, if next to the teacher angle and error are still there, and the error is its limit; else fails."""
        remain = self.furthest > 0.05 and self.separate > 1e-3
        at_limit = self.distance < 1e-6 and abs(self.separate / self.limit - 1) < 1e-3
        return verdicts.HOLDS if remain and at_limit else verdicts.FAILS


class JointError(NamedTuple):
    """The error of theta_i*j - theta_ij = c_ij - c*_ij, which the paper prints as O(|c*^3 - c^3|)."""

    slope: float  # the power of the distance with which the largest error falls on the way to W*
    smallest: float  # the smallest quotient of error and |c*^3 - c^3| met, over all pairs i != j on the way
    largest: float  # the largest
    cosine: float  # the largest |c| and |c*| met
    constant: float  # no quotient is above it: `quotient_at` this cosine

    @property
    def verdict(self):
        """Fails, if the error does not go to zero with the distance, or a quotient leaves the proved interval from 1/6
        to the constant; else holds."""
        inside = self.smallest >= 1 / 6 - 1e-6 and self.largest <= self.constant * (1 + 1e-6) and self.cosine < 1
        return verdicts.HOLDS if inside and self.slope > 0.95 else verdicts.FAILS


@arguments(c=between(-1, 1))
def quotient_at(c):
    r"""(1 / sqrt(1 - c^2) - 1) / (3 c^2): the limit, as c* goes to c, of (theta* - theta + c* - c) / (c^3 - c*^3).

    By Cauchy's mean value theorem every quotient is this function at some number between c and c*; it increases with
    |c|, from 1/6 at zero. Written without cancellation, for 0 <= |c| < 1.
    """
    root = math.sqrt(1 - c**2)
    return 1 / (3 * root * (1 + root))


class AngleErrors(NamedTuple):
    """Errors of the two linear expansions on the straight way to W*, the largest over all i != j, in radians."""

    distances: np.ndarray  # [n], increasing: |W - W*|_F relative to the start of the way
    separate: np.ndarray  # [n], of theta_i*j = pi/2 - c*_ij
    joint: np.ndarray  # [n], of theta_i*j - theta_ij = c_ij - c*_ij
    furthest: np.ndarray  # [n], of theta_i*j = pi/2: how far an angle is from a right one
    cubes: np.ndarray  # [n], the largest |c*_ij^3 - c_ij^3|
    quotients: np.ndarray  # [n, 2], the smallest and largest joint error over |c*^3 - c^3|, where that is not rounding
    cosines: np.ndarray  # [n], the largest |c_ij| and |c*_ij|
    limit: float  # the separate error at W = W*

    @property
    def one_angle(self):
        """The OneAngle at the nearest point."""
        return OneAngle(float(self.distances[0]), float(self.furthest[0]), float(self.separate[0]), self.limit)

    @property
    def joint_error(self):
        """The JointError of the whole way, its slope fitted to the nearer half."""
        half = slice(len(self.distances) // 2 + 1)
        slope = float(np.polyfit(np.log(self.distances[half]), np.log(self.joint[half]), 1)[0])
        least, most = np.nanmin(self.quotients), np.nanmax(self.quotients)
        cosine = float(self.cosines.max())
        return JointError(slope, float(least), float(most), cosine, quotient_at(cosine))


@arguments(d=DIMENSION[1:], gamma=between(0, 1), distances=vector(_POSITIVE), generator=torch.Generator)
def angle_errors(d, gamma, distances, generator):
    """The AngleErrors on the way from a random W with flat spectrum gamma to a teacher whose columns stay correlated.

    W* is gamma times the reflection that exchanges the first two directions, so that <b_1, b_2> = 2 gamma.
    """
    if len(distances) < 2 or any(np.diff(distances) <= 0):
        raise ValueError(f"distances must be at least two, increasing, not {distances}")
    eye = torch.eye(d, dtype=torch.float64)
    W_star = -gamma * eye
    W_star[:2, :2] += gamma
    way = weights.with_norms(d, gamma, gamma * math.sqrt(d), generator) - W_star
    off = ~torch.eye(d, dtype=torch.bool)
    B_bar = (eye + W_star) / (eye + W_star).norm(dim=0)
    errors, quotients = [], []
    for e in distances:
        A = eye + W_star + e * way
        A_bar = A / A.norm(dim=0)
        c, turned = (A_bar.mT @ A_bar)[off], ((B_bar - A_bar).mT @ A_bar)[off]  # c and c* - c, [d (d - 1)]
        c_star = c + turned
        # theta - theta*, from its sine, which does not cancel.
        difference = ((1 - c**2).sqrt() * c_star - (1 - c_star**2).sqrt() * c).asin()
        joint, cubes = difference - turned, turned * (c_star**2 + c_star * c + c**2)
        quotient = (joint / cubes)[cubes.abs() > 1e-6 * turned.abs().max()]  # smaller ones are lost in rounding
        separate, furthest = c_star.acos() - (math.pi / 2 - c_star), c_star.acos() - math.pi / 2
        largest = torch.cat([c, c_star])
        errors.append([x.abs().max().item() for x in (separate, joint, furthest, cubes, largest)])
        quotients.append([quotient.min().item(), quotient.max().item()] if len(quotient) else [math.nan] * 2)
    *maxima, cosines = np.array(errors).T
    c = (B_bar.mT @ B_bar)[off].abs().max()
    return AngleErrors(np.asarray(distances), *maxima, np.array(quotients), cosines, (c.asin() - c).item())
