r"""Hardt and Ma (2017): linear networks whose layers have the identity as a link, (I + A_l) ... (I + A_1).

Section 2 of the text printed for ICLR 2017. The network learns y = R x + noise from inputs of covariance Sigma; its
risk is f(A) = |((I + A_l) ... (I + A_1) - R) Sigma^(1/2)|_F^2 and a constant, which is the least value of f, since the
network can be R. So f less its least value is computed here, called the excess; it has no factor 1/2.

A is [..., l, d, d] with A_1 first, R is [..., d, d] and Sigma [..., d, d], symmetric positive semidefinite; all
float64. tau bounds the spectral norms of A_1, ..., A_l.
"""

import math
from typing import NamedTuple

import torch

from src import verdicts
from src.checks import COUNT, DIMENSION, arguments, between, check_value, entries, within
from src.theory.closed_form import check_array

DEPTH = range(1, 1001)
ROUNDING = 1e-9  # of a ratio that is 1 where a bound is attained
_POSITIVE, _SEVERAL = between(0, math.inf), range(2, COUNT.stop)


def check_square(name, x, form):
    """A float64 array of square matrices."""
    check_array(name, x, form)
    if x.dtype != torch.float64 or x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(f"{name} must be square and float64, of shape {form}, not {list(x.shape)}, {x.dtype}")


def check_point(A, R, Sigma):
    """Layers, target and covariance that belong together."""
    for name, x, form in (("A", A, "[..., l, d, d]"), ("R", R, "[..., d, d]"), ("Sigma", Sigma, "[..., d, d]")):
        check_square(name, x, form)
    if A.ndim < 3:
        raise ValueError(f"A must be of shape [..., l, d, d], not {list(A.shape)}")
    if not A.shape[-1] == R.shape[-1] == Sigma.shape[-1]:
        raise ValueError(f"A, R and Sigma must have one d, not {A.shape[-1]}, {R.shape[-1]} and {Sigma.shape[-1]}")
    try:
        torch.broadcast_shapes(A.shape[:-3], R.shape[:-2], Sigma.shape[:-2])
    except RuntimeError:
        raise ValueError(
            f"A, R and Sigma must have batch shapes that go together, not {list(A.shape[:-3])}, {list(R.shape[:-2])} "
            f"and {list(Sigma.shape[:-2])}"
        ) from None
    rounding = 1e-12 * Sigma.abs().amax()
    if (Sigma - Sigma.mT).abs().max() > rounding or torch.linalg.eigvalsh(Sigma).min() < -rounding:
        raise ValueError("Sigma must be symmetric and positive semidefinite")


def product(A):
    """(I + A_l) ... (I + A_1), from [..., l, d, d] to [..., d, d]."""
    check_square("A", A, "[..., l, d, d]")
    layers = torch.eye(A.shape[-1], dtype=A.dtype) + A
    Z = layers[..., 0, :, :]
    for k in range(1, layers.shape[-3]):
        Z = layers[..., k, :, :] @ Z
    return Z


def excess(A, R, Sigma):
    """f(A) less its least value, Claim 2.3: tr(E Sigma E^T) with E = (I + A_l) ... (I + A_1) - R: [...]."""
    check_point(A, R, Sigma)
    E = product(A) - R
    return (E @ Sigma * E).sum((-2, -1))


def gradient(A, R, Sigma):
    """Lemma 2.4: 2 (I + A_l)^T ... (I + A_(i+1))^T E Sigma (I + A_(i-1))^T ... (I + A_1)^T for every i, like A."""
    check_point(A, R, Sigma)
    layers = torch.eye(A.shape[-1], dtype=A.dtype) + A
    back, found = 2 * (product(A) - R) @ Sigma, []
    inner = [torch.eye(A.shape[-1], dtype=A.dtype)]
    for k in range(A.shape[-3] - 1):
        inner.append(layers[..., k, :, :] @ inner[-1])
    for k in reversed(range(A.shape[-3])):
        found.append(back @ inner[k].mT)
        back = layers[..., k, :, :].mT @ back
    return torch.stack(found[::-1], -3)


def largest_norm(A):
    """The largest of the spectral norms of A_1, ..., A_l: [...]."""
    check_square("A", A, "[..., l, d, d]")
    if A.ndim < 3:
        raise ValueError(f"A must be of shape [..., l, d, d], not {list(A.shape)}")
    return torch.linalg.matrix_norm(A, 2).amax(-1)


def _radius(name, value):
    check_value(name, value, within(0, 1))
    if value == 1:
        raise ValueError(f"{name} must be below 1: at 1 a factor I + A_i can be zero; got {value}")


_factor_arguments = arguments(depth=DEPTH, tau=entries(_radius), sigma=entries(_POSITIVE))


@_factor_arguments
def printed_factor(depth, tau, sigma):
    """Eq. 2.3 as printed: |grad f|_F^2 is at least 4 l (1 - tau)^(l-1) sigma^2 times the excess of f.

    sigma is the least eigenvalue of Sigma; tau and sigma are numbers or tensors of one shape.
    """
    return 4 * depth * (1 - tau) ** (depth - 1) * sigma**2


@_factor_arguments
def factor(depth, tau, sigma):
    """Eq. 2.3 corrected: 4 l (1 - tau)^(2l-2) sigma."""
    return 4 * depth * (1 - tau) ** (2 * depth - 2) * sigma


