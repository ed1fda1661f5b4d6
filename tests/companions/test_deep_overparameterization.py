"""Depth maps against sampling and wide networks, gradients against autograd, trainings, and verdicts that turn over."""

import math

import mpmath
import numpy as np
import pytest
import torch
from torch.autograd import functional

from src import verdicts
from src.companions import deep_overparameterization, deep_relu, deep_variations, depth_maps, overparameterization
from src.companions.deep_overparameterization import Curvature, Near, Reached
from src.companions.deep_variations import Losses, Separation, Started, Starts

FLOAT = torch.float64


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


X = overparameterization.sphere(5, 4, generator())
Y = torch.tensor([1, -1, 1, 1, -1], dtype=FLOAT)
DATA = deep_relu.problem(X, Y)
BEGIN = deep_relu.start(4, 30, 3, generator(1))
S = torch.linspace(-1, 2, 5, dtype=FLOAT)


def net(*weights, inputs=X):
    x = inputs
    for W in weights:
        x = (x @ W.T).relu()
    return x @ BEGIN.v


# --- What depth does --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theta", [0.0, 0.5, 1.5, 2.5, math.pi])
def test_length_and_cosine_are_means_over_units(theta):
    """2 E relu(g)^2 = 1 and 2 E relu(g) relu(h) = cosine, within five standard errors of 200,000 draws."""
    drawn = depth_maps.one_unit(theta, 200_000, generator(2))
    error = drawn.std(1) / math.sqrt(200_000)
    expected = torch.tensor([1, float(depth_maps.cosine(math.cos(theta)))], dtype=FLOAT)
    assert ((drawn.mean(1) - expected).abs() <= 5 * error + 1e-15).all()


def test_a_layer_keeps_the_mean_square_length():
    """E |relu(W x)|^2 = |x|^2 for the entries N(0, 2/m) of `start`, over 4000 networks of one layer; `signs` keep it
    too, and a variance of 1 halves it."""
    for kind, variance, expected in (("Gaussian", 2.0, 1), ("signs", 2.0, 1), ("Gaussian", 1.0, 0.5)):
        draws = generator(3)
        squares = [
            float(deep_relu.layers(deep_relu.start(4, 8, 1, draws, variance, kind), X[:1])[0].square().sum())
            for _ in range(4000)
        ]
        assert np.mean(squares) == pytest.approx(expected, abs=5 * np.std(squares) / math.sqrt(4000))


def test_cosines_from_sixty_degrees():
    found = [0.5]
    for _ in range(5):
        found.append(float(depth_maps.cosine(found[-1])))
    assert found == pytest.approx([0.5, 0.609, 0.684, 0.738, 0.779, 0.810], abs=5e-4)
    np.testing.assert_allclose(depth_maps.angles(math.pi / 3, 5).cos(), found, rtol=1e-12)


def test_small_angles_in_forty_digits():
    theta = 1e-5
    with mpmath.workdps(40):
        t = mpmath.mpf(theta)
        exact = float(mpmath.acos((mpmath.sin(t) + (mpmath.pi - t) * mpmath.cos(t)) / mpmath.pi))
    assert float(depth_maps.next_angle(theta)) == pytest.approx(exact, rel=1e-10)


def test_the_gradients_of_a_wide_network_have_the_kernel():
    """Layer by layer, over 40 networks of 400 units: the mean within five standard errors and 3 / m."""
    m, layers = 400, 3
    grams = torch.stack([deep_relu.gram(deep_relu.start(4, m, layers, generator(s)), X) / m for s in range(40)])
    back, forward = depth_maps.parts(X, layers)
    error = grams.std(0) / math.sqrt(40)
    assert ((grams.mean(0) - back * forward).abs() <= 5 * error + 3 / m).all()
    torch.testing.assert_close(depth_maps.kernel(X, layers), (back * forward).sum(0))
    torch.testing.assert_close(depth_maps.kernel(X, 1), overparameterization.kernel(X))
    assert depth_maps.least(X, layers) == pytest.approx(float(np.linalg.eigvalsh((back * forward).sum(0))[0]))


