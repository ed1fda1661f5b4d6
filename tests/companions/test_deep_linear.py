"""Deep linear networks without links: derivatives by autograd, every step of the proofs, verdicts, planted errors."""

import itertools
import math
from functools import reduce

import pytest
import torch
from scipy.integrate import solve_ivp
from torch.nn.utils import parameters_to_vector

from src import verdicts
from src.companions import deep_linear, linear_saddles
from src.companions.deep_linear import Landing, Landings
from src.companions.linear_saddles import NotConvex, Point, Points


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def network(*widths, seed=0):
    return [normal(rows, columns, seed=seed + k) for k, (columns, rows) in enumerate(itertools.pairwise(widths))]


X, Y = normal(4, 9, seed=10), normal(3, 9, seed=11)


@pytest.mark.parametrize("widths", [(4, 3), (4, 2, 3), (4, 5, 2, 3), (4, 2, 3, 2, 3)])
def test_loss_gradient_and_hessian_are_those_of_autograd(widths):
    weights = network(*widths)
    flat = parameters_to_vector(weights)

    def loss(vector):
        Z = X
        for part, W in zip(vector.split([W.numel() for W in weights]), weights):
            Z = part.view(W.shape) @ Z
        return (Z - Y).square().sum() / 2

    assert deep_linear.loss(weights, X, Y).item() == pytest.approx(loss(flat).item())
    torch.testing.assert_close(
        parameters_to_vector(deep_linear.gradient(weights, X, Y)), torch.autograd.functional.jacobian(loss, flat)
    )
    torch.testing.assert_close(
        deep_linear.hessian(weights, X, Y), torch.autograd.functional.hessian(loss, flat), rtol=1e-10, atol=1e-10
    )


def test_a_batch_of_networks_is_one_after_the_other():
    weights = [torch.stack(pair) for pair in zip(network(4, 2, 3), network(4, 2, 3, seed=5))]
    losses = deep_linear.loss(weights, X, Y)
    slopes = deep_linear.gradient(weights, X, Y)
    for k, one in enumerate((network(4, 2, 3), network(4, 2, 3, seed=5))):
        torch.testing.assert_close(losses[k], deep_linear.loss(one, X, Y))
        for batch, single in zip(slopes, deep_linear.gradient(one, X, Y)):
            torch.testing.assert_close(batch[k], single)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("X", [X, normal(4, 2, seed=3) @ normal(2, 9, seed=4)], ids=["full rank", "rank 2"])
def test_the_least_loss_is_that_of_reduced_rank_regression(X, rank):
    """The best map of a rank: least squares, then its fitted outputs cut to their leading principal components."""
    fitted = Y @ torch.linalg.pinv(X) @ X
    U = torch.linalg.svd(fitted)[0][:, :rank]
    least = (U @ U.mT @ fitted - Y).square().sum() / 2
    assert deep_linear.best_loss(X, Y, rank) == pytest.approx(least.item())
    eigenvalues = torch.linalg.eigvalsh(Y @ X.mT @ torch.linalg.pinv(X @ X.mT) @ X @ Y.mT).flip(0)
    torch.testing.assert_close(deep_linear.modes(X, Y).square(), eigenvalues[: len(deep_linear.modes(X, Y))])


# --- Steps of the proofs ---------------------------------------------------------------------------------------------


def second_derivative(directions, weights, X, Y):
    vector = parameters_to_vector(directions)
    return (vector @ deep_linear.hessian(weights, X, Y) @ vector).item()


def white(X, Y):
    """Inputs with orthonormal rows, and their C."""
    Q = torch.linalg.qr(X.mT)[0].mT
    return Q, Y @ Q.mT


def test_a_kernel_of_the_second_matrix_gives_negative_curvature():
    Q, C = white(X, Y)
    W_1, W_2 = network(4, 3, 3)
    W_2[:, 0] = 0  # W_2 e = 0 for e = e_1
    E = W_2 @ W_1 - C
    U, _, Vh = torch.linalg.svd(E)
    e, v, z, small = torch.eye(3, dtype=torch.float64)[0], Vh[0], -U[:, 0], 1e-3
    found = second_derivative([torch.outer(e, v), small * torch.outer(z, e)], [W_1, W_2], Q, Y)
    expected = small**2 * W_1[0].square().sum() + 2 * small * (z @ E @ v)
    assert found == pytest.approx(expected.item()) and found < 0


