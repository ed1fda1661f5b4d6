"""All of torch's ways to differentiate the model, against double autograd of the kernel formula, pair by pair."""

import math

import pytest
import torch
from torch.autograd import functional
from torch.func import grad, hessian, jacfwd, jacrev, jvp, vjp, vmap

from src.model import correlated, landscape, population


def draw(*shape, seed, size=0.4):
    generator = torch.Generator().manual_seed(seed)
    return size / shape[-1] ** 0.5 * torch.randn(*shape, generator=generator, dtype=torch.float64)


def plain_loss(W, W_star):
    """Eq. 2 by arc-cosine kernels, term by term; differentiable as often as one likes at generic weights."""
    eye = torch.eye(W.shape[-1], dtype=W.dtype)
    columns = [*(eye + W).mT, *(eye + W_star).mT]
    sign, total = [1] * len(W) + [-1] * len(W), 0.0
    for i, p in enumerate(columns):
        total = total + p @ p / 2
        for j, q in enumerate(columns[:i]):
            lengths = p.norm() * q.norm()
            theta = torch.acos(p @ q / lengths)
            total = total + sign[i] * sign[j] * lengths * (theta.sin() + (math.pi - theta) * theta.cos()) / math.pi
    return total


D = 4
W, W_STAR, V, U = (draw(D, D, seed=k) for k in range(4))
BATCH = draw(3, D, D, seed=5)


def exact_gradient(W, W_star=W_STAR):
    return functional.jacobian(lambda X: plain_loss(X, W_star), W, create_graph=True)


def exact_product(W, W_star, V):
    return functional.hvp(lambda X: plain_loss(X, W_star), W, V)[1]


def of_W(W):
    return population.loss(W, W_STAR)


def slope(W):
    return population.gradient(W, W_STAR)


GRADIENT = exact_gradient(W).detach()
HESSIAN = functional.hessian(lambda X: plain_loss(X, W_STAR), W)
BATCHED = torch.stack([exact_gradient(X) for X in BATCH]).detach()
HV, UHV = exact_product(W, W_STAR, V), (U * exact_product(W, W_STAR, V)).sum()
MIXED = functional.jacobian(lambda Y: exact_gradient(W, Y), W_STAR)


def close(value, exact):
    torch.testing.assert_close(value, exact, rtol=1e-9, atol=1e-10)


FIRST = {
    "grad": lambda: grad(of_W)(W),
    "jacrev": lambda: jacrev(of_W)(W),
    "jacfwd": lambda: jacfwd(of_W)(W),
    "vjp": lambda: vjp(of_W, W)[1](torch.ones((), dtype=W.dtype))[0],
    "functional.jacobian": lambda: functional.jacobian(of_W, W),
    "functional.jacobian, forward": lambda: functional.jacobian(of_W, W, strategy="forward-mode", vectorize=True),
    "functional.vjp": lambda: functional.vjp(of_W, W)[1],
    "grad of loss_and_gradient": lambda: grad(lambda W: population.loss_and_gradient(W, W_STAR)[0])(W),
}


@pytest.mark.parametrize("way", FIRST.values(), ids=FIRST)
def test_first_derivative(way):
    close(way(), GRADIENT)


BATCHES = {
    "vmap(grad)": lambda: vmap(grad(of_W))(BATCH),
    "vmap(gradient)": lambda: vmap(slope)(BATCH),
    "vmap(jacfwd)": lambda: vmap(jacfwd(of_W))(BATCH),
    "vmap over the last dimension": lambda: vmap(grad(of_W), in_dims=2)(BATCH.movedim(0, 2)),
    "vmap(vmap)": lambda: vmap(vmap(grad(of_W)))(BATCH[:, None])[:, 0],
    "vmap in chunks": lambda: vmap(grad(of_W), chunk_size=2)(BATCH),
    "grad(vmap)": lambda: grad(lambda X: vmap(of_W)(X).sum())(BATCH),
    "grad of a batch": lambda: grad(lambda X: population.loss(X, W_STAR).sum())(BATCH),
    "vmap over the teacher": lambda: vmap(grad(population.loss, argnums=1), (None, 0))(W_STAR, BATCH),
    "jacrev": lambda: jacrev(lambda X: population.loss(X, W_STAR))(BATCH).sum(0),
    "vmap with batches inside": lambda: vmap(slope)(BATCH.expand(2, 3, D, D))[1],
    "vmap(loss_and_gradient)": lambda: vmap(lambda X: population.loss_and_gradient(X, W_STAR)[1])(BATCH),
    "vmap(lemma_2_1)": lambda: vmap(lambda X: population.lemma_2_1(X, W_STAR))(BATCH) / -math.pi,
}


