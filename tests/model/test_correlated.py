"""Correlated Gaussian inputs: loss and gradient by routes that need no square root of Sigma."""

import math

import pytest
import torch

from src.model import correlated, landscape, population


def draw(d, seed, size=0.3):
    generator = torch.Generator().manual_seed(seed)
    return size * torch.randn(d, d, generator=generator, dtype=torch.float64) / math.sqrt(d)


def covariance(d, seed=7):
    """Far from the identity, with all variances different."""
    R = torch.eye(d, dtype=torch.float64) + draw(d, seed, 1.0)
    return R @ torch.diag(torch.linspace(0.5, 2, d, dtype=torch.float64)) @ R.mT


def kernel_loss(W, W_star, Sigma):
    """The loss by arc-cosine kernels of the products p^T Sigma q, pair by pair: no square root of Sigma."""
    eye = torch.eye(len(W), dtype=W.dtype)
    columns = torch.cat([eye + W, eye + W_star], dim=1)
    products = columns.mT @ Sigma @ columns
    sign = torch.tensor([1.0] * len(W) + [-1.0] * len(W), dtype=W.dtype)
    total = products.diagonal().sum() * math.pi
    for i in range(len(sign)):
        for j in range(i):
            lengths = (products[i, i] * products[j, j]).sqrt()
            theta = torch.arccos(products[i, j] / lengths)
            total = total + 2 * sign[i] * sign[j] * lengths * (theta.sin() + (math.pi - theta) * theta.cos())
    return total / (2 * math.pi)


def errors(d=7):
    """How far loss and gradient are from the kernels and their derivative, relative."""
    W, W_star, Sigma = draw(d, 1).requires_grad_(), draw(d, 2), covariance(d)
    loss = kernel_loss(W, W_star, Sigma)
    (slope,) = torch.autograd.grad(loss, W)
    W = W.detach()
    loss_error = (correlated.loss(W, W_star, Sigma) / loss.detach() - 1).abs().item()
    return loss_error, ((correlated.gradient(W, W_star, Sigma) - slope).norm() / slope.norm()).item()


def test_loss_and_gradient_by_kernels():
    assert max(errors()) < 1e-11


@pytest.mark.parametrize(
    "wrong, both",
    [
        (lambda Sigma, root: Sigma, True),  # S^2 instead of S
        (lambda Sigma, root: torch.linalg.inv(root), True),
        (lambda Sigma, root: torch.linalg.cholesky(Sigma), False),  # the loss allows any root, the gradient needs S^T
    ],
)
def test_planted_root(monkeypatch, wrong, both):
    right = correlated._root
    monkeypatch.setattr(correlated, "_root", lambda Sigma, W: wrong(Sigma, right(Sigma, W)))
    loss_error, gradient_error = errors()
    assert gradient_error > 0.01
    if both:
        assert loss_error > 0.01


@pytest.mark.parametrize("wrong", [lambda G: G.mT, lambda G: -G, lambda G: math.pi * G])
def test_planted_gradient(monkeypatch, wrong):
    right = population.gradient
    monkeypatch.setattr(population, "gradient", lambda W, W_star: wrong(right(W, W_star)))
    assert errors()[1] > 0.1


def test_sampled():
    """x = R z with another root R of Sigma; within four standard errors in every entry, and S is seen at all."""
    d, batches = 6, 40
    W, W_star, Sigma = draw(d, 1), draw(d, 2), covariance(d)
    generator = torch.Generator().manual_seed(3)
    eye, R = torch.eye(d, dtype=torch.float64), torch.linalg.cholesky(Sigma)
    losses, gradients = [], []
    for _ in range(batches):
        x = torch.randn(5000, d, generator=generator, dtype=torch.float64) @ R.mT
        hidden = x @ (eye + W)
        residual = hidden.relu().sum(1) - (x @ (eye + W_star)).relu().sum(1)
        losses.append(residual.square().mean())
        gradients.append(2 / len(x) * x.mT @ (residual[:, None] * (hidden > 0)))
    for samples, exact, other in (
        (torch.stack(losses), correlated.loss(W, W_star, Sigma), population.loss(W, W_star)),
        (torch.stack(gradients), correlated.gradient(W, W_star, Sigma), population.gradient(W, W_star)),
    ):
        error = samples.std(0) / math.sqrt(batches)
        assert ((samples.mean(0) - exact).abs() / error).max() < 4
        assert ((samples.mean(0) - other).abs() / error).max() > 20