@pytest.mark.parametrize("kept", [(0, 2), (1, 2)])
def test_exchanging_a_smaller_mode_for_a_larger_gives_negative_curvature(kept):
    Q, C = white(X, Y)
    W_1, W_2 = weights = linear_saddles.critical_point(Q, Y, [2], kept, generator())
    P, S, Qh = torch.linalg.svd(C, full_matrices=False)
    i, j = kept[-1], min({0, 1, 2} - set(kept))
    c = torch.linalg.pinv(W_2) @ P[:, i]
    F_1, F_2 = S[j] * torch.outer(c, Qh[j]), torch.outer(P[:, j], W_2.mT @ P[:, i])
    torch.testing.assert_close(F_2 @ W_1, S[i] * torch.outer(P[:, j], Qh[i]))
    torch.testing.assert_close(W_2 @ F_1, S[j] * torch.outer(P[:, i], Qh[j]))
    assert second_derivative([F_1, F_2], weights, Q, Y) == pytest.approx((S[i] ** 2 - S[j] ** 2).item())


def test_moves_that_change_no_product():
    """The second half of the proof for more matrices, at weights whose product has too low a rank from W_2 on."""
    W = network(4, 3, 3, 3, 3)
    W[1][2] = 0  # V_2, V_3, V_4 have rank 2, r = 3
    V = [torch.eye(4, dtype=torch.float64)]
    for one in W:
        V.append(one @ V[-1])
    omega = [torch.linalg.svd(V[j])[0][:, -1] for j in (2, 3)]
    zeta = [normal(3, seed=k) for k in (20, 21)]
    moved = [W[0], W[1], W[2] + torch.outer(zeta[0], omega[0]), W[3] + torch.outer(zeta[1], omega[1])]
    torch.testing.assert_close(torch.linalg.multi_dot(moved[::-1]), V[4])
    U_2 = moved[3] @ moved[2]
    part = U_2 - W[3] @ moved[2] - moved[3] @ W[2] + W[3] @ W[2]  # what has both zeta in it
    torch.testing.assert_close(part, (omega[1] @ zeta[0]) * torch.outer(zeta[1], omega[0]))
    xi = torch.linalg.pinv(V[1]) @ torch.linalg.svd(W[1])[2][-1]
    assert (V[2] @ xi).norm() < 1e-12 < (V[1] @ xi).norm()
    other = W[0] @ (torch.eye(4, dtype=torch.float64) + 0.3 * torch.outer(xi, normal(4, seed=22)))
    torch.testing.assert_close(W[1] @ other, V[2])
    assert (other - V[1]).norm() > 0.1


def test_the_sum_of_all_second_derivatives_is_that_of_the_page():
    W, total = network(4, 2, 3, 3), 0.0
    for k in range(3):
        inner = reduce(lambda V, one: one @ V, W[:k], X)  # V_(k-1) X
        outer = reduce(lambda V, one: one @ V, W[k + 1 :], torch.eye(len(W[k]), dtype=X.dtype))
        total += (outer.square().sum() * inner.square().sum()).item()
    assert torch.trace(deep_linear.hessian(W, X, Y)).item() == pytest.approx(total)


def test_zero_weights():
    """Two matrices: the extreme curvatures are the singular values of Y X^T; more: none, and the three lines."""
    zero = [torch.zeros(3, 4).double(), torch.zeros(3, 3).double()]
    sigma = torch.linalg.svdvals(Y @ X.mT)
    values = torch.linalg.eigvalsh(deep_linear.hessian(zero, X, Y))
    assert values[0].item() == pytest.approx(-sigma[0].item()) and values[-1].item() == pytest.approx(sigma[0].item())
    deep = [*zero, zero[1]]
    assert not deep_linear.hessian(deep, X, Y).any()
    F = network(4, 3, 3, 3)
    product, small = torch.linalg.multi_dot(F[::-1]) @ X, 0.01
    expected = -(small**3) * (product * Y).sum() + small**6 * product.square().sum() / 2
    found = deep_linear.loss([small * D for D in F], X, Y) - deep_linear.loss(deep, X, Y)
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)


