"""The law of a whole run: against the exact law for small weights, the exact Hessian, the flow, runs and recordings."""

import math

import numpy as np
import pytest
import torch

from src.dynamics import linearised, noisy_path, second_moments, three_variables
from src.model import population
from src.runs import recorded

LEVEL = 0.75  # eta d^2 / B in section 5.3


def settings(d, frobenius):
    batch = d // 5
    start = three_variables.start(d, frobenius, -0.75 * frobenius**2)
    return start, {"d": d, "eta": LEVEL * batch / d**2, "batch": batch}


@pytest.mark.parametrize("d", [59, 199])
def test_for_small_weights_it_is_the_exact_law(d):
    W, setting = settings(d, 1e-4)
    steps = np.array([1, 30, 300, 1500])
    found = noisy_path.law(W, t=setting["eta"] * steps, **setting)
    exact = second_moments.mean_square(three_variables.matrix(W, d), setting["eta"], setting["batch"], steps[-1])[steps]
    mean = found.path + found.noise
    assert mean == pytest.approx(exact, rel=1e-4)
    assert (found.noise[1:] > 30 * abs(mean - exact)[1:]).all(), "the noise is seen that well"


def generic(d, sign, generator):
    """A symmetric or skew matrix with zero diagonal, row and column sums, of norm 1."""
    V = torch.randn(d, d, generator=generator, dtype=torch.float64)
    V = V + sign * V.mT
    for _ in range(200):
        V = V - V.diagonal().diag()
        V = V - V.mean(0) - V.mean(1, keepdim=True) + V.mean()
    return V / V.norm()


@pytest.mark.parametrize("kappa", [0.05, 0.1, 0.2])
def test_the_curvature_at_a_rotation(kappa):
    """In its docstring's formula, against the exact Hessian, up to what is of order 1/d."""
    d, draws = 307, torch.Generator().manual_seed(0)
    alpha = 0.0
    for _ in range(60):  # g = 0
        alpha += three_variables.potential((alpha, kappa, 0.0), d) / (d - 1)
    W, s = three_variables.matrix((alpha, kappa, 0.0), d), kappa / math.hypot(1 + alpha, kappa)
    for sign in (1, -1):
        V = generic(d, sign, draws)
        exact = math.pi * float((V * population.hessian_product(W, torch.zeros_like(W), V)).sum())
        formula = math.pi / 2 - s + s**2 / 2 + sign * (1 - s**2)
        assert exact == pytest.approx(formula, abs=1.5 / d)
        assert abs(exact - (math.pi / 2 + sign)) > 0.6 * s, "which is far from the linear problem's"


def test_the_noise_of_one_input_is_the_loss_and_its_inputs_pattern():
    """E r^2 |x|^2 = (d + 2) L, and E r^2 X (x) X is close to (1 + 2/d) L E X (x) X; the linear problem is far off."""
    d, draws = 43, torch.Generator().manual_seed(1)
    W = three_variables.start(d, 2.0, -3.0)
    A, loss = torch.eye(d, dtype=torch.float64) + three_variables.matrix(W, d), three_variables.loss(W, d)
    x = torch.randn(400_000, d, generator=draws, dtype=torch.float64)
    h = x @ A
    square = (h.relu().sum(1) - x.relu().sum(1)).square()
    length = square * x.square().sum(1)
    assert float(length.mean()) == pytest.approx((d + 2) * loss, abs=4 * float(length.std()) / len(x) ** 0.5)
    size = length * (h > 0).sum(1)
    pattern = second_moments.total(d) @ second_moments.of_inputs()
    assert float(size.mean()) == pytest.approx((1 + 2 / d) * loss * pattern, rel=0.03)
    linear = linearised.operator(three_variables.matrix(W, d))
    assert float((linear * three_variables.matrix(W, d)).sum()) / 2 > 1.5 * loss


def test_with_many_inputs_it_is_the_flow():
    d, t = 59, np.array([0.1, 1.0, 5.0])
    W = three_variables.start(d, 2.0, -3.0)
    found = noisy_path.law(W, d, 1e-6, 10**6, t)
    path = three_variables.trajectory(W, d, t, rtol=1e-9)
    assert found.path == pytest.approx(three_variables.inner(path, path, d), rel=1e-4)
    assert (found.noise < 1e-5).all() and (found.spread < 1e-6).all()
    assert found.distance == pytest.approx(np.sqrt(found.path + found.noise), rel=1e-12)


@pytest.mark.parametrize(("name", "near", "flow"), [("fig_8b_d1500", 2e-3, 0.4), ("fig_8b_d300", 5e-3, 0.4)])
def test_recorded_runs_follow_it(name, near, flow):
    run = recorded.load(name)
    about = run.provenance["parameters"]
    W = three_variables.start(about["d"], about["frobenius"], about["trace"])
    found = noisy_path.law(W, t=run.arrays["t"][1:], **{key: about[key] for key in ("d", "eta", "batch")})
    distance = np.sqrt((run.arrays["distance"][1:] ** 2).mean(1))
    assert found.distance == pytest.approx(distance, rel=near)
    assert distance[-1] > (1 + flow) * run.arrays["flow_distance"][-1], "the noise is half of it in the end"


def test_parts_of_the_second_moments():
    d, draws = 6, torch.Generator().manual_seed(2)
    W = torch.randn(d, d, generator=draws, dtype=torch.float64)
    entries, turned = second_moments._entries(W), second_moments._entries(W + W.mT)
    assert second_moments.total(d) @ entries == pytest.approx(float(W.square().sum()))
    # <W + W^T, W + W^T> = 2 |W|^2 + 2 <W, W^T>
    crossed = second_moments.total(d) @ second_moments.transposition() @ entries
    assert second_moments.total(d) @ turned == pytest.approx(2 * float(W.square().sum()) + 2 * crossed)
    x = torch.randn(300_000, 2, generator=draws, dtype=torch.float64)
    # M_1212, M_1111 and M_1112 of one input
    X = torch.einsum("ni,nj->nij", x, (x > 0).double())
    for partition, value in zip(second_moments.PARTITIONS, second_moments.of_inputs()):
        if max(partition) <= 1:
            i, j, k, l = partition
            assert float((X[:, i, j] * X[:, k, l]).mean()) == pytest.approx(value, abs=0.01)


def test_a_step_too_long_is_refused():
    W, setting = settings(59, 1.0)
    with pytest.raises(ValueError, match="eta must be below the largest stable step"):
        noisy_path.law(W, t=[1.0], **(setting | {"eta": 3 * setting["eta"]}))


def test_the_loss_in_floats_keeps_its_digits_near_the_teacher():
    for W, teacher, d in (((1e-6, 2e-6, 1e-6), (0.0, 0.0, 0.0), 1499), ((0.3, -0.2, 0.1), (-0.05, 0.03, 0.01), 103)):
        assert three_variables.loss(W, d, teacher) == pytest.approx(three_variables.curves(W, d, teacher)[3], rel=1e-9)
    W = three_variables.matrix((0.3, -0.2, 0.1), 103), three_variables.matrix((-0.05, 0.03, 0.01), 103)
    assert three_variables.loss((0.3, -0.2, 0.1), 103, (-0.05, 0.03, 0.01)) == pytest.approx(
        float(population.loss(*W)), rel=1e-12
    )
