"""Section 5.5: the exact threshold, the projection, and two ways to train inside the ball."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src.experiments import spectral


def images(n=120, d=12, seed=0):
    """Two classes that differ in direction and little in their sum of positive entries."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 2 == 1
    x = torch.randn(n, d, dtype=torch.float64, generator=generator)
    x[labels, : d // 2] += 1.0
    x[~labels, d // 2 :] += 0.9
    return x, labels


def wrong_by_trying(values, labels):
    """The fewest errors over a cut below, between and above all values, either way round."""
    cuts = [
        values.min() - 1,
        *((a + b) / 2 for a, b in zip(np.unique(values), np.unique(values)[1:])),
        values.max() + 1,
    ]
    return min(min(((values > c) != labels).sum(), ((values > c) == labels).sum()) for c in cuts)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=2, max_size=30))
def test_best_threshold_is_the_best(points):
    values, labels = torch.tensor([p[0] for p in points]), torch.tensor([p[1] for p in points])
    if labels.all() or not labels.any():
        with pytest.raises(ValueError, match="both classes"):
            spectral.best_threshold(values, labels)
        return
    got = spectral.best_threshold(values, labels)
    assert round(got.error * len(values)) == wrong_by_trying(values.numpy(), labels.numpy())
    assert spectral.error(values, labels, got) == pytest.approx(got.error)