def test_least_of_two():
    for theta in (0.3, 1.5, 2.9, math.pi):
        for layers in (1, 3):
            two = deep_relu.two_inputs(theta)
            assert depth_maps.least_of_two(theta, layers) == pytest.approx(depth_maps.least(two.X, layers), abs=1e-12)
    for layers in (1, 4):  # the slope at the angle zero
        assert depth_maps.least_of_two(1e-5, layers) == pytest.approx(
            layers * (layers + 1) * 1e-5 / (4 * math.pi), rel=1e-3
        )


@pytest.mark.parametrize(("theta", "layers"), [(0.4, 3), (2.5, 1), (2.5, 3)])
def test_steps_of_two_are_those_of_the_limit(theta, layers):
    """Small steps of the limit from outputs zero; at obtuse angles one layer has a negative kernel."""
    found = depth_maps.limit(
        deep_relu.two_inputs(theta), layers, torch.zeros(2, dtype=FLOAT), "logistic", 0.01, 0.2, 10**5
    )
    assert found.steps == pytest.approx(depth_maps.steps_of_two(theta, layers, 0.01, 0.2), rel=0.01)


# --- Gradients and trainings ------------------------------------------------------------------------------------------


def test_gradients_against_autograd():
    expected = functional.jacobian(lambda *W: S @ net(*W), BEGIN.weights)
    for one, other in zip(deep_relu.gradients(BEGIN, X, S), expected, strict=True):
        torch.testing.assert_close(one, other)
    torch.testing.assert_close(deep_relu.output(BEGIN, X), net(*BEGIN.weights))
    jacobian = functional.jacobian(net, BEGIN.weights)
    grams = torch.stack([J.flatten(1) @ J.flatten(1).T for J in jacobian])
    torch.testing.assert_close(deep_relu.gram(BEGIN, X), grams)


@pytest.mark.parametrize("loss", deep_relu.LOSSES)
def test_losses_their_slopes_and_margins(loss):
    rule = deep_relu.LOSSES[loss]
    z = torch.linspace(-2, 0.9, 7, dtype=FLOAT).requires_grad_()
    (slope,) = torch.autograd.grad(rule.value(z).sum(), z)
    torch.testing.assert_close(rule.slope(z.detach()), slope)
    for value in (0.05, 0.9):
        margin = torch.tensor([rule.margin(value)], dtype=FLOAT)
        assert float(rule.value(margin)) == pytest.approx(value)
    margins, steepness = deep_overparameterization.margins(torch.tensor([0.05, 0.9], dtype=FLOAT), loss)
    torch.testing.assert_close(steepness, -rule.slope(margins))


def test_the_logistic_slope_is_one_minus_the_exponential_of_its_loss():
    z = torch.linspace(-30, 30, 101, dtype=FLOAT)
    rule = deep_relu.LOSSES["logistic"]
    torch.testing.assert_close(-rule.slope(z), -torch.expm1(-rule.value(z)), rtol=1e-12, atol=0)


def test_a_training_is_descent_in_the_weights():
    """Five steps by autograd: losses, squared gradients, length, movement and flips."""
    run = deep_relu.train(BEGIN, DATA, "logistic", 0.7, 1e-9, 5)
    weights, length, loss = BEGIN.weights, 0.0, lambda *W: torch.nn.functional.softplus(-Y * net(*W)).mean()
    for t in range(6):
        assert float(run.losses[t]) == pytest.approx(float(loss(*weights)))
        slopes = functional.jacobian(loss, weights)
        size = float(sum(g.square().sum() for g in slopes))
        assert float(run.slopes[t]) == pytest.approx(size)
        if t < 5:
            weights = tuple(W - 0.7 / 30 * g for W, g in zip(weights, slopes, strict=True))
            length += 0.7 / 30 * math.sqrt(size)
    assert run.steps == 5 and run.length == pytest.approx(length)
    for end, own, first, moved in zip(weights, run.network.weights, BEGIN.weights, run.moved, strict=True):
        torch.testing.assert_close(end, own)
        assert moved == pytest.approx(float(torch.linalg.svdvals(end - first)[0]))
    before, after = (deep_relu.layers(BEGIN._replace(weights=W), X) for W in (BEGIN.weights, weights))
    flips = [float(((a > 0) != (b > 0)).double().mean()) for a, b in zip(before, after, strict=True)]
    assert list(run.flips) == pytest.approx(flips)
    assert run.error == float((Y * net(*weights) <= 0).double().mean())


