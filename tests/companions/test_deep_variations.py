"""What a training of a deep network is measured by: paths, surroundings and limits by hand, and each field of the
variations against a training of its own."""

import math

import pytest
import torch

from src.companions import deep_overparameterization, deep_relu, deep_variations, depth_maps
from src.companions.deep_overparameterization import STRETCHES

FLOAT = torch.float64
TARGET, MOST = 0.2, 3000


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def problem(n, d, width, layers, seed, *start):
    draws = generator(seed)
    data = deep_relu.random_labels(n, d, draws)
    return data, deep_relu.start(d, width, layers, draws, *start)


DATA, BEGIN = problem(5, 4, 30, 3, 1)


# --- One training -----------------------------------------------------------------------------------------------------


def test_a_margin_of_zero_is_an_error_and_noisy_paths_have_a_length():
    still = deep_relu.train(deep_relu.start(4, 20, 3, generator(), kind="zero"), DATA, "logistic", 1.0, 0.1, 9)
    assert still.error == 1
    noisy = deep_relu.train(BEGIN, DATA, "logistic", 0.7, 1e-9, 1, generator(3))
    moved = sum(float((W - W_0).square().sum()) for W, W_0 in zip(noisy.network.weights, BEGIN.weights, strict=True))
    assert noisy.length == pytest.approx(math.sqrt(moved))
    assert deep_relu.train(BEGIN, DATA, "logistic", 0.7, 1e-9, 9, generator(3)).length > noisy.length


def test_the_limit_is_descent_on_the_outputs():
    """Three steps by autograd in the outputs, f - eta K grad; its length and counts belong to the steps made."""
    f, eta, K = torch.linspace(-1, 1, 5, dtype=FLOAT), 0.6, depth_maps.kernel(DATA.X, 3)
    found = depth_maps.limit(DATA, 3, f, "logistic", eta, 1e-6, 3)
    length = 0.0
    for t in range(4):
        f = f.detach().requires_grad_()
        loss = torch.nn.functional.softplus(-DATA.y * f).mean()
        (slope,) = torch.autograd.grad(loss, f)
        square = float(slope @ K @ slope)
        assert (float(found.losses[t]), float(found.slopes[t])) == pytest.approx((loss.item(), square))
        length += eta * math.sqrt(square) if t < 3 else 0
        f = f - eta * K @ slope
    assert found.steps == 3 and len(found.losses) == 4
    assert found.length == pytest.approx(length)


def test_the_parts_of_a_path():
    """Losses at the margins 0, 1, ..., 10 with the steepness h, and |grad|^2 = m h^2 times a growing number: each tenth
    has its own. The first step pays least. A part without a point takes the largest, so that it never is the least."""
    z = torch.arange(STRETCHES + 1, dtype=FLOAT)
    losses = torch.nn.functional.softplus(-z)
    ratios = 2 + z / 10
    ratios[-1] = 2.5
    end = deep_relu.train(BEGIN, DATA, "logistic", 1.0, TARGET, MOST)
    h = torch.sigmoid(-z)
    run = end._replace(losses=losses, slopes=30 * h.square() * ratios, steps=STRETCHES, length=1.0)
    found = deep_overparameterization.path(run, "logistic", 1.0)
    # margins at an edge belong to the part before it
    expected = torch.stack([*(ratios[0:2].min()[None]), *ratios[2:]])
    torch.testing.assert_close(found.ratios, expected)
    paid = (losses[:-1] - losses[1:]) / (h.square() * ratios)[:-1]
    assert found.kappa == pytest.approx(float(paid.min())) and paid.max() > 1.5 * paid.min()
    assert found.length == pytest.approx(found.kappa * math.sqrt(2 * 30) / STRETCHES)
    coarse = run._replace(losses=losses[[0, -1]], slopes=run.slopes[[0, -1]])
    assert deep_overparameterization.path(coarse, "logistic", 1.0).ratios.tolist() == pytest.approx([2.0] + [2.5] * 9)


