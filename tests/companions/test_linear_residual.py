"""Linear networks with links: gradients, the three statements of Hardt and Ma, their corrections, planted errors."""

import math

import pytest
import torch
from scipy import linalg

from src import verdicts
from src.companions import deep_linear, linear_residual, residual_optimum
from src.companions.linear_residual import Inequality, NoCritical
from src.companions.residual_optimum import Optimum


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def eye(d):
    return torch.eye(d, dtype=torch.float64)


A, R, SIGMA = 0.2 * normal(4, 3, 3), normal(3, 3, seed=1), normal(3, 5, seed=2) @ normal(3, 5, seed=2).mT


def risk(A, R, Sigma):
    """|((I + A_l) ... (I + A_1) - R) Sigma^(1/2)|_F^2, as the source writes it."""
    Z = eye(len(R))
    for one in A:
        Z = (eye(len(R)) + one) @ Z
    values, vectors = torch.linalg.eigh(Sigma)
    return ((Z - R) @ vectors * values.clamp(min=0).sqrt() @ vectors.mT).square().sum()


def test_excess_and_gradient():
    assert linear_residual.excess(A, R, SIGMA).item() == pytest.approx(risk(A, R, SIGMA).item())
    expected = torch.autograd.functional.jacobian(lambda A: risk(A, R, SIGMA), A)
    torch.testing.assert_close(linear_residual.gradient(A, R, SIGMA), expected)


def test_the_excess_is_that_of_samples():
    """E |y_hat - y|^2 less E |noise|^2, for inputs of covariance Sigma; four standard errors."""
    x = normal(200_000, 5, seed=3) @ normal(3, 5, seed=2).mT
    noise = normal(200_000, 3, seed=4)
    y_hat = x @ linear_residual.product(A).mT
    terms = (y_hat - x @ R.mT - noise).square().sum(1) - noise.square().sum(1)
    error = terms.std().item() / len(x) ** 0.5
    assert abs(terms.mean().item() - linear_residual.excess(A, R, SIGMA).item()) < 4 * error


def test_it_is_a_deep_linear_network_and_twice_its_loss():
    X = torch.linalg.cholesky(SIGMA)
    weights = list(eye(3) + A)
    assert 2 * deep_linear.loss(weights, X, R @ X).item() == pytest.approx(linear_residual.excess(A, R, SIGMA).item())
    torch.testing.assert_close(
        2 * torch.stack(deep_linear.gradient(weights, X, R @ X)), linear_residual.gradient(A, R, SIGMA)
    )


def test_a_batch_is_one_after_the_other():
    batch = linear_residual.random_points(3, 4, 5, generator())
    assert linear_residual.largest_norm(batch[0]).max() < 1
    for function in (linear_residual.excess, linear_residual.gradient, linear_residual.slope):
        found = function(*batch)
        for k, one in enumerate(zip(*batch)):
            torch.testing.assert_close(found[k], function(*one))
    spectral = [max(torch.linalg.svdvals(one)[0].item() for one in layers) for layers in batch[0]]
    assert linear_residual.largest_norm(batch[0]).tolist() == pytest.approx(spectral)


# --- Eq. 2.3 ---------------------------------------------------------------------------------------------------------


def test_the_counterexample_by_hand():
    """E = 1/4 - 2; each gradient is 2 (1/2) E, so the square is 6.125 and the printed bound 8 (1/2) E^2 = 12.25."""
    half, one = torch.full((2, 1, 1), -0.5).double(), eye(1)
    assert linear_residual.gradient(half, 2 * one, one).square().sum().item() == pytest.approx(6.125)
    bound = linear_residual.printed_factor(2, 0.5, 1.0) * linear_residual.excess(half, 2 * one, one).item()
    assert bound == pytest.approx(12.25)
    assert linear_residual.printed_factor(3, 0.5, 2.0) == pytest.approx(4 * 3 * 0.25 * 4)
    assert linear_residual.factor(3, 0.5, 2.0) == pytest.approx(4 * 3 * 0.0625 * 2)
    assert linear_residual.factor(2, 0.5, 1.0) == pytest.approx(linear_residual.printed_factor(2, 0.5, 1.0) / 2)


