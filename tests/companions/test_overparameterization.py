"""The kernel and its null space, training against autograd and the limit, the proof, verdicts, recordings."""

import itertools
import math

import mpmath
import numpy as np
import pytest
import torch
from scipy import integrate

from src import verdicts
from src.companions import lazy_theorem, lazy_training, overparameterization, wide_networks
from src.companions.lazy_theorem import Regime, Theorem
from src.companions.overparameterization import Set, Sets
from src.companions.wide_networks import Figures
from src.runs import recorded

FLOAT = torch.float64


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


X = overparameterization.sphere(6, 3, generator())
H = overparameterization.kernel(X)


# --- The kernel -------------------------------------------------------------------------------------------------------


def test_kernel_and_output_covariance_are_the_means_over_units():
    """Against 100,000 units, entry by entry within five standard errors."""
    Z = torch.randn(100_000, 3, generator=generator(1), dtype=FLOAT) @ X.T
    on = (Z >= 0).to(FLOAT)
    for exact, one in (
        (H, X @ X.T * on[:, :, None] * on[:, None, :]),
        (overparameterization.output_covariance(X), Z.relu()[:, :, None] * Z.relu()[:, None, :]),
    ):
        assert ((one.mean(0) - exact).abs() <= 5 * one.std(0) / math.sqrt(len(Z)) + 1e-12).all()


def test_kernel_in_thirty_digits_also_for_nearly_parallel_inputs():
    """lambda_0 of two inputs at the angle 1e-7 is right to nine digits; with arccos(x . y) it would be off by 1e-8."""
    theta = 1e-7
    two = torch.tensor([[1, 0], [math.cos(theta), math.sin(theta)]], dtype=FLOAT)
    with mpmath.workdps(30):
        exact = float(0.5 - abs(mpmath.cos(theta)) * (mpmath.pi - theta) / (2 * mpmath.pi))
    assert overparameterization.least(two) == pytest.approx(exact, rel=1e-7)
    assert overparameterization.least_of_two(theta) == pytest.approx(exact, rel=1e-7)
    assert exact == pytest.approx(theta / (2 * math.pi), rel=1e-6)


@pytest.mark.parametrize("theta", [0.3, 1.5, math.pi / 2, 2.5, math.pi])
def test_least_of_two_is_the_least_eigenvalue(theta):
    two = torch.tensor([[1, 0], [math.cos(theta), math.sin(theta)]], dtype=FLOAT)
    assert overparameterization.least(two) == pytest.approx(overparameterization.least_of_two(theta), abs=1e-12)


def test_opposite_pairs_in_the_plane():
    """One pair: 1/2. Two at the angle theta: (1 - |cos theta|) / 2, by the odd and even combinations. Three: zero."""
    for theta in (0.4, 1.0282, math.pi / 2, 2.9):
        two = torch.tensor([[1, 0], [math.cos(theta), math.sin(theta)]], dtype=FLOAT)
        assert overparameterization.least(torch.cat((two[1:], -two[1:]))) == pytest.approx(0.5)
        found = overparameterization.least(torch.cat((two, -two)))
        assert found == pytest.approx((1 - abs(math.cos(theta))) / 2)
    three = overparameterization.sphere(3, 2, generator())
    assert overparameterization.least(torch.cat((three, -three))) == pytest.approx(0, abs=1e-14)


def test_the_null_space_is_the_predicted_one_for_random_unions():
    """Random inputs, some of them doubled, some with opposites, in several dimensions: the rank of H by eigenvalues."""
    draws = generator(3)
    for d, single, doubled, opposite in itertools.product((2, 3, 5), (0, 3), (0, 2), (0, 2, 4, 6)):
        base = overparameterization.sphere(single + doubled + opposite, d, draws) if single + doubled + opposite else X
        all_ = torch.cat((base, base[single : single + doubled], -base[single + doubled : single + doubled + opposite]))
        values = torch.linalg.eigvalsh(overparameterization.kernel(all_))
        assert int((values.abs() < 1e-11).sum()) == overparameterization.null_dimension(all_)


