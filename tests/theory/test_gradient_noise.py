"""How noisy a gradient is: against autograd, against its predicted size, and where the hypothesis begins to hold."""

import math

import pytest
import torch

from src.model import population, weights
from src.theory import gradient_noise
from src.theory.gradient_noise import Noise, WayHome


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def gaussian(*shape, seed=0, scale=0.1):
    return scale * torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


NOISE = Noise(d=10, batch=5, gamma=0.1, distance=1.0, loss=1.0, mean_square=4.0, error=0.1)


def test_what_follows_from_the_noise_measured():
    assert NOISE.factor == pytest.approx(200)
    assert NOISE.predicted == pytest.approx(10 * math.sqrt(2 / 5))
    assert NOISE._replace(batch=NOISE.enough, mean_square=NOISE.mean_square * 5 / NOISE.enough).factor == pytest.approx(
        1
    )


def at(distance, factor):
    return NOISE._replace(distance=distance, mean_square=(factor * NOISE.gamma**2) ** 2)


def test_the_hypothesis_is_met_from_where_the_noise_falls_below_it():
    assert WayHome((at(8.0, 100.0), at(2.0, 4.0), at(0.5, 0.25))).met_below == pytest.approx(1.0)  # a power law
    assert WayHome((at(8.0, 100.0), at(2.0, 4.0), at(0.5, 1.0), at(0.1, 0.1))).met_below == pytest.approx(0.5)
    assert WayHome((at(8.0, 100.0), at(2.0, 1.01))).met_below == 0.0
    assert WayHome((at(8.0, 0.99), at(2.0, 0.5))).met_below == 8.0


def test_the_way_home_ends_where_the_noise_has_vanished():
    W, W_star = gaussian(8, 8), gaussian(8, 8, seed=1)
    run = gradient_noise.way_home(W, W_star, 0.3, 20, 30, (2.0, 20.0), generator())
    distances = [noise.distance for noise in run.each]
    assert distances[0] == pytest.approx(float((W - W_star).norm())) and distances == sorted(distances, reverse=True)
    assert run.each[-1].factor < 0.1 * run.each[0].factor
    quotients = [noise.factor / noise.distance for noise in run.each[1:]]
    assert quotients[1] == pytest.approx(
        quotients[0], rel=0.6
    )  # proportional to the distance, once the fast modes died


def test_the_noise_is_that_of_autograd():
    W, W_star, batch = gaussian(5, 5), gaussian(5, 5, seed=1), 7
    found = gradient_noise.minibatch_noise(W, W_star, batch, 3, generator(4))
    stream, eye = generator(4), torch.eye(5, dtype=torch.float64)
    for size in found:
        x = torch.randn(batch, 5, generator=stream, dtype=torch.float64)
        variable = W.clone().requires_grad_()
        error = ((x @ (eye + variable)).relu().sum(1) - (x @ (eye + W_star)).relu().sum(1)).square().mean()
        noise = torch.autograd.grad(error, variable)[0] - population.gradient(W, W_star)
        assert float(size) == pytest.approx(float(noise.norm()), rel=1e-10)


def test_the_noise_has_the_predicted_size_and_falls_with_the_batch():
    d = 40
    W, zero = gaussian(d, d, scale=0.01), torch.zeros(d, d, dtype=torch.float64)
    found = [gradient_noise.noise_at(W, zero, 0.1, batch, 60, generator()) for batch in (50, 200)]
    for noise in found:
        assert math.sqrt(noise.mean_square) == pytest.approx(noise.predicted, rel=0.15)
        assert noise.loss == pytest.approx(float(population.loss(W, zero)))
    assert found[0].mean_square / found[1].mean_square == pytest.approx(4, rel=0.2)


def test_the_places_are_those_of_the_paper():
    places = gradient_noise.places(103, generator())
    assert {name: (len(W), gamma, batch) for name, (W, _, gamma, batch) in places.items()} == {
        "section 5.2": (100, 0.6, 200),
        "section 5.3": (103, 0.15, 300),
        "inside the theorem": (100, 0.01, 200),
    }
    stream = generator()
    norms = ((0.6, 5.0), (0.6, 5.7), (0.01, 0.05), (0.01, 0.06))  # |.|_2 and |.|_F of sections 5.2 and of the regime
    first, teacher, inside, inside_teacher = (weights.with_norms(100, *pair, stream) for pair in norms)
    wrong_way = weights.wrong_way_start(103, 2.0, -3.0)
    pairs = (first, teacher), (wrong_way, 0 * wrong_way), (inside, inside_teacher)
    for (W, W_star, *_), pair in zip(places.values(), pairs):
        torch.testing.assert_close(torch.stack((W, W_star)), torch.stack(pair))
    large = gradient_noise.places(1019, generator())["section 5.3"][0]
    assert float(large.norm()) == pytest.approx(5.0)


def test_the_error_is_that_of_a_mean():
    W, W_star = gaussian(6, 6), gaussian(6, 6, seed=1)
    noise = gradient_noise.noise_at(W, W_star, 0.1, 5, 9, generator())
    sizes = gradient_noise.minibatch_noise(W, W_star, 5, 9, generator())
    assert noise.error == pytest.approx(float(sizes.std()) / 3)
    assert noise.mean_square == pytest.approx(float((sizes**2).mean()))


def test_bad_input_is_named():
    W = gaussian(4, 4)
    with pytest.raises(ValueError, match=r"W must be one \[d, d\] matrix"):
        gradient_noise.minibatch_noise(W.expand(2, 4, 4), W, 5, 2, generator())
    with pytest.raises(ValueError, match="batches must be from 2"):
        gradient_noise.noise_at(W, W, 0.1, 5, 1, generator())
    with pytest.raises(ValueError, match="gamma must be positive"):
        gradient_noise.noise_at(W, W, -0.1, 5, 2, generator())
    with pytest.raises(TypeError, match=r"generator must be a torch.Generator"):
        gradient_noise.minibatch_noise(W, W, 5, 2, 0)
