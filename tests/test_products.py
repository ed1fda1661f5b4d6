"""Products, norms and the arc cosine are the same by torch and by numpy, and a rule says which is taken."""

from types import SimpleNamespace

import pytest
import torch

from src import products
from src.dynamics import sgd
from src.model import population


@pytest.fixture(params=["torch", "numpy"])
def chosen(request, monkeypatch):
    monkeypatch.setattr(products, "_numpy_is_faster", lambda *_: request.param == "numpy")
    return request.param


def normal(*shape, dtype=torch.float64, seed=0):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 1, 1), (300, 20, 250)])
def test_a_product_is_the_sum_of_products(chosen, shape, dtype):
    (m, k, n), tolerance = (
        shape,
        {"rtol": 1e-4, "atol": 1e-4} if dtype == torch.float32 else {"rtol": 1e-11, "atol": 1e-12},
    )
    A, B, C = normal(m, k, dtype=dtype), normal(k, n, dtype=dtype, seed=1), normal(m, n, dtype=dtype, seed=2)
    exact = torch.einsum("ik,kj->ij", A, B)
    torch.testing.assert_close(products.multiply(A, B), exact, **tolerance)
    torch.testing.assert_close(products.multiply(B.mT, A.mT), exact.mT, **tolerance)  # other layouts
    out = torch.empty(1, m, n, dtype=dtype)
    again = products.into(out, A[None], B[None])
    again()
    torch.testing.assert_close(out[0], exact, **tolerance)
    A.mul_(2)
    again()  # with what they hold now
    torch.testing.assert_close(out[0], 2 * exact, **tolerance)
    less, before = products.subtracted(C[None], A[None], B[None]), C.clone()
    less(), less()
    torch.testing.assert_close(C, before - 4 * exact, **tolerance)


@pytest.mark.parametrize("shape", [(4, 3), (1, 1), (300, 250), (2, 5, 6), (0, 3, 3)])
def test_column_norms(shape):
    A = normal(*shape)
    torch.testing.assert_close(products.column_norms(A), A.norm(dim=-2, keepdim=True), rtol=1e-14, atol=0)
    transposed = A.mT
    torch.testing.assert_close(products.column_norms(transposed), transposed.norm(dim=-2, keepdim=True))


@pytest.mark.parametrize("shape", [(4, 3), (210, 220), (2, 5, 6)])
def test_gram(chosen, shape):
    A = normal(*shape)
    found = products.gram(A)
    torch.testing.assert_close(found, A.mT @ A, rtol=1e-12, atol=1e-12)
    assert torch.equal(found, found.mT)


def test_batches(chosen):
    A, B, C = normal(2, 3, 4), normal(2, 4, 5), normal(2, 3, 5)
    out, before = torch.empty(2, 3, 5, dtype=A.dtype), C.clone()
    products.into(out, A, B)()
    products.subtracted(C, A, B)()
    for found in (out, products.multiply(A, B), before - C):
        torch.testing.assert_close(found, A @ B)


@pytest.mark.parametrize("n", [3, 300])
def test_the_arc_cosine(chosen, n):
    x = normal(n, n).clamp(-1, 1)
    y = x.clone()
    assert products.arccos_(y) is y
    torch.testing.assert_close(y, x.acos(), rtol=1e-14, atol=1e-15)


def test_the_choice_changes_nothing_but_rounding(monkeypatch):
    W, W_star = 0.3 * normal(230, 230) / 15, 0.3 * normal(230, 230, seed=1) / 15
    found = []
    for numpy in (False, True):
        monkeypatch.setattr(products, "_numpy_is_faster", lambda *_, numpy=numpy: numpy)
        run = sgd.train(W, W_star, eta=1e-4, batch=20, steps=5, seeds=[0, 1])
        found.append((population.loss(W, W_star), population.gradient(W, W_star), run.W))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("kernel", "expected"), [("Haswell", False), ("Zen", False), ("SkylakeX", True)])
def test_the_kernel_decides(monkeypatch, kernel, expected):
    monkeypatch.setattr(products.threads, "_blas", lambda: [SimpleNamespace(architecture=kernel)])
    assert products._numpy_is_faster.__wrapped__() is expected
