r"""The remark after Lemma 2.1: is the gradient defined everywhere, and how smooth is the loss?

W and W_star are [d, d] float64, V is a direction with |V|_F = 1, h a distance. Gradients are at the true scale.
"""

import math
from typing import NamedTuple

import numpy as np
import torch

from src import verdicts
from src.checks import MATRIX, arguments, between, check_pair, check_value, entries, like, vector, within
from src.model import population

_POSITIVE = between(0, math.inf)
_DISTANCE = between(1e-15, 1e3)  # nearer ones drown in rounding
_DISTANCES = vector(_DISTANCE)
_ACROSS = {"W": MATRIX, "W_star": like("W"), "V": like("W")}
_AT_TEACHER = {"W_star": MATRIX, "V": like("W_star")}


@arguments(W=MATRIX)
def with_column(W, j, column):
    """W with a_j = e_j + w_j replaced by `column`, a vector [d]; the rest of W stays."""
    _check_single(W=W)
    check_value("j", j, range(len(W)))
    check_value("column", column, torch.Tensor)
    check_value("column", column, entries(within(-math.inf, math.inf)))
    if column.shape != W.shape[1:] or column.dtype != W.dtype:
        raise ValueError(f"column must be a vector [d] of the dtype of W, not {column.dtype} {list(column.shape)}")
    W = W.clone()
    W[:, j] = column
    W[j, j] -= 1
    return W


def suspects(W, W_star):
    """Places at which smoothness might fail, by name: [d, d] each. All are W with its first column changed, or W*.

    The last has a zero column, a_1 = e_1 + w_1 = 0, where `population.gradient` itself refuses to answer.
    Raises TypeError or ValueError for a bad pair.
    """
    check_pair(W, W_star)
    _check_single(W=W, W_star=W_star)
    if len(W) < 2:
        raise ValueError("W must have at least two columns, not one")
    a_2 = W[:, 1] + torch.eye(len(W), dtype=W.dtype)[:, 1]
    return {
        "generic point": W,
        "parallel columns": with_column(W, 0, 2 * a_2),
        "opposite columns": with_column(W, 0, -a_2),
        "the teacher, $W = W^*$": W_star,
        "zero column, $a_1 = 0$": with_column(W, 0, 0 * a_2),
    }


@arguments(**_ACROSS, h=_DISTANCES)
def change_across(W, W_star, V, h):
    """|grad L(W + h V) - grad L(W - h V)|_F for every h, [n]: it goes to zero with h where the gradient is continuous.

    Raises ValueError unless V is a direction that moves every zero column of I + W.
    """
    _check_single(W=W, W_star=W_star, V=V)
    sides = [population.gradient(W + sign * torch.as_tensor(h)[:, None, None] * V, W_star) for sign in (1, -1)]
    return (sides[0] - sides[1]).norm(dim=(-2, -1)).numpy()


@arguments(**_ACROSS, h=_DISTANCES)
def changes(W, W_star, V, h):
    """`change_across` all `suspects`, by name: {name: [n]}, the zero column last."""
    return {name: change_across(place, W_star, V, h) for name, place in suspects(W, W_star).items()}


class Smoothness(NamedTuple):
    """What "the gradient is well defined everywhere" comes to."""

    jump: float  # change of the gradient across a zero column, at the smallest h
    jump_before: float  # the same at a larger h: a jump does not go away
    size: float  # |grad L|_F at a generic point, the unit of the jump
    slope: float  # elsewhere, the smallest power of h with which the change goes to zero

    @property
    def continuous_elsewhere(self):
        return self.slope > 0.95

    @property
    def jumps(self):
        return self.jump > 1e-3 * self.size and self.jump > 0.9 * self.jump_before

    @property
    def verdict(self):
        """holds, if nothing jumps; holds corrected, if only a zero column makes it jump; fails, if anything else."""
        if not self.continuous_elsewhere:
            return verdicts.FAILS
        return verdicts.CORRECTED if self.jumps else verdicts.HOLDS


