r"""The gradient is linear in M = W* - W and g A_bar, up to nu |M|_2: in the spectral norm, whatever the dimension is.

Printed scale, R = -pi grad L, with p = u / sqrt(d), sigma = M p and Diag(M) the diagonal of M:

    R = (pi/2) d sigma p^T + g A_bar + (pi/2) M + M^T - 2 Diag(M) + N,    |N|_2 <= nu |M|_2,    |N_jj| <= nu' |M|_2,
    <A_bar, R> / d = (pi/2) <A_bar p, sigma> + (d + pi/2 - 1) g / d + rho,    |rho| <= nu'' |M|_2.

The rest N is a sum of six pieces. `bounds` has a number for each that only gamma and gamma_0 enter, which bound |W|_2
and |W*|_2; `slacks` compares them with pairs.
"""

import math
from typing import NamedTuple

import torch

from src.checks import arguments, between, check_pair
from src.model import population
from src.theory import margin
from src.theory.intervals import Interval

PIECES = ("N1", "N2", "N3", "H1", "H2", "H3")
_GAMMA = between(0, 0.17)


class Bounds(NamedTuple):
    """What gamma and gamma_0 allow, as intervals; the last three over |M|_2."""

    inverse: Interval  # 1 / |a_j|
    beta: Interval  # |A_bar - I|_2
    psi: Interval  # |A_bar|_2
    dip: Interval  # 1 - <e_j, a_bar_j>
    pieces: tuple  # spectral norms, in the order of PIECES
    diagonals: tuple  # entries on the diagonal, in the same order
    potential: Interval  # |rho|

    @property
    def rest(self):
        """nu, for |N|_2."""
        return sum(self.pieces)

    @property
    def diagonal(self):
        """nu', for the diagonal of N."""
        return sum(self.diagonals)


@arguments(gamma=Interval, gamma_0=Interval)
def bounds(gamma, gamma_0):
    """The Bounds for |W|_2 <= gamma, |W*|_2 <= gamma_0 <= gamma, in the arithmetic of the two.

    Raises ArithmeticError where gamma is too large for them (about 0.17).
    """
    inverse, inverse_star = 1 / (1 - gamma), 1 / (1 - gamma_0)
    beta, psi, psi_star = 2 * gamma * inverse, (1 + gamma) * inverse, (1 + gamma_0) * inverse_star
    # Columns of cosines between different columns: of a_i and a_j, of b_i and a_j, and of their difference.
    kappa = inverse.square() * (2 * gamma + gamma.square())
    kappa_star = inverse * inverse_star * (gamma + gamma_0 + gamma * gamma_0)
    kappa_turn = inverse * (1 + kappa_star)
    # The spectral norms of the same matrices.
    whole, whole_star = 2 * kappa, 2 * kappa_star
    whole_turn = inverse * (2 * psi + whole_star)
    zeta = 1 / _cosine(kappa)
    # The angle of a_j and b_j, and how far directions are from e_j.
    turn, sine = gamma.asin() + gamma_0.asin(), gamma * _cosine(gamma_0) + gamma_0 * _cosine(gamma)
    cosine, bent = _cosine(gamma) * _cosine(gamma_0) - gamma * gamma_0, turn / sine - 1
    dip, share = 1 - _cosine(gamma), (1 + gamma) / (2 + gamma - gamma_0)
    chord = share * _chord(gamma) + (1 - share) * _chord(gamma_0)
    versines = zeta / 2 * (kappa_star.square() + (1 + gamma) * (kappa_star + kappa) * kappa_turn)
    arcsines = whole_star.asin() - whole_star + (1 + gamma) * (1 / _cosine(whole) - 1) * whole_turn
    pieces = (
        chord + beta,
        whole_star,
        2 * (beta + gamma + psi * gamma) * inverse + psi * whole_star,
        arcsines,
        psi * versines,
        inverse * (1 + psi_star) * (1 + gamma_0) * turn + psi * bent,
    )
    diagonals = (
        chord + dip,
        kappa_star,
        gamma * kappa_turn,
        (zeta - 1) * (kappa_star + gamma * kappa_turn),
        versines,
        dip + bent,
    )
    potential = gamma.pi() / 2 * sine / (1 + cosine) + versines
    return Bounds(inverse, beta, psi, dip, pieces, diagonals, potential)


