r"""Section 6: the loss of eq. 2 and its gradient for correlated Gaussian inputs, x ~ N(0, Sigma), exactly.

Write x = S z with S the positive square root of Sigma and z ~ N(0, I). Then $(I + W)^\top x = (S(I + W))^\top z$: the
network sees standard inputs through the columns $S a_j$ and $S b_j$. So the loss is that of Lemma 2.1 at
$W' = S(I + W) - I$ and $W^{*\prime} = S(I + W^*) - I$, and by the chain rule the gradient is S times the
gradient there.

`W`, `W_star` and `Sigma` are [..., d, d] and broadcast, of one floating dtype and on one device.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from src.checks import check_entries, check_pair, check_same_kind
from src.model import population
from src.model.autograd import Undifferentiable


def loss(
    W: Float[Tensor, "... d d"], W_star: Float[Tensor, "... d d"], Sigma: Float[Tensor, "... d d"]
) -> Float[Tensor, "..."]:
    """L(W) = E (f(x, W) - f(x, W*))^2 for x ~ N(0, Sigma), of shape [...]; twice differentiable in W and W_star.

    Raises TypeError or ValueError as `population.loss` does, and unless Sigma is symmetric and positive definite.
    A derivative in Sigma raises NotImplementedError.
    """
    return population.loss(*standardised(W, W_star, Sigma))


def gradient(
    W: Float[Tensor, "... d d"], W_star: Float[Tensor, "... d d"], Sigma: Float[Tensor, "... d d"]
) -> Float[Tensor, "... d d"]:
    """The gradient in W of `loss`, at its true scale: [..., d, d], column j is dL/dw_j. Errors as in `loss`."""
    W, W_star = check_pair(W, W_star)
    S = _root(Sigma, W)
    return S @ population.gradient(_seen_through(S, W), _seen_through(S, W_star))


def standardised(
    W: Float[Tensor, "... d d"], W_star: Float[Tensor, "... d d"], Sigma: Float[Tensor, "... d d"]
) -> tuple[Float[Tensor, "... d d"], Float[Tensor, "... d d"]]:
    """The pair (W', W*') at which standard Gaussian inputs give the same outputs. Errors as in `loss`.

    <-grad, W* - W> is `landscape.inner_product` of this pair, because S moves from one factor to the other, and the
    potential that the proof needs to be small is `landscape.potential` of it, sum_i |S b_i| - |S a_i|.
    """
    W, W_star = check_pair(W, W_star)
    S = _root(Sigma, W)
    return _seen_through(S, W), _seen_through(S, W_star)


def _seen_through(S, W):
    """S (I + W) - I, formed so that nothing cancels when S is close to I and W to 0."""
    return S @ W + (S - torch.eye(S.shape[-1], dtype=S.dtype, device=S.device))


def _root(Sigma, W):
    check_same_kind("Sigma", Sigma, W)
    check_entries(_check_symmetric, Sigma)
    variances, axes = torch.linalg.eigh(Sigma.detach())
    check_entries(_check_positive, variances)
    return axes * variances.sqrt()[..., None, :] @ axes.mT + Undifferentiable.apply(Sigma)


def _check_symmetric(Sigma):
    skew, size = (X.abs().amax((-2, -1)) for X in (Sigma - Sigma.mT, Sigma))
    if (skew > 1000 * torch.finfo(Sigma.dtype).eps * size).any():
        raise ValueError("Sigma must be symmetric, as a covariance is")


def _check_positive(variances):
    if (variances[..., 0] <= 1000 * torch.finfo(variances.dtype).eps * variances[..., -1].abs()).any():
        raise ValueError(f"Sigma must be positive definite; its smallest eigenvalue is {variances.min():.3g}")
