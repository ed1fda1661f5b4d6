"""Critical points of the exact loss: where its gradient is zero, and what kind of point that is."""

from typing import NamedTuple

import torch

from src.checks import check_integer, check_pair
from src.model import population


class Critical(NamedTuple):
    """What `find` reached from each of S starts."""

    W: torch.Tensor  # [S, d, d]
    gradient_norm: torch.Tensor  # [S], |grad L|_F at the true scale; small where the search converged
    lowest_curvature: torch.Tensor  # [S], smallest eigenvalue of the Hessian at the true scale: negative at a saddle


def find(W, W_star, steps=80, tolerance=1e-11):
    """Critical points of L near the starts W, [S, d, d], each for its teacher W_star, [S, d, d].

    Minimises |grad L|^2 by Levenberg and Marquardt's method with the exact Hessian, in at most that many steps, so that
    saddles and minima are found alike; a start is done when |grad L|_F < tolerance. The Hessians are dense: d <= 10.
    Raises ValueError for anything but two [S, d, d] batches, and errors as `population.gradient` does.
    """
    W, W_star = check_pair(W, W_star)
    if W.ndim != 3:
        raise ValueError(f"W must be of shape [S, d, d], not {list(W.shape)}")
    check_integer("steps", steps, at_least=1)
    W = W.detach().clone()
    n = W.shape[-1] ** 2
    gradient = population.gradient(W, W_star).flatten(-2)
    damping = torch.full_like(gradient[:, 0], 1e-2)
    eye = torch.eye(n, dtype=W.dtype, device=W.device)
    for _ in range(steps):
        active = (gradient.norm(dim=-1) >= tolerance).nonzero()[:, 0]
        if not len(active):
            break
        G, T, lam = gradient[active], W_star[active], damping[active]
        H = _hessian(W[active], T)
        step = torch.linalg.solve(H @ H + lam[:, None, None] * eye, H @ G[..., None])[..., 0]
        trial = W[active] - step.unflatten(-1, W.shape[-2:])
        G_trial = population.gradient(trial, T).flatten(-2)
        better = G_trial.norm(dim=-1) < G.norm(dim=-1)
        W[active] = torch.where(better[:, None, None], trial, W[active])
        gradient[active] = torch.where(better[:, None], G_trial, G)
        damping[active] = torch.where(better, lam / 5, lam * 4).clamp(1e-14, 1e6)
    return Critical(W, gradient.norm(dim=-1), torch.linalg.eigvalsh(_hessian(W, W_star))[:, 0])


def _hessian(W, W_star):
    """The Hessian of L in W as [S, d*d, d*d]."""
    d = W.shape[-1]
    directions = torch.eye(d * d, dtype=W.dtype, device=W.device).reshape(d * d, 1, d, d)
    return population.hessian_product(W, W_star, directions).flatten(-2).movedim(0, -1)