def test_ex_du_pairs():
    flat = overparameterization.three_pairs(0.0)
    assert overparameterization.null_dimension(flat) == 1
    c = torch.tensor([1, -1, 1, -1, 1, -1], dtype=FLOAT)
    assert (overparameterization.kernel(flat) @ c).abs().max() < 1e-15
    begin = lazy_training.start(flat, c, 500, generator())
    outputs = c - begin.residual
    assert float(outputs @ c) == pytest.approx(0, abs=1e-12)  # at any weights
    run = lazy_training.train(begin, 0.5, 400)
    assert float(run.squares[-1]) == pytest.approx(6.0, rel=1e-6)  # all of |c|^2


def test_positive_and_beyond_turn_over():
    right = overparameterization.sets(3, generator())
    assert right.positive == right.beyond == verdicts.HOLDS
    plain = Set("", 4, 0, 0, 0, 0.1)
    harmless, harmful = Set("", 4, 1, 0, 0, 0.1), Set("", 4, 1, 1, 1, 0.0)
    assert Sets((plain, harmless, harmful)).beyond == verdicts.HOLDS
    assert Sets((plain._replace(least=1e-13), harmless, harmful)).positive == verdicts.FAILS
    assert Sets((harmless, harmful)).positive == verdicts.FAILS  # nothing was looked at
    for wrong in ((plain, harmful), (plain, harmless), (plain, harmless, harmful._replace(predicted=2)), (plain,)):
        assert Sets(wrong).beyond == verdicts.FAILS


# --- Training ---------------------------------------------------------------------------------------------------------


def network(W, a, inputs):
    return (inputs @ W.T).relu() @ a / math.sqrt(len(a))


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_training_is_gradient_descent_in_the_weights(precision):
    """The same steps by autograd in W, step after step; movement, flips and residuals from these W."""
    y = torch.randn(6, generator=generator(2), dtype=FLOAT)
    begin = lazy_training.start(X, y, 40, generator(4), precision)
    run = lazy_training.train(begin, 0.3, 12)
    first = lazy_training.weights(X, begin.Z.to(FLOAT))
    W, tolerance = first.clone().requires_grad_(), 1e-10 if precision == "float64" else 1e-4
    for t in range(13):
        r = y - network(W, begin.a.to(FLOAT), X)
        size = float(r.detach().square().sum())
        moved = (W - first).detach()
        assert float(run.squares[t]) == pytest.approx(size, rel=tolerance)
        assert float(run.largest[t]) == pytest.approx(float(moved.norm(dim=1).max()), rel=tolerance, abs=tolerance)
        assert float(run.together[t]) == pytest.approx(float(moved.norm()), rel=tolerance, abs=tolerance)
        assert float(run.flips[t]) == float(((X @ W.T >= 0) != (X @ first.T >= 0)).double().mean())
        (slope,) = torch.autograd.grad(r.square().sum() / 2, W)
        W = (W - 0.3 * slope).detach().requires_grad_()


def test_gram_is_that_of_the_gradients():
    begin = lazy_training.start(X, torch.ones(6, dtype=FLOAT), 50, generator(5))
    W = lazy_training.weights(X, begin.Z).requires_grad_()
    slopes = [torch.autograd.grad(network(W, begin.a, x[None])[0], W)[0].flatten() for x in X]
    torch.testing.assert_close(lazy_training.gram(begin, begin.Z), torch.stack(slopes) @ torch.stack(slopes).T)


def test_linear_residuals_are_the_powers():
    r = torch.randn(6, generator=generator(6), dtype=FLOAT)
    for t, found in enumerate(lazy_training.linear_residuals(H, r, 0.4, 5)):
        expected = torch.linalg.matrix_power(torch.eye(6, dtype=FLOAT) - 0.4 * H, t) @ r
        torch.testing.assert_close(found, expected)


