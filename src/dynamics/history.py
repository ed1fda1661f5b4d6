"""What a run leaves behind: the four curves of Figure 8, exact, and the final weights."""

import math
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor

from src.checks import check_pair, check_same_kind, check_tensor, check_value, vector, within
from src.model import landscape, population

CURVES = ("distance", "potential", "inner", "loss")


@dataclass
class History:
    """The curves of one run, [K], or of S runs at once, [K, S], as float64 CPU tensors, and the final weights W.

    `step` counts SGD steps and `t` is eta times that (for the flow, time; it has no steps). `distance` is |W - W*|_F,
    `potential` is g of Definition 2.2, `inner` is <-grad L, W* - W> at the true scale and `loss` is eq. 2: all exact
    expectations over x, not sample means. `errors` holds the mean squared errors over the input sets asked for.
    """

    t: Float[Tensor, "K ..."]
    distance: Float[Tensor, "K ..."]
    potential: Float[Tensor, "K ..."]
    inner: Float[Tensor, "K ..."]
    loss: Float[Tensor, "K ..."]
    W: Float[Tensor, "... d d"]
    step: Int[Tensor, " K"] | None = None
    errors: dict = field(default_factory=dict)


def measure(W: Float[Tensor, "... d d"], W_star: Float[Tensor, "... d d"]) -> Float[Tensor, "4 ..."]:
    """The four curves at one point, in float64: a tensor [4, ...] in the order of `CURVES`."""
    W, W_star = check_pair(W, W_star)
    W, W_star = W.double(), W_star.double()
    loss, gradient = population.loss_and_gradient(W, W_star)
    return _curves(W, W_star, loss, gradient)  # not finite where a run is about to be so, which is for the run to say


def curves_at(
    W: Float[Tensor, "... d d"],
    W_star: Float[Tensor, "... d d"],
    loss: Float[Tensor, "..."],
    gradient: Float[Tensor, "... d d"],
) -> Float[Tensor, "4 ..."]:
    """`measure` where loss and gradient are at hand."""
    W, W_star = check_pair(W, W_star)
    check_same_kind("gradient", gradient, W)
    batch = W.shape[:-2]
    check_tensor("loss", loss, f"of the batch dimensions of W, {list(batch)}", lambda shape: shape == batch)
    return _curves(W, W_star, loss, gradient)


def _curves(W, W_star, loss, gradient):
    M = W - W_star
    inner = (gradient * M).sum((-2, -1))
    return torch.stack([M.norm(dim=(-2, -1)), landscape.potential(W, W_star), inner, loss])


def _check_times(name, t):
    """Increasing times: a list, numpy array or tensor of numbers, the first at least 0."""
    check_value(name, t, vector(within(0, math.inf)))
    if any(later <= earlier for earlier, later in pairwise(t)):
        raise ValueError(f"{name} must be a list of increasing times")


TIMES = _check_times  # a kind of argument for `src.checks.arguments`
