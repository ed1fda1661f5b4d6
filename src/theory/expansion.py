r"""What Definitions 2.2 and 2.3 are for: g_j is the gradient's constant part, A_j its first-order part.

Scale student and teacher together by a factor t. Everything is at the printed scale: R is the sum of Lemma 2.1, pi
times the true negative gradient, split by `landscape.gradient_parts`.
"""

from typing import NamedTuple

import torch

from src import verdicts
from src.checks import arguments, each
from src.model import landscape, population
from src.theory.closed_form import check_array, single


class Remainders(NamedTuple):
    """Frobenius norms at K scales of the pair, each [K], printed scale."""

    whole: torch.Tensor  # of R
    beyond_constant: torch.Tensor  # of R less its constant part
    beyond_first_order: torch.Tensor  # of R less its constant and first-order parts


class Orders(NamedTuple):
    """With which powers of the scale R and its remainders vanish, and how exactly the definitions' forms agree."""

    whole: float  # power of the scale, of R
    beyond_constant: float  # 1 if the constant part leaves something of the first order
    beyond_first_order: float  # 2 if A_j a_bar_j is that something
    identities: float  # the two forms of A, and A_j a_bar_j column by column against the part: difference / |R|_F

    @property
    def verdict(self):
        """holds, if the forms agree and R, of order one, leaves a remainder of order one without A, of two with it."""
        agree = self.identities < 1e-12
        first_order = max(abs(self.whole - 1), abs(self.beyond_constant - 1)) < 0.1
        return verdicts.HOLDS if agree and first_order and self.beyond_first_order > 1.9 else verdicts.FAILS


def remainders(W, W_star, scales):
    """The Remainders of the pairs (t W, t W*), [d, d] each, for the factors t in scales [K]."""
    pair = single(W, W_star)
    _check_scales("scales", scales, pair[0])
    W, W_star = (scales[:, None, None] * X for X in pair)  # [K, d, d]
    R = population.lemma_2_1(W, W_star)
    constant, first_order, _ = landscape.gradient_parts(W, W_star)
    rests = R, R - constant, R - constant - first_order
    return Remainders(*(rest.norm(dim=(1, 2)) for rest in rests))


def orders(W, W_star, scales):
    """The Orders at the pair W, W*, [d, d] each: slopes between the first and the fifth of the increasing scales.

    Raises ValueError for fewer than five scales, and errors as `landscape.gradient_parts` does.
    """
    W, W_star = _different(W, W_star)
    _check_scales("scales", scales, W)
    if len(scales) < 5 or not (scales.diff() > 0).all():
        raise ValueError(f"scales must hold at least five increasing factors, not {scales.tolist()}")
    powers = [power(scales, norms) for norms in remainders(W, W_star, scales)]
    return Orders(*powers, identities(W, W_star))


@arguments(found=each(Orders))
def worst(found):
    """The worst of several Orders, number by number: powers furthest from 1, the least of those that should be 2."""
    whole, beyond_constant, beyond_first_order, apart = zip(*found)
    furthest = (max(powers, key=lambda power: abs(power - 1)) for powers in (whole, beyond_constant))
    return Orders(*furthest, min(beyond_first_order), max(apart))


def power(scales, norms):
    """The slope of log(norm) over log(scale) between the first and the fifth scale; both are [K], K >= 5."""
    _check_scales("scales", scales)
    _check_scales("norms", norms)
    if not len(norms) == len(scales) >= 5:
        raise ValueError(f"norms must be as many as scales, and at least five, not {len(norms)} and {len(scales)}")
    return float(torch.log(norms[4] / norms[0]) / torch.log(scales[4] / scales[0]))


def identities(W, W_star):
    r"""How far the forms of Definition 2.3 are apart at one pair, [d, d] each, relative to |R|_F.

    A as a sum over columns against (I + W*) B_bar^T - (I + W) A_bar^T, and the columns A_j a_bar_j, each with its own
    sum over i != j, against the first-order part of `landscape.gradient_parts`.
    """
    W, W_star = _different(W, W_star)
    eye = torch.eye(len(W), dtype=W.dtype, device=W.device)
    A, B = eye + W, eye + W_star
    A_bar, B_bar = A / A.norm(dim=0), B / B.norm(dim=0)
    two_forms = landscape.outer_difference(W, W_star) - (B @ B_bar.mT - A @ A_bar.mT)
    columns = [landscape.outer_difference(W, W_star, without=j) @ A_bar[:, j] for j in range(len(W))]
    by_column = torch.stack(columns, dim=1) - landscape.gradient_parts(W, W_star).first_order
    return float((two_forms.norm() + by_column.norm()) / population.lemma_2_1(W, W_star).norm())


def _different(W, W_star):
    W, W_star = single(W, W_star)
    if torch.equal(W, W_star):
        raise ValueError("W must differ from W_star")
    return W, W_star


def _check_scales(name, scales, matrix=None):
    check_array(name, scales, "[K]")
    if not (scales > 0).all():
        raise ValueError(f"{name} must be positive, not {scales.tolist()}")
    if matrix is not None and scales.dtype != matrix.dtype:
        raise TypeError(f"{name} must have the dtype of W, {matrix.dtype}, not {scales.dtype}")