def test_stochastic_steps_are_gradients_of_one_input():
    run = deep_relu.train(BEGIN, DATA, "logistic", 0.7, 1e-9, 7, generator(5))
    draws, weights = generator(5), BEGIN.weights
    for i in (torch.randperm(5, generator=draws).tolist() + torch.randperm(5, generator=draws).tolist())[:7]:
        one = lambda *W, i=i: torch.nn.functional.softplus(-Y[i] * net(*W, inputs=X[i : i + 1])).sum()  # noqa: E731
        weights = tuple(W - 0.7 / 30 * g for W, g in zip(weights, functional.jacobian(one, weights), strict=True))
    assert run.steps == 7
    for end, own in zip(weights, run.network.weights, strict=True):
        torch.testing.assert_close(end, own)


def test_a_wide_network_follows_its_limit():
    """2000 units: losses, length and movement within ten per cent; a layer forgotten or a factor two would show."""
    begin = deep_relu.start(4, 2000, 2, generator(6))
    run = deep_relu.train(begin, DATA, "logistic", 0.5, 0.3, 1000)
    limit = depth_maps.limit(DATA, 2, deep_relu.output(begin, X), "logistic", 0.5, 0.3, 1000)
    assert run.steps == pytest.approx(limit.steps, rel=0.1)
    assert run.length * math.sqrt(2000) == pytest.approx(limit.length, rel=0.1)
    assert [one * math.sqrt(2000) for one in run.moved] == pytest.approx(limit.moved, rel=0.1)


def test_spectral_norm_of_large_and_small_matrices():
    for size in (20, 150):
        W = torch.randn(size, size + 3, generator=generator(7), dtype=FLOAT)
        assert deep_relu.spectral_norm(W) == pytest.approx(float(torch.linalg.svdvals(W)[0]), rel=1e-5)


def test_equal_inputs_with_opposite_labels_keep_log_two():
    """No network tells them apart: the loss ends at log 2 with half of the labels wrong; equal labels are learned."""
    run = deep_relu.train(deep_relu.start(2, 60, 3, generator()), deep_relu.two_inputs(0.0), "logistic", 2.0, 0.1, 300)
    assert float(run.losses[-1]) == pytest.approx(depth_maps.FLOOR, abs=1e-9) and run.error >= 0.5
    same = deep_relu.problem(deep_relu.two_inputs(0.0).X, torch.ones(2, dtype=FLOAT))
    assert float(deep_relu.train(BEGIN_TWO, same, "logistic", 2.0, 0.1, 300).losses[-1]) <= 0.1


BEGIN_TWO = deep_relu.start(2, 60, 3, generator())


# --- The lemma of the path, families ----------------------------------------------------------------------------------


def test_a_path_is_within_what_is_allowed():
    """Both bounds by hand; they hold for every loss, and twice the length would break them."""
    length, steps = deep_overparameterization.allowed(3.0, 0.04, 0.5, 2.0, 0.1, 25)
    assert length == pytest.approx(3 / (0.5 * 0.2 * 5)) and steps == pytest.approx(3 / (0.5 * 2 * 0.04 * 0.1))
    for loss, rule in deep_relu.LOSSES.items():
        eta = 0.3 / rule.bend
        run = deep_relu.train(BEGIN, DATA, loss, eta, 0.1, 5000)
        found = deep_overparameterization.path(run, loss, eta)
        if found.kappa > 0:
            assert 0 < found.length <= 1 and 0 < found.steps <= 1
    run = deep_relu.train(BEGIN, DATA, "logistic", 1.0, 0.1, 5000)
    found = deep_overparameterization.path(run, "logistic", 1.0)
    assert 2 * found.length > 1
    ratios = run.slopes / 30 / (1 - torch.exp(-run.losses)) ** 2
    assert float(found.ratios.min()) == pytest.approx(float(ratios.min()))
    assert found.plain == pytest.approx(float((run.slopes / 30 / run.losses**2).min()))