@pytest.mark.parametrize(("d", "depth"), [(1, 2), (2, 3), (3, 5)])
def test_eq_2_3(d, depth):
    found = linear_residual.inequality(d, depth, 1000, generator())
    assert found.verdict == verdicts.CORRECTED
    assert found[:3] == pytest.approx((0.5, 0.5, 0.5)) and found.attained == pytest.approx(1)
    assert 1 <= found.corrected < (1.01 if d == 1 else 20)


def test_a_descent_on_the_ratio_does_not_cross_the_corrected_bound():
    """Another search than random draws: L-BFGS on the ratio itself, A_i = 0.9 B_i / |B_i|."""
    B = normal(3, 2, 2, seed=5).requires_grad_()
    target = normal(2, 2, seed=6)

    def ratio():
        A = 0.9 * B / torch.linalg.matrix_norm(B, 2)[:, None, None]
        Z = (eye(2) + A[2]) @ (eye(2) + A[1]) @ (eye(2) + A[0])
        gradient = torch.autograd.grad((Z - target).square().sum(), A, create_graph=True)[0]
        return gradient.square().sum() / (Z - target).square().sum() / linear_residual.factor(3, 0.9, 1.0)

    optimizer = torch.optim.LBFGS([B], max_iter=40, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        value = ratio()
        value.backward()
        return value

    before = ratio().item()
    optimizer.step(closure)
    assert 1 - 1e-9 <= ratio().item() < 0.2 * before


INEQUALITY = Inequality(0.5, 0.5, 0.5, 1.0, 1.0)


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"printed": 1.0}, verdicts.HOLDS),
        ({"printed": 0.999}, verdicts.CORRECTED),
        ({"corrected": 0.999}, verdicts.FAILS),
        ({"printed": 1.0, "corrected": 0.999}, verdicts.FAILS),
    ],
)
def test_each_ratio_of_the_inequality_counts(change, verdict):
    assert INEQUALITY.verdict == verdicts.CORRECTED
    assert INEQUALITY._replace(**change).verdict == verdict


@pytest.mark.parametrize("planted", ["factor 2", "power", "square of sigma"])
def test_planted_bounds_are_found_out(planted, monkeypatch):
    right = linear_residual.factor
    wrong = {
        "factor 2": lambda depth, tau, sigma: 2 * right(depth, tau, sigma),
        "power": lambda depth, tau, sigma: right(depth, tau, sigma) / (1 - tau),
        "square of sigma": lambda depth, tau, sigma: right(depth, tau, sigma) * sigma,
    }[planted]
    monkeypatch.setattr(linear_residual, "factor", wrong)
    assert linear_residual.inequality(1, 2, 1000, generator()).verdict == verdicts.FAILS


def test_a_planted_gradient_is_found_out(monkeypatch):
    """The factors behind and before exchanged with those of the next layer: one too many."""
    right = linear_residual.gradient
    monkeypatch.setattr(linear_residual, "gradient", lambda A, R, Sigma: (eye(A.shape[-1]) + A).mT @ right(A, R, Sigma))
    assert linear_residual.inequality(1, 2, 1000, generator()).verdict == verdicts.FAILS
    assert linear_residual.no_critical(2, 3, 1000, generator()).verdict == verdicts.FAILS


# --- Theorem 2.2 -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("d", "depth"), [(1, 2), (3, 3)])
def test_theorem_2_2(d, depth):
    found = linear_residual.no_critical(d, depth, 1000, generator())
    assert found.verdict == verdicts.HOLDS and found.sharp
    for field in ("regular", "singular"):
        assert found._replace(**{field: 0.99}).verdict == verdicts.FAILS
    assert not found._replace(slope=0.1).sharp and not found._replace(excess=0.0).sharp


def test_the_edge_is_a_saddle_or_worse_and_critical():
    assert NoCritical(1.0, 1.0, 0.0, 1.0).verdict == verdicts.HOLDS
    edge = -eye(2).expand(2, 2, 2)
    assert not linear_residual.gradient(edge, R[:2, :2], eye(2)).any()
    assert linear_residual.excess(edge, R[:2, :2], eye(2)).item() == pytest.approx(R[:2, :2].square().sum().item())


# --- Theorem 2.1 -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0, 3.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_targets_have_the_spread_and_the_sign_asked_for(gamma, sign):
    R = residual_optimum.target(4, gamma, sign, generator())
    assert residual_optimum.spread(R) == pytest.approx(gamma, abs=1e-12)
    assert torch.linalg.det(R).item() * sign > 0