def test_best_threshold_rejects():
    values, labels = torch.tensor([1.0, 2.0]), torch.tensor([True, False])
    for bad_values, bad_labels, message in (
        (values, labels.int(), "bool"),
        (values, labels[:1], "labels must be as many as values"),
        (values * torch.nan, labels, "finite"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            spectral.best_threshold(bad_values, bad_labels)


def test_output_is_equation_1():
    x, _ = images(n=5)
    W = 0.1 * torch.randn(12, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    by_hand = [sum(max(0.0, float(x[n] @ (torch.eye(12)[:, i] + W[:, i]))) for i in range(12)) for n in range(5)]
    torch.testing.assert_close(spectral.output(x, W), torch.tensor(by_hand, dtype=torch.float64))


def test_projection_is_the_nearest_point_of_the_ball():
    generator = torch.Generator().manual_seed(0)
    W = torch.randn(8, 8, dtype=torch.float64, generator=generator)
    P = spectral.project(W, 0.6)
    assert torch.linalg.matrix_norm(P, 2) <= 0.6 * (1 + 1e-12)
    for _ in range(50):  # the projection onto a convex set makes an obtuse angle with every point of it
        other = torch.randn(8, 8, dtype=torch.float64, generator=generator)
        other *= 0.6 / torch.linalg.matrix_norm(other, 2)
        assert ((W - P) * (other - P)).sum() <= 1e-12
    torch.testing.assert_close(spectral.project(P, 0.6), P)


def test_polar_is_the_best_point_of_the_unit_ball():
    G = torch.randn(8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    P = spectral.polar(G)
    torch.testing.assert_close((G * P).sum(), torch.linalg.matrix_norm(G, "nuc"))
    torch.testing.assert_close(torch.linalg.svdvals(P), torch.ones(8, dtype=torch.float64))
    low = G[:, :3] @ G[:3]
    assert torch.linalg.matrix_rank(spectral.polar(low)) == 3


@pytest.mark.parametrize("loss", spectral.LOSSES)
def test_gradient_is_that_of_autograd(loss):
    x, labels = images()
    problem = spectral._Problem((x, labels), (x, labels), loss, 0.3, torch.Generator().manual_seed(0))
    W = 0.05 * torch.randn(12, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    W.requires_grad_()
    sign = torch.where(labels == problem.threshold.above, 1.0, -1.0)
    f = (x + x @ W).relu().sum(1)
    z = sign * (f - problem.threshold.value) / (0.3 * x.relu().sum(1).std())
    by_autograd = torch.autograd.grad(spectral.LOSSES[loss](z).mean(), W)[0]
    torch.testing.assert_close(problem.gradient(W.detach(), len(x)), by_autograd)


def train(method, **changes):
    common = {"batch": 60, "loss": "logistic", "margin": 0.5, "generator": torch.Generator().manual_seed(0)}
    own = {
        spectral.frank_wolfe: {"radii": [0.2, 0.6], "steps": 4},
        spectral.projected_sgd: {"radius": 0.6, "step": 0.05, "momentum": 0.9, "steps": 60, "every": 5},
    }[method]
    return method(images(), images(seed=1), **(common | own | changes))


@pytest.mark.parametrize("method", [spectral.frank_wolfe, spectral.projected_sgd])
def test_training_improves_and_stays_in_the_ball(method):
    got = train(method)
    assert got.radii[0] == 0 and got.norm[0] == 0
    assert (got.norm <= torch.tensor(got.radii) * (1 + 1e-9)).all()
    assert got.train[0] == got.threshold.error > 0.3
    assert got.train[-1] < 0.15 and got.test[-1] < 0.3
    assert (got.refitted <= got.train + 1e-12).all()
    x, labels = images()
    assert got.train[-1] == spectral.error(spectral.output(x, got.W[-1]), labels, got.threshold)


def threshold_by_trying(x, labels):
    f = x.relu().sum(1).double()
    ordered = f.sort().values
    cuts = [((a + b) / 2).item() for a, b in pairwise(ordered)]
    wrong = [(((f > c) != (labels if above else ~labels)).sum().item(), c, above) for c in cuts for above in (1, 0)]
    return min(wrong)[1:]


def steps_by_hand(rule, x, labels, generator, steps, batch, m):
    """W after `steps` steps W <- rule(n, W, G), G the gradient on the images that the generator names."""
    threshold = threshold_by_trying(x, labels)
    scale = x.relu().sum(1).std()
    W = torch.zeros(x.shape[1], x.shape[1], dtype=x.dtype)
    for n in range(steps):
        rows = torch.randperm(len(x), generator=generator)[:batch]
        W = W.requires_grad_()
        sign = torch.where(labels[rows], 1.0, -1.0) * (1 if threshold[1] else -1)
        z = sign * ((x[rows] + x[rows] @ W).relu().sum(1) - threshold[0]) / (m * scale)
        (G,) = torch.autograd.grad(torch.log1p((-z).exp()).mean(), W)
        W = rule(n, W.detach(), G)
    return W


def test_conditional_gradient_written_out():
    """Two radii of two steps: W <- W + 2 / (t + 2) (-r U V^T - W), M halving its past; between them W is scaled up."""
    M, (x, labels) = None, images()

    def rule(t, W, G):
        nonlocal M
        M = G if M is None else 0.5 * M + 0.5 * G
        radius = 0.2 if t < 2 else 0.6
        U, _, Vh = torch.linalg.svd(M)
        W = W + 2 / (t + 2) * (-radius * U @ Vh - W)
        return W * 3 if t == 1 else W

    by_hand = steps_by_hand(rule, x, labels, torch.Generator().manual_seed(0), 4, 60, 0.5)
    got = train(spectral.frank_wolfe, steps=2)
    torch.testing.assert_close(got.W[2], by_hand, rtol=1e-6, atol=1e-8)


def test_projected_sgd_written_out():
    """Momentum, a step that falls to nearly zero over the second half, a projection after every second step."""
    velocity, (x, labels) = torch.zeros(12, 12, dtype=torch.float64), images()

    def rule(n, W, G):
        nonlocal velocity
        velocity = 0.9 * velocity + G
        W = W - 0.5 * (1.0 if n + 1 <= 3 else 2 * (1 - (n + 1) / 6)) * velocity  # of five steps
        if n + 1 in (2, 4, 5):
            U, S, Vh = torch.linalg.svd(W)
            W = U @ torch.diag(S.clamp(max=0.1)) @ Vh
        return W

    by_hand = steps_by_hand(rule, x, labels, torch.Generator().manual_seed(0), 5, 60, 0.5)
    got = train(spectral.projected_sgd, radius=0.1, step=0.5, steps=5, every=2)
    assert got.norm[1] == pytest.approx(0.1)
    torch.testing.assert_close(got.W[1], by_hand, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("method", [spectral.frank_wolfe, spectral.projected_sgd])
def test_the_test_set_is_only_tested_on(method):
    """Other test images leave W and the threshold alone; contradicting labels make what was learnt wrong on them."""
    right = train(method)
    x, labels = images()
    common = {"batch": 60, "loss": "logistic", "margin": 0.5}
    own = {
        spectral.frank_wolfe: {"radii": [0.2, 0.6], "steps": 4},
        spectral.projected_sgd: {"radius": 0.6, "step": 0.05, "momentum": 0.9, "steps": 60, "every": 5},
    }[method]
    other = method((x, labels), (3 * x, ~labels), generator=torch.Generator().manual_seed(0), **common, **own)
    assert torch.equal(other.W, right.W) and other.threshold == right.threshold
    assert torch.equal(other.train, right.train) and torch.equal(other.refitted, right.refitted)
    value, above = threshold_by_trying(x, labels)
    assert right.threshold.value == pytest.approx(value) and right.threshold.above == bool(above)
    for k, W in enumerate(other.W):
        f = (3 * x + 3 * x @ W).relu().sum(1)
        assert other.test[k].item() == pytest.approx(((f > value) != (~labels == bool(above))).double().mean().item())
    same = method((x, labels), (x, ~labels), generator=torch.Generator().manual_seed(0), **common, **own)
    assert torch.allclose(same.test, 1 - same.train)


def test_ascent_would_be_seen(monkeypatch):
    right = spectral._Problem.gradient
    monkeypatch.setattr(spectral._Problem, "gradient", lambda self, W, batch: -right(self, W, batch))
    assert train(spectral.frank_wolfe).train[-1] > 0.4


@pytest.mark.parametrize(
    "method, change, message",
    [
        (spectral.frank_wolfe, {"radii": []}, "radii"),
        (spectral.frank_wolfe, {"radii": [0.5, 0.2]}, "radii"),
        (spectral.frank_wolfe, {"radii": [-1.0]}, "radii"),
        (spectral.frank_wolfe, {"steps": 0}, "steps"),
        (spectral.frank_wolfe, {"loss": "absolute"}, "loss"),
        (spectral.frank_wolfe, {"margin": 0.0}, "margin"),
        (spectral.projected_sgd, {"radius": 0.0}, "radius"),
        (spectral.projected_sgd, {"momentum": 2.0}, "momentum"),
        (spectral.projected_sgd, {"momentum": -0.1}, "momentum"),
        (spectral.projected_sgd, {"every": 0}, "every"),
        (spectral.frank_wolfe, {"radii": [float("nan")]}, "radii"),
        (spectral.projected_sgd, {"step": -0.1}, "step"),
        (spectral.projected_sgd, {"steps": 0}, "steps"),
    ],
)
def test_bad_settings_are_named(method, change, message):
    with pytest.raises(ValueError, match=message):
        train(method, **change)


@pytest.mark.parametrize("method", [spectral.frank_wolfe, spectral.projected_sgd])
def test_bad_sets_are_named(method):
    x, labels = images()
    common = {"batch": 60, "loss": "logistic", "margin": 0.5, "generator": torch.Generator(), "steps": 1}
    own = (
        {"radii": [0.2]} if method is spectral.frank_wolfe else {"radius": 1.0, "step": 1.0, "momentum": 0, "every": 1}
    )
    for train_set, test_set, message in (
        ((x, labels.long()), (x, labels), r"train\[1\] must be .* of bool, not torch.int64"),
        ((x, labels[1:]), (x, labels), "train must have a label for each input"),
        ((x, labels), (x[:, 1:], labels), "the inputs of test must be like those of train"),
        ((x, labels), (x.float(), labels), "the inputs of test must be like those of train"),
        ((x, labels | True), (x, labels), "train must hold both classes"),
        ((x * 0, labels), (x, labels), "train must hold both classes, and inputs whose"),
        (x, (x, labels), "train must be two tensors"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            method(train_set, test_set, **common, **own)


@pytest.mark.parametrize("spoil", [lambda y: y.long(), lambda y: y.double(), lambda y: y[1:], lambda y: y.to("meta")])
def test_bad_labels_are_named(spoil):
    x, labels = images()
    values, threshold = x.relu().sum(1), spectral.Threshold(0.0, True, 0.0)
    with pytest.raises((TypeError, ValueError), match="labels must be"):
        spectral.best_threshold(values, spoil(labels))
    with pytest.raises((TypeError, ValueError), match="labels must be"):
        spectral.error(values, spoil(labels), threshold)


def test_ex_spectral_first_step():
    got = train(spectral.frank_wolfe, radii=[0.6], steps=1)
    values = torch.linalg.svdvals(got.W[1])
    torch.testing.assert_close(values, torch.full_like(values, 0.6))
    assert got.W[1].norm() == pytest.approx(0.6 * 12**0.5)
    later = train(spectral.frank_wolfe, radii=[0.6], steps=7)
    assert later.norm[1] <= 0.6 * (1 + 1e-9) and later.W[1].norm() < got.W[1].norm()
