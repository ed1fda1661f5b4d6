"""Weights with prescribed norms, and the start of section 5.3 whose first gradient points the wrong way."""

import math

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import brentq
from torch import Tensor

from src.checks import DIMENSION, arguments, between, each, optional

_POSITIVE = between(0, math.inf)
_FINITE = between(-math.inf, math.inf)
_AT_LEAST_3 = DIMENSION[2:]
_LARGEST = 10**8  # entries of what is made: 0.8 GB of doubles


@arguments(d=DIMENSION, spectral=_POSITIVE, frobenius=_POSITIVE, generator=torch.Generator)
def with_norms(d: int, spectral: float, frobenius: float, generator: torch.Generator) -> Float[Tensor, "{d} {d}"]:
    """A random [d, d] float64 matrix with the given spectral and Frobenius norms, on the generator's device.

    W = U diag(s) V^T with U, V uniform on the orthogonal group and geometric singular values s_k = spectral * rho^k,
    where rho in [0, 1] is set by the Frobenius norm: 1 is a flat spectrum, 0 rank one.
    Raises ValueError unless spectral <= frobenius <= sqrt(d) * spectral, the norms that some matrix has.
    """
    if not spectral <= frobenius * (1 + 1e-12) or not frobenius <= math.sqrt(d) * spectral * (1 + 1e-12):
        raise ValueError(
            f"frobenius must lie between spectral = {spectral} and sqrt(d) * spectral = {math.sqrt(d) * spectral:.6g}, "
            f"not {frobenius}: no {d} x {d} matrix has these norms"
        )
    power, square = np.arange(d), min(max((frobenius / spectral) ** 2, 1), d)
    rho = brentq(lambda rho: np.sum(rho ** (2.0 * power)) - square, 0, 1, xtol=1e-15)
    s = spectral * torch.as_tensor(rho**power, device=generator.device)
    return _orthogonal(d, generator) * s @ _orthogonal(d, generator).mT


@arguments(shape=each(range(_LARGEST + 1)), spectral=_POSITIVE, generator=torch.Generator)
def gaussian(shape: tuple[int, ...], spectral: float, generator: torch.Generator) -> Float[Tensor, "..."]:
    """Gaussian float64 matrices of that shape, [..., d, d], each scaled to the given spectral norm."""
    if len(shape) < 2 or shape[-1] != shape[-2] or shape[-1] == 0 or math.prod(shape) > _LARGEST:
        raise ValueError(f"shape must be [..., d, d] with d >= 1 and at most {_LARGEST} entries, not {list(shape)}")
    X = torch.randn(*shape, generator=generator, dtype=torch.float64, device=generator.device)
    return spectral * X / torch.linalg.matrix_norm(X, 2)[..., None, None]


@arguments(d=_AT_LEAST_3, frobenius=_POSITIVE, trace=_FINITE, generator=optional(torch.Generator))
def wrong_way_start(
    d: int, frobenius: float, trace: float, generator: torch.Generator | None = None
) -> Float[Tensor, "{d} {d}"]:
    r"""The start of section 5.3: for W* = 0, weights [d, d] at which the gradient can point away from W*.

    W = -a (I - u u^T / d) + b K with tr W = -a (d - 1) = `trace` and |W|_F = `frobenius`; K is `flat_skew`, so W u = 0
    and the spectral norm is close to frobenius / sqrt(d). To second order g = -trace - frobenius^2 / 2, and the columns
    meet it with <A_bar, -W> = -trace - frobenius^2: for a trace between -frobenius^2 and -frobenius^2 / 2 the two have
    opposite signs, and the gradient's largest part points away from W*, most so halfway.
    Raises ValueError unless |trace| <= frobenius * sqrt(d - 1), and as `flat_skew` does.
    """
    largest = frobenius * math.sqrt(d - 1)
    if not abs(trace) <= largest:
        raise ValueError(f"trace must be a number between -{largest:.6g} and {largest:.6g}, not {trace!r}")
    K = flat_skew(d, generator)
    a = -trace / (d - 1)
    b = math.sqrt(max(frobenius**2 - a**2 * (d - 1), 0)) / K.norm()
    W = b * K + a / d
    W.diagonal().sub_(a)
    return W


@arguments(d=_AT_LEAST_3, generator=optional(torch.Generator))
def flat_skew(d: int, generator: torch.Generator | None = None) -> Float[Tensor, "{d} {d}"]:
    """A skew-symmetric [d, d] float64 matrix K with K u = 0, u the all-ones vector, and all other singular values 1.

    Where d is a prime congruent to 3 modulo 4 and no generator is given: Paley's matrix of quadratic residues,
    over sqrt(d). Otherwise a random one (for even d it must have one more singular value 0, as skew spectra pair up).
    Raises ValueError when d is not such a prime and no generator is given.
    """
    if generator is None:
        if not has_paley(d):
            raise ValueError(f"generator must be given unless d is a prime congruent to 3 modulo 4; d is {d}")
        residues = np.unique(np.arange(1, d, dtype=np.int64) ** 2 % d)
        character = -np.ones(d)
        character[residues], character[0] = 1, 0
        i = np.arange(d)
        return torch.from_numpy(character[(i[None, :] - i[:, None]) % d]) / math.sqrt(d)
    Q = _orthogonal(d, generator, first=torch.ones(d, 1, dtype=torch.float64, device=generator.device))
    left, right = Q[:, 1 : d - 1 : 2], Q[:, 2:d:2]
    K = left @ right.mT
    return K - K.mT


@arguments(d=DIMENSION)
def has_paley(d: int) -> bool:
    """Whether d is a prime congruent to 3 modulo 4, as Paley's matrix needs."""
    return d % 4 == 3 and all(d % k for k in range(3, math.isqrt(d) + 1, 2))


def _orthogonal(d, generator, first=None):
    """Uniform on the orthogonal group; `first` fixes the direction of the first columns."""
    G = torch.randn(d, d, generator=generator, dtype=torch.float64, device=generator.device)
    if first is not None:
        G[:, : first.shape[1]] = first
    Q, R = torch.linalg.qr(G)
    return Q * R.diagonal().sign()