def test_flips_of_one_input_by_hand():
    """One input with residuals r_t = r q^t: an active unit with the sign against r falls by eta r_t m^(-1/2) a step, an
    inactive one stays. In the limit the share is E (the way down)^+ / sqrt(2 pi): half of the signs, all of the way."""
    one, r, q, eta = torch.ones(1, 1, dtype=FLOAT), 2.0, 0.75, 0.5
    residuals = r * q ** torch.arange(60, dtype=FLOAT)[:, None]
    way = eta * r / (1 - q)
    found, error = lazy_training.flip_constant(one, residuals, eta, 20_000, generator())
    assert found == pytest.approx(way / 2 / math.sqrt(2 * math.pi), abs=5 * error)
    assert error < 0.02 * found


def test_predictions_are_met_in_the_limit_of_width():
    """At 20,000 units within three per cent: a factor of two in a prediction, or one side of a plane, would show."""
    found = wide_networks.family(12, 12, [20_000], [0, 1], 60, 1.0, draws=500)
    for name in ("largest", "together", "flips"):
        assert abs(found.of_predicted(name).mean() - 1) < 0.03, name
    assert np.abs(found.late / found.limit - 1).max() < 0.03


def test_ex_du_movement():
    one = torch.ones(1, 1, dtype=FLOAT)
    y = torch.tensor([1.5], dtype=FLOAT)
    assert lazy_training.expected_movement(one, y) == pytest.approx(2 * 1.5**2 + 1)
    starts = [lazy_training.train(lazy_training.start(one, y, 400, generator(s)), 1.0, 30) for s in range(80)]
    squares = np.array([float(run.together[-1]) ** 2 for run in starts])
    assert squares.mean() == pytest.approx(5.5, abs=5 * squares.std() / math.sqrt(80))


def test_expected_movement_is_the_mean_of_the_quadratic_form():
    y = torch.randn(6, generator=generator(7), dtype=FLOAT)
    forms = []
    for s in range(400):
        r = lazy_training.start(X, y, 2000, generator(s)).residual
        forms.append(float(r @ torch.linalg.solve(H, r)))
    assert lazy_training.expected_movement(X, y) == pytest.approx(np.mean(forms), abs=5 * np.std(forms) / 20)
    with pytest.raises(ValueError, match="X must have a kernel with lambda_0 > 0"):
        lazy_training.expected_movement(torch.cat((X, X[:1])), torch.cat((y, y[:1])))


def test_two_equal_inputs_keep_their_difference():
    twice = torch.tensor([[1.0, 0.0], [1.0, 0.0]], dtype=FLOAT)
    values, vectors = torch.linalg.eigh(overparameterization.kernel(twice))
    assert values.tolist() == pytest.approx([0, 1], abs=1e-15)
    assert float(vectors[:, 0].sum()) == pytest.approx(0, abs=1e-12)
    begin = lazy_training.start(twice, torch.tensor([1.0, -1.0], dtype=FLOAT), 400, generator())
    run = lazy_training.train(begin, 1.0, 200)
    assert float(run.squares[-1]) == pytest.approx(2.0, rel=1e-9)


# --- The theorem ------------------------------------------------------------------------------------------------------


def test_the_events_at_the_start_have_the_stated_means():
    """E |H(W_0) - H|_F^2 <= n^2 / 4m, E |r|^2 = |y|^2 + n/2, E b <= 2 n rho / sqrt(2 pi), over 200 starts."""
    y, m, rho, n = torch.linspace(-1, 1, 6, dtype=FLOAT), 50, 0.05, 6
    kernels, residuals, near = [], [], []
    for s in range(200):
        begin = lazy_training.start(X, y, m, generator(s))
        kernels.append(float((lazy_training.gram(begin, begin.Z) - H).square().sum()))
        residuals.append(float(begin.residual.square().sum()))
        near.append(float((begin.Z.abs() <= rho).sum()) / m)
    assert np.mean(kernels) <= n**2 / (4 * m)
    assert np.mean(residuals) == pytest.approx(float(y @ y) + n / 2, abs=5 * np.std(residuals) / 14)
    bound = 2 * n * rho / math.sqrt(2 * math.pi)
    assert 0.9 * bound < np.mean(near) <= bound + 5 * np.std(near) / 14