@pytest.mark.parametrize("way", BATCHES.values(), ids=BATCHES)
def test_batches(way):
    close(way(), BATCHED)


SECOND = {
    "hessian": lambda: hessian(of_W)(W),
    "jacrev(jacrev)": lambda: jacrev(jacrev(of_W))(W),
    "jacfwd(jacfwd)": lambda: jacfwd(jacfwd(of_W))(W),
    "jacrev(jacfwd)": lambda: jacrev(jacfwd(of_W))(W),
    "jacfwd(gradient)": lambda: jacfwd(slope)(W),
    "jacrev(gradient)": lambda: jacrev(slope)(W),
    "jacrev of loss_and_gradient": lambda: jacrev(lambda W: population.loss_and_gradient(W, W_STAR)[1])(W),
    "jacfwd of loss_and_gradient": lambda: jacfwd(lambda W: population.loss_and_gradient(W, W_STAR)[1])(W),
    "jacrev of lemma_2_1": lambda: jacrev(lambda W: population.lemma_2_1(W, W_STAR))(W) / -math.pi,
    "vmap(hessian)": lambda: vmap(hessian(of_W))(W[None])[0],
    "vmap(hessian_product)": lambda: vmap(lambda E: population.hessian_product(W, W_STAR, E))(
        torch.eye(D * D, dtype=W.dtype).view(-1, D, D)
    ).view(D, D, D, D),
    "functional.hessian": lambda: functional.hessian(of_W, W),
    "functional.hessian, vectorised": lambda: functional.hessian(of_W, W, vectorize=True),
    "functional.hessian, forward": lambda: functional.hessian(
        of_W, W, vectorize=True, outer_jacobian_strategy="forward-mode"
    ),
    "functional.jacobian of the gradient": lambda: functional.jacobian(slope, W),
    "functional.jacobian of the gradient, vectorised": lambda: functional.jacobian(slope, W, vectorize=True),
}


@pytest.mark.parametrize("way", SECOND.values(), ids=SECOND)
def test_second_derivative(way):
    close(way(), HESSIAN)


def by_backward():
    X, Y = W.clone().requires_grad_(), V.clone().requires_grad_()
    (G,) = torch.autograd.grad(population.loss(X, W_STAR), X, create_graph=True)
    (G * Y).sum().backward()
    close(Y.grad, GRADIENT)
    return X.grad


PRODUCTS = {
    "hessian_product": lambda: population.hessian_product(W, W_STAR, V),
    "functional.hvp": lambda: functional.hvp(of_W, W, V)[1],
    "functional.vhp": lambda: functional.vhp(of_W, W, V)[1],
    "functional.jvp of the gradient": lambda: functional.jvp(slope, W, V)[1],
    "functional.vjp of the gradient": lambda: functional.vjp(slope, W, V)[1],
    "backward twice": by_backward,
    "jvp(grad)": lambda: jvp(grad(of_W), (W,), (V,))[1],
    "jvp(gradient)": lambda: jvp(slope, (W,), (V,))[1],
    "grad of <grad, V>": lambda: grad(lambda X: (grad(of_W)(X) * V).sum())(W),
    "grad of a jvp": lambda: grad(lambda X: jvp(of_W, (X,), (V,))[1])(W),
    "vjp(grad)": lambda: vjp(grad(of_W), W)[1](V)[0],
    "in V": lambda: grad(lambda Y: (Y * population.hessian_product(W, W_STAR, Y)).sum() / 2)(V),
    "in V, twice": lambda: jvp(grad(lambda Y: (Y * population.hessian_product(W, W_STAR, Y)).sum() / 2), (U,), (V,))[1],
}


@pytest.mark.parametrize("way", PRODUCTS.values(), ids=PRODUCTS)
def test_hessian_times_a_direction(way):
    close(way(), HV)