@pytest.mark.parametrize("d", [1, 2, 3, 6])
@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0, 2.5, 6.0])
def test_small_optima_are_optima_and_small(d, gamma):
    """At every depth that the theorem allows, up to far beyond the smallest ones."""
    R = residual_optimum.target(d, gamma, 1, generator(d))
    lowest = max(1, math.ceil(3 * residual_optimum.spread(R) - 1e-9))
    for depth in [*range(lowest, lowest + 9), lowest + 100]:
        A = residual_optimum.small_optimum(R, depth)
        assert A.shape == (depth, d, d)
        assert (linear_residual.product(A) - R).norm() < 1e-11 * R.norm()
        norm = linear_residual.largest_norm(A).item()
        assert norm <= residual_optimum.printed_norm(residual_optimum.spread(R), depth) + 1e-12


def test_rotations_by_half_turns_have_a_root():
    """-I in four dimensions, and a half turn beside another angle: the principal logarithm is not real there."""
    for R in (-eye(4), torch.block_diag(-eye(2), torch.tensor([[0.0, -1.0], [1.0, 0.0]]).double())):
        for depth in (1, 2, 3, 8):
            A = residual_optimum.small_optimum(R, depth)
            assert (linear_residual.product(A) - R).norm() < 1e-12
            assert linear_residual.largest_norm(A).item() <= residual_optimum.printed_norm(0.0, depth)


def test_the_inequalities_of_the_proof():
    for depth in range(6, 200):
        for gamma in torch.linspace(0, depth / 3, 30, dtype=torch.float64).tolist():
            beta = residual_optimum.printed_norm(gamma, depth)
            q = math.ceil(math.pi / beta - 1e-12)
            p = depth - q
            assert q <= math.ceil(depth / 2) and p >= 3 * depth / 7 and gamma / p <= 7 / 9 + 1e-12
            assert math.expm1(gamma / p) <= (math.e - 1) * gamma / p + 1e-15 <= 6 * gamma / depth + 2e-15
            assert 6 * gamma / depth <= beta
    for depth, q in ((2, 1), (3, 1), (4, 2), (5, 3)):
        p = depth - q
        assert 2 * math.sin(math.pi / (2 * q)) <= 2 * math.pi / depth
        assert math.expm1(depth / (3 * p)) < 4 / 3
    assert 2 * math.pi / 4 > 4 / 3 and math.expm1(5 / 6) <= 6 / 5 * 5 / 3  # convex in gamma, so below the chord
    assert 1 + math.exp(1 / 3) < 2 * math.pi


def test_a_negative_determinant_has_no_optimum_near_the_identity():
    R = torch.diag(torch.tensor([1.0, 1.0, -1.0]).double())
    for bad in (R, torch.diag(torch.tensor([1.0, 1.0, 0.0]).double())):
        with pytest.raises(ValueError, match="R must have a positive determinant"):
            residual_optimum.small_optimum(bad, 9)
    points, *_ = linear_residual.random_points(3, 4, 2000, generator())
    Z = linear_residual.product(points)
    assert (torch.linalg.det(Z) > 0).all() and ((Z - R).square().sum((1, 2)) > 1).all()  # sigma_min(R)^2


def test_theorem_2_1():
    found = residual_optimum.optimum(3, [0.0, 1.0], 2, generator())
    assert found.verdict == verdicts.CORRECTED
    assert found.printed == pytest.approx(2 * math.pi / 7) and 1 < found.excess < 1.1
    assert residual_optimum.printed_norm(0.0, 6) > 1


OPTIMUM = Optimum(0.9, 1e-14, 0.9, 1.0)


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"norm": 1.01}, verdicts.FAILS),
        ({"error": 1e-6}, verdicts.FAILS),
        ({"printed": 1.0}, verdicts.HOLDS),
        ({"excess": 1e-12}, verdicts.HOLDS),
        ({"excess": 1e-12, "norm": 1.01}, verdicts.FAILS),
    ],
)
def test_each_number_of_an_optimum_counts(change, verdict):
    assert OPTIMUM.verdict == verdicts.CORRECTED
    assert OPTIMUM._replace(**change).verdict == verdict


