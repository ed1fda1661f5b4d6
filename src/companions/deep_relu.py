r"""Deep ReLU networks for two classes, after Zou, Cao, Zhou and Gu (2018): descent from a random start to a target.

The network is f(x) = v . x_L with x_l = relu(W_l x_{l-1}) and x_0 = x, where W_1 is [m, d], the other W_l are [m, m]
and v has entries 1 and -1 that do not learn. At the start the entries of W_l are N(0, 2/m). The loss is the mean of
loss(z_i) over n inputs, with the margins z_i = y_i f(x_i). The logistic loss has no minimiser, so a training ends where
the loss has fallen to a target. Gradients are written out: for a weight s_i of each input,

    sum_i s_i grad_l f(x_i) = sum_i b_{l,i} x_{l-1,i}^T,   b_L = s v 1(x_L > 0),   b_{l-1} = (W_l^T b_l) 1(x_{l-1} > 0).
"""

import math
from typing import NamedTuple

import torch
from scipy.sparse import linalg
from torch.nn.functional import softplus

from src.checks import DIMENSION, arguments, between, check_value, within
from src.companions import overparameterization
from src.theory.closed_form import check_array

LAYERS = range(1, 101)  # without a layer there is nothing to train
WIDTH = range(1, 20_001)
ETA = between(0, 1000)  # in units of 1 / m
MOST = range(1, 10**7)  # steps
DTYPES = {"float32": torch.float32, "float64": torch.float64}
STARTS = ("Gaussian", "signs", "constant", "zero")
_TARGET = between(0, 1)


def _below_one(z):
    return (1 - z).clamp(min=0)


class Loss(NamedTuple):
    """A loss of the margin z, convex and falling to 0, by its value, its slope, and the margin at a given loss."""

    value: object  # [n] -> [n]
    slope: object  # [n] -> [n], never positive
    margin: object  # float -> float
    bend: float  # its second derivative, which limits the step: the largest, or where there is none, a usual one


LOSSES = {
    "logistic": Loss(
        lambda z: softplus(-z), lambda z: -torch.sigmoid(-z), lambda loss: -math.log(math.expm1(loss)), 0.25
    ),
    "exponential": Loss(lambda z: torch.exp(-z), lambda z: -torch.exp(-z), lambda loss: -math.log(loss), 0.5),
    "squared hinge": Loss(
        lambda z: _below_one(z).square(), lambda z: -2 * _below_one(z), lambda loss: 1 - math.sqrt(loss), 2.0
    ),
    "hinge": Loss(_below_one, lambda z: -(z < 1).to(z.dtype), lambda loss: 1 - loss, 1.0),
}


class Network(NamedTuple):
    """Weights W_1 [m, d], W_2 to W_L [m, m], and the signs v [m]."""

    weights: tuple
    v: torch.Tensor


class Problem(NamedTuple):
    """Inputs X [n, d] of length one and labels y [n], each 1 or -1."""

    X: torch.Tensor
    y: torch.Tensor


def problem(X, y):
    """The `Problem` of inputs X and labels y. Equal inputs are allowed: with opposite labels no network learns them."""
    overparameterization.check_inputs(X)
    check_array("y", y, "[n]")
    if y.dtype != X.dtype or len(y) != len(X):
        raise ValueError(f"y must be float64, one label for each row of X, {len(X)}; got {list(y.shape)}, {y.dtype}")
    if not (y.abs() == 1).all():
        raise ValueError(f"y must hold labels 1 and -1; got {float(y[y.abs() != 1][0]):g}")
    return Problem(X, y)


@arguments(n=DIMENSION, d=DIMENSION, generator=torch.Generator)
def random_labels(n, d, generator):
    """The `Problem` of uniform inputs on the sphere with fair coins for labels."""
    X = overparameterization.sphere(n, d, generator)
    return Problem(X, torch.randint(2, (n,), generator=generator).to(X.dtype) * 2 - 1)


@arguments(theta=within(0, math.pi))
def two_inputs(theta):
    """The `Problem` of two inputs at the angle theta with the labels 1 and -1."""
    X = torch.tensor([[1, 0], [math.cos(theta), math.sin(theta)]], dtype=torch.float64)
    return problem(X, X.new_tensor([1, -1]))


@arguments(d=DIMENSION, width=WIDTH, layers=LAYERS, generator=torch.Generator, variance=between(0, 100), kind=STARTS,
           precision=tuple(DTYPES))  # fmt: skip
def start(d, width, layers, generator, variance=2.0, kind="Gaussian", precision="float64"):
    """A `Network` at its start: entries of mean square variance / width.

    kind: N(0, variance / width); random signs of that size; all equal to its root; or zero. The last two are
    deterministic but for v.
    """
    dtype, size, weights = DTYPES[precision], math.sqrt(variance / width), []
    for columns in (d, *[width] * (layers - 1)):
        if kind == "Gaussian":
            W = torch.randn(width, columns, generator=generator, dtype=dtype)
        elif kind == "signs":
            W = torch.randint(2, (width, columns), generator=generator).to(dtype) * 2 - 1
        else:
            W = torch.full((width, columns), float(kind == "constant"), dtype=dtype)
        weights.append(W * size)
    return Network(tuple(weights), torch.randint(2, (width,), generator=generator).to(dtype) * 2 - 1)


def _forward(network, X):
    """[x_0, ..., x_L], each [n, its width]; the outputs are x_L v."""
    layers = [X.to(network.v.dtype)]
    for W in network.weights:
        layers.append((layers[-1] @ W.T).relu())
    return layers