def test_the_constants_close_the_proof():
    """Each step of the chapter's proof with numbers: b <= lambda_0 / 8n, then 2 n b, sqrt(n) b, and the radius."""
    for n, lambda_0, p, size in ((1, 0.5, 0.1, 0.0), (7, 0.1, 0.2, 2.0), (1000, 1e-3, 0.01, 1.0)):
        rho = overparameterization.radius(n, lambda_0, p)
        b = 2 * n * rho / math.sqrt(2 * math.pi) / p
        assert b == pytest.approx(lambda_0 / (8 * n))
        assert 2 * n * b == pytest.approx(lambda_0 / 4) and math.sqrt(n) * b <= lambda_0 / 8 * (1 + 1e-12)
        for eta in (1 / n, lambda_0 / n**2):
            assert (1 - 3 * eta * lambda_0 / 8) ** 2 <= overparameterization.promised_ratio(eta, lambda_0)
        for flow, rate in ((False, 3 * lambda_0 / 8), (True, lambda_0 / 2)):
            width = overparameterization.sufficient_width(n, lambda_0, p, size, flow)
            residual = math.sqrt(n * (size**2 + 0.5) / p)
            way = math.sqrt(n / width) * residual / rate  # a geometric series, or the integral
            assert overparameterization.movement_bound(n, width, lambda_0, residual, flow) == pytest.approx(way)
            assert way == pytest.approx(rho)
            assert width >= 4 * n**2 / (lambda_0**2 * p)  # what Chebyshev's inequality needs


def test_the_way_is_the_sum_or_the_integral():
    rate, eta = 0.2, 0.3
    assert integrate.quad(lambda t: math.exp(-rate * t), 0, math.inf)[0] == pytest.approx(1 / rate)
    assert eta * sum((1 - eta * rate) ** t for t in range(2000)) == pytest.approx(1 / rate)


def test_the_inequalities_of_the_proof_hold_and_are_not_empty():
    y = torch.randn(6, generator=generator(8), dtype=FLOAT)
    for width, seed in itertools.product((20, 300), range(3)):
        ratios = lazy_theorem.proof_steps(lazy_training.start(X, y, width, generator(seed)), 1 / 6, 60)
        assert (ratios > 0).all() and (ratios <= 1).all()
        assert ratios[2] > 0.1


def test_another_gram_matrix_breaks_an_inequality(monkeypatch):
    """With half of H(W) the remainder of a step is none: it does not get small with the width."""
    begin = lazy_training.start(X, torch.ones(6, dtype=FLOAT), 20_000, generator())
    right = lazy_training.gram
    monkeypatch.setattr(lazy_training, "gram", lambda begin, Z: right(begin, Z) / 2)
    assert lazy_theorem.proof_steps(begin, 1 / 6, 10)[1] > 1


RIGHT = Theorem(0.5, 0.5, 0.5, 1.0, Regime(1000, 0.2, 1.0, 1.0, 1.0))


def test_the_theorem_turns_over():
    assert RIGHT.rate == RIGHT.near == verdicts.HOLDS
    for field in ("kernel", "remainder", "movement", "closes"):
        wrong = RIGHT._replace(**{field: 1.001})
        assert wrong.rate == wrong.near == verdicts.OPEN
    seen = {
        name: RIGHT._replace(regime=RIGHT.regime._replace(**{name: 0.39})) for name in ("faster", "inside", "curved")
    }
    assert [seen[name].rate == verdicts.FAILS for name in seen] == [True, False, False]
    assert [seen[name].near == verdicts.FAILS for name in seen] == [False, True, True]
    assert seen["faster"]._replace(regime=RIGHT.regime._replace(faster=0.41)).rate == verdicts.HOLDS