@pytest.mark.parametrize("planted", ["all in one layer", "a layer lost", "the other order", "turned too far"])
def test_planted_errors_overturn_theorem_2_1(planted, monkeypatch):
    right, root = residual_optimum.small_optimum, residual_optimum._logarithm
    wrong = {
        "all in one layer": lambda R, depth: torch.cat([(R - eye(3))[None], torch.zeros(depth - 1, 3, 3).double()]),
        "a layer lost": lambda R, depth: right(R, depth)[1:],
        "the other order": lambda R, depth: right(R, depth).flip(0),
        "turned too far": right,
    }[planted]
    monkeypatch.setattr(residual_optimum, "small_optimum", wrong)
    if planted == "turned too far":
        monkeypatch.setattr(residual_optimum, "_logarithm", lambda Q: 1.2 * root(Q))
    assert residual_optimum.optimum(3, [0.5], 2, generator()).verdict == verdicts.FAILS


# --- Runs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [2, 5])
def test_descent_from_the_identity_ends_at_the_root_of_a_positive_definite_target(depth):
    _, S, Vh = torch.linalg.svd(residual_optimum.target(4, 0.5, 1, generator()))
    H = Vh.mT * S @ Vh
    A, excess = residual_optimum.from_identity(H, depth, 0.02, 1500)
    root = torch.from_numpy(linalg.fractional_matrix_power(H.numpy(), 1 / depth)) - eye(4)
    torch.testing.assert_close(A, root.expand(depth, 4, 4), rtol=0, atol=1e-9)
    assert excess[0].item() == pytest.approx((eye(4) - H).square().sum().item()) and excess[-1] < 1e-18


def test_descent_takes_the_gradient_of_f():
    eta, R = 0.01, residual_optimum.target(3, 0.5, 1, generator())
    A, excess = residual_optimum.from_identity(R, 3, eta, 1)
    torch.testing.assert_close(A, -eta * linear_residual.gradient(torch.zeros(3, 3, 3).double(), R, eye(3)))
    assert excess[1].item() == pytest.approx(linear_residual.excess(A, R, eye(3)).item())


def test_a_reflection_stops_descent():
    R = torch.diag(torch.tensor([1.0, 1.0, -1.0]).double())
    for depth in (2, 4):
        A, excess = residual_optimum.from_identity(R, depth, 0.01, 3000)
        assert (excess > 1 - 1e-12).all() and excess[-1] < 1.001
        assert linear_residual.largest_norm(A) <= 1


def test_the_race():
    R = residual_optimum.target(3, 0.5, 1, generator())
    curves = residual_optimum.race(R, 3, [0.5, 0.1], 0.02, 1500, generator())
    assert curves.shape == (1501, 3)
    torch.testing.assert_close(curves[:, 0], residual_optimum.from_identity(R, 3, 0.02, 1500)[1])
    assert curves[0, 2].item() == pytest.approx(R.square().sum().item(), rel=0.1)
    with_links, large, small = deep_linear.steps_to(curves, 1e-6).tolist()
    assert with_links < large < small


def test_ex_residual_norm():
    R = 2 * eye(1)
    needed = [linear_residual.largest_norm(residual_optimum.from_identity(R, depth, 0.01, 3000)[0]) for depth in (1, 4)]
    assert [x.item() for x in needed] == pytest.approx([1.0, 2**0.25 - 1], rel=1e-6)
    bound = residual_optimum.printed_norm(math.log(2), 10)
    assert 10 * bound == pytest.approx(20.67, abs=5e-3)
    assert residual_optimum.printed_norm(math.log(2), 21) < 1 < residual_optimum.printed_norm(math.log(2), 20)
    assert 20.67 / math.log(2) == pytest.approx(30, abs=0.5)


def test_what_the_theorem_does_not_allow_is_refused():
    one = eye(2)
    for call, message in (
        (lambda: linear_residual.factor(2, 1.0, 1.0), "tau must be below 1"),
        (lambda: linear_residual.printed_factor(2, 1.5, 1.0), "tau must be from 0 to 1"),
        (lambda: residual_optimum.printed_norm(1.0, 2), "depth must be at least 3 gamma"),
        (lambda: residual_optimum.small_optimum(residual_optimum.target(2, 1.0, 1, generator()), 2), "depth must be"),
        (lambda: linear_residual.slope(torch.zeros(2, 2, 2).double(), one, one), "A must not be an optimum"),
        (lambda: linear_residual.excess(A, R, SIGMA - 50 * eye(3)), "Sigma must be symmetric and positive"),
        (lambda: linear_residual.excess(A, R, one), "A, R and Sigma must have one d"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