def test_least_around_the_start():
    end = deep_relu.train(BEGIN, DATA, "logistic", 1.0, 0.1, 5000).network
    found = deep_overparameterization.least_around(BEGIN, end, X, generator(8))
    for one, network in zip(found, (BEGIN, end), strict=False):
        jacobian = torch.cat([J.flatten(1) for J in functional.jacobian(net, network.weights)], 1)
        assert one == pytest.approx(float(torch.linalg.svdvals(jacobian)[-1]) ** 2 / 30, rel=1e-6)


def test_a_family_is_its_trainings():
    """Shapes, that seeds do not depend on each other, and fields against a training of their own."""
    size = {"n": 5, "d": 4, "layers": 2, "widths": [20, 40], "eta": 1.0, "target": 0.2, "most": 2000}
    found = deep_overparameterization.family(**size, seeds=[3, 4])
    alone = deep_overparameterization.family(**size, seeds=[4])
    for name, one in found._asdict().items():
        if name != "widths":
            np.testing.assert_array_equal(one[1:], getattr(alone, name), name)
    draws = generator(3)
    data = deep_relu.random_labels(5, 4, draws)
    begin = deep_relu.start(4, 20, 2, draws)
    run = deep_relu.train(begin, data, "logistic", 1.0, 0.2, 2000)
    assert (found.steps[0, 0, 0], found.lengths[0, 0, 0]) == (run.steps, run.length)
    assert tuple(found.moved[0, 0, 0]) == run.moved and tuple(found.flips[0, 0, 0]) == run.flips
    assert found.norms[0, 0] == min(deep_relu.spectral_norm(W) for W in begin.weights)
    limit = depth_maps.limit(data, 2, deep_relu.output(begin, data.X), "logistic", 1.0, 0.2, 2000)
    of_limit = (run.steps / limit.steps, run.length * 20**0.5 / limit.length, max(run.moved) * 20**0.5)
    assert tuple(found.of_limit[0, 0]) == pytest.approx((*of_limit[:2], of_limit[2] / max(limit.moved)))


def test_depth_beside_its_limit():
    found = deep_variations.depth(6, 5, 3, 600, [0, 1], 0.2, 2000)
    assert np.abs(found.steps[:, 1] / found.steps[:, 0] - 1).max() < 0.35
    assert np.abs(found.moved[:, 1] / found.moved[:, 0] - 1).max() < 0.35
    data = deep_relu.random_labels(6, 5, generator())
    cosines = (data.X @ data.X.T).fill_diagonal_(-1)
    assert found.angle[0] == pytest.approx(float(depth_maps.angles(math.acos(float(cosines.max())), 3)[-1]))
    values = torch.linalg.eigvalsh(depth_maps.kernel(data.X, 3))
    assert (found.least[0], found.largest[0]) == pytest.approx((float(values[0]), float(values[-1])))


# --- Verdicts ---------------------------------------------------------------------------------------------------------


def test_reached_turns_over():
    right = Reached(np.zeros((2, 3)), np.full((2, 3), 0.1), 0.1)
    assert right.verdict == verdicts.HOLDS
    one = np.zeros((2, 3))
    one[1, 2] = 0.05
    assert right._replace(errors=one).verdict == verdicts.FAILS
    assert right._replace(losses=0.09 + one).verdict == verdicts.FAILS
    assert right._replace(target=0.09).verdict == verdicts.FAILS