@pytest.mark.parametrize("flow", [False, True])
def test_the_regime_keeps_its_promise_and_a_tenth_of_its_width_leaves_the_radius(monkeypatch, flow):
    found = lazy_theorem.regime(0.0, 0.3, 3, generator(), flow)
    assert (found.faster, found.inside, found.curved) == (1, 1, 1)
    monkeypatch.setattr(overparameterization, "sufficient_width", lambda *rest: 40.0)
    assert lazy_theorem.regime(0.0, 0.3, 3, generator(), flow).inside < 1


# --- Families ---------------------------------------------------------------------------------------------------------

SIZE = {"n": 5, "d": 4, "widths": [20, 80], "steps": 30, "pace": 0.5, "draws": 3}


def test_a_family_does_not_depend_on_its_folder(tmp_path):
    once = wide_networks.family(**SIZE, seeds=[3, 4])
    wide_networks.family(**SIZE, seeds=[3], folder=tmp_path)
    again = wide_networks.family(**SIZE, seeds=[3, 4], folder=tmp_path)
    alone = wide_networks.family(**SIZE, seeds=[4])
    for name, one in once._asdict().items():
        np.testing.assert_array_equal(one, getattr(again, name))
        if name != "widths":
            np.testing.assert_array_equal(one[1:], getattr(alone, name))
    assert once.curves.shape == (2, 2, 4, 31) and once.predicted.shape == (2, 2, 3)


def test_a_recording_is_the_family(tmp_path):
    assert wide_networks.recording(tmp_path) is None
    made = wide_networks.record([0, 1], folder=tmp_path, workers=0, precision="float32", **SIZE)
    stored = wide_networks.recording(tmp_path)
    assert stored.provenance["parameters"]["precision"] == "float32" and stored.provenance["seeds"] == [0, 1]
    for name, one in wide_networks.Family(**stored.arrays)._asdict().items():
        np.testing.assert_array_equal(one, getattr(made, name))
    assert "2 seeds" in recorded.caption(stored)


def geometric(ratios, steps=30):
    """A Family whose squared errors fall by these ratios [S, M]."""
    ratios = np.asarray(ratios, dtype=float)
    squares = ratios[..., None] ** np.arange(steps + 1)
    curves = np.repeat(squares[:, :, None], 4, 2)
    S, M = ratios.shape
    ends = np.full((S, M, 2), 0.25)
    return wide_networks.Family(
        10 * 2 ** np.arange(M), np.full(S, 0.5), np.full(S, 0.25), curves, ends, np.zeros((S, M)), np.ones((S, M, 3))
    )


def test_rates_of_a_geometric_fall():
    found = geometric([[0.5, 0.6, 0.3], [0.5, 0.4, 0.3]], 200)
    np.testing.assert_allclose(found.worst, [[0.5, 0.6, 0.3], [0.5, 0.4, 0.3]])
    np.testing.assert_allclose(found.late, found.worst)
    np.testing.assert_allclose(found.promised, [[1 - 0.125 / 2]] * 2)
    np.testing.assert_allclose(found.limit, [[0.875**2]] * 2)
    np.testing.assert_allclose(found.at_end, np.full((2, 3), 0.875**2))


@pytest.mark.parametrize(
    ("ratios", "works"),
    [
        ([[0.95, 0.5, 0.5]], 20),
        ([[0.5, 0.95, 0.5]], 40),
        ([[0.5, 0.5, 0.95]], math.nan),
        ([[0.5] * 3, [0.95] * 3], math.nan),
    ],
)
def test_the_width_that_works_is_the_least_from_which_on_all_runs_keep_the_promise(ratios, works):
    assert geometric(ratios).works == pytest.approx(works, nan_ok=True)
    assert geometric([[0.93, 0.5]]).kept.tolist() == [[False, True]]  # kept in every step, but not yet there