def slope(A, R, Sigma):
    """|grad f|_F^2 in units of the excess: [...]. Raises ValueError where A is an optimum."""
    above = excess(A, R, Sigma)
    if above.numel() and above.min() <= 0:
        raise ValueError("A must not be an optimum, where gradient and excess vanish together")
    return gradient(A, R, Sigma).square().sum((-3, -2, -1)) / above


class Inequality(NamedTuple):
    """Eq. 2.3: |grad f|_F^2 over its lower bound, which a true bound keeps at 1 or more."""

    printed: float  # in one dimension, two layers A = -1/2, Sigma = 1, R = 2
    power: float  # with (1 - tau)^(2l-2) and sigma^2, at one layer A = 0, Sigma = 2, R = 3
    scale: float  # with (1 - tau)^(l-1) and sigma, at the first point
    corrected: float  # with both, the least over the draws
    attained: float  # with both, at A_i = -I/2, Sigma = 2 I

    @property
    def verdict(self):
        """Fails, if the corrected bound does; holds, if the printed one does; else holds with the correction."""
        if self.corrected < 1 - ROUNDING:
            return verdicts.FAILS
        return verdicts.HOLDS if self.printed >= 1 - ROUNDING else verdicts.CORRECTED


@arguments(d=DIMENSION, depth=DEPTH, draws=_SEVERAL, generator=torch.Generator)
def inequality(d, depth, draws, generator):
    """The Inequality, with `draws` random A, R and Sigma; the norms of A_1, ..., A_l reach up to 1."""
    A, R, Sigma = random_points(d, depth, draws, generator)
    least = slope(A, R, Sigma) / factor(depth, largest_norm(A), torch.linalg.eigvalsh(Sigma)[:, 0])

    def in_one_dimension(a, depth, R, Sigma):
        return float(slope(torch.full((depth, 1, 1), a).double(), *(torch.tensor([[x]]).double() for x in (R, Sigma))))

    half = in_one_dimension(-0.5, 2, 2.0, 1.0)
    I = torch.eye(d, dtype=A.dtype)
    at = slope((-I / 2).expand(depth, d, d), R[0], 2 * I)
    return Inequality(
        printed=half / printed_factor(2, 0.5, 1.0),
        power=in_one_dimension(0.0, 1, 3.0, 2.0) / (factor(1, 0.0, 2.0) * 2.0),
        scale=half / (factor(2, 0.5, 1.0) / 0.5),
        corrected=float(least.min()),
        attained=float(at) / factor(depth, 0.5, 2.0),
    )


@arguments(d=DIMENSION, depth=DEPTH, draws=COUNT, generator=torch.Generator)
def random_points(d, depth, draws, generator):
    """(A, R, Sigma), `draws` of each: A_i of a random norm below 1, from any direction to that of -I; R Gaussian;
    Sigma a Gram matrix of d + 1 Gaussian vectors."""
    normal = torch.randn(draws, depth + 2, d, d + 1, generator=generator, dtype=torch.float64)
    tilt, size = torch.rand(2, draws, depth, 1, 1, generator=generator, dtype=torch.float64)
    A = (1 - tilt) * normal[:, 2:, :, :d] - 3 * tilt * torch.eye(d, dtype=torch.float64)
    A = size * A / torch.linalg.matrix_norm(A, 2)[..., None, None]
    return A, normal[:, 0, :, :d], normal[:, 1] @ normal[:, 1].mT


class NoCritical(NamedTuple):
    """Theorem 2.2: the gradient against the residual, |grad f|_F^2 / (4 l (1 - tau)^(2l-2) |E Sigma|_F^2)."""

    regular: float  # the least over random points with an invertible Sigma
    singular: float  # and with a Sigma of rank one
    slope: float  # |grad f|_F at A_1 = A_2 = -I, where tau = 1
    excess: float  # there

    @property
    def verdict(self):
        """Holds, if inside the ball the gradient vanishes with E Sigma only, whatever Sigma is."""
        return verdicts.HOLDS if min(self.regular, self.singular) >= 1 - ROUNDING else verdicts.FAILS

    @property
    def sharp(self):
        """Whether a critical point that is no optimum lies at tau = 1."""
        return self.slope == 0 < self.excess


@arguments(d=DIMENSION, depth=DEPTH[1:], draws=_SEVERAL, generator=torch.Generator)
def no_critical(d, depth, draws, generator):
    """The NoCritical of `draws` random points, and of one on the edge."""
    A, R, Sigma = random_points(d, depth, draws, generator)
    line = Sigma[:, :, :1] @ Sigma[:, :1, :] / Sigma[:, :1, :1]
    least = []
    for covariance in (Sigma, (line + line.mT) / 2):
        E = product(A) - R
        size = gradient(A, R, covariance).square().sum((-3, -2, -1))
        bound = factor(depth, largest_norm(A), 1.0) * (E @ covariance).square().sum((-2, -1))
        least.append(float((size / bound).min()))
    edge = torch.zeros(depth, d, d, dtype=A.dtype)
    edge[:2] = -torch.eye(d, dtype=A.dtype)
    at_edge = gradient(edge, R[0], Sigma[0]), excess(edge, R[0], Sigma[0])
    return NoCritical(*least, float(at_edge[0].norm()), float(at_edge[1]))
