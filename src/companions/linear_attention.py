r"""Transformers of linear attention that regress in context: forward pass, exact averages, gradients, training.

After Ahn, Cheng, Daneshmand and Sra (2023). A prompt is Z_0 [d + 1, n + 1]: examples (x_i, y_i = w . x_i) in its first
n columns and the query (x, 0) in the last. A layer adds P Z M (Z^T Q Z) / n, where M keeps the first n columns. The
lower right entry of Z_L is minus the prediction of w . x, and the loss is E (Z_L[d + 1, n + 1] + w . x)^2.

The query enters linearly, so all d unit vectors stand in the last columns at once and the mean over x is exact.
"""

from typing import NamedTuple

import numpy as np
import torch

from src.checks import COUNT, SEED, arguments, between, each
from src.companions import wishart
from src.companions.in_context_descent import check_covariance
from src.runs import checkpoints, recorded
from src.theory.closed_form import check_array

_DIMENSION = range(1, 21)
_DEPTH = range(1, 9)
_RATE = between(0, 1)
_BATCH, _FRESH = range(2, 10**6), range(2, 10**7)


def _attend(seen, Z, P, Q):
    """Z [..., d + 1, columns] after a layer that attends to the columns of seen [..., d + 1, n]."""
    return Z + P @ (seen @ seen.mT / seen.shape[-1]) @ (Q @ Z)


@arguments(P=torch.Tensor, Q=torch.Tensor, X=torch.Tensor, w=torch.Tensor)
def prompt_loss(P, Q, X, w, Sigma):
    """The loss on prompts with the inputs X [..., B, d, n] and w [..., B, d], averaged over x ~ N(0, Sigma): [..., B].

    P, Q: [..., L, d + 1, d + 1], with the batch shape in front of B.
    """
    check_array("X", X, "[..., B, d, n]")
    d = X.shape[-2]
    fitting = {"w": (w, X.shape[:-1]), "P": (P, (*X.shape[:-3], *P.shape[-3:-2], d + 1, d + 1)), "Q": (Q, P.shape)}
    for name, (x, shape) in fitting.items():
        check_array(name, x, "[..., B, d]" if name == "w" else "[..., L, d + 1, d + 1]")
        if x.shape != shape:
            raise ValueError(f"{name} must be of shape {list(shape)} to fit X, not {list(x.shape)}")
    if not X.dtype == w.dtype == P.dtype == Q.dtype == torch.float64:
        raise TypeError("X, w, P and Q must have the dtype torch.float64")
    check_covariance("Sigma", Sigma, d)
    return _prompt_loss(P, Q, X, w, Sigma)


def _prompt_loss(P, Q, X, w, Sigma):
    *batch, d, _ = X.shape
    seen = torch.cat((X, (w[..., None] * X).sum(-2, keepdim=True)), -2)  # [..., B, d + 1, n]
    asked = torch.eye(d + 1, d, dtype=X.dtype).expand(*batch, d + 1, d)
    for P_l, Q_l in zip(P.unbind(-3), Q.unbind(-3), strict=True):
        layer = P_l[..., None, :, :], Q_l[..., None, :, :]
        seen, asked = _attend(seen, seen, *layer), _attend(seen, asked, *layer)
    error = asked[..., -1, :] + w  # in each direction of x
    return ((error @ Sigma) * error).sum(-1)


@arguments(A=torch.Tensor, B=torch.Tensor)
def padded(A, B):
    """P and Q [..., L, d + 1, d + 1] of the sparse form: diag(B_l, 1) and -diag(A_l, 0), from A, B [..., L, d, d]."""
    _check_layers(A, B)
    P, Q = (torch.nn.functional.pad(x, (0, 1, 0, 1)) for x in (B, -A))
    P[..., -1, -1] = 1
    return P, Q


def _check_layers(A, B):
    for name, x in {"A": A, "B": B}.items():
        check_array(name, x, "[..., L, d, d]")
        if x.dtype != torch.float64 or x.ndim < 3 or x.shape[-1] != x.shape[-2] or x.shape != A.shape:
            raise ValueError(f"{name} must be float64 of shape [..., L, d, d] as A is, not {x.dtype}, {list(x.shape)}")