def test_identity_and_multiples():
    W, W_star, eye = draw(9, 1), draw(9, 2), torch.eye(9, dtype=torch.float64)
    for c in (1.0, 0.25, 3.0):
        torch.testing.assert_close(correlated.loss(W, W_star, c * eye), c * population.loss(W, W_star))
        torch.testing.assert_close(correlated.gradient(W, W_star, c * eye), c * population.gradient(W, W_star))


def test_inner_product_is_that_of_the_standardised_pair():
    W, W_star, Sigma = draw(8, 1), draw(8, 2), covariance(8)
    inner = (-correlated.gradient(W, W_star, Sigma) * (W_star - W)).sum()
    torch.testing.assert_close(inner, landscape.inner_product(*correlated.standardised(W, W_star, Sigma)))


def test_potential_of_the_standardised_pair():
    W, W_star, Sigma = draw(8, 1), draw(8, 2), covariance(8)
    A, B = (torch.eye(8, dtype=torch.float64) + V for V in (W, W_star))
    lengths = [(V * (Sigma @ V)).sum(0).sqrt().sum() for V in (A, B)]
    torch.testing.assert_close(landscape.potential(*correlated.standardised(W, W_star, Sigma)), lengths[1] - lengths[0])


def test_accurate_close_to_the_teacher():
    """The loss is quadratic there: half the distance, a quarter of the loss."""
    W_star, step, Sigma = draw(10, 1), draw(10, 2), covariance(10)
    far, near = (correlated.loss(W_star + h * step, W_star, Sigma) for h in (1e-5, 5e-6))
    assert (far / near).item() == pytest.approx(4, rel=1e-4)
    assert correlated.loss(W_star, W_star, Sigma) == 0


def test_batches_and_autograd():
    W, W_star, Sigma = (
        torch.stack([draw(5, 1), draw(5, 3)]),
        draw(5, 2),
        torch.stack([covariance(5), torch.eye(5).double()]),
    )
    W.requires_grad_()
    (slope,) = torch.autograd.grad(correlated.loss(W, W_star, Sigma).sum(), W)
    gradient = correlated.gradient(W, W_star, Sigma)
    torch.testing.assert_close(slope, gradient)
    torch.testing.assert_close(gradient[0], correlated.gradient(W[0], W_star, Sigma[0]))
    torch.testing.assert_close(gradient[1], population.gradient(W[1], W_star))


@pytest.mark.parametrize(
    "Sigma, kind, says",
    [
        (torch.eye(4).double() + torch.diag(torch.ones(3), 1).double(), ValueError, "symmetric"),
        (torch.diag(torch.tensor([1.0, 1, 1, 0])).double(), ValueError, "positive definite"),
        (torch.diag(torch.tensor([1.0, 1, 1, -1])).double(), ValueError, "positive definite"),
        (torch.zeros(4, 4).double(), ValueError, "positive definite"),
        (torch.eye(5).double(), ValueError, "dimension"),
        (torch.ones(4, 3).double(), ValueError, "square"),
        (torch.full((4, 4), math.nan).double(), ValueError, "finite"),
        (torch.eye(4), TypeError, "dtype"),
        ([[1.0]], TypeError, "torch.Tensor"),
    ],
)
@pytest.mark.parametrize("call", [correlated.loss, correlated.gradient, correlated.standardised])
def test_bad_covariance(call, Sigma, kind, says):
    with pytest.raises(kind, match=f"Sigma.*{says}"):
        call(draw(4, 1), draw(4, 2), Sigma)