def test_the_places_around_the_start():
    """The Gram matrices at W_0, W, 2 W - W_0, and W_0 plus a random step of the same Frobenius norm in each layer."""
    end = deep_relu.train(BEGIN, DATA, "logistic", 1.0, 0.1, MOST).network
    found = deep_overparameterization.least_around(BEGIN, end, DATA.X, generator(8))
    draws, aside = generator(8), []
    for W_0, W in zip(BEGIN.weights, end.weights, strict=True):
        step = torch.randn(W.shape, generator=draws, dtype=FLOAT)
        aside.append(W_0 + step * torch.linalg.matrix_norm(W - W_0) / torch.linalg.matrix_norm(step))
    twice = tuple(W + (W - W_0) for W_0, W in zip(BEGIN.weights, end.weights, strict=True))
    places = (BEGIN.weights, end.weights, twice, tuple(aside))
    for one, weights in zip(found, places, strict=True):
        G = deep_relu.gram(deep_relu.Network(weights, BEGIN.v), DATA.X).sum(0)
        assert one == pytest.approx(float(torch.linalg.eigvalsh(G)[0]) / 30)
    assert len({round(one, 6) for one in found}) == 4


def test_a_family_holds_the_least_ratio_of_each_path():
    size = {"n": 5, "d": 4, "layers": 2, "eta": 1.0, "target": TARGET, "most": MOST}
    found = deep_overparameterization.family(**size, widths=[20, 40], seeds=[3])
    data, begin = problem(5, 4, 20, 2, 3)
    run = deep_relu.train(begin, data, "logistic", 1.0, TARGET, MOST)
    ratios = run.slopes / 20 / (1 - torch.exp(-run.losses)) ** 2
    assert found.mu[0, 0] == pytest.approx(float(ratios.min()))
    assert found.ratios[0, 0].max() > found.mu[0, 0]


# --- The variations ---------------------------------------------------------------------------------------------------


def test_losses_are_trainings_with_their_own_step():
    """The step is pace / bend; the bound compares |grad| with h sqrt(least eigenvalue) / n at the start and the end."""
    found = deep_variations.losses(5, 4, 2, 40, [0], 0.5, TARGET, MOST)
    for k, (name, rule) in enumerate(deep_relu.LOSSES.items()):
        data, begin = problem(5, 4, 40, 2, 0)
        run = deep_relu.train(begin, data, name, 0.5 / rule.bend, TARGET, MOST)
        assert (found.steps[k, 0], found.losses[k, 0]) == (run.steps, float(run.losses[-1]))
        shares = []
        for network, t in ((begin, 0), (run.network, -1)):
            least = float(torch.linalg.eigvalsh(deep_relu.gram(network, data.X).sum(0))[0])
            z = torch.tensor([rule.margin(float(run.losses[t]))], dtype=FLOAT)
            shares.append(float(run.slopes[t].sqrt()) / (-float(rule.slope(z)) * math.sqrt(least) / 5))
        assert found.bound[k, 0] == pytest.approx(min(shares))
    assert (found.bound >= 1).all()


def test_the_gradient_is_as_large_as_the_least_eigenvalue_demands():
    """|grad C|^2 >= least eigenvalue times h(C)^2 / n^2, at random networks and labels, for every loss."""
    for seed in range(20):
        data, begin = problem(6, 4, 25, 3, seed)
        for name in deep_relu.LOSSES:
            run = deep_relu.train(begin, data, name, 1e-9, 1e-9, 1)
            least = float(torch.linalg.eigvalsh(deep_relu.gram(begin, data.X).sum(0))[0])
            h = float(deep_overparameterization.margins(run.losses[:1], name)[1])
            assert float(run.slopes[0]) >= least * h**2 / 36


def test_starts_are_trainings_with_the_step_divided_by_the_depth():
    found = deep_variations.starts(5, 4, [2, 3], 40, [0, 1], 3.0, TARGET, 1000)
    assert [(one.kind, one.variance, one.layers) for one in found.each] == [
        (*which, layers) for layers in (2, 3) for which in deep_variations.TRIED
    ]
    for one in found.each:
        for seed in (0, 1):
            data, begin = problem(5, 4, 40, one.layers, seed, one.variance, one.kind)
            run = deep_relu.train(begin, data, "logistic", 3.0 / one.layers, TARGET, 1000)
            assert (one.losses[seed], one.steps[seed]) == (float(run.losses[-1]), run.steps)
            assert one.slopes[seed] == float(run.slopes[0])