@arguments(A=torch.Tensor, B=torch.Tensor, S=torch.Tensor, Sigma=torch.Tensor)
def sparse_loss(A, B, S, Sigma):
    r"""The loss of the sparse form for w ~ N(0, Sigma^-1) and x ~ N(0, Sigma), averaged over both: [..., K].

    A, B: [..., L, d, d], as in `padded`. S [..., K, d, d]: the whitened Gram matrices X X^T / n of the prompts. In the
    sparse form the labels of layer l are w^T U_l x and its inputs M_l x, with U_0 = M_0 = I.
    """
    _check_layers(A, B)
    check_array("S", S, "[..., K, d, d]")
    if (
        S.dtype != A.dtype
        or S.ndim < 3
        or S.shape[-2:] != A.shape[-2:]
        or (S.ndim > 3 and S.shape[:-3] != A.shape[:-3])
    ):
        raise ValueError(f"S must be float64 of shape [..., K, {A.shape[-1]}, {A.shape[-1]}], not {list(S.shape)}")
    check_covariance("Sigma", Sigma, A.shape[-1], invertible=True)
    return _sparse_loss(A, B, S, Sigma)


def _sparse_loss(A, B, S, Sigma):
    values, vectors = torch.linalg.eigh(Sigma)
    root, inverse = ((vectors * values**power) @ vectors.mT for power in (0.5, -0.5))
    S = root @ S @ root
    M = U = torch.eye(len(Sigma), dtype=S.dtype).expand(S.shape)
    for layer in range(A.shape[-3]):
        step = S @ M.mT @ A[..., layer, None, :, :] @ M
        U, M = U - U @ step, M - B[..., layer, None, :, :] @ M @ step
    return (inverse @ U @ root).square().sum((-2, -1))


class Trained(NamedTuple):
    """Transformers after their training, one for every seed, and their losses on fresh draws."""

    P: np.ndarray  # [seeds, L, d + 1, d + 1], or B [seeds, L, d, d] in the sparse form
    Q: np.ndarray  # the same shape, or A
    losses: np.ndarray  # [seeds]
    errors: np.ndarray  # [seeds] standard errors of the losses


@arguments(one=Trained)
def learned(one):
    """The matrices A of one-layer transformers [seeds, d, d]: what the examples and the query enter the output through.

    -(p_y Q_xx + p_x Q_yx) with the last row p of P, the same for P -> c P, Q -> Q / c.
    """
    P, Q, d = one.P[:, 0], one.Q[:, 0], one.P.shape[-1] - 1
    return -(P[:, -1:, -1:] * Q[:, :d, :d] + P[:, -1, :d, None] * Q[:, -1:, :d])


@arguments(one=Trained)
def off_multiples(one):
    """|A - a I|_F / |A|_F, a = tr A / d, of the matrices A of a sparse form: 0 for multiples of I, [seeds, L]."""
    own = np.trace(one.Q, axis1=-2, axis2=-1)[..., None, None] / one.Q.shape[-1] * np.eye(one.Q.shape[-1])
    return np.linalg.norm(one.Q - own, axis=(-2, -1)) / np.linalg.norm(one.Q, axis=(-2, -1))


@arguments(n=wishart.SIZE, seeds=each(SEED), steps=COUNT, batch=_BATCH, rate=_RATE, fresh=_FRESH)
def train_full(Sigma, n, seeds, steps, batch, rate, fresh):
    """`Trained` transformers of one layer with all entries of P and Q free, w ~ N(0, I), by Adam on fresh prompts.

    rate: its step size, which falls linearly to zero. fresh: prompts of the validation.
    """
    d = check_covariance("Sigma", Sigma)
    root = _root(Sigma)

    def prompts(generators, count):
        X, w = (_normal(generators, count, d, columns) for columns in (n, 1))
        return root @ X, w[..., 0]

    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    P, Q = (0.1 * _normal(generators, 1, d + 1, d + 1) for _ in range(2))
    _adam((P, Q), lambda: _prompt_loss(P, Q, *prompts(generators, batch), Sigma), steps, rate)
    return _validated(P, Q, lambda count: _prompt_loss(P, Q, *prompts(generators, count), Sigma), fresh)