@arguments(changes=dict, h=_DISTANCES, size=entries(_POSITIVE))
def smoothness(changes, h, size):
    """The `Smoothness` that the `changes` at the decreasing distances h, [n], amount to; `size` is |grad L|_F at W.

    Powers are fitted at h <= 1e-3, before which curvature of higher order shows.
    """
    if np.ndim(size):
        raise ValueError(f"size must be one number, not {list(np.shape(size))}")
    h = np.asarray(h)
    if len(h) < 3 or np.any(np.diff(h) >= 0) or sum(h <= 1e-3) < 2:
        raise ValueError(f"h must be at least three decreasing distances, at least two of them up to 1e-3, not {h}")
    if len(changes) < 2 or any(np.shape(values) != h.shape for values in changes.values()):
        raise ValueError(f"changes must hold the change at each of the {len(h)} distances, for at least two places")
    *elsewhere, across_zero = changes.values()
    tail = h <= 1e-3
    slopes = [np.polyfit(np.log(h[tail]), np.log(values[tail]), 1)[0] for values in elsewhere]
    return Smoothness(float(across_zero[-1]), float(across_zero[-3]), float(size), float(np.min(slopes)))


@arguments(**_AT_TEACHER, h=_DISTANCE)
def cubic_coefficient(W_star, V, h):
    """c in L(W* + h V) = 1/2 <V, H V> h^2 + c |h|^3 + ..., its odd terms left out, H the Hessian at the teacher.

    A loss with three continuous derivatives has c -> 0 as h -> 0. Raises as `population.loss` does.
    """
    _check_teacher(W_star, V)
    curvature = (V * population.hessian_product(W_star, W_star, V)).sum().item()
    even = (population.loss(W_star + h * V, W_star) + population.loss(W_star - h * V, W_star)).item() / 2
    return (even - curvature * h**2 / 2) / h**3


@arguments(**_AT_TEACHER)
def cubic_by_formula(W_star, V):
    """The limit of `cubic_coefficient` for h -> 0: -1/(3 pi) times the sum over j of |v_j across b_j|^3 / |b_j|.

    Only the pairs (a_j, b_j) have an angle that goes to zero, theta = |h| |v_j across b_j| / |b_j| to first order, and
    each counts -|a_j| |b_j| psi(theta) / pi in the loss, with the odd term theta^3 / 3 in psi.
    """
    _check_teacher(W_star, V)
    B = torch.eye(W_star.shape[-1], dtype=W_star.dtype) + W_star
    length = B.norm(dim=-2)
    across = V - B * ((B * V).sum(-2) / length**2)[..., None, :]
    return float(-(across.norm(dim=-2) ** 3 / length).sum() / (3 * math.pi))


class Order(NamedTuple):
    """How many continuous derivatives "the loss becomes smooth" comes to."""

    second: float  # smallest power of h with which the Hessian's change across a point vanishes; zero columns left out
    third: float  # |c| of `cubic_coefficient` at the teacher, at the smallest h: zero for a smooth loss
    expected: float  # the same by `cubic_by_formula`

    @property
    def verdict(self):
        """fails, unless second derivatives are continuous away from zero columns; holds, if third ones are as well;
        holds, corrected, if these are not, and jump as the formula says."""
        if not self.second > 0.95:
            return verdicts.FAILS
        if abs(self.third) < 1e-6:
            return verdicts.HOLDS
        return verdicts.CORRECTED if abs(self.third / self.expected - 1) < 0.01 else verdicts.FAILS


@arguments(**_ACROSS, h=_DISTANCES, smallest=_DISTANCE)
def order(W, W_star, V, h, smallest=1e-4):
    """The `Order` from the change of H V, H the Hessian, across all `suspects` but the zero column, at distances h."""
    _check_single(W=W, W_star=W_star, V=V)
    if len(h) < 2:
        raise ValueError(f"h must be at least two distances, for a power of them, not {h}")
    slopes = []
    for place in list(suspects(W, W_star).values())[:-1]:
        sides = (place + sign * torch.as_tensor(h)[:, None, None] * V for sign in (1, -1))
        products = [population.hessian_product(side, W_star, V) for side in sides]
        change = (products[0] - products[1]).norm(dim=(-2, -1)).numpy()
        slopes.append(np.polyfit(np.log(h), np.log(change), 1)[0])
    third = abs(cubic_coefficient(W_star, V, smallest))
    return Order(float(np.min(slopes)), third, abs(cubic_by_formula(W_star, V)))


def _check_single(**given):
    for name, X in given.items():
        if X.ndim != 2:
            raise ValueError(f"{name} must be one [d, d] matrix, not {list(X.shape)}")


def _check_teacher(W_star, V):
    _check_single(W_star=W_star, V=V)
    check_pair(torch.zeros_like(W_star), W_star)  # no zero column
