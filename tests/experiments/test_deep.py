"""Gradients through 56 layers and narrow networks, in src.experiments.deep."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from src.experiments import deep, networks, table_1, training
from src.runs import recorded


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def batch(n=4, seed=0):
    x = torch.randn(n, 1, 8, 8, generator=generator(seed))
    return x, torch.arange(n) % 10


def test_digits_are_means_of_four_pixels():
    digits = deep.digits()
    assert digits.x.shape == (4000, 1, 14, 14) and digits.x_test.shape == (1000, 1, 14, 14)
    assert digits.y.shape == (4000,) and digits.name == "embedded digits"
    assert digits.x.mean().abs() < 0.05 and 0.5 < digits.x.std() < 1


@pytest.mark.parametrize("skip", [0, 1])
def test_profiles_are_those_of_the_blocks(skip):
    """Behind the first layer and the last block, against a plain pass."""
    x, y = batch()
    found = deep.through_depth(skip, generator(3), x, y)
    net = networks.CifarNet(skip, generator=generator(3), channels=1)
    first = torch.relu(net.bn1(net.conv1(x)))
    last = net.layer3(net.layer2(net.layer1(first)))
    assert found.shape == (2, 28)
    assert found[0, 0].item() == pytest.approx(first.square().mean().sqrt().item(), rel=1e-4)
    assert found[0, -1].item() == pytest.approx(last.square().mean().sqrt().item(), rel=1e-3)
    loss = cross_entropy(net.linear(last.mean((2, 3))), y)
    (gradient,) = torch.autograd.grad(loss, last)
    assert found[1, -1].item() == pytest.approx(gradient.norm().item(), rel=1e-3)


def test_profiles_of_several_starts():
    x, y = batch()
    found = deep.profiles(0, 3, 2, x, y)
    assert found.shape == (2, 2, 28)
    assert np.allclose(found[1], deep.through_depth(0, generator(4), x, y).numpy(), rtol=1e-4)
    with pytest.raises(ValueError, match="starts must be from 1"):
        deep.profiles(0, 3, 0, x, y)


def test_growth_is_the_factor_a_layer():
    layers = np.arange(0, 20, 2)
    norms = np.stack([3 * 1.2 ** (20.0 - layers), 5 * 1.2 ** (20.0 - layers)])
    assert deep.growth(norms) == pytest.approx(1.2)
    assert deep.growth(norms[0], layers=1) == pytest.approx(1.44)


def test_plain_layers_grow_as_computed():
    assert pytest.approx(1.2113, abs=2e-4) == deep.GROWTH
    x = torch.randn(10**6, generator=generator()).relu()
    assert x.var().item() == pytest.approx((math.pi - 1) / (2 * math.pi), rel=0.01)
    assert deep.plain_growth(generator(), width=256, layers=30) == pytest.approx(deep.GROWTH, rel=0.02)


def test_ex_identity_growth():
    """The exercise: without ReLU nothing grows; with |t| the factor is (1 - 2 / pi)^(-1/2) = 1.66."""
    plain = deep.plain_growth(generator(), width=256, layers=30, activation=lambda t: t)
    assert plain == pytest.approx(1, abs=0.02)
    folded = deep.plain_growth(generator(), width=1024, layers=8, activation=torch.abs)
    assert folded == pytest.approx((1 - 2 / math.pi) ** -0.5, rel=0.02)


@pytest.fixture
def few():
    x, y = batch(40)
    return deep.Digits("noise", x, y, *batch(10, seed=1))


def test_learning_repeats_and_follows_its_seed(few):
    one, again, other = (deep.learn(2, few, seed, depth=1, width=2, epochs=2) for seed in (0, 0, 1))
    assert torch.equal(one.loss[1:], again.loss[1:]) and not torch.equal(one.loss[1:], other.loss[1:])
    assert len(one.epoch) == 3 and one.errors["test"].shape == (3,)


def test_precisions_are_recorded(few, tmp_path, monkeypatch):
    monkeypatch.setattr(recorded, "FOLDER", tmp_path)
    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="needs a CPU with arithmetic in bfloat16"):
        patch.setattr(training, "_computes_bfloat16", lambda: False)
        deep.record_precisions(few, 3, depth=1, width=2, runs=2, epochs=1)
    monkeypatch.setattr(training, "_computes_bfloat16", lambda: True)
    deep.record_precisions(few, 3, depth=1, width=2, runs=2, epochs=1)
    stored = recorded.load(deep.PRECISIONS)
    assert stored.arrays["test_error"].shape == (2, 2)
    assert stored.provenance["seeds"] == [3, 4] and stored.provenance["images"] == "noise"
    assert table_1.evaluated_otherwise([stored]) == 0
    assert stored.provenance["parameters"] == {"depth": 1, "width": 2, "epochs": 1}
    alone = deep.learn(2, few, 4, depth=1, width=2, epochs=1, precision=torch.bfloat16)
    assert stored.arrays["test_error"][1, 1] == alone.errors["test"][-1].item()


def test_bad_input_is_named(few):
    with pytest.raises(ValueError, match="depth must be from 1"):
        deep.learn(2, few, 0, depth=0, width=2, epochs=1)
    with pytest.raises(TypeError, match=r"generator must be a torch.*Generator"):
        deep.plain_growth(3)
