"""The comparison: every cell by another route, and what its chapter says of all of them."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import brentq

from src.companions import (
    comparison,
    deep_relu,
    depth_maps,
    lazy_training,
    linear_comparison,
    overparameterization,
    wide_networks,
)
from src.companions.comparison import Row, Training
from src.model import population, weights

ONE = Training(10, 0.5, 0.1, 0.9, True)


def row(*trainings):
    return Row("a", "b", "c", 1.0, 10, 0.95, 0.9, trainings)


def slow():
    """A wide family small enough for a test."""
    return wide_networks.family(4, 3, [64, 256], [0, 1], 300, 1.0, draws=2)


# --- What is measured ------------------------------------------------------------------------------------------------


def test_the_late_rate_is_the_slow_factor_and_rounding_is_left_out():
    t = np.arange(400)
    errors = 0.9**t + 3 * 0.5**t
    late, reached = comparison.arrival(errors)
    assert late == pytest.approx(0.9, rel=1e-9) and reached
    noisy = np.maximum(errors, 1e-13) * (1 + (errors < 1e-13) * np.random.default_rng(0).random(400))
    assert comparison.arrival(noisy, 1e-12)[0] == pytest.approx(0.9, rel=1e-6)
    assert comparison.arrival(noisy - 2e-13, 1e-12)[0] == pytest.approx(0.9, rel=0.02)  # rounding below zero
    assert not comparison.arrival(errors[:60])[1]  # 0.9^60 is above a millionth
    for bad in (errors[:20], -errors, np.where(t == 5, np.nan, errors)):
        with pytest.raises(ValueError, match="errors must be finite"):
            comparison.arrival(bad)


def test_movement_is_relative_to_the_start_over_all_matrices():
    begin, end = [torch.eye(2), 2 * torch.ones(1, 3)], [torch.eye(2), torch.ones(1, 3)]
    assert comparison.moved(begin, end) == pytest.approx(math.sqrt(3 / (2 + 12)))
    assert comparison.moved(end, begin) == pytest.approx(math.sqrt(3 / (2 + 3)))  # not symmetric
    with pytest.raises(ValueError, match="end must hold"):
        comparison.moved(begin, end[:1])


def test_what_worked_is_the_least_size_from_which_on_all_did():
    failed = ONE._replace(size=20, reached=False)
    assert row(ONE, ONE._replace(size=20), ONE._replace(size=40)).worked == 10
    assert row(ONE, failed, ONE._replace(size=40)).worked == 40  # the first was luck
    assert math.isnan(row(ONE, failed).worked)
    assert row(ONE, failed).last is failed


def test_the_exponent_is_that_of_the_trainings_that_arrived():
    some = [ONE._replace(size=m, moved=3 * m**-0.5) for m in (10, 40, 160)]
    assert row(*some).exponent == pytest.approx(-0.5)
    assert row(*some, ONE._replace(size=640, reached=False)).exponent == pytest.approx(-0.5)
    assert math.isnan(row(*some[:1]).exponent)


# --- With the identity -----------------------------------------------------------------------------------------------


def test_the_identity_moves_to_its_teacher():
    """The movement is known before the run, and flips are those of sampled inputs."""
    found = comparison.identity([6], 0.5, 150.0, 3)
    W_0, W_star = weights.gaussian((2, 6, 6), 0.5, torch.Generator().manual_seed(3))
    I = torch.eye(6, dtype=torch.float64)
    assert found.last.moved == pytest.approx(float((W_star - W_0).norm() / (I + W_0).norm()), rel=1e-4)
    x = torch.randn(200_000, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    flips = ((x @ (I + W_0) > 0) != (x @ (I + W_star) > 0)).double().mean(1)
    assert abs(flips.mean() - found.last.flips) < 4 * flips.std() / math.sqrt(len(x)) + 1e-4
    assert found.last.reached and found.value == pytest.approx(0.5) and found.asked == 6


def test_the_exact_rate_of_the_identity_is_that_of_a_dense_hessian():
    W_star = weights.gaussian((6, 6), 0.4, torch.Generator().manual_seed(1))
    basis = torch.eye(36, dtype=torch.float64).view(36, 6, 6)
    dense = torch.linalg.eigvalsh(population.hessian_product(W_star, W_star, basis).flatten(1))[0]
    assert comparison._least_curvature(W_star) == pytest.approx(float(dense), rel=1e-5)
    near = comparison.identity([6], 1e-4, 60.0, 0)
    eta = 1 / (3 + 1 / 2 + 1 / math.pi)
    assert near.exact == pytest.approx((1 - eta * (0.5 - 1 / math.pi)) ** 2, abs=1e-4)
    assert near.last.late == pytest.approx(near.exact, abs=1e-4)
    assert -math.log(near.promised) == pytest.approx(2 * eta * 0.03 / math.pi)  # 0.03 in the printed scale


def test_tians_plane_is_a_slice_of_the_identitys_model():
    """Movement, flips and rate of the plane, by descent of the whole matrix towards W* = 0."""
    K, x, gap = 5, 0.4, 0.1
    found = comparison.tian([K], x, gap, 400)
    I, ones = torch.eye(K, dtype=torch.float64), torch.ones(K, K, dtype=torch.float64)
    W = W_0 = (x - 1) * I + (x - gap) * (ones - I)
    eta = 1 / comparison.symmetry_breaking.rates_at_teacher(K)[1]
    for _ in range(400):
        W = W - eta * population.gradient(W, 0 * W) / 2
    assert found.last.moved == pytest.approx(comparison.moved([I + W_0], [I + W]), rel=1e-6)
    cosine = torch.nn.functional.cosine_similarity(I + W_0, I + W, dim=0)
    assert found.last.flips == pytest.approx(float(cosine.acos().mean()) / math.pi, rel=1e-5)
    assert found.last.late == pytest.approx(found.exact, rel=1e-3)
    with pytest.raises(ValueError, match="gap must be at most"):
        comparison.tian([K], 0.1, 0.2, 400)


# --- Wide networks ---------------------------------------------------------------------------------------------------


def test_movements_of_a_wide_family():
    family = slow()
    found = comparison.movements(family, 3)
    X, y = lazy_training.problem(4, 3, torch.Generator().manual_seed(0))
    start = lazy_training.start(X, y, 4096, torch.Generator().manual_seed(5))
    size = lazy_training.weights(X, start.Z).norm()
    assert float(size) == pytest.approx(math.sqrt(4096 * 3), rel=0.02)  # the root mean square that is divided by
    for k, one in enumerate(found):
        assert one.moved * math.sqrt(one.size * 3) == pytest.approx(family.end("together")[:, k].mean())
        assert one.flips == pytest.approx(family.end("flips")[:, k].mean()) and one.late < 1
        assert one.reached == family.kept[:, k].all()


def test_du_asks_for_what_the_theorem_does():
    found = comparison.du(5, 4, [64, 256], [0, 1], 300)
    X = [lazy_training.problem(5, 4, torch.Generator().manual_seed(k))[0] for k in (0, 1)]
    values = [torch.linalg.eigvalsh(overparameterization.kernel(one)) for one in X]
    least = np.mean([float(one[0]) for one in values])
    assert found.value == pytest.approx(least) and found.asked == pytest.approx(5**6 / (least**4 * 1e-3))
    assert found.promised == pytest.approx(np.mean([1 - float(v[0] / v[-1]) / 2 for v in values]))
    assert found.exact == pytest.approx(np.mean([(1 - float(v[0] / v[-1])) ** 2 for v in values]))
    assert found.last.late < found.promised


def test_zou_is_measured_on_all_layers():
    found = comparison.zou(6, 4, 3, [32, 128], 0.1, 0)
    generator = torch.Generator().manual_seed(0)
    data = deep_relu.random_labels(6, 4, generator)
    deep_relu.start(4, 32, 3, generator)
    begin = deep_relu.start(4, 128, 3, generator)
    run = deep_relu.train(begin, data, "logistic", 0.5, 0.1, 10_000)
    apart = [((W - V).norm() ** 2, V.norm() ** 2) for W, V in zip(run.network.weights, begin.weights)]
    assert found.last.moved == pytest.approx(math.sqrt(sum(a for a, _ in apart) / sum(b for _, b in apart)))
    assert found.last.late == pytest.approx(float(run.losses[-1] / run.losses[-2]))
    assert found.last.reached
    f, K, losses = deep_relu.output(begin, data.X), depth_maps.kernel(data.X, 3), [1.0]
    while losses[-1] > 0.1:  # the limit of width: outputs that move along their kernel
        losses.append(float(torch.nn.functional.softplus(-data.y * f).mean()))
        f = f + 0.5 * K @ (data.y * torch.sigmoid(-data.y * f)) / 6
    assert found.exact == pytest.approx(losses[-1] / losses[-2])
    assert 1 - found.last.late == pytest.approx(1 - found.exact, rel=0.6)  # this narrow, it learns more slowly
    cosines = (data.X @ data.X.T).fill_diagonal_(-1)
    assert found.value == pytest.approx(math.degrees(math.acos(float(cosines.max()))))
    assert found.trainings[0].moved > found.last.moved


# --- Linear networks -------------------------------------------------------------------------------------------------


def test_the_target_of_linear_networks_is_positive_definite():
    R = linear_comparison.stretch(5, torch.Generator().manual_seed(0))
    values = torch.linalg.eigvalsh(R)
    assert torch.equal(R, R.mT) or (R - R.mT).abs().max() < 1e-12
    assert values.min() > math.exp(-0.7) * (1 - 1e-9) and values.max() < math.exp(0.7) * (1 + 1e-9)


def test_hardt_ma_ends_at_the_root_of_its_target():
    found = linear_comparison.hardt_ma(3, [4], 600, 0)
    R = linear_comparison.stretch(4, torch.Generator().manual_seed(0))
    roots = torch.linalg.eigvalsh(R) ** (1 / 3) - 1
    assert found.last.moved == pytest.approx(float(roots.norm()) / 2, rel=1e-6)
    assert found.value == pytest.approx(float(torch.linalg.det(R)))
    # curvatures of |Z - R|^2 at three equal layers S: 2 (s_i^4 + s_i^2 s_j^2 + s_j^4) for an entry in its eigenbasis
    s = 1 + roots
    pairs = 2 * (s[:, None] ** 4 + s[:, None] ** 2 * s**2 + s**4)
    eta = 1 / 24
    assert found.exact == pytest.approx((1 - eta * float(pairs.min())) ** 2, rel=1e-6)
    assert found.last.late <= found.exact + 1e-3 and found.last.late < found.promised < 1
    tau = float(roots.abs().max())
    assert found.promised == pytest.approx(math.exp(-eta * 12 * (1 - tau) ** 4))


def test_kawaguchi_gets_lazy_with_its_hidden_width():
    found = linear_comparison.kawaguchi(3, [3, 12, 48], 1500, 1)
    moved = [one.moved for one in found.trainings]
    assert moved[0] > moved[1] > moved[2] and found.worked == 3 and found.last.flips is None
    assert found.last.late <= found.exact + 1e-3 and 1 - found.last.late == pytest.approx(1 - found.exact, rel=0.3)
    with pytest.raises(ValueError, match="sizes must be 3 at least"):
        linear_comparison.kawaguchi(3, [2], 100, 0)


def test_two_layers_of_attention_arrive_at_the_roots():
    found = linear_comparison.ahn(6, [1], 0.3, 400, 0)
    assert found.last.reached and found.last.flips is None
    # in one dimension: E (1 - a x)^2 (1 - b x)^2 over moments of x; the slow curvature by differences
    m = [float(x) for x in linear_comparison.wishart.moments(1, 6, 4)]

    def loss(a, b):
        c = np.polynomial.polynomial.polymul([1, -(a + b), a * b], [1, -(a + b), a * b])
        return float(np.dot(c, m))

    a, b = linear_comparison.in_context_descent.step_sizes(1, 6, 2)
    h, near = 1e-4, lambda s, t: loss(a + s * 1e-4, b + t * 1e-4)
    mixed = (near(1, 1) - near(1, -1) - near(-1, 1) + near(-1, -1)) / 4
    own = (near(1, 0) - 2 * near(0, 0) + near(-1, 0), near(0, 1) - 2 * near(0, 0) + near(0, -1))
    H = np.array([[own[0], mixed], [mixed, own[1]]]) / h**2
    assert found.exact == pytest.approx((1 - 0.3 * np.linalg.eigvalsh(H)[0]) ** 2, rel=1e-4)


# --- What the chapter says -------------------------------------------------------------------------------------------


def test_two_kinds_of_small():
    """The box of chapter 23: the identity's movement by its formula, the wide network's by its exponent."""
    gamma, d = 0.1, 200
    generator = torch.Generator().manual_seed(0)
    Q, Q_star = (torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=torch.float64))[0] for _ in range(2))
    I = torch.eye(d, dtype=torch.float64)
    moved = comparison.moved([I + gamma * Q], [I + gamma * Q_star])
    assert moved == pytest.approx(math.sqrt(2 / (1 + gamma**2)) * gamma, rel=0.02)
    family = wide_networks.family(5, 4, [256, 1024, 4096], [0, 1, 2], 300, 1.0, draws=2)
    wide = [one.moved for one in comparison.movements(family, 4)]
    assert np.polyfit(np.log([256, 1024, 4096]), np.log(wide), 1)[0] == pytest.approx(-0.5, abs=0.05)
    assert family.of_predicted("together")[:, -1] == pytest.approx(1, abs=0.05)  # of the root of r_0 . H^-1 r_0


def test_ex_compare_most():
    gamma, I = 0.01, torch.eye(4, dtype=torch.float64)
    moved = comparison.moved([I - gamma * I], [I + gamma * I])
    assert moved == pytest.approx(2 / 99) and moved == pytest.approx(0.0202, abs=5e-5)
    W = -gamma * I
    for _ in range(600):
        W = W - 0.2 * population.gradient(W, gamma * I)
    assert (W - gamma * I).norm() < 1e-6


def test_ex_compare_width():
    X, y = torch.eye(1, 10, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    total = lazy_training.expected_movement(X, y)
    assert brentq(lambda m: total / (10 * m) - 0.01**2, 1, 1e6) == pytest.approx(3000)


def test_every_promised_rate_is_kept():
    rows = (
        comparison.identity([6], 0.5, 100.0, 0),
        comparison.du(5, 4, [256], [0], 200),
        linear_comparison.hardt_ma(3, [4], 300, 0),
    )
    assert all(one.last.late < one.promised < 1 for one in rows)
