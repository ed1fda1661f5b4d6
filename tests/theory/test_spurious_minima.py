"""The spurious minima of src.theory.spurious_minima, against printed digits, autograd and all orders of the columns."""

import itertools
import math

import numpy as np
import pytest
import torch

from src import verdicts
from src.model import population
from src.theory import minima, spurious_minima

# a, b, c, p, q at d = 6 as stored in Results/newExp-6-6.mat of https://github.com/ItaySafran/OneLayerGDconvergence, and
# (a, p) at larger d as stored in the minima of https://github.com/ItaySafran/Overparameterization: rounded to 8 digits.
AT_SIX = (-0.60151192, 0.30801099, 0.22451580, 0.98670382, -0.05041340)
DIAGONALS = {
    8: (-0.65825626, 1.00143425),
    10: (-0.69903682, 1.00435482),
    14: (-0.75626556, 1.00434816),
    20: (-0.81002058, 1.00300375),
    30: (-0.86087248, 1.00168163),
}
TWO_TURNED = 0.0706537606  # eq. 2 at the stored point with two units turned, d = 10: its a and p are
TWO_TURNED_DIAGONAL = (-0.72984044, 0.99756356)


def member(values, d):
    """W [d, d] of the family from a, b, c, p, q, written down entry by entry."""
    a, b, c, p, q = values
    rows = [[a] + [b] * (d - 1)] + [[c] + [p if i == j else q for j in range(1, d)] for i in range(1, d)]
    return torch.tensor(rows, dtype=torch.float64) - torch.eye(d, dtype=torch.float64)


def half_loss(A):
    """Safran and Shamir's objective at the columns of A, unit teachers, from the arc-cosine kernel; differentiable."""
    d = A.shape[1]
    columns, sign = torch.cat([A, torch.eye(d, dtype=A.dtype)], 1), torch.tensor([1.0] * d + [-1.0] * d).double()
    norm = columns.norm(dim=0)
    cosine = (columns.T @ columns) / norm / norm[:, None]
    off = 1 - torch.eye(2 * d, dtype=A.dtype)
    theta = (cosine * off).acos() * off  # a column makes no angle with itself
    kernel = norm * norm[:, None] * (theta.sin() + (math.pi - theta) * (cosine * off + 1 - off))
    return sign @ kernel @ sign / (4 * math.pi)


def all_copies(W):
    """||W||_2 of each of the d! copies of W, and their orders."""
    eye = torch.eye(len(W), dtype=W.dtype)
    orders = torch.tensor(list(itertools.permutations(range(len(W)))))
    return torch.linalg.matrix_norm((W + eye)[:, orders].movedim(1, 0) - eye, 2), orders


def test_the_printed_point_is_a_spurious_minimum():
    """By autograd of another formula and a dense Hessian, and by this book's own gradient."""
    W = member(spurious_minima.PUBLISHED, 7)
    A = (W + torch.eye(7, dtype=torch.float64)).requires_grad_()
    value = half_loss(A)
    (slope,) = torch.autograd.grad(value, A)
    hessian = torch.autograd.functional.hessian(half_loss, A.detach()).reshape(49, 49)
    zero = torch.zeros_like(W)
    assert slope.norm() < 1e-8 and population.gradient(W, zero).norm() < spurious_minima.CRITICAL
    lowest = torch.linalg.eigvalsh(hessian)[0].item()
    assert lowest == pytest.approx(0.0140590, abs=1e-6)  # as stored with the point
    assert minima.lowest_curvature(W, zero) == pytest.approx(2 * lowest, rel=1e-3)
    assert population.loss(W, zero).item() == pytest.approx(2 * value.item(), rel=1e-9)
    assert value.item() == pytest.approx(0.02320271, abs=1e-8)


def test_the_books_descent_finds_the_printed_points():
    W = spurious_minima.minimum(7)
    assert torch.allclose(W, member(spurious_minima.PUBLISHED, 7), rtol=0, atol=1e-10)
    assert torch.allclose(spurious_minima.minimum(6), member(AT_SIX, 6), rtol=0, atol=2e-8)
    for d, (a, p) in DIAGONALS.items():
        found = spurious_minima.entries(spurious_minima.minimum(d))
        assert found[[0, 3]].tolist() == pytest.approx([a, p], abs=1e-8)


def test_entries_are_read_where_the_pattern_has_them():
    values = [0.1, 0.2, 0.3, 0.4, 0.5]
    assert spurious_minima.entries(member(values, 4)).tolist() == pytest.approx(values)


@pytest.mark.parametrize("d", [3, 4, 5, 6, 9])
def test_every_member_is_critical_and_a_minimum_from_six_on(d):
    W, zero = spurious_minima.minimum(d), torch.zeros(d, d, dtype=torch.float64)
    assert population.gradient(W, zero).norm() < 1e-12
    assert (minima.lowest_curvature(W, zero) > 0) == (d >= 6)


@pytest.mark.parametrize("d", [6, 7])
def test_the_nearest_of_all_copies(d):
    """All d! orders: the exchanges of column 1 with another are nearest, all others beyond the bound."""
    W = spurious_minima.minimum(d)
    norms, orders = all_copies(W)
    nearest = torch.linalg.matrix_norm(spurious_minima.exchanged(W), 2)
    assert nearest == pytest.approx({6: 1.334453, 7: 1.356174}[d], abs=1e-6)
    assert norms.min() == pytest.approx(nearest.item(), rel=1e-12)
    moved = (orders != torch.arange(d)).sum(1)
    like_it = (moved == 2) & (orders[:, 0] != 0)
    assert like_it.sum() == d - 1 and torch.allclose(norms[like_it], nearest)
    assert norms[~like_it].min() >= spurious_minima.other_copies(W) > nearest
    assert torch.linalg.matrix_norm(spurious_minima.nearest_copy(W), 2) == pytest.approx(nearest.item(), rel=1e-9)