def test_exponent_finds_a_power_with_its_interval():
    widths = np.array([10, 100, 1000])
    factors = np.exp(np.random.default_rng(0).normal(0, 0.1, (400, 3)))
    slopes = np.polyfit(np.log(widths), np.log(factors).T, 1)[0] - 0.5
    found = wide_networks.exponent(widths, widths**-0.5 * factors)
    assert found.mean == pytest.approx(slopes.mean())
    assert found.high - found.mean == pytest.approx(1.966 * slopes.std(ddof=1) / 20, rel=1e-3)
    exact = wide_networks.exponent(widths, np.stack([3 * widths**-0.5, 5 * widths**-0.5]))
    assert tuple(exact) == pytest.approx((-0.5, -0.5, -0.5))


def test_figures_turn_over():
    right = Figures(
        np.full((2, 3), 0.9), np.full((2, 1), 0.95), np.array([[3.0, 2, 1]] * 2), np.array([[3.0, 2, 1]] * 2)
    )
    assert right.error == right.patterns == right.distance == verdicts.HOLDS
    assert right._replace(worst=np.array([[0.9] * 3, [0.9, 0.9, 0.951]])).error == verdicts.FAILS
    level = np.array([[3.0, 2, 1], [3.0, 2, 2]])
    assert right._replace(flips=level).patterns == verdicts.FAILS == right._replace(largest=level).distance
    assert right._replace(flips=level).distance == verdicts.HOLDS == right._replace(largest=level).patterns


def test_a_close_pair_loses_its_least_eigenvalue_in_a_narrow_network():
    """At the angle 0.4 units leave the wedge between the planes unless m is far above 4 pi^2 / 0.4^4, about 1500."""
    found = wide_networks.close_pair(0.4, [150, 20_000], [0, 1, 2])
    kept = found.ends[..., 1].mean(0) / overparameterization.least_of_two(0.4)
    assert kept[0] < 0.6 and kept[1] > 0.8
    assert np.abs(found.ends[:, 1, 0] / found.lambda_0 - 1).max() < 0.1  # at the start it is there


def test_inputs_in_the_plane_are_learned_and_wide_networks_move_less():
    narrow, wide = (wide_networks.in_plane(5, m, 600, generator()) for m in (200, 20_000))
    for plane in (narrow, wide):
        torch.testing.assert_close(plane.output(plane.X), plane.y, atol=1e-4, rtol=0)
    moved = [float((plane.after - plane.before).norm(dim=1).max()) for plane in (narrow, wide)]
    assert moved[1] < moved[0] / 5


# --- Bad relations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: lazy_training.start(X, torch.ones(5, dtype=FLOAT), 10, generator()),
            "y must be float64, one label for each row of X, 6",
        ),
        (lambda: lazy_training.start(X, torch.ones(6, dtype=FLOAT), 0, generator()), "width must be from 1"),
        (lambda: lazy_training.start(X, torch.ones(6, dtype=FLOAT), 10**8 - 1, generator()), "width must be at most"),
        (lambda: overparameterization.kernel(2 * X), "X must have rows of length 1; row"),
        (lambda: lazy_training.weights(X[:2], X[:2]), "X must have rank d, 3"),
        (
            lambda: lazy_training.flip_constant(X, X.T[:, :5], 0.1, 5, generator()),
            "residuals must be float64, one column for each row of X, 6",
        ),
        (lambda: lazy_training.flip_constant(X, X.T, 0.1, 2**23, generator()), "draws must be"),
        (lambda: wide_networks.family(1000, 9, [10**6], [0], 30, 0.5), "widths must be at most 200,000"),
        (lambda: lazy_theorem.regime(1000.0, 0.01, 1, generator()), "p must be larger, or size smaller"),
        (
            lambda: wide_networks.exponent(np.array([1, 2]), np.ones((2, 3))),
            "values must have a row for each of two seeds or more, as long as widths, 2",
        ),
    ],
)
def test_arguments_that_do_not_fit_together_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