class Split(NamedTuple):
    """R taken apart; tensors [..., d, d] but for rho."""

    linear: torch.Tensor  # (pi/2) d sigma p^T + g A_bar + (pi/2) M + M^T - 2 Diag(M)
    pieces: tuple  # of N, in the order of PIECES
    rho: torch.Tensor  # [...]

    @property
    def rest(self):
        """N."""
        return sum(self.pieces)


def split(W, W_star):
    """The Split of a pair, [..., d, d] each; linear and pieces add up to R. Errors as in `src.checks.check_pair`."""
    W, W_star = check_pair(W, W_star)
    X, d = margin.columns(W, W_star), W.shape[-1]
    A, B_bar = X.A_bar * X.a[..., None, :], X.B / X.b[..., None, :]
    own, g = torch.diag_embed(_own(X.M)), X.r.sum(-1)[..., None, None]
    turned = (X.M - B_bar * X.r[..., None, :]) / X.a[..., None, :]  # B_bar - A_bar, free of cancellation
    difference = turned.mT @ X.A_bar
    difference = difference - torch.diag_embed(_own(difference))  # the cosines of b_i and a_j less those of a_i and a_j
    theta = 2 * (turned.norm(dim=-2) / 2).clamp(max=1).asin()
    q, q_star = (c.square() / (1 + (1 - c.square()).sqrt()) for c in (X.cos, X.cos_star))
    versines = (X.r[..., None] * q_star + X.a[..., None] * (q_star - q)).sum(-2)
    bend, bend_star = (c.asin() - c for c in (X.cos, X.cos_star))
    pieces = (
        own - X.A_bar * X.r[..., None, :],
        X.M @ X.cos_star,
        A @ difference - (X.M.mT - own),
        X.M @ bend_star + A @ (bend_star - bend),
        -X.A_bar * versines[..., None, :],
        -turned * (X.b * theta)[..., None, :] - X.A_bar * (X.b * (theta - theta.sin()))[..., None, :],
    )
    half_pi, sums = math.pi / 2, X.M.sum(-1, keepdim=True)
    linear = half_pi * (sums + X.M) + g * X.A_bar + X.M.mT - 2 * own
    R = population.lemma_2_1(W, W_star)
    along = half_pi * (X.A_bar.sum(-1) * sums[..., 0]).sum(-1)
    rho = ((X.A_bar * R).sum((-2, -1)) - along) / d - (d + half_pi - 1) * g[..., 0, 0] / d
    return Split(linear, pieces, rho)


@arguments(gamma=_GAMMA, gamma_0=_GAMMA)
def slacks(W, W_star, gamma, gamma_0):
    """By how much each bound is met: a dict from its name to a tensor [...], over |M|_2, negative where it fails.

    W, W_star: [..., d, d], different. "identity" is minus the error of the decomposition of R. Raises ValueError for
    norms above gamma and gamma_0, or gamma_0 above gamma.
    """
    W, W_star = check_pair(W, W_star)
    for name, X, least in (("gamma", W, gamma), ("gamma_0", W_star, gamma_0)):
        if torch.linalg.matrix_norm(X, 2).max() > least * (1 + 1e-9):
            raise ValueError(f"{name} = {least} must be at least the spectral norm of its matrix")
    if gamma_0 > gamma:
        raise ValueError(f"gamma_0 = {gamma_0} must be at most gamma = {gamma}")
    size, found = torch.linalg.matrix_norm(W_star - W, 2), split(W, W_star)
    at = bounds(Interval(gamma), Interval(gamma_0))
    R = population.lemma_2_1(W, W_star)
    error = torch.linalg.matrix_norm(R - found.linear - found.rest, 2)
    rows = {"identity": -error / size, "rho": at.potential.at_most() - found.rho.abs() / size}
    parts = [*zip(PIECES, found.pieces, at.pieces, at.diagonals), ("N", found.rest, at.rest, at.diagonal)]
    for name, N, bound, on_diagonal in parts:
        rows[name] = bound.at_most() - torch.linalg.matrix_norm(N, 2) / size
        rows[f"diagonal of {name}"] = on_diagonal.at_most() - _own(N).abs().amax(-1) / size
    return rows


def _cosine(sine):
    return (1 - sine.square()).sqrt()


def _chord(sine):
    """|e - x| for unit vectors at an angle with this sine."""
    return (2 * (1 - _cosine(sine))).sqrt()


def _own(X):
    return X.diagonal(dim1=-2, dim2=-1)