def test_a_zero_product_with_negative_curvature():
    W_2 = normal(3, 3, seed=7)
    weights = [torch.zeros(3, 4).double(), W_2, torch.zeros(3, 3).double()]
    least = torch.linalg.eigvalsh(deep_linear.hessian(weights, X, Y))[0].item()
    expected = torch.linalg.matrix_norm(W_2, 2) * torch.linalg.matrix_norm(Y @ X.mT, 2)
    assert least == pytest.approx(-expected.item())


# --- Critical points -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["full rank", "X of rank 2", "d_x < d_y"])
@pytest.mark.parametrize("hidden", [[2], [3], [2, 3], [3, 3, 3]])
def test_critical_points_are_critical_and_curved_as_the_page_says(name, hidden):
    design = {name: linear_saddles.designs(generator())[name]}
    (X, Y) = design[name]
    sizes = deep_linear.modes(X, Y)
    points = linear_saddles.examine_all(design, [hidden], generator())
    assert len({point.kept for point in points.each}) == len(points.each)
    for point in points.each:
        assert point.slope < 1e-13
        left_out = sizes.square().sum() - sizes[list(point.kept)].square().sum()
        least = sizes.square().sum() - sizes[: min(len(X), *hidden, len(Y))].square().sum()
        assert point.excess == pytest.approx(((left_out - least) / Y.square().sum()).item(), abs=1e-12)
        leading = point.kept == tuple(range(len(point.kept)))
        if point.best:
            assert leading and not point.curved and point.fall < 1e-12
        else:
            assert point.fall > 0 and point.rise > 0
            assert point.curved == (len(hidden) == 1 or not leading)
    assert points.saddles == (points.strict if len(hidden) == 1 else points.bad) == verdicts.HOLDS


def test_the_chain_changes_the_product_as_it_says():
    X, Y = linear_saddles.designs(generator())["full rank"]
    weights = linear_saddles.critical_point(X, Y, [3, 4], [0], generator())
    directions = linear_saddles.chain(weights, X, Y)
    sigma = deep_linear.modes(X, Y)[1].item()
    t = 0.3
    moved = [W + t * D for W, D in zip(weights, directions)]
    change = deep_linear.loss(moved, X, Y) - deep_linear.loss(weights, X, Y)
    assert change.item() == pytest.approx(-(t**3) * sigma + t**6 / 2)
    assert linear_saddles.chain(linear_saddles.critical_point(X, Y, [2, 3], [1, 2], generator()), X, Y) is None
    assert linear_saddles.chain(linear_saddles.critical_point(X, Y, [4], [0, 1, 2], generator()), X, Y) is None


POINT = Point("one", (0,), 2, 0.5, 0.0, -1.0, 2.0, 0.1, 0.1)
DEEP = POINT._replace(matrices=3, least=0.0)


@pytest.mark.parametrize(
    ("change", "saddles", "strict"),
    [
        ({"fall": 0.0}, False, True),
        ({"rise": 0.0}, False, True),
        ({"least": -1e-12}, True, False),
        ({"least": 1e-12}, True, False),
        ({"largest": 2e9}, True, False),  # then -1 is within rounding
        ({"excess": 1e-12, "least": 0.0, "fall": 0.0}, True, True),  # a global minimum is not asked
    ],
)
def test_each_number_of_a_point_counts(change, saddles, strict):
    points = Points((POINT, POINT._replace(**change)))
    assert (points.saddles == verdicts.HOLDS, points.strict == verdicts.HOLDS) == (saddles, strict)
    assert Points((POINT,)).saddles == Points((POINT,)).strict == verdicts.HOLDS


def test_no_points_show_nothing():
    nothing = Points((POINT._replace(excess=0.0),))
    assert {nothing.saddles, nothing.strict, nothing.bad} == {verdicts.FAILS}


@pytest.mark.parametrize("change", [{"fall": 0.0}, {"rise": 0.0}, {"least": -1e-6}, {"excess": 0.0}])
def test_a_bad_saddle_is_needed_for_every_depth(change):
    other = DEEP._replace(matrices=4)
    assert Points((DEEP, other)).bad == verdicts.HOLDS and Points((DEEP, other)).strict == verdicts.FAILS
    damaged = Points((DEEP, other._replace(**change), other._replace(least=-1.0)))
    assert damaged.bad == verdicts.FAILS and len(damaged.flat) == 1


