r"""The linear networks among the theorems that are compared: with and without links, and linear attention.

They have no activities that could flip. Rows, trainings and measures are those of `comparison`.
"""

import math

import numpy as np
import torch

from src.checks import SEED, arguments, between, each
from src.companions import deep_linear, in_context_descent, linear_attention, linear_residual, residual_optimum, wishart
from src.companions.comparison import LATE, Row, Training, arrival, moved

_STEPS = range(LATE, 10**6)
_SQUARE = "none: layers are d × d"  # of a width that is asked for
_STILL = "none: no algorithm"
_SEEN = 1e-11  # of the error at the start: what is left of a difference of two losses


@arguments(d=range(2, 21), generator=torch.Generator)
def stretch(d, generator):
    """A random symmetric positive definite matrix [d, d], whose eigenvalues have logarithms up to 0.7."""
    _, S, Vh = torch.linalg.svd(residual_optimum.target(d, 0.7, 1, generator))
    return Vh.mT * S @ Vh


def _limit(matrices, R, eta):
    """(1 - eta lambda)^2, lambda the least positive of the d^2 curvatures of |Z - R|^2 / 2 at matrices with Z = R."""
    I = torch.eye(len(R), dtype=R.dtype)
    values = torch.linalg.eigvalsh(deep_linear.hessian(matrices, I, R))
    return (1 - eta * float(values[-R.numel()])) ** 2


@arguments(d=range(2, 11), sizes=each(range(2, 101)), steps=_STEPS, seed=SEED)
def kawaguchi(d, sizes, steps, seed):
    """The `Row` of Kawaguchi: two matrices without links, hidden widths = sizes, at least d; Gaussian starts
    whose entries have the variance 1 / columns."""
    if min(sizes) < d:
        raise ValueError(f"sizes must be {d} at least, or the network cannot be the target; got {min(sizes)}")
    generator, trainings = torch.Generator().manual_seed(seed), []
    R, I = stretch(d, generator), torch.eye(d, dtype=torch.float64)
    for h in sizes:
        begin = [torch.randn(s, generator=generator, dtype=R.dtype) / s[1] ** 0.5 for s in ((h, d), (d, h))]
        eta = 1 / (4 * float(torch.linalg.matrix_norm(begin[0], 2).square() + 1))
        end, losses = deep_linear.descend(begin, I, R, eta, steps)
        trainings.append(Training(h, moved(begin, end), None, *arrival(losses.numpy())))
    least = float(torch.linalg.svdvals(R)[-1])
    return Row(
        "Kawaguchi, claim 2", "kawaguchi-minima", "least singular value of Y Xᵀ", least, "none: any width", _STILL,
        _limit(end, R, eta), tuple(trainings),
    )  # fmt: skip


@arguments(depth=range(3, 11), sizes=each(range(2, 21)), steps=_STEPS, seed=SEED)
def hardt_ma(depth, sizes, steps, seed):
    """The `Row` of Hardt and Ma: layers I + A_i from A = 0 in d = sizes dimensions. The promise is eq. 2.3, corrected,
    for the flow over the time of a step, with the largest norm at the end."""
    eta, trainings = 1 / (8 * depth), []
    for d in sizes:
        R, I = stretch(d, torch.Generator().manual_seed(seed)), torch.eye(d, dtype=torch.float64)
        A, losses = residual_optimum.from_identity(R, depth, eta, steps)
        trainings.append(Training(d, moved([I] * depth, list(I + A)), None, *arrival(losses.numpy())))
    promised = math.exp(-eta * linear_residual.factor(depth, float(linear_residual.largest_norm(A)), 1.0))
    return Row(
        "Hardt and Ma, Theorem 2.2", "hardt-ma-critical", "det R", float(torch.linalg.det(R)), _SQUARE, promised,
        _limit(list(I + A), R, 2 * eta), tuple(trainings),
    )  # fmt: skip


@arguments(n=wishart.SIZE, sizes=each(range(1, 4)), eta=between(0, 10), steps=_STEPS, seed=SEED)
def ahn(n, sizes, eta, steps, seed):
    """The `Row` of Ahn et al.: two layers of linear attention in d = sizes dimensions, the exact loss of prompts with n
    examples, from entries N(0, 1/100). What falls is the loss less that of the best step sizes."""
    trainings = []
    for d in sizes:
        generator = torch.Generator().manual_seed(seed)
        begin = A = 0.1 * torch.randn(2, d, d, generator=generator, dtype=torch.float64)
        S, chances = wishart.cubature(d, n, 4)
        I, errors = torch.eye(d, dtype=A.dtype), []

        def loss(A, S=S, chances=chances, I=I):
            return chances @ linear_attention.sparse_loss(A, torch.zeros_like(A), S, I)

        for _ in range(steps + 1):
            A = A.detach().requires_grad_()
            value = loss(A)
            errors.append(value.item())
            A = A - eta * torch.autograd.grad(value, A)[0]
        A = A.detach()
        least = in_context_descent.loss(d, n, in_context_descent.step_sizes(d, n, 2))
        trainings.append(Training(d, moved([begin], [A]), None, *arrival(np.array(errors) - least, _SEEN)))
    curvature = torch.autograd.functional.hessian(loss, A).view(A.numel(), A.numel())
    exact = (1 - eta * float(torch.linalg.eigvalsh(curvature)[0])) ** 2
    return Row(
        "Ahn et al., Theorem 3", "ahn-theorem-3", "examples in a prompt", n, _SQUARE, _STILL, exact, tuple(trainings)
    )
