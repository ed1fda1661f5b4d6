r"""Gradient flow of the exact loss, dW/dt = -grad L(W), with its stiff part solved exactly; t = eta * steps of SGD.

Near I the flow has two time scales: the modes $vu^\top$ (W u) relax at rate d/2 and the potential g, whose gradient
points along the normalised columns of I + W, at d/pi; everything else moves at rates of order one. An explicit method
must follow the fast modes with steps of order 1/d long after they have died out. Here the linear operator

$$\mathcal A X = \tfrac12 X u u^\top + \tfrac12 X + \tfrac1\pi X^\top + \tfrac1\pi \langle \bar A, X\rangle \bar A$$

is exponentiated exactly, with $\bar A$ that of the current W, and only the small rest -grad L + A is integrated
numerically. Without its last term the operator commutes with all permutations and has five eigenspaces whatever d is;
the last term couples them through the five components of A_bar only. So each function of A costs a 5 x 5 eigenproblem
and a few passes over X.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm

from src import products, threads
from src.checks import arguments, between, check_pair
from src.dynamics.history import CURVES, History, curves_at
from src.model import population

SHORTEST = 1e-6  # a column of this length counts as zero
LONGEST = 1e6  # time; the flow has come to rest long before


@arguments(t_end=between(0, LONGEST), rtol=between(0, 1), progress=bool)
def integrate(
    W0: Float[Tensor, "... d d"],
    W_star: Float[Tensor, "... d d"],
    t_end: float,
    rtol: float = 1e-3,
    progress: bool = False,
) -> History:
    """The flow from W0 up to time t_end: a History whose points are the steps the integrator took.

    W0, W_star: [d, d], or a batch [..., d, d] that shares its time steps (the curves are then [K, ...]).
    rtol bounds each step's error in W relative to |W - W*|_F, the largest over the batch. Over a whole run of section
    5.3 the distance stays within 10 rtol of the exact one.

    Exponential Runge-Kutta of order four (Krogstad) with an embedded third order for the step size; four gradients a
    step. No step is longer than moves a column of I + W by half its length, so that none jumps over zero. Raises
    TypeError or ValueError for bad input, and FloatingPointError if the step size vanishes, or where a column reaches
    zero: there the gradient does not exist.
    """
    W, W_star = (W.detach() for W in check_pair(W0, W_star, "W0"))
    if not W.numel():
        raise ValueError(f"W0 and W_star must hold a run at least, not {list(W.shape)}")

    with threads.of_size(W):
        return _integrate(W, W_star, t_end, rtol, progress)


def _integrate(W, W_star, t_end, rtol, progress):
    t, h = 0.0, 0.1 / W.shape[-1]
    rounding = torch.finfo(W.dtype).eps * W.shape[-1] ** 0.5  # of I + W; no error is smaller
    loss, gradient = population.loss_and_gradient(W, W_star)
    times, points = [t], [curves_at(W, W_star, loss, gradient).cpu()]
    with tqdm(total=t_end, desc="flow", leave=False, disable=None if progress else True) as bar:
        while t < t_end:
            pace = products.column_norms(gradient).clamp(min=1e-300)
            h = min(h, t_end - t, float((_lengths(W) / pace).min()) / 2)
            W_next, error = _step(W, W_star, gradient, h)
            size, scale = error.norm(dim=(-2, -1)), rtol * (W - W_star).norm(dim=(-2, -1))
            excess = float((size / scale.clamp(min=rounding)).max())
            if excess <= 1:
                t = t_end if h == t_end - t else t + h
                W = W_next
                _check_lengths(W, t)
                loss, gradient = population.loss_and_gradient(W, W_star)
                times.append(t)
                points.append(curves_at(W, W_star, loss, gradient).cpu())
                bar.update(t - bar.n)
            h *= min(10.0, max(0.2, 0.9 * max(excess, 1e-12) ** -0.25)) if math.isfinite(excess) else 0.2
            if h < 1e-12 * t_end:
                raise FloatingPointError(f"the step size vanished at t = {t:.6g}; rtol = {rtol} asks for too much")
    curves = torch.stack(points, dim=1).double()
    return History(t=torch.tensor(times, dtype=torch.float64), W=W, **dict(zip(CURVES, curves, strict=True)))


def _lengths(W):
    """The lengths of the columns of I + W, [..., 1, d]."""
    return products.column_norms(W + torch.eye(W.shape[-1], dtype=W.dtype, device=W.device))


def _check_lengths(W, t):
    lengths = _lengths(W)
    if lengths.min() < SHORTEST:
        *run, _, column = (lengths < SHORTEST).nonzero()[0].tolist()
        where = f"column {column} of I + W" + (f" in run {', '.join(map(str, run))} of the batch" if run else "")
        raise FloatingPointError(f"{where} reaches zero at t = {t:.6g}, where the gradient is not defined")


def _step(W, W_star, gradient, h):
    """One step of Krogstad's method: the new weights and the estimated error."""
    A = _LinearPart(W)

    def rest(V):
        """-grad L(V) less its linearisation -grad L(W) - A (V - W)."""
        return A.apply(lambda rates: rates, V - W).add_(gradient).sub_(population.gradient(V, W_star))

    middle = W - h / 2 * A.apply(lambda rates: _phi(1, -h / 2 * rates), gradient)
    rest_1 = rest(middle)
    rest_2 = rest(middle.add_(A.apply(lambda rates: h * _phi(2, -h / 2 * rates), rest_1)))
    end = W - h * A.apply(lambda rates: _phi(1, -h * rates), gradient)
    rest_3 = rest(end + A.apply(lambda rates: 2 * h * _phi(2, -h * rates), rest_2))
    bend = rest_1.add_(rest_2).sub_(rest_3)
    error = A.apply(lambda rates: h * (2 * _phi(2, -h * rates) - 4 * _phi(3, -h * rates)), bend)
    return end.add_(A.apply(lambda rates: h * _phi(2, -h * rates), rest_3)).add_(error), error