def test_a_hessian_without_its_part_of_first_order_is_seen(monkeypatch):
    """Planted: Gauss and Newton's matrix alone has no negative eigenvalue, and every saddle of two would be bad."""

    def gauss_newton(weights, X, Y):
        E = torch.zeros_like(Y)
        Z = torch.linalg.multi_dot(weights[::-1]) if len(weights) > 1 else weights[0]
        return right(weights, X, Z @ X - E)

    right = deep_linear.hessian
    monkeypatch.setattr(deep_linear, "hessian", gauss_newton)
    points = linear_saddles.examine_all(linear_saddles.designs(generator()), [[2], [3, 3]], generator())
    assert points.strict == verdicts.FAILS


def test_points_that_are_not_critical_are_seen(monkeypatch):
    right = linear_saddles.critical_point
    monkeypatch.setattr(linear_saddles, "critical_point", lambda *args: [1.1 * W for W in right(*args)])
    points = linear_saddles.examine_all(linear_saddles.designs(generator()), [[2]], generator())
    assert max(point.slope for point in points.each) > 1e-3


def test_neither_convex_nor_concave():
    found = linear_saddles.not_convex(linear_saddles.designs(generator()), [[1], [3, 3]], generator())
    assert found.verdict == verdicts.HOLDS
    for field in ("hump", "sag"):
        assert found._replace(**{field: 1e-12}).verdict == verdicts.FAILS
    sizes = [
        deep_linear.modes(X, Y)[0] ** 2 / Y.square().sum() for X, Y in linear_saddles.designs(generator()).values()
    ]
    assert found == pytest.approx(NotConvex(min(sizes).item(), min(sizes).item()))


# --- Runs ------------------------------------------------------------------------------------------------------------

LANDING = Landing("one", (2, 2, 2), 1.0, 2.0, (1.0, 1.0005), (1e-7, 1e-7))


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"losses": (1.0, 2.0)}, verdicts.FAILS),
        ({"losses": (1.0, 1.002)}, verdicts.FAILS),
        ({"losses": (1.0, 2.0), "slopes": (1e-7, 1e-3)}, verdicts.HOLDS),  # under way, not at rest
        ({"slopes": (1e-3, 1e-3)}, verdicts.OPEN),
        ({"best": 0.9}, verdicts.FAILS),
        ({"next": 1.1}, verdicts.FAILS),
    ],
)
def test_each_field_of_a_landing_counts(change, verdict):
    assert Landings((LANDING, LANDING)).verdict == verdicts.HOLDS
    assert Landings((LANDING, LANDING._replace(**change))).verdict == verdict


@pytest.mark.parametrize("hidden", [[2], [2, 3]])
def test_descents_land_at_the_least_loss(hidden):
    X, Y = linear_saddles.designs(generator())["full rank"]
    landing = deep_linear.land("full rank", X, Y, hidden, 3, generator())
    assert landing.reached == 3 and Landings((landing,)).verdict == verdicts.HOLDS
    sizes = deep_linear.modes(X, Y).square()
    assert landing.next - landing.best == pytest.approx((sizes[1] - sizes[2]).item() / 2)


def test_without_a_following_mode_the_next_value_leaves_the_last_one_out():
    X, Y = linear_saddles.designs(generator())["full rank"]
    landing = deep_linear.land("full rank", X, Y, [3], 1, generator())
    assert landing.next - landing.best == pytest.approx(deep_linear.modes(X, Y)[2].item() ** 2 / 2)


def test_a_wrong_least_loss_overturns_the_verdict(monkeypatch):
    """Planted: the least loss without its factor 1/2."""
    X, Y = linear_saddles.designs(generator())["full rank"]
    right = deep_linear.best_loss
    monkeypatch.setattr(deep_linear, "best_loss", lambda *arguments: 2 * right(*arguments))
    assert Landings((deep_linear.land("full rank", X, Y, [2], 1, generator()),)).verdict == verdicts.FAILS


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_escape_time_is_that_of_the_flow_of_all_weights(depth):
    start, half = 0.2, 0.5

    def reached(t, w):
        return math.prod(w) - half

    def flow(t, w):
        return [(1 - math.prod(w)) * math.prod(w) / one for one in w]

    reached.terminal = True
    run = solve_ivp(flow, (0, 1e4), [start] * depth, events=reached, rtol=1e-10, atol=1e-12)
    assert deep_linear.escape_time(depth, start) == pytest.approx(run.t[-1], rel=1e-6)
    law = -math.log(1e-4) if depth == 2 else 1e-4 ** (2 - depth) / (depth - 2)
    assert deep_linear.escape_time(depth, 1e-4) == pytest.approx(law, rel=2e-3)
    with pytest.raises(ValueError, match="start must be below"):
        deep_linear.escape_time(depth, 0.9)


