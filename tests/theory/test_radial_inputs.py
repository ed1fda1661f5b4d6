"""Section 6 for rotation-invariant inputs: the laws, the clock, and the noise of SGD."""

import math

import numpy as np
import pytest
import torch

from src import verdicts
from src.dynamics import second_moments
from src.model import landscape, population, weights
from src.theory import radial_inputs
from src.theory.radial_inputs import Clock
from tests.theory.draws import generator


@pytest.mark.parametrize("name", list(radial_inputs.laws(4)))
def test_a_law_has_its_moments_and_no_direction(name):
    d, law = 4, radial_inputs.laws(4)[name]
    x = law.draw(400_000, d, generator())
    square = x.square().sum(1)
    assert square.mean().item() / d == pytest.approx(law.clock, rel=0.02)
    noise = d * square.square().mean() / ((d + 2) * square.mean() ** 2)
    assert noise.item() == pytest.approx(law.noise, rel=0.25 if law.noise > 2 else 0.01)
    covariance = x.mT @ x / len(x) / law.clock
    assert torch.allclose(covariance, torch.eye(d, dtype=torch.float64), atol=0.03)


def test_sampled_gradients_are_unbiased():
    g = generator(1)
    W, W_star = (weights.with_norms(4, 0.4, 0.5, g) for _ in range(2))
    batches = radial_inputs.sampled_gradients(W, W_star, lambda n: radial_inputs.normal(n, 4, g), 100_000)
    deviation = (batches.mean(0) - population.gradient(W, W_star)).norm().item()
    assert deviation < 2 * radial_inputs.standard_error(batches)
    assert radial_inputs.standard_error(batches) < 0.05
    with pytest.raises(ValueError, match="samples"):
        radial_inputs.sampled_gradients(W, W_star, None, 10)


def test_the_clock_of_each_law():
    g = generator(2)
    W, W_star = (weights.with_norms(5, 0.4, 0.5, g) for _ in range(2))
    G = population.gradient(W, W_star)
    for law in radial_inputs.laws(5).values():
        found = radial_inputs.clock(W, W_star, G, law, 40_000, g)
        assert found.agrees
        assert not radial_inputs.clock(W, W_star, G.mT, law, 40_000, g).agrees
        assert not radial_inputs.clock(W, W_star, G, law._replace(clock=1.3 * law.clock), 40_000, g).agrees


@pytest.mark.parametrize(
    ("change", "agrees"),
    [
        ({}, True),
        ({"factor": 1.1}, False),
        ({"factor": 0.9}, False),
        ({"rest": 2.5}, False),
        ({"predicted": 1.1}, False),
    ],
)
def test_a_clock_agrees_within_its_error(change, agrees):
    assert Clock(predicted=1.0, factor=1.01, error=0.01, rest=1.0)._replace(**change).agrees == agrees


def test_rotation_invariant_inputs_are_judged_by_every_law():
    good, bad = Clock(1.0, 1.0, 0.01, 1.0), Clock(1.0, 2.0, 0.01, 1.0)
    assert radial_inputs.Clocks((good, good)).verdict == verdicts.HOLDS
    assert radial_inputs.Clocks((good, bad)).verdict == verdicts.FAILS
    assert radial_inputs.Clocks(()).verdict == verdicts.FAILS


def test_uniform_inputs_have_covariance_one():
    x = radial_inputs.uniform(200_000, 3, generator())
    assert torch.allclose(x.mT @ x / len(x), torch.eye(3, dtype=torch.float64), atol=0.02)
    assert x.abs().max() <= 3**0.5


def test_the_example_samples_the_one_point_ratio():
    found = radial_inputs.example(radial_inputs.normal, 5, 0.2, 1, 200_000, generator(3))
    g = generator(3)  # the same pair, exactly
    W, W_star = (weights.with_norms(5, 0.2, 0.2 * 5**0.5, g) for _ in range(2))
    W = W + max(landscape.potential(W, W_star).item() - 0.09, 0) / 5 * torch.eye(5, dtype=torch.float64)
    exact = math.pi * landscape.one_point_ratio(W, W_star).item()
    assert abs(found.ratio - exact) < 4 * found.error < 0.2 * exact


@pytest.mark.parametrize(
    ("ratio", "error", "verdict"),
    [
        (0.5, 0.01, verdicts.UNDECIDED),
        (-0.5, 0.01, verdicts.FAILS),
        (-0.5, 0.2, verdicts.UNDECIDED),
    ],
)
def test_an_example_decides_only_against(ratio, error, verdict):
    assert radial_inputs.Example(ratio, error).verdict == verdict


def test_the_decay_follows_the_law():
    d = 30
    W = weights.flat_skew(d, generator()).float()
    W *= 0.01 * d**0.5 / W.norm()
    law = radial_inputs.laws(d)["Gaussian"]
    found = radial_inputs.decay(W, law, 0.6, 15, range(4), generator(1))
    assert found.predicted == pytest.approx(second_moments.decay(0.6 * 15 / d**2, 15, d))
    assert found.mean == pytest.approx(found.predicted, rel=0.1)
    assert found.squares.shape == (37, 4) and (np.diff(found.t) > 0).all()


def test_ex_sphere_noise():
    """No law is quieter than the sphere: chi >= d / (d + 2), by Jensen's inequality."""
    d = 6
    for law in radial_inputs.laws(d).values():
        square = law.draw(100_000, d, generator()).square().sum(1)
        noise = d * square.square().mean() / ((d + 2) * square.mean() ** 2)
        assert noise >= d / (d + 2) - 1e-12
    assert radial_inputs.laws(d)["sphere"].noise == d / (d + 2)


def test_ex_student_noise():
    law = next(law for name, law in radial_inputs.laws(10).items() if name.startswith("Student"))
    assert law.noise == (radial_inputs.NU - 2) / (radial_inputs.NU - 4) == 3
    heavier = (4.1 - 2) / (4.1 - 4)
    assert heavier == pytest.approx(21)
    shorter, usual = (second_moments.largest_stable_step(5, 1000, chi) for chi in (heavier, 1.0))
    assert usual / shorter == pytest.approx(heavier, rel=0.02)
