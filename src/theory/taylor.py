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

from src import verdicts
from src.model import landscape, weights
from src.theory import bounds, search
from src.theory.phase_two import crossing

READINGS = (("constant", "g_j"), ("constant", "g"), ("first_order", "g_j"), ("first_order", "g"), ("higher_order", "g"))
FIRST_ORDER = -1.3  # Figure 5's bounds
HIGHER_ORDER = -0.085


def part_ratio(part, reading):
    """The function (W, W*) -> that part of <R, M> over |M|_F^2, [..., d, d] to [...], differentiable.

    part: a field of `landscape.Parts`; reading: "g_j" or "g", see above (the higher-order part is the same in both).
    Raises ValueError for another name.
    """
    signs = {"constant": 1, "first_order": -1, "higher_order": 0}
    if part not in signs or reading not in ("g_j", "g"):
        raise ValueError(f"part must be one of {', '.join(signs)} and reading g_j or g, not {part!r} and {reading!r}")

    def ratio(W, W_star):
        M, A = W_star - W, torch.eye(W.shape[-1], dtype=W.dtype) + W
        value = getattr(landscape.inner_product_parts(W, W_star), part)
        if reading == "g":
            along = (A * M).sum(-2) / A.norm(dim=-2)  # <a_bar_j, m_j>, [..., d]
            r = landscape.potential(W, W_star)[..., None] - landscape.potentials_of_others(W, W_star)
            value = value + signs[part] * (r * along).sum(-1)
        return value / M.square().sum((-2, -1))

    return ratio


def diagonal_pair(d, gamma):
    """W = 0 and a W* of spectral norm gamma, each [d, d], with M u = 0, tr M = 0 and nearly all of M on the diagonal.

    M is a multiple of D - D J / d, with D = diag(-1, 1, -1, 1, ...) and J the matrix of ones; d must be even.
    """
    if d % 2:
        raise ValueError(f"d must be even, so that the signs add up to zero, not {d}")
    signs = torch.tensor([-1.0, 1.0], dtype=torch.float64).repeat(d // 2)
    M = torch.diag(signs) - signs[:, None] / d
    return torch.zeros_like(M), gamma * M / torch.linalg.matrix_norm(M, 2)


class ThreeParts(NamedTuple):
    """Figure 5: the smallest value found for each part over |M|_F^2, in both readings, printed scale."""

    gammas: list  # [n], increasing; the verdict looks at the first
    worst: dict  # (part, reading) of READINGS -> [n]
    diagonal: float  # the constant part of `diagonal_pair` with g_j
    diagonal_with_g: float  # and with g
    diagonal_g: float  # the potential of that pair

    @property
    def constant_gap(self):
        """How far the constant part with g stays above pi/2 - g / (2 (1 - gamma)) at g = 0.1; negative if it fails."""
        floor = math.pi / 2 - bounds.G_LIMIT / (2 * (1 - np.array(self.gammas)))
        return float((np.array(self.worst["constant", "g"]) - floor).min())

    @property
    def verdict(self):
        """Fails, if a bound is passed even with g; holds, corrected, if the diagonal pair passes the first with g_j."""
        first, higher = self.worst["first_order", "g"][0], self.worst["higher_order", "g"][0]
        if not (self.constant_gap > -1e-6 and first >= FIRST_ORDER and higher >= HIGHER_ORDER):
            return verdicts.FAILS
        diagonal_fails = self.diagonal < math.pi / 2 - 0.5 and abs(self.diagonal_g) < 1e-5
        return verdicts.CORRECTED if diagonal_fails else verdicts.HOLDS

    def passed(self, part):
        """The gamma where the part, with g, falls below its bound in Figure 5, interpolated; inf if nowhere."""
        bound = {"first_order": FIRST_ORDER, "higher_order": HIGHER_ORDER}[part]
        return crossing(self.gammas, self.worst[part, "g"], bound)


def three_parts(d, gammas, starts, steps, seed, diagonal_d=100, diagonal_gamma=1e-4):
    """The ThreeParts found by searches in d dimensions, at each gamma from `starts` starts of `steps` steps."""
    worst = {key: [] for key in READINGS}
    for gamma in gammas:
        W, W_star, _ = search.starts(d, gamma, starts, torch.Generator().manual_seed(seed))
        for key, values in worst.items():
            values.append(search.minimize(W, W_star, gamma, steps=steps, objective=part_ratio(*key)).best)
    pair = diagonal_pair(diagonal_d, diagonal_gamma)
    diagonal = (part_ratio("constant", reading)(*pair).item() for reading in ("g_j", "g"))
    return ThreeParts(gammas, worst, *diagonal, landscape.potential(*pair).item())


class AngleErrors(NamedTuple):
    """Errors of the two linear expansions on the straight way to W*, the largest over all i != j, in radians."""

    distances: np.ndarray  # [n], increasing: |W - W*|_F relative to the start of the way
    separate: np.ndarray  # [n], of theta_i*j = pi/2 - c*_ij
    joint: np.ndarray  # [n], of theta_i*j - theta_ij = c_ij - c*_ij
    furthest: np.ndarray  # [n], of theta_i*j = pi/2: how far an angle is from a right one

    @property
    def slope(self):
        """The power of the distance with which the joint error falls, fitted to the nearer half of the way."""
        half = slice(len(self.distances) // 2 + 1)
        return float(np.polyfit(np.log(self.distances[half]), np.log(self.joint[half]), 1)[0])

    @property
    def verdict(self):
        """Holds, if at the nearest point the separate error and an angle's distance from pi/2 remain, while the joint
        error falls like the distance; else fails."""
        remain = self.separate[0] > 1e-3 and self.furthest[0] > 0.05
        return verdicts.HOLDS if remain and abs(self.slope - 1) < 0.05 else verdicts.FAILS


def angle_errors(d, gamma, distances, generator):
    """The AngleErrors on the way from a random W with flat spectrum gamma to a teacher whose columns stay correlated.

    W* is gamma times the reflection that exchanges the first two directions, so that <b_1, b_2> = 2 gamma.
    """
    eye = torch.eye(d, dtype=torch.float64)
    W_star = -gamma * eye
    W_star[:2, :2] += gamma
    way = weights.with_norms(d, gamma, gamma * math.sqrt(d), generator) - W_star
    off = ~torch.eye(d, dtype=torch.bool)
    B_bar = (eye + W_star) / (eye + W_star).norm(dim=0)
    errors = []
    for e in distances:
        A = eye + W_star + e * way
        A_bar = A / A.norm(dim=0)
        c, turned = (A_bar.mT @ A_bar)[off], ((B_bar - A_bar).mT @ A_bar)[off]  # c and c* - c, [d (d - 1)]
        c_star = c + turned
        # theta - theta*, from its sine, which does not cancel.
        difference = ((1 - c**2).sqrt() * c_star - (1 - c_star**2).sqrt() * c).asin()
        separate = c_star.acos() - (math.pi / 2 - c_star)
        errors.append([x.abs().max().item() for x in (separate, difference - turned, c_star.acos() - math.pi / 2)])
    return AngleErrors(np.asarray(distances), *np.array(errors).T)