class _LinearPart:
    """The operator A at W, and functions of it.

    With p = u / sqrt(d) a matrix is X = x pp^T + r p^T + p l^T + S + K, where r, l are orthogonal to p and S, K are
    symmetric and skew with zero row and column sums. The first three terms of A act as numbers on pp^T, S and K and as
    the 2 x 2 matrix [[d/2 + 1/2, 1/pi], [1/pi, 1/2]] on (r, l): five eigenspaces E_k with rates lambda_k. A_bar's
    projections on them span the only subspace that the last term touches; there A is diag(lambda) + nu nu^T / pi with
    nu_k = |E_k A_bar|.
    """

    def __init__(self, W):
        d = W.shape[-1]
        like = {"dtype": W.dtype, "device": W.device}
        self.p = torch.full((d,), d**-0.5, **like)
        A = W + torch.eye(d, **like)
        self.A_bar = A.div_(products.column_norms(A))
        self.A_bar_T = self.A_bar.mT.contiguous()  # passes through memory by columns cost five times as much
        block = torch.tensor([[d / 2 + 1 / 2, 1 / math.pi], [1 / math.pi, 1 / 2]], **like)
        pair, self.turn = torch.linalg.eigh(block)
        rates = [d / 2 + 1 / 2 + 1 / math.pi, *pair.tolist(), 1 / 2 + 1 / math.pi, 1 / 2 - 1 / math.pi]
        self.rates = torch.tensor(rates, **like)
        self.nu = self._products(self.A_bar).clamp(min=0).sqrt()
        coupled = torch.diag(self.rates) + self.nu[..., :, None] * self.nu[..., None, :] / math.pi
        self.coupled_rates, self.modes = torch.linalg.eigh(coupled)

    def apply(self, f, X):
        """f(A) X."""
        free = f(self.rates)
        along = torch.where(self.nu > 0, 1 / self.nu, 0)  # per unit of E_k A_bar
        xi = (self._products(X) * along)[..., None]
        mixed = self.modes @ (f(self.coupled_rates)[..., None] * (self.modes.mT @ xi)) - free[:, None] * xi
        result = self._add_scaled(torch.zeros_like(X), X, X.mT, free)
        return self._add_scaled(result, self.A_bar, self.A_bar_T, mixed[..., 0] * along)

    def _parts(self, X):
        r, l = X @ self.p, X.mT @ self.p
        x = r @ self.p
        return x, r - x[..., None] * self.p, l - x[..., None] * self.p

    def _products(self, X):
        """<E_k A_bar, X> for k = 1, ..., 5."""
        (x, r, l), (y, s, m) = self._parts(X), self._parts(self.A_bar)
        turned, turned_bar = torch.stack([r, l], -1) @ self.turn, torch.stack([s, m], -1) @ self.turn
        straight = torch.einsum("...ij,...ij", X, self.A_bar) - x * y - (r * s).sum(-1) - (l * m).sum(-1)
        crossed = torch.einsum("...ij,...ij", X, self.A_bar_T) - x * y - (r * m).sum(-1) - (l * s).sum(-1)
        pair = (turned * turned_bar).sum(-2)
        return torch.stack([x * y, pair[..., 0], pair[..., 1], (straight + crossed) / 2, (straight - crossed) / 2], -1)

    def _add_scaled(self, result, X, X_T, factors):
        """result + sum_k factors_k E_k X, in place, with X^T and factors [5] or [..., 5]."""
        x, r, l = self._parts(X)
        on_pp, *on_pair, symmetric, skew = factors.unbind(-1)
        same, swapped = ((symmetric + skew) / 2)[..., None], ((symmetric - skew) / 2)[..., None]
        turned = torch.stack([r, l], -1) @ self.turn * torch.stack(on_pair, -1)[..., None, :] @ self.turn.mT
        column = turned[..., 0] - same * r - swapped * l + ((on_pp - symmetric) * x)[..., None] * self.p
        row = turned[..., 1] - same * l - swapped * r
        result.addcmul_(same[..., None], X).addcmul_(swapped[..., None], X_T)
        result += column[..., :, None] * self.p[0]
        result += row[..., None, :] * self.p[0]
        return result


def _phi(k, z):
    """phi_0 = exp, phi_k(z) = (phi_(k-1)(z) - 1/(k-1)!) / z; by its series where that would cancel."""
    direct = z.exp()
    for j in range(k):
        direct = (direct - 1 / math.factorial(j)) / z
    series = sum(z**j / float(math.factorial(j + k)) for j in range(20))
    return torch.where(z.abs() < 1, series, direct)