def test_near_turns_over():
    widths = np.array([10, 100, 1000])
    power = widths**-0.5
    values = np.stack([power, 1.1 * power])[..., None] * np.ones(2)
    right = Near(widths, values, values, np.ones((2, 3)))
    assert right.verdict == verdicts.HOLDS
    assert [one.mean for one in right.exponents] == pytest.approx([-0.5] * 4)
    for k in (0, 1):
        level = values.copy()
        level[..., k] = 0.1
        assert right._replace(largest=level).verdict == right._replace(lengths=level).verdict == verdicts.FAILS
        unsure = values.copy()
        unsure[1, :, k] = power ** (-0.5)
        assert right._replace(largest=unsure).verdict == verdicts.OPEN
    assert right._replace(norms=np.full((2, 3), 0.1)).verdict == verdicts.OPEN
    assert right._replace(widths=widths[::-1]).verdict == verdicts.FAILS


def test_curvature_turns_over():
    widths = np.array([10, 100])
    right = Curvature(widths, np.ones((2, 2, 10)), np.full((2, 2, 4), 0.9), np.ones((2, 2, 4)), np.ones(2))
    assert right.verdict == verdicts.HOLDS
    for field, place, value, verdict in (
        ("ratios", (0, 1, 3), 0.0, verdicts.FAILS),
        ("judged", (1, 0, 1), 0.0, verdicts.FAILS),
        ("judged", (1, 0, 2), 1.01, verdicts.FAILS),
        ("judged", (1, 0, 3), 1.01, verdicts.FAILS),
        ("judged", (1, 0, 0), 7.0, verdicts.HOLDS),  # shown only
        ("least", (0, 1, 2), 0.49, verdicts.OPEN),
        ("least", (0, 0, 2), 0.49, verdicts.HOLDS),  # the narrow network is not judged
        ("limit", (1,), 2.1, verdicts.OPEN),
    ):
        array = getattr(right, field).copy()
        array[place] = value
        assert right._replace(**{field: array}).verdict == verdict, (field, place)
    falling = right.ratios.copy()
    falling[:, 1] = 0.1
    assert right._replace(ratios=falling).verdict == verdicts.FAILS
    assert right._replace(ratios=falling, widths=widths[::-1]).verdict == verdicts.HOLDS


def test_losses_turn_over():
    ones = np.ones((2, 3))
    right = Losses(("a", "b"), 0.1 * ones, 0 * ones, 9 * ones, ones, 0.1)
    assert right.verdict == verdicts.HOLDS
    one = np.zeros((2, 3))
    one[0, 1] = 0.01
    for wrong in ({"losses": 0.1 + one}, {"errors": one}, {"bound": 1 - one}, {"target": 0.099}):
        assert right._replace(**wrong).verdict == verdicts.FAILS


def test_all_losses_and_starts_are_trained():
    found = deep_variations.losses(5, 4, 2, 40, [0, 1], 0.5, 0.2, 3000)
    assert found.verdict == verdicts.HOLDS and found.steps.shape == (4, 2)
    tried = deep_variations.starts(5, 4, [2], 40, [0, 1], 4.0, 0.2, 1000)
    assert [one.kind for one in tried.each] == [kind for kind, _ in deep_variations.TRIED]
    assert tried.verdict == verdicts.HOLDS
    assert tried.each[2].signal == pytest.approx(0.25, rel=0.5)  # the mean square 1/m halves it in every layer


def test_starts_turn_over():
    good = Started("Gaussian", 2.0, 3, 1.0, (1.0, 2.0), (0.1, 0.05), (9, 9))
    still = Started("zero", 2.0, 3, 0.0, (0.0, 0.0), (0.7, 0.7), (0, 0))
    assert Starts((good, still), 0.1).verdict == verdicts.HOLDS
    assert Starts((good, still), 0.07).verdict == verdicts.FAILS
    for wrong in (good._replace(losses=(0.11, 0.05)), good._replace(kind="signs"), good._replace(variance=1.0)):
        assert Starts((wrong, still), 0.1).verdict == verdicts.FAILS
    for wrong in ({"slopes": (0.0, 1e-9)}, {"steps": (1, 0)}, {"losses": (0.1, 0.7)}, {"kind": "signs"}):
        assert Starts((good, still._replace(**wrong)), 0.1).verdict == verdicts.OPEN


