r"""What depth does to lengths, angles and gradients in a wide ReLU network at a Gaussian start: closed forms.

For W [m, d] with entries N(0, 2/m), g and h jointly Gaussian with variance 1 and correlation cos(theta), and unit x, y:

    E |relu(W x)|^2 = 2 E relu(g)^2 = 1    and    E relu(W x) . relu(W y) = 2 E relu(g) relu(h) = cosine(theta).

In the limit of width the layers follow these means. So do the gradients of the network of `deep_relu`: with the angles
theta_l after l layers, back_l = (1/2) prod_(k >= l) (1 - theta_(k-1) / pi) is b_l(x) . b_l(y) / m, and the kernel, the
inner product of the gradients of f divided by m, is the sum of back_l cos(theta_(l-1)). One layer has that of
`overparameterization`.
"""

import math
from typing import NamedTuple

import torch

from src.checks import arguments, between, entries, within
from src.companions import overparameterization
from src.companions.deep_relu import ETA, LAYERS, LOSSES, MOST, Problem
from src.theory.closed_form import check_array

FLOOR = math.log(2)  # the logistic loss of outputs zero: the least mean of equal inputs with opposite labels
_ANGLE = entries(within(0, math.pi))


@arguments(theta=_ANGLE)
def next_angle(theta):
    """The angle after one layer of inputs at the angle theta: its cosine is (sin t + (pi - t) cos t) / pi.

    Through sin^2(next / 2) = sin^2(theta / 2) - (sin t - t cos t) / (2 pi), which is exact for small angles too.
    """
    theta = torch.as_tensor(theta, dtype=torch.float64)
    square = (theta / 2).sin().square() - (theta.sin() - theta * theta.cos()) / (2 * math.pi)
    return 2 * square.clamp(min=0).sqrt().asin()


@arguments(theta=_ANGLE, layers=LAYERS)
def angles(theta, layers):
    """The angles after 0, 1, ..., `layers` layers: [layers + 1, ...]."""
    found = [torch.as_tensor(theta, dtype=torch.float64)]
    for _ in range(layers):
        found.append(next_angle(found[-1]))
    return torch.stack(found)


@arguments(rho=entries(within(-1, 1)))
def cosine(rho):
    """The cosine after one layer of inputs whose cosine is rho."""
    theta = torch.as_tensor(rho, dtype=torch.float64).acos()
    return (theta.sin() + (math.pi - theta) * theta.cos()) / math.pi


def _parts(theta, layers):
    """(back_l, cos(theta_(l-1))) for l = 1, ..., layers: [layers, ...] each."""
    through = angles(theta, layers)[:-1]
    back = 0.5 * (1 - through / math.pi).flip(0).cumprod(0).flip(0)
    return back, through.cos()


@arguments(layers=LAYERS)
def parts(X, layers):
    """The limits of b_l(x_i) . b_l(x_j) / m and of x_(l-1)(x_i) . x_(l-1)(x_j): twice [layers, n, n]."""
    return _parts(overparameterization.angles(X), layers)


@arguments(layers=LAYERS)
def kernel(X, layers):
    """The limit of grad f(x_i) . grad f(x_j) / m for inputs X [n, d] of length one: [n, n]."""
    back, forward = parts(X, layers)
    return (back * forward).sum(0)


@arguments(layers=LAYERS)
def least(X, layers):
    """lambda_0, the least eigenvalue of the kernel."""
    return float(torch.linalg.eigvalsh(kernel(X, layers))[0])


@arguments(theta=within(0, math.pi), layers=LAYERS)
def least_of_two(theta, layers):
    """lambda_0 of two inputs at the angle theta: layers/2 - |k(theta)|, about layers (layers + 1) theta / (4 pi)."""
    return layers / 2 - abs(_of_two(theta, layers))


def _of_two(theta, layers):
    """The kernel of two inputs at the angle theta; of equal ones it is layers/2."""
    back, forward = _parts(theta, layers)
    return float((back * forward).sum())


@arguments(theta=between(0, math.pi), layers=LAYERS, eta=ETA, target=between(0, FLOOR))
def steps_of_two(theta, layers, eta, target):
    """The steps until two inputs at the angle theta with opposite labels have this logistic loss, in the limit of width
    and of small steps, from outputs zero: the margin z grows by eta (layers/2 - k(theta)) sigmoid(-z) / 2 in a step."""
    z = LOSSES["logistic"].margin(target)
    return 2 * (z + math.expm1(z)) / (eta * (layers / 2 - _of_two(theta, layers)))


@arguments(theta=within(0, math.pi), draws=range(2, 10**7), generator=torch.Generator)
def one_unit(theta, draws, generator):
    """2 relu(w . x)^2 and 2 relu(w . x) relu(w . y) for w ~ N(0, I) and inputs at the angle theta: [2, draws].

    Their means are the squared length and the cosine after one layer.
    """
    g, h = torch.randn(2, draws, generator=generator, dtype=torch.float64)
    x, y = g.relu(), (math.cos(theta) * g + math.sin(theta) * h).relu()
    return 2 * torch.stack((x * x, x * y))


class Limit(NamedTuple):
    """A training in the limit of width, from its outputs at the start alone: the gradients' kernel stays the same."""

    losses: torch.Tensor  # [steps + 1] mean loss, the start first
    slopes: torch.Tensor  # [steps + 1] squared norm of the gradient, divided by m
    steps: int
    length: float  # of the path, times sqrt(m)
    moved: tuple  # spectral norm of W_l - W_l(0) for each layer, times sqrt(m)


@arguments(data=Problem, layers=LAYERS, loss=tuple(LOSSES), eta=ETA, target=between(0, 1), most=MOST)
def limit(data, layers, outputs, loss, eta, target, most):
    """The `Limit` of `deep_relu.train` by gradient descent, from the outputs [n] at the start.

    A step takes eta K s from the outputs, where s_i = y_i slope(z_i) / n and K is the kernel. With a = eta sum_t s_t
    the weights of layer l have moved by (1/m) sum_i a_i b_{l,i} x_{l-1,i}^T.
    """
    check_array("outputs", outputs, "[n]")
    if outputs.dtype != data.y.dtype or len(outputs) != len(data.y):
        raise ValueError(f"outputs must be float64, one for each of the {len(data.y)} inputs; got {len(outputs)}")
    back, forward = parts(data.X, layers)
    K, rule, a = (back * forward).sum(0), LOSSES[loss], torch.zeros_like(data.y)
    losses, slopes = [], []
    while True:
        s = data.y * rule.slope(data.y * outputs) / len(data.y)
        losses.append(float(rule.value(data.y * outputs).mean()))
        slopes.append(float(s @ K @ s))
        if losses[-1] <= target or len(losses) > most:
            break
        outputs, a = outputs - eta * (K @ s), a + eta * s
    pairs = (a[:, None] * B * a @ R for B, R in zip(back, forward, strict=True))
    moved = tuple(float(torch.linalg.eigvals(pair).real.max().clamp(min=0).sqrt()) for pair in pairs)
    losses, slopes = (torch.tensor(values, dtype=torch.float64) for values in (losses, slopes))
    return Limit(losses, slopes, len(losses) - 1, float(eta * slopes[:-1].clamp(min=0).sqrt().sum()), moved)