def test_separations_are_trainings_of_two_inputs():
    found = deep_variations.separation([0.4, 2.0], 50, 2, [0, 1], 2.0, TARGET, MOST)
    for k, theta in enumerate((0.4, 2.0)):
        for seed in (0, 1):
            begin = deep_relu.start(2, 50, 2, generator(seed))
            run = deep_relu.train(begin, deep_relu.two_inputs(theta), "logistic", 2.0, TARGET, MOST)
            assert (found.steps[k, seed], found.moved[k, seed]) == (run.steps, max(run.moved))
            assert (found.losses[k, seed], found.errors[k, seed]) == (float(run.losses[-1]), run.error)


def test_depth_is_a_training_and_its_limit():
    """The step is 2 n over the largest eigenvalue: a quarter of 8 n, at which a mode of the outputs does not decay any
    more, since the second derivative of the logistic loss is at most 1/4."""
    found = deep_variations.depth(6, 5, 3, 60, [2], TARGET, MOST)
    data, begin = problem(6, 5, 60, 3, 2)
    eta = 2 * 6 / float(torch.linalg.eigvalsh(depth_maps.kernel(data.X, 3))[-1])
    run = deep_relu.train(begin, data, "logistic", eta, TARGET, MOST)
    ideal = depth_maps.limit(data, 3, deep_relu.output(begin, data.X), "logistic", eta, TARGET, MOST)
    assert found.steps[0].tolist() == [ideal.steps, run.steps]
    assert found.moved[0].tolist() == pytest.approx([max(ideal.moved), max(run.moved) * math.sqrt(60)])
    assert found.mu[0] == pytest.approx(float((ideal.slopes / (1 - torch.exp(-ideal.losses)) ** 2).min()))
    one = deep_relu.problem(torch.ones(1, 1, dtype=FLOAT), torch.ones(1, dtype=FLOAT))
    for share, grows in ((0.99, False), (1.01, True)):  # about the output zero: f -> (1 - eta k / 4) f, up to a shift
        f = [torch.tensor([start], dtype=FLOAT) for start in (1e-4, 0.0)]
        step = share * 8 / float(depth_maps.kernel(one.X, 1))
        after = [
            g - step * depth_maps.kernel(one.X, 1) @ (one.y * deep_relu.LOSSES["logistic"].slope(one.y * g)) for g in f
        ]
        assert (float((after[0] - after[1]).abs()) > 1e-4) is grows


def test_close_inputs_are_far_from_the_limit_at_these_widths():
    """Three layers at five degrees: 512 units need more steps than 128, and both more than twice those of the limit.
    One layer at 20 degrees comes up to it: within a fifth at 50,000 units, with almost twice as many steps at 512."""
    angle = math.radians(5)
    narrow, wide = (deep_variations.separation([angle], m, 3, [0, 1], 2.0, 0.1, MOST).steps.mean() for m in (128, 512))
    assert wide > 1.3 * narrow > 2.6 * depth_maps.steps_of_two(angle, 3, 2.0, 0.1)
    data, draws = deep_relu.two_inputs(math.radians(20)), generator()
    limit, steps = depth_maps.steps_of_two(math.radians(20), 1, 2.0, 0.1), []
    for m in (512, 50_000):
        W = torch.randn(m, 2, generator=draws, dtype=FLOAT) * math.sqrt(2 / m)
        v = torch.randint(2, (m,), generator=draws).to(FLOAT) * 2 - 1
        steps.append(deep_relu.train(deep_relu.Network((W,), v), data, "logistic", 2.0, 0.1, MOST).steps)
    assert steps[0] > 1.8 * limit and steps[1] == pytest.approx(limit, rel=0.2)