def test_separation_turns_over():
    right = Separation(
        np.array([0, 0.5, 1]), np.array([[0.7], [0.1], [0.1]]), np.array([[0.5], [0], [0]]),
        np.array([[9.0], [8], [5]]), np.ones((3, 1)), 0.1,
    )  # fmt: skip
    assert right.verdict == verdicts.HOLDS
    for wrong, verdict in (
        ({"losses": np.array([[0.7], [0.1], [0.11]])}, verdicts.FAILS),
        ({"errors": np.array([[0.5], [0.5], [0]])}, verdicts.FAILS),
        ({"target": 0.09}, verdicts.FAILS),
        ({"angles": np.zeros(3)}, verdicts.FAILS),
        ({"losses": np.array([[0.69], [0.1], [0.1]])}, verdicts.OPEN),
        ({"errors": np.array([[0.0], [0], [0]])}, verdicts.OPEN),
        ({"steps": np.array([[9.0], [5], [5]])}, verdicts.OPEN),
        (
            {"angles": np.array([0.2, 0.5, 1]), "errors": np.zeros((3, 1)), "losses": np.full((3, 1), 0.1)},
            verdicts.OPEN,
        ),
    ):
        assert right._replace(**wrong).verdict == verdict, wrong


# --- Exercises, bad relations -----------------------------------------------------------------------------------------


def test_ex_zou_inverse():
    """1 / theta_(l+1) - 1 / theta_l tends to 1 / 3 pi, from every start; after 20,000 layers."""
    theta = torch.tensor([0.1, math.pi / 3, math.pi], dtype=FLOAT)
    for _ in range(20_000):
        theta = depth_maps.next_angle(theta)
    after = depth_maps.next_angle(theta)
    np.testing.assert_allclose(1 / after - 1 / theta, 1 / (3 * math.pi), rtol=1e-3)
    np.testing.assert_allclose(theta, 3 * math.pi / 20_000, rtol=0.02)


def test_ex_zou_zero():
    """Half of the logistic loss at outputs zero and the whole of its slope make no gradient without activity."""
    begin = deep_relu.start(4, 20, 3, generator(), kind="zero")
    run = deep_relu.train(begin, DATA, "logistic", 1.0, 0.1, 100)
    assert run.steps == 0 and float(run.slopes[0]) == 0 and float(run.losses[0]) == pytest.approx(math.log(2))
    rising = deep_relu.Network((BEGIN.weights[0], torch.zeros(30, 30, dtype=FLOAT)), BEGIN.v)
    assert all(not g.any() for g in deep_relu.gradients(rising, X, S))  # one zero layer is enough


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: deep_relu.start(4, 0, 3, generator()), "width must be from 1"),
        (lambda: deep_relu.start(4, 5, 0, generator()), "layers must be from 1"),
        (lambda: deep_relu.problem(2 * X, Y), "X must have rows of length 1"),
        (lambda: deep_relu.problem(X, Y[:4]), "y must be float64, one label for each row of X, 5"),
        (lambda: deep_relu.problem(X, 0.5 * Y), "y must hold labels 1 and -1"),
        (lambda: deep_relu.output(BEGIN, X[:, :3]), "X must have the 4 columns that network takes"),
        (lambda: deep_relu.gradients(BEGIN, X, S[:2]), "s must have one entry for each row of X, 5"),
        (lambda: depth_maps.limit(DATA, 2, S[:2], "logistic", 1.0, 0.1, 9), "outputs must be float64, one for each"),
        (
            lambda: deep_overparameterization.path(
                deep_relu.train(BEGIN, DATA, "logistic", 1.0, 0.999, 9)._replace(steps=0), "logistic", 1.0
            ),
            "run must have a step",
        ),
        (lambda: depth_maps.steps_of_two(0.4, 2, 1.0, 0.7), "target must be between 0 and 0.69"),
    ],
)
def test_arguments_that_do_not_fit_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