@arguments(n=wishart.SIZE, depth=_DEPTH, seeds=each(SEED), steps=COUNT, batch=_BATCH, rate=_RATE, fresh=_FRESH)
def train_sparse(Sigma, n, depth, seeds, steps, batch, rate, fresh):
    """`Trained` transformers of the sparse form with B_l = 0, w ~ N(0, Sigma^-1), otherwise as `train_full`."""
    d = check_covariance("Sigma", Sigma, invertible=True)
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    A = 0.1 * _normal(generators, depth, d, d)
    B = torch.zeros_like(A)

    def losses(count):
        X = _normal(generators, count, d, n)
        return _sparse_loss(A, B, X @ X.mT / n, Sigma)

    _adam([A], lambda: losses(batch), steps, rate)
    return _validated(B, A, losses, fresh)


def _root(Sigma):
    values, vectors = torch.linalg.eigh(Sigma)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.mT


def _normal(generators, *shape):
    return torch.stack([torch.randn(*shape, generator=one, dtype=torch.float64) for one in generators])


def _adam(variables, losses, steps, rate):
    """Every seed's loss has variables of its own: descending their sum descends each."""
    for x in variables:
        x.requires_grad_()
    optimizer = torch.optim.Adam(variables, rate)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 1 / steps, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        losses().mean(-1).sum().backward()
        for x in variables:  # rare prompts have enormous gradients
            x.grad *= (1 / x.grad.flatten(1).norm(dim=1).clamp(min=1)).view(-1, *[1] * (x.ndim - 1))
        optimizer.step()
        schedule.step()
    for x in variables:
        x.requires_grad_(False)


def _validated(P, Q, losses, fresh):
    done, sums, squares = 0, 0.0, 0.0
    while done < fresh:
        drawn = losses(min(20_000, fresh - done))
        done, sums, squares = done + drawn.shape[-1], sums + drawn.sum(-1), squares + drawn.square().sum(-1)
    mean = sums / done
    return Trained(*(x.numpy() for x in (P, Q, mean, ((squares / done - mean**2) / (done - 1)).sqrt())))


# --- The trainings of the page ---------------------------------------------------------------------------------------

VARIANCES = (1.0, 1.0, 0.25, 0.0625, 1.0)  # of the authors' code
KINDS = ("isotropic", "general", "three")  # one layer for two covariances, and three layers


@arguments(n=wishart.SIZE, seeds=each(SEED), steps=range(1, 10**6), batch=_BATCH, fresh=_FRESH)
def train_all(n, seeds, steps, batch, fresh, checkpoint=None):
    """{kind: `Trained`} in five dimensions; three layers take twice `steps`.

    checkpoint: a file that keeps what is done, and is gone on with when it is there.
    """
    identity, general = (
        torch.eye(len(VARIANCES), dtype=torch.float64),
        torch.tensor(VARIANCES, dtype=torch.float64).diag(),
    )

    def train(kind):
        if kind == "three":
            made = train_sparse(identity, n, 3, seeds, 2 * steps, batch, 0.05, fresh)
        else:
            made = train_full(general if kind == "general" else identity, n, seeds, steps, batch, 0.1, fresh)
        return [torch.from_numpy(x) for x in made]

    settings = {"n": n, "seeds": list(seeds), "steps": steps, "batch": batch, "fresh": fresh}
    done = checkpoints.one_by_one(train, [(kind,) for kind in KINDS], path=checkpoint, module=__name__, **settings)
    return {kind: Trained(*(x.numpy() for x in made)) for kind, made in zip(KINDS, done, strict=True)}


def record(seeds, *, folder=None, **size):
    """`train_all` of `size`, its arguments but the seeds, recorded as `linear_attention`."""
    run = recorded.Recorder("linear_attention", __name__, parameters=size, seeds=seeds, folder=folder)
    made = train_all(**size, seeds=seeds, checkpoint=run.checkpoint)
    run.save({f"{kind} {field}": x for kind, one in made.items() for field, x in one._asdict().items()})
    return made


@arguments(n=wishart.SIZE)
def recording(n, folder=None):
    """(the recording `linear_attention`, its {kind: `Trained`}), or None where there is none for n examples."""
    try:
        stored = recorded.load("linear_attention", folder)
    except FileNotFoundError:
        return None
    if stored.provenance["parameters"]["n"] != n:
        return None
    return stored, {kind: Trained(*(stored.arrays[f"{kind} {field}"] for field in Trained._fields)) for kind in KINDS}