def test_mixed_derivatives():
    close(jacrev(population.gradient, argnums=1)(W, W_STAR), MIXED)
    close(jacfwd(population.gradient, argnums=1)(W, W_STAR), MIXED)
    close(jacfwd(grad(population.loss), argnums=1)(W, W_STAR), MIXED)
    close(jacrev(grad(population.loss, argnums=1))(W, W_STAR), MIXED.movedim((0, 1), (2, 3)))
    both = functional.hvp(population.loss, (W, W_STAR), (V, U))[1]
    close(both[0], HV + torch.einsum("ijkl,kl", MIXED, U))
    close(both[1], exact_product(W_STAR, W, U) + torch.einsum("ijkl,ij", MIXED, V))


def test_a_loss_with_a_hessian_product():
    """loss + <V, H V> / 2 by double backward: in V its derivative is H V, in W there is none."""
    X, Y = W.clone().requires_grad_(), V.clone().requires_grad_()
    value = population.loss(X, W_STAR)
    (G,) = torch.autograd.grad(value, X, create_graph=True)
    (HY,) = torch.autograd.grad(G, X, Y, create_graph=True)
    total = value + (Y * HY).sum() / 2
    close(torch.autograd.grad(total, Y, retain_graph=True)[0], HV)
    with pytest.raises(NotImplementedError, match="twice in W and W_star, and not in Sigma"):
        torch.autograd.grad(total, X)


@pytest.mark.parametrize(
    "function",
    [
        lambda X: (U * population.hessian_product(X, W_STAR, V)).sum(),
        lambda X: (U * population.hessian_product(W, X, V)).sum(),
        lambda X: (U * jvp(slope, (X,), (V,))[1]).sum(),
        lambda X: (U * vjp(slope, X)[1](V)[0]).sum(),
        lambda X: hessian(of_W)(X).sum(),
    ],
)
def test_a_third_derivative_is_refused(function):
    for differentiate in (grad, jacfwd, lambda f: lambda X: functional.jacobian(f, X)):
        with pytest.raises(NotImplementedError, match="and not in Sigma"):
            differentiate(function)(W)


@pytest.mark.parametrize(("shape", "fast"), [((3, 3), False), ((2, 6, 6), True)])
def test_finite_differences(shape, fast):
    W, W_star, V = (draw(*shape, seed=k).requires_grad_() for k in (7, 8, 9))
    ways = {"check_forward_ad": True, "check_batched_grad": not fast, "check_batched_forward_grad": not fast}
    for function in (population.loss, population.gradient, population.loss_and_gradient):
        assert torch.autograd.gradcheck(function, (W, W_star), fast_mode=fast, **ways)
    assert torch.autograd.gradgradcheck(population.loss, (W, W_star), fast_mode=fast, check_fwd_over_rev=True)

    def product(V):
        return population.hessian_product(W.detach(), W_star.detach(), V)

    assert torch.autograd.gradcheck(product, V, fast_mode=fast, **ways)
    assert torch.autograd.gradgradcheck(product, V, fast_mode=fast)


def test_at_the_teacher():
    """There the angle of a column with its own teacher is zero."""
    basis = torch.eye(D * D, dtype=W.dtype).view(-1, D, D)
    products = population.hessian_product(W_STAR, W_STAR, basis).view(D, D, D, D)
    for way in (hessian, lambda f: jacfwd(jacfwd(f)), lambda f: lambda X: functional.hessian(f, X)):
        close(way(of_W)(W_STAR), products)


def test_correlated_inputs():
    Sigma = torch.eye(D, dtype=W.dtype) + 0.5 * torch.ones(D, D, dtype=W.dtype)
    exact = correlated.gradient(BATCH, W_STAR, Sigma)
    close(vmap(grad(lambda X: correlated.loss(X, W_STAR, Sigma)))(BATCH), exact)
    close(vmap(correlated.gradient, (None, 0, None))(W_STAR, BATCH, Sigma), correlated.gradient(W_STAR, BATCH, Sigma))
    with pytest.raises(NotImplementedError, match="not in Sigma"):
        grad(correlated.loss, argnums=2)(W, W_STAR, Sigma)
    wide = Sigma * torch.tensor([1.0, 2.0]).view(2, 1, 1)
    close(vmap(correlated.loss, (None, None, 0))(W, W_STAR, wide), correlated.loss(W, W_STAR, wide))


