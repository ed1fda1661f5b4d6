r"""Lemma 2.1: the population loss and its gradient, exact for Gaussian inputs.

For $x \sim N(0, I_d)$ two ReLU units with weights $p$ and $q$ at angle $\theta$ satisfy

$$2\pi\,E[\mathrm{ReLU}(p^\top x)\,\mathrm{ReLU}(q^\top x)] = |p||q|\,h(\theta),
  \qquad h(\theta) = \sin\theta + (\pi - \theta)\cos\theta,$$

the arc-cosine kernel of degree one. Summed over all pairs of columns of $A = I + W$ (the student, $a_i = e_i + w_i$)
and $B = I + W^*$ (the teacher, $b_i = e_i + w^*_i$) it gives the loss of eq. 2; differentiated, it gives the gradient:

$$\pi\,\nabla L(W)_j = \sum_i (\pi - \theta_{ij})\,a_i - (\pi - \theta_{i^*j})\,b_i
  + \big(|a_i| \sin\theta_{ij} - |b_i| \sin\theta_{i^*j}\big)\,\bar a_j .$$

Near $W^*$ both are differences of large, nearly equal sums. They are therefore written in terms of the small $W - W^*$,
$|a_i| - |b_i|$ and $\bar a_i - \bar b_i$, and keep their relative accuracy there.

Every function takes `W` and `W_star` of shape [..., d, d] (columns are the $w_j$; leading batch dimensions broadcast),
of one floating dtype and on one device, and runs on either. By autograd and `torch.func` alike `loss` can be
differentiated twice, the others once (`hessian_product` in V); more raises NotImplementedError.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from src import products, threads
from src.checks import check_pair, check_same_kind
from src.model.autograd import OfMatrices, Undifferentiable

_ROWS = torch.contiguous_format
_WHOLE, _BLOCK = 512, 128  # columns: up to so many all at once, of more so many at a time, which stay in the cache


def loss(W: Float[Tensor, "... d d"], W_star: Float[Tensor, "... d d"]) -> Float[Tensor, "..."]:
    """Eq. 2, L(W) = E (f(x, W) - f(x, W*))^2 for x ~ N(0, I), exactly.

    W, W_star: [..., d, d]. Returns a tensor of shape [...], a squared output (f is a sum of d ReLU units).
    The relative error stays below 1e-6 in float64 down to |W - W*|_F = 1e-5.
    Raises TypeError or ValueError, naming the argument, for anything but finite square float matrices of one dtype and
    device, or when a column of I + W or I + W* is zero.
    """
    return _Loss.apply(*check_pair(W, W_star))


def gradient(W: Float[Tensor, "... d d"], W_star: Float[Tensor, "... d d"]) -> Float[Tensor, "... d d"]:
    """The gradient of eq. 2 in W, at its true scale: column j is dL/dw_j.

    W, W_star: [..., d, d]. Returns [..., d, d]. Errors as in `loss`. Costs four matrix products (two when W* = 0).
    """
    return _Gradient.apply(*check_pair(W, W_star))


def loss_and_gradient(
    W: Float[Tensor, "... d d"], W_star: Float[Tensor, "... d d"]
) -> tuple[Float[Tensor, "..."], Float[Tensor, "... d d"]]:
    """`loss` and `gradient` together; the loss costs about as much as the gradient."""
    return _LossAndGradient.apply(*check_pair(W, W_star))


def hessian_product(
    W: Float[Tensor, "... d d"], W_star: Float[Tensor, "... d d"], V: Float[Tensor, "... d d"]
) -> Float[Tensor, "... d d"]:
    """The Hessian of eq. 2 in W, at its true scale, applied to the direction V: [..., d, d] -> [..., d, d].

    The loss is twice differentiable wherever no column of I + W is zero, at W = W* too. Errors as in `loss`.
    """
    W, W_star = check_pair(W, W_star)
    check_same_kind("V", V, W)
    return _second_derivatives(*torch.broadcast_tensors(W, W_star, V))[0]


def lemma_2_1(W: Float[Tensor, "... d d"], W_star: Float[Tensor, "... d d"]) -> Float[Tensor, "... d d"]:
    """The sum that Lemma 2.1 prints for -grad L(W)_j, term by term, at the paper's printed scale: -pi times `gradient`.

    W, W_star: [..., d, d]. Returns [..., d, d]. Errors as in `loss`.
    """
    W, W_star = check_pair(W, W_star)
    A, B = (X + torch.eye(X.shape[-1], dtype=X.dtype, device=X.device) for X in (W, W_star))
    a, b = (X.norm(dim=-2, keepdim=True) for X in (A, B))
    A_bar = A / a
    theta, theta_star = (c.clamp(-1, 1).acos() for c in (_unit_diagonal(A_bar.mT @ A_bar), (B / b).mT @ A_bar))
    radial = b @ theta_star.sin() - a @ theta.sin()
    return (
        math.pi / 2 * (W_star - W).sum(-1, keepdim=True)
        + B @ (math.pi / 2 - theta_star)
        - A @ (math.pi / 2 - theta)
        + radial * A_bar
    )


def _second_derivatives(W, W_star, V):
    """(H V, J^T V), linear in V, with H the derivative of the gradient in W and J that in W*."""
    zero = Undifferentiable.apply(W, W_star)
    return tuple(X + zero for X in _HessianProducts.apply(W.detach(), W_star.detach(), V))


def _derivative(W, W_star, V, V_star):
    """H V + J V*; as the loss is symmetric in student and teacher, J is J^T with the two swapped."""
    return _second_derivatives(W, W_star, V)[0] + _second_derivatives(W_star, W, V_star)[1]


class _Loss(OfMatrices):
    @staticmethod
    def forward(W, W_star):
        return _loss(_Directions(W, W_star))

    @staticmethod
    def backward(ctx, cotangent):
        (W, W_star), scale = ctx.saved_tensors, cotangent[..., None, None]
        sides = (W, W_star), (W_star, W)  # E (f - f*)^2 is symmetric in student and teacher
        wanted = zip(sides, ctx.needs_input_grad, strict=True)
        return tuple(scale * _Gradient.apply(*side) if wants else None for side, wants in wanted)

    @staticmethod
    def tangent(W, W_star, V, V_star):
        return (_Gradient.apply(W, W_star) * V + _Gradient.apply(W_star, W) * V_star).sum((-2, -1))


class _Gradient(OfMatrices):
    @staticmethod
    def forward(W, W_star):
        (A_bar, a), (_, b) = _columns(W), _columns(W_star)
        A_bar /= a
        cos_star = _teacher_times(W_star.mT, A_bar).div_(b.mT)
        return _gradient(W, W_star, A_bar, a, b, _unit_diagonal(products.gram(A_bar)), cos_star)

    @staticmethod
    def backward(ctx, V):
        return _second_derivatives(*ctx.saved_tensors, V)

    tangent = staticmethod(_derivative)


class _HessianProducts(OfMatrices):
    @staticmethod
    def forward(W, W_star, V):
        return _hessian_products(W, W_star, V)

    @staticmethod
    def backward(ctx, V, V_star):
        return None, None, _derivative(*ctx.saved_tensors[:2], V, V_star)

    @staticmethod
    def tangent(W, W_star, _V, _W, _W_star, V):
        return _second_derivatives(W, W_star, V)


class _LossAndGradient(OfMatrices):
    @staticmethod
    def forward(W, W_star):
        pair = _Directions(W, W_star)
        return _loss(pair), _gradient(W, W_star, pair.A_bar, pair.a, pair.b, pair.cos_aa, pair.cos_ba)

    @staticmethod
    def backward(ctx, cotangent, V):
        for_W, for_W_star = _Gradient.backward(ctx, V)
        (W, W_star), scale = ctx.saved_tensors, cotangent[..., None, None]
        return for_W + scale * _Gradient.apply(W, W_star), for_W_star + scale * _Gradient.apply(W_star, W)

    @staticmethod
    def tangent(W, W_star, V, V_star):
        return _Loss.tangent(W, W_star, V, V_star), _derivative(W, W_star, V, V_star)


class _Directions:
    """Lengths and directions of the columns, and the small differences between student and teacher."""

    def __init__(self, W, W_star):
        A, self.a = _columns(W)  # [..., d, d], [..., 1, d]
        B_bar, self.b = _columns(W_star)
        M = W - W_star  # [..., d, d]
        self.growth = (M * A.add(B_bar)).sum(-2, keepdim=True) / (self.a + self.b)  # [..., 1, d], |a_i| - |b_i|
        B_bar /= self.b
        self.A_bar = A.div_(self.a)
        self.turn = M.sub_(self.growth * B_bar).div_(self.a)  # [..., d, d], a_i / |a_i| - b_i / |b_i|
        # From here on [..., d, d] with rows i and columns j.
        self.cos_bb = _unit_diagonal(_teacher_times(W_star.mT, B_bar).div_(self.b.mT))
        self.b_turn = _teacher_times(W_star.mT, self.turn).div_(self.b.mT)
        self.turn_turn = products.gram(self.turn)
        self.cos_ba = self.cos_bb + self.b_turn  # between b_i and a_j
        self.cos_aa = _unit_diagonal(self.b_turn.mT + self.cos_ba + self.turn_turn)


def _columns(W):
    """I + W and the lengths of its columns, [..., 1, d]."""
    A = W.clone(memory_format=_ROWS)
    A.diagonal(dim1=-2, dim2=-1).add_(1)
    return A, products.column_norms(A)


def _teacher_times(W_star, X):
    """(I + W*) X. In section 5.3 the teacher is the identity, and the product free."""
    return products.multiply(W_star, X).add_(X) if W_star.any() else X.clone()


def _unit_diagonal(cos):
    """A column makes no angle with itself; rounding must not say otherwise."""
    cos.diagonal(dim1=-2, dim2=-1).fill_(1)
    return cos


def _angle(cos):
    """In place. Sines are taken of the angle, so that the two agree to rounding when columns are nearly parallel."""
    return products.arccos_(cos.clamp_(-1, 1))


def _loss(pair):
    # Over the four angles between {a_i, b_i} and {a_j, b_j}, with u_i the turn and r_i the growth of column i:
    #   |a||a'| h_aa - |a||b'| h_ab - |b||a'| h_ba + |b||b'| h_bb
    #     = r r' h_aa + 2 r |b'| (h_aa - h_ab) + |b||b'| (h_aa - h_ab - h_ba + h_bb)     (summed over i, j)
    # where, with m the mean and d half the difference of two angles, and k(m, d) = 2 cos m (sin d - d cos d),
    #   h_aa - h_ab               = (pi - m_a) <a_i, u_j> + k(m_a, d_a)                                  (unit columns)
    #   h_aa - h_ab - h_ba + h_bb = (pi - m_b) <u_i, u_j> - (m_a - m_b) <a_i, u_j> + k(m_a, d_a) - k(m_b, d_b).
    r, b, d = pair.growth, pair.b, pair.b.shape[-1]
    at_once = _BLOCK if d > _WHOLE else d

    def of_columns(start):
        j = slice(start, start + at_once)
        cosines = pair.cos_aa[..., j], pair.cos_ba[..., j], pair.cos_bb[..., j], pair.cos_ba[..., j, :].mT
        theta_aa, theta_ba, theta_bb, theta_ab = (_angle(c.clone(memory_format=_ROWS)) for c in cosines)
        u_u, a_u = pair.turn_turn[..., j], pair.b_turn[..., j] + pair.turn_turn[..., j]
        pairs = (theta_aa, theta_ab), (theta_ba, theta_bb)
        (m_a, d_a), (m_b, d_b) = (((one + other) / 2, (one - other) / 2) for one, other in pairs)
        h_aa, k_a, k_b = theta_aa.sin() + (math.pi - theta_aa) * cosines[0], _curvature(m_a, d_a), _curvature(m_b, d_b)
        first, second = (math.pi - m_a) * a_u + k_a, (math.pi - m_b) * u_u - (m_a - m_b) * a_u + k_a - k_b
        return r @ h_aa @ r[..., j].mT + (2 * r @ first + b @ second) @ b[..., j].mT

    with threads.side_by_side(-(-d // at_once), d) as each:
        return sum(each(of_columns, range(0, d, at_once)))[..., 0, 0] / (2 * math.pi)


def _curvature(mean, half_difference):
    return 2 * mean.cos() * (half_difference.sin() - half_difference * half_difference.cos())


def _gradient(W, W_star, A_bar, a, b, cos, cos_star):
    """Uses up A_bar, cos and cos_star: at d = 1500 fresh memory costs as much as the arithmetic."""
    theta, theta_star = _angle(cos), _angle(cos_star)  # [..., d, d]: [i, j] between a_i or b_i and a_j
    sine = theta.sin()
    radial = a @ sine  # [..., 1, d]
    radial -= b @ torch.sin(theta_star, out=sine)
    result = A_bar.mul_(radial)
    result += _teacher_times(W_star, theta_star.sub_(theta))
    result += products.multiply(torch.sub(W, W_star, out=sine), theta.neg_().add_(math.pi))
    return result.div_(math.pi)


def _hessian_products(W, W_star, V):
    r"""(H V, J^T V) with H the Hessian in W and J the derivative of the gradient in W*, for equal shapes.

    The pair (p, q) contributes F(p, q) = |p| sin(theta) q_bar + (pi - theta) p to the gradient in q; with n_pq the unit
    vector along the part of p orthogonal to q,
        dF/dp v = (pi - theta) v + q_bar <n_pq, v> + p_bar <n_qp, v>,
        dF/dq v = |p| / |q| sin(theta) (v - q_bar <q_bar, v> + n_pq <n_pq, v>).
    """
    (A, a), (B, b) = _columns(W), _columns(W_star)
    A_bar, B_bar = A / a, B / b
    cos, cos_star = _unit_diagonal(A_bar.mT @ A_bar), B_bar.mT @ A_bar
    theta, theta_star = _angle(cos.clone()), _angle(cos_star.clone())
    sin, sin_star = theta.sin(), theta_star.sin()
    # n_pq carries 1 / sin, and always meets a factor that vanishes with it: parallel columns contribute nothing.
    csc, csc_star = (torch.where(s > 0, 1 / s, 0) for s in (sin, sin_star))
    AV, BV = A_bar.mT @ V, B_bar.mT @ V  # [i, j] is <a_i, v_j>, <b_i, v_j>, unit columns
    own = AV.diagonal(dim1=-2, dim2=-1)[..., None, :]  # <a_j, v_j>

    # a_i moves by v_i under the pair (a_i, a_j); then a_j moves by v_j under (a_i, a_j) and (b_i, a_j).
    along_i = csc * (AV.mT - cos * own.mT)
    along_j = csc * (own.mT - cos * AV.mT)
    turn, turn_star = a.mT * csc * (AV - cos * own), b.mT * csc_star * (BV - cos_star * own)
    radial = a @ sin - b @ sin_star
    inward = (cos * turn).sum(-2, keepdim=True) - (cos_star * turn_star).sum(-2, keepdim=True)
    hessian = V @ (math.pi - theta) + A_bar @ (along_i + turn / a) - B_bar @ (turn_star / a)
    hessian += A_bar * (along_j.sum(-2, keepdim=True) - inward / a) + radial / a * (V - A_bar * own)

    # The transposed derivative in b_i, under the pairs (b_i, a_j).
    along_a, along_b = csc_star * (BV - cos_star * own), csc_star * (own - cos_star * BV)
    mixed = V @ (math.pi - theta_star).mT + A_bar @ along_a.mT + B_bar * along_b.sum(-1)[..., None, :]
    return hessian / math.pi, -mixed / math.pi