def test_descent_follows_the_flow_and_counts_its_steps():
    weights = [torch.tensor([[0.1]]).double()] * 2
    one = torch.ones(1, 1).double()
    last, losses = deep_linear.descend(weights, one, one, 0.001, 4000)
    step = deep_linear.steps_to(losses, 0.125).item()  # product one half
    assert 0.001 * step == pytest.approx(deep_linear.escape_time(2, 0.1), rel=2e-3)
    assert losses[-1].item() == pytest.approx(deep_linear.loss(last, one, one).item())
    curves = torch.tensor([[3.0, 3.0], [1.0, 2.0], [0.5, 2.0]]).double()
    assert deep_linear.steps_to(curves, 1.0).tolist() == [1.0, math.inf]


def test_ex_linear_escape():
    times = {N: [deep_linear.escape_time(N, w) for w in (0.1, 0.01)] for N in (2, 3, 4)}
    assert times[2] == pytest.approx([2.298, 4.605], abs=5e-4)
    assert times[2][0] == pytest.approx(0.5 * math.log((1 - 0.1**2) / 0.1**2))
    assert times[3] == pytest.approx([9.145, 99.15], abs=5e-3)
    assert times[4] == pytest.approx([49.73, 4999.7], abs=5e-2)


def test_ex_linear_bad():
    design = {"full rank": linear_saddles.designs(generator())["full rank"]}
    points = linear_saddles.examine_all(design, [[2, 3]], generator())
    assert [point.kept for point in points.each if not point.curved] == [(), (0,), (0, 1)]
    assert [point.kept for point in points.each if point.best] == [(0, 1)]
    assert len(points.flat) == 2 and len(points.others) == 6


# --- One unit --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outputs", [(1.0, -2.0), (3.0, -0.5), (1.0, 1.0)])
def test_valleys_are_those_of_a_grid(outputs):
    w = torch.linspace(-3, 3, 1201).double().numpy()
    one, two = w[:, None], w[None, :]
    found = linear_saddles.valleys(outputs)
    relu = linear_saddles.unit_loss(one, two, outputs, True)
    near = {"rel": 1e-3, "abs": 1e-4}
    assert linear_saddles.unit_loss(one, two, outputs, False).min() == pytest.approx(found.linear, **near)
    assert relu[w > 0].min() == pytest.approx(found.right, **near)
    assert relu[w < 0].min() == pytest.approx(found.left, **near)


def test_a_point_of_the_higher_valley_is_a_local_minimum_and_not_global():
    outputs, shift = (1.0, -2.0), normal(2, 10_000, seed=3).numpy() * 0.1
    here = linear_saddles.unit_loss(0.8, 1.25, outputs, True)
    assert here == pytest.approx(2.0) and linear_saddles.valleys(outputs) == (0.25, 2.0, 0.5)
    around = linear_saddles.unit_loss(0.8 + shift[0], 1.25 + shift[1], outputs, True)
    assert around.min() >= here - 1e-12
    linear = linear_saddles.unit_loss(0.8 + shift[0], 1.25 + shift[1], outputs, False)
    assert linear.min() < linear_saddles.unit_loss(0.8, 1.25, outputs, False) - 0.01


def test_what_does_not_fit_is_refused():
    for weights, message in (
        (network(3, 2, 3), "weights must lead from X to Y.*matrix 1 must have 4 columns"),
        (network(4, 2, 2), "weights must lead from X to Y: the last must have 3 rows, not 2"),
    ):
        with pytest.raises(ValueError, match=message):
            deep_linear.loss(weights, X, Y)
    with pytest.raises(ValueError, match="X must not be zero"):
        deep_linear.modes(0 * X, Y)
    with pytest.raises(ValueError, match="chosen must be different modes, at most 1"):
        linear_saddles.critical_point(X, Y, [1], [0, 1], generator())
    with pytest.raises(ValueError, match="every entry of chosen must be from 0 to 2"):
        linear_saddles.critical_point(X, Y, [3], [3], generator())
