"""Each step of the proof behind `joint_margin`, evaluated on pairs: what it says beside what is."""

from typing import NamedTuple

import torch

from src.checks import arguments, between, check_pair, within
from src.theory import margin
from src.theory.intervals import Interval
from src.theory.joint_margin import Pieces, pieces, sizes


class Matrices(NamedTuple):
    """The matrices of the identity for Phi, [..., d, d] each, and numbers [...]."""

    C: torch.Tensor
    Y: torch.Tensor  # C^T M
    K: torch.Tensor
    G: torch.Tensor
    G_second: torch.Tensor  # M F M^T / 4
    H: torch.Tensor
    r: torch.Tensor  # [..., d]
    Phi: torch.Tensor  # sum of all c*_ij <b_i, m_j> - c_ij <a_i, m_j>, from its definition


def matrices(W, W_star):
    """The Matrices of a pair, [..., d, d] each. Errors as in `src.checks.check_pair`."""
    X = margin.columns(W, W_star)
    A, C, M = X.A_bar * X.a[..., None, :], X.B - X.M / 2, X.M
    E, F = (1 / X.a + 1 / X.b)[..., None, :] / 2, (1 / X.a - 1 / X.b)[..., None, :]
    K, CFM = C * E @ M.mT, C * F @ M.mT
    B_bar = X.B / X.b[..., None, :]
    gram, gram_star = X.A_bar.mT @ X.A_bar, B_bar.mT @ X.A_bar
    return Matrices(
        C,
        C.mT @ M,
        K + K.mT,
        C * F @ C.mT,
        M * F @ M.mT / 4,
        (CFM + CFM.mT) / 4 - M / X.a[..., None, :] @ M.mT / 2,
        X.r,
        _dot(gram_star, X.B.mT @ M) - _dot(gram, A.mT @ M),
    )


def found_pieces(W, W_star):
    """The Pieces that a pair has, tensors [...]. Errors as in `src.checks.check_pair`."""
    X, six = margin.columns(W, W_star), margin.pieces(W, W_star)
    square, Q = X.M.square().sum((-2, -1)), X.r.square().sum(-1)
    products = X.B.mT @ X.M
    bent, bent_star = X.cos.asin() - X.cos, X.cos_star.asin() - X.cos_star
    lengths = X.h * X.b * (2 * X.r + X.a * X.h)
    own = six.own / square
    return Pieces(
        (matrices(W, W_star).Phi - Q) / square,
        lengths.sum(-1) / square,
        (_dot(bent_star, products) - _dot(bent, products - X.M.mT @ X.M)) / square,
        own,
        six.sines / square,
        six.radial / square,
    )


@arguments(gamma=between(0, 0.17), tau=within(1, 2))
def slacks(W, W_star, gamma, tau=1.5):
    """By how much each step is met: a dict from its name to a tensor [...], over |M|_F^2, negative where it fails.

    W, W_star: [..., d, d]. "identity" is minus the error of the identity for Phi. Raises ValueError for a gamma below
    the norms.
    """
    W, W_star = check_pair(W, W_star)
    if torch.linalg.matrix_norm(torch.stack((W, W_star)), 2).max() > gamma * (1 + 1e-9):
        raise ValueError(f"gamma = {gamma} must be at least the spectral norms of W and W_star")
    X, has = margin.columns(W, W_star), matrices(W, W_star)
    square = X.M.square().sum((-2, -1))
    root_Q = X.r.norm(dim=-1)
    ell, kappa = 1 / (1 - gamma), (2 * gamma + gamma**2) / (1 - gamma) ** 2
    psi = (1 + gamma) * ell
    off = _off(has.Y).norm(dim=(-2, -1))
    F = 1 / X.a - 1 / X.b
    gram = has.C.mT @ has.C
    own_K, own_G = _diagonal(F * has.Y.mT.diagonal(dim1=-2, dim2=-1), X, gram), (F * _own(gram)).square().sum(-1)
    K_G, G_G, G_H = _dot(has.K, has.G), _dot(has.G, has.G), _dot(has.G, has.H)
    squared = (tau - 0.5) * K_G - tau**2 / 2 * G_G + (tau - 1) * G_H
    squared -= _dot(has.H, has.H) / 2 + _dot(has.K, has.G_second) / 2 + _dot(has.G_second, has.H)
    diagonal = (tau - 0.5) * own_K - tau**2 / 2 * own_G
    kept = 2 * tau - 1 - tau**2 / 2 - tau**2 / 2 * gamma**4 * ell**4
    H, second = (gamma * ell * (square.sqrt() + psi * root_Q)), gamma**2 * ell**2 * root_Q
    mixed = (gamma * psi * ell**2 + 2 * gamma**2 * ell**4) * root_Q * off
    cosines = torch.stack((X.cos, X.cos_star))
    floor, found = _floor(X, gamma, tau), found_pieces(W, W_star)
    return {
        "identity": -(has.Phi - _dot(has.K - has.G - has.G_second, has.K / 2 + has.H)).abs() / square,
        "the square": (has.Phi - squared) / square,
        "its diagonal": (diagonal - kept * root_Q.square()) / square,
        "K G off the diagonal": (4 * gamma * ell**3 * root_Q * off - (K_G - own_K).abs()) / square,
        "G off the diagonal": (4 * gamma**2 * ell**4 * root_Q.square() - (G_G - own_G)) / square,
        "G H": (G_H + (gamma**2 * ell**2 + gamma**3 * ell**3) * root_Q.square() + mixed) / square,
        "H": (H - has.H.norm(dim=(-2, -1))) / square.sqrt(),
        "G'": (second - has.G_second.norm(dim=(-2, -1))) / square.sqrt(),
        "K": 2 * psi - has.K.norm(dim=(-2, -1)) / square.sqrt(),
        "C^T M": ((1 + gamma) ** 2 * square - (1 - gamma) ** 2 * root_Q.square() - off.square()) / square,
        "rows of C^T C": 2 * gamma - _off(gram).norm(dim=-1).amax(-1),
        "cosines": kappa - torch.stack([cosines.norm(dim=k).amax((0, -1)) for k in (-1, -2)]).amax(0),
    } | {name: getattr(found, name) - getattr(floor, name) for name in Pieces._fields}


def _floor(X, gamma, tau):
    """The Pieces that are proved for each pair of a batch, tensors [...]."""
    square = X.M.square().sum((-2, -1))
    shares, pushes = X.r.square().sum(-1) / square, X.r.sum(-1).clamp(min=0) / 2
    at = sizes(gamma)
    rows = [
        [piece.at_least() for piece in pieces(at, Interval(min(x, 1.0)), tau, Interval(push))]
        for x, push in zip(shares.flatten().tolist(), pushes.flatten().tolist())
    ]
    return Pieces(*torch.tensor(rows, dtype=square.dtype).T.reshape(len(Pieces._fields), *shares.shape))


def _diagonal(F_Y, X, gram):
    """The terms i = j of <K, G>: 2 f_j e_j <c_j, m_j> |c_j|^2."""
    return (F_Y * (1 / X.a + 1 / X.b) * _own(gram)).sum(-1)


def _dot(X, Y):
    return (X * Y).sum((-2, -1))


def _own(X):
    return X.diagonal(dim1=-2, dim2=-1)


def _off(X):
    return X - torch.diag_embed(_own(X))
