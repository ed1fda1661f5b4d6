"""What a run leaves behind: the four curves of Figure 8, exact, and the final weights."""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor

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
    W, W_star = W.double(), W_star.double()
    loss, gradient = population.loss_and_gradient(W, W_star)
    return curves_at(W, W_star, loss, gradient)


def curves_at(
    W: Float[Tensor, "... d d"],
    W_star: Float[Tensor, "... d d"],
    loss: Float[Tensor, "..."],
    gradient: Float[Tensor, "... d d"],
) -> Float[Tensor, "4 ..."]:
    """`measure` where loss and gradient are at hand."""
    M = W - W_star
    inner = (gradient * M).sum((-2, -1))
    return torch.stack([M.norm(dim=(-2, -1)), landscape.potential(W, W_star), inner, loss])