OF_A_PAIR = [
    landscape.potential,
    landscape.potentials_of_others,
    landscape.outer_difference,
    landscape.way_along_ones,
    landscape.inner_product,
    landscape.one_point_ratio,
    landscape.gradient_parts,
    landscape.inner_product_parts,
]


@pytest.mark.parametrize("function", OF_A_PAIR, ids=lambda f: f.__name__)
def test_the_landscape(function):
    torch.testing.assert_close(vmap(function, (0, None))(BATCH, W_STAR), function(BATCH, W_STAR))

    def total(X):
        value = function(X, W_STAR)
        return value.sum() if isinstance(value, torch.Tensor) else sum((k + 1) * v.sum() for k, v in enumerate(value))

    X = W.clone().requires_grad_()
    torch.testing.assert_close(vmap(grad(total))(W[None])[0], torch.autograd.grad(total(X), X)[0])
    assert torch.autograd.gradcheck(total, X, check_forward_ad=True)


def test_entries_are_looked_at_under_vmap():
    bad = BATCH.clone()
    bad[1, 0, 2] = math.nan
    for transform in (vmap(of_W), vmap(grad(of_W)), vmap(vmap(of_W))):
        with pytest.raises(ValueError, match="W must be finite"):
            transform(bad.view(3, 1, D, D) if transform is not None else bad)
    zero_column = BATCH.clone()
    zero_column[2, :, 1] = -torch.eye(D, dtype=W.dtype)[1]
    with pytest.raises(ValueError, match=r"every column of I \+ W_star non-zero; column 1"):
        vmap(grad(population.loss), (None, 0))(W, zero_column)
    with pytest.raises(ValueError, match="W must differ from W_star"):
        vmap(landscape.one_point_ratio, (0, None))(torch.stack([W, W_STAR]), W_STAR)


def test_empty_batches():
    none = BATCH[:0]
    assert population.loss(none, W_STAR).shape == (0,)
    for function in (population.gradient, population.lemma_2_1):
        assert function(none, W_STAR).shape == function(W, none).shape == (0, D, D)
    assert [x.shape for x in population.loss_and_gradient(none, none)] == [(0,), (0, D, D)]
    assert population.hessian_product(none, W_STAR, V).shape == (0, D, D)
    assert population.hessian_product(W, W_STAR, none).shape == (0, D, D)
    assert population.loss(BATCH[None, :0], W_STAR).shape == (1, 0)
    assert correlated.loss(none, W_STAR, torch.eye(D, dtype=W.dtype)).shape == (0,)
    assert correlated.gradient(W, W_STAR, none).shape == (0, D, D)
    for function in OF_A_PAIR:
        one, found = function(W, W_STAR), function(none, W_STAR)
        for x, y in zip(*((t,) if isinstance(t, torch.Tensor) else t for t in (one, found)), strict=True):
            assert y.shape == (0, *x.shape)
    X = none.clone().requires_grad_()
    assert torch.autograd.grad(population.loss(X, W_STAR).sum(), X)[0].shape == (0, D, D)


def test_large_matrices_in_blocks_on_several_threads(monkeypatch):
    """What is computed block by block on threads of its own is the same, also under autograd and torch.func."""
    generator = torch.Generator().manual_seed(0)
    W, W_star = (torch.randn(530, 530, generator=generator, dtype=torch.float64) / 100 for _ in range(2))
    blocks, gradient = population.loss(W, W_star), population.gradient(W, W_star)
    torch.testing.assert_close(grad(population.loss)(W, W_star), gradient)
    torch.testing.assert_close(vmap(population.loss, (0, None))(W[None], W_star)[0], blocks)
    leaf = W.clone().requires_grad_()
    population.loss(leaf, W_star).backward()
    torch.testing.assert_close(leaf.grad, gradient)
    monkeypatch.setattr(population, "_WHOLE", 1000)
    torch.testing.assert_close(population.loss(W, W_star), blocks, rtol=1e-12, atol=0)