def _backward(network, layers, s):
    """[b_1, ..., b_L] for the weights s [n] of the inputs: each [n, m]."""
    below = s[:, None] * network.v * (layers[-1] > 0)
    found = [below]
    for W, x in zip(network.weights[:0:-1], layers[-2:0:-1], strict=True):
        below = below @ W * (x > 0)
        found.append(below)
    return found[::-1]


def check_network(network, X):
    """Raise unless `network` is a `Network` that takes the inputs X."""
    check_value("network", network, Network)
    check_array("X", X, "[n, d]")
    if X.shape[1] != network.weights[0].shape[1]:
        raise ValueError(f"X must have the {network.weights[0].shape[1]} columns that network takes, not {X.shape[1]}")


def layers(network, X):
    """x_1 to x_L at the inputs X [n, d]: L tensors [n, m]."""
    check_network(network, X)
    return _forward(network, X)[1:]


def output(network, X):
    """f at the inputs X [n, d]: [n]."""
    return layers(network, X)[-1] @ network.v


def gradients(network, X, s):
    """The gradients in W_1 to W_L of sum_i s_i f(x_i), for weights s [n]."""
    check_network(network, X)
    check_array("s", s, "[n]")
    if len(s) != len(X):
        raise ValueError(f"s must have one entry for each row of X, {len(X)}; got {len(s)}")
    x = _forward(network, X)
    return [b.T @ a for b, a in zip(_backward(network, x, s.to(network.v.dtype)), x, strict=False)]


def gram(network, X):
    """The inner products of grad f(x_i) and grad f(x_j), layer by layer: [L, n, n], float64. Their sum is about m times
    `depth_maps.kernel` in a wide network at its start."""
    check_network(network, X)
    x = _forward(network, X)
    back = _backward(network, x, torch.ones(len(X), dtype=network.v.dtype))
    return torch.stack([(b @ b.T) * (a @ a.T) for b, a in zip(back, x, strict=False)]).double()


def spectral_norm(W):
    """The largest singular value of W [., .], by Lanczos iteration where W is large."""
    check_array("W", W, "[., .]")
    if min(W.shape) < 100 or not W.any():
        return float(torch.linalg.matrix_norm(W, 2))
    begin = torch.ones(min(W.shape), dtype=W.dtype).numpy()
    return float(linalg.svds(W.numpy(), 1, v0=begin, return_singular_vectors=False, tol=1e-6)[0])


class Run(NamedTuple):
    """A training. An epoch is a step of gradient descent, or n steps of stochastic gradient descent with batch one."""

    losses: torch.Tensor  # [epochs + 1] mean loss after each epoch, the start first
    slopes: torch.Tensor  # [epochs + 1] squared norm of the whole gradient
    steps: int
    length: float  # of the path: sum over the steps of the Frobenius norm of all that changes in a step
    moved: tuple  # spectral norm of W_l - W_l(0), for each layer
    flips: tuple  # share of the pairs (unit, input) whose activity is not that of the start, for each layer
    error: float  # share of the inputs whose margin is not positive
    outputs: torch.Tensor  # [n] at the end, float64
    network: Network  # at the end


@arguments(begin=Network, data=Problem, loss=tuple(LOSSES), eta=ETA, target=_TARGET, most=MOST)
def train(begin, data, loss, eta, target, most, generator=None):
    """The `Run` from `begin` until the mean loss is at most `target`, the gradient is zero, or after `most` steps.

    eta: the step size in units of 1 / m. generator: where there is one, each step takes one input, in a new random
    order every epoch; else all inputs.
    """
    check_network(begin, data.X)
    check_value("generator", generator, torch.Generator | None)
    X, y = (part.to(begin.v.dtype) for part in data)
    network = Network(tuple(W.clone() for W in begin.weights), begin.v)
    rule, rate, n = LOSSES[loss], eta / len(begin.v), len(y)
    losses, slopes, length, steps, first = [], [], 0.0, 0, None
    while True:
        x = _forward(network, X)
        outputs = x[-1] @ network.v
        first = first or [layer > 0 for layer in x[1:]]
        losses.append(float(rule.value(y * outputs).double().mean()))
        back = _backward(network, x, y * rule.slope(y * outputs) / n)
        slopes.append(_square(back, x))
        if losses[-1] <= target or steps >= most or slopes[-1] == 0:
            break
        if generator is None:
            length += _step(network, back, x, rate)
            steps += 1
            continue
        for i in torch.randperm(n, generator=generator).tolist()[: most - steps]:
            one = _forward(network, X[i : i + 1])
            s = y[i : i + 1] * rule.slope(y[i : i + 1] * (one[-1] @ network.v))
            length += _step(network, _backward(network, one, s), one, rate)
            steps += 1
    return Run(
        torch.tensor(losses, dtype=torch.float64), torch.tensor(slopes, dtype=torch.float64), steps, length,
        tuple(spectral_norm(W - W_0) for W, W_0 in zip(network.weights, begin.weights, strict=True)),
        tuple(float(((a > 0) != before).double().mean()) for a, before in zip(x[1:], first, strict=True)),
        float((y * outputs <= 0).double().mean()), outputs.double(), network,
    )  # fmt: skip


def _square(back, x):
    """The squared Frobenius norm of all the gradients b^T x, without making them."""
    return max(float(sum(((b @ b.T) * (a @ a.T)).sum() for b, a in zip(back, x, strict=False))), 0.0)


def _step(network, back, x, rate):
    """One step of descent, in place; the norm of the change."""
    size = _square(back, x)
    for W, b, a in zip(network.weights, back, x, strict=False):
        W.addmm_(b.T, a, alpha=-rate)
    return rate * math.sqrt(size)