@pytest.mark.parametrize("d", [3, 5])
def test_the_bound_for_other_copies_holds_for_any_member(d):
    """It needs the pattern, not that the point is critical; the first case is -1 on the diagonal, else 0."""
    generator = torch.Generator().manual_seed(d)
    draws = [torch.tensor([-1.0, 0, 0, 1, 0]), *torch.randn(20, 5, generator=generator)]
    for values in draws:
        W = member(values.tolist(), d)
        norms, orders = all_copies(W)
        like_exchanged = ((orders != torch.arange(d)).sum(1) == 2) & (orders[:, 0] != 0)
        bound = spurious_minima.other_copies(W)
        assert norms[~like_exchanged].min() >= bound - 1e-6
        moved = (W + torch.eye(d))[:, 1] - torch.eye(d)[:, 2]  # column 2 in the place of column 3
        assert bound == pytest.approx(min(W[0, 0].abs(), moved.norm()).item(), rel=1e-12)


def test_nearest_copy_of_any_matrix():
    generator = torch.Generator().manual_seed(0)
    eye = torch.eye(5, dtype=torch.float64)
    for _ in range(10):
        W = torch.randn(5, 5, generator=generator, dtype=torch.float64)
        found = spurious_minima.nearest_copy(W)
        assert torch.allclose(*(torch.tensor(sorted((X + eye).T.tolist())) for X in (found, W)))  # the same columns
        norms, _ = all_copies(W)
        norm = torch.linalg.matrix_norm(found, 2)
        assert norms.min() - 1e-9 <= norm <= 1.1 * norms.min()
    assert spurious_minima.nearest_copy(eye.roll(2, 1) - eye).abs().max() == 0
    assert spurious_minima.nearest_copy(torch.ones(1, 1)).item() == 1


def test_random_starts_find_these_points_and_farther_ones():
    ends = spurious_minima.from_random_starts(10, 6, torch.Generator().manual_seed(9))
    W, zero = spurious_minima.minimum(10), torch.zeros(10, 10, dtype=torch.float64)
    known = [0.0, population.loss(W, zero).item(), TWO_TURNED]
    kind = np.abs(ends.loss[:, None] - known).argmin(1)
    assert np.allclose(ends.loss, np.take(known, kind), rtol=0, atol=1e-9)
    assert set(kind) == {0, 1, 2}
    assert (ends.spurious == (kind > 0)).all() and (ends.lowest_curvature > 0).all()
    assert not ends._replace(lowest_curvature=-ends.lowest_curvature).spurious.any()  # a saddle is no minimum
    assert np.allclose(ends.spectral_norm[kind == 0], 0, atol=1e-5)
    nearest = torch.linalg.matrix_norm(spurious_minima.exchanged(W), 2).item()
    assert np.allclose(ends.spectral_norm[kind == 1], nearest, atol=1e-5)
    assert ends.spectral_norm[kind == 2].min() > nearest + 0.2


def test_the_evidence_holds_and_says_where_the_nearest_is():
    found = spurious_minima.spurious([6, 7, 12])
    assert found.verdict == verdicts.HOLDS
    assert found.nearest == (6, pytest.approx(1.334453, abs=1e-6))
    assert found.loss[1] == pytest.approx(0.0464054298, abs=1e-10)
    assert (np.diff(found.spectral_norm) > 0).all() and (found.spectral_norm < math.sqrt(2)).all()
    # At d = 5 the point is a saddle.
    assert spurious_minima.spurious([5, 6]).verdict == verdicts.FAILS


GOOD = spurious_minima.Spurious(
    d=np.array([6.0, 7.0]),
    loss=np.array([0.05, 0.046]),
    gradient_norm=np.array([1e-15, 1e-14]),
    lowest_curvature=np.array([0.009, 0.028]),
    spectral_norm=np.array([1.33, 1.36]),
    other_copies=np.array([1.48, 1.46]),
    deviation=3e-11,
)
WRONG = {
    "no critical point": {"gradient_norm": np.array([1e-15, 2e-8])},
    "a saddle": {"lowest_curvature": np.array([-0.01, 0.028])},
    "a flat direction": {"lowest_curvature": np.array([0.009, 0.0])},
    "a global minimum": {"loss": np.array([0.05, 1e-12])},
    "another copy may be nearer": {"other_copies": np.array([1.32, 1.46])},
    "other digits than printed": {"deviation": 2e-10},
    "no number": {"deviation": math.nan},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_each_number_alone_turns_the_verdict_over(change):
    assert GOOD.verdict == verdicts.HOLDS
    assert GOOD._replace(**change).verdict == verdicts.FAILS


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="d must be from 3"):
        spurious_minima.minimum(2)
    with pytest.raises(TypeError, match="dimensions must be an integer"):
        spurious_minima.spurious([6.5])
    with pytest.raises(ValueError, match="W must be one"):
        spurious_minima.nearest_copy(torch.zeros(2, 3, 3))
    with pytest.raises(ValueError, match="count must be from 1"):
        spurious_minima.from_random_starts(6, 0, torch.Generator())
    with pytest.raises(TypeError, match="generator must be"):
        spurious_minima.from_random_starts(6, 1, 0)
