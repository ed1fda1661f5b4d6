"""How large gradients can be, and how noisy: shares of the paper's bounds, and the noise of a minibatch."""

import math

import pytest
import torch

from src import verdicts
from src.model import population, weights
from src.theory import bounds, gradient_size, search
from src.theory.gradient_size import Noise, NoiseBound, Sizes


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def gaussian(*shape, seed=0, scale=0.1):
    return scale * torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


SMALL = Sizes(gammas=(0.01, 0.1, 0.3), spectral=(0.8, 0.9, 0.9), frobenius=(0.3, 0.3, 0.3), ascended=(0.9, 0.3))


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, verdicts.HOLDS),
        ({"spectral": (1.0, 0.9, 0.9)}, verdicts.HOLDS),
        ({"spectral": (1.01, 0.9, 0.9)}, verdicts.FAILS),
        ({"spectral": (0.8, 1.01, 0.9)}, verdicts.FAILS),
        ({"spectral": (0.8, 0.9, 1.5)}, verdicts.HOLDS),  # 0.3 is no small weight
        ({"frobenius": (0.3, 1.01, 0.3)}, verdicts.FAILS),
        ({"frobenius": (0.3, 0.3, 1.5)}, verdicts.HOLDS),
        ({"ascended": (1.01, 0.3)}, verdicts.FAILS),
        ({"ascended": (0.9, 1.01)}, verdicts.FAILS),
        ({"gammas": (0.01, 0.05, 0.1), "spectral": (0.8, 0.9, 1.5)}, verdicts.FAILS),
    ],
)
def test_every_size_can_turn_the_verdict(change, verdict):
    assert SMALL._replace(**change).verdict == verdict


def test_the_crossing_is_the_first_spectral_share_above_one():
    assert SMALL.crossing is None
    assert SMALL._replace(spectral=(0.9, 1.2, 1.5)).crossing == 0.1
    assert SMALL.largest == (0.9, 0.3)


def test_shares_are_those_of_the_printed_sum():
    W, W_star = gaussian(3, 7, 7), gaussian(7, 7, seed=1)
    R = population.lemma_2_1(W, W_star)
    for k in range(3):
        s = torch.linalg.svdvals(R[k])
        spectral, frobenius = s[0] / (6 * 7 * 0.2), s.square().sum().sqrt() / (6 * 7**1.5 * 0.2)
        assert float(gradient_size.share(W, W_star, 0.2, 2)[k]) == pytest.approx(float(spectral), rel=1e-9)
        assert float(gradient_size.share(W, W_star, 0.2, "fro")[k]) == pytest.approx(float(frobenius), rel=1e-9)
    with pytest.raises(ValueError, match="norm must be"):
        gradient_size.share(W, W_star, 0.2, 1)


def test_the_corner_comes_as_near_to_the_bound_as_the_formula_says():
    """W = -gamma I, W* = gamma I: R = pi gamma J + (2 d - 2 + pi) gamma I to first order."""
    d, gamma = 60, 1e-5
    W = -gamma * torch.eye(d, dtype=torch.float64)
    spectral, rest = (math.pi + 2) * d + math.pi - 2, 2 * d - 2 + math.pi  # the eigenvalues, over gamma
    assert float(gradient_size.share(W, -W, gamma, 2)) == pytest.approx(spectral / (6 * d), rel=1e-4)
    frobenius = math.sqrt(spectral**2 + (d - 1) * rest**2)
    assert float(gradient_size.share(W, -W, gamma, "fro")) == pytest.approx(frobenius / (6 * d**1.5), rel=1e-4)


def test_sizes_find_the_corner_and_ascent_does_not_fall_behind():
    d = 8
    W, W_star = search.with_corners(d, 1.0, 4, generator())
    found = gradient_size.sizes(W, W_star, (0.01, 0.05), ascent=3)
    corner = -torch.eye(d, dtype=torch.float64)
    for k, gamma in enumerate(found.gammas):
        assert found.spectral[k] >= float(gradient_size.share(gamma * corner, -gamma * corner, gamma, 2)) * (1 - 1e-12)
    assert found.ascended[0] >= found.spectral[0] * (1 - 1e-9) and found.ascended[1] >= found.frobenius[0] * (1 - 1e-9)
    assert found.verdict == verdicts.HOLDS
    with pytest.raises(ValueError, match="W must hold at least two pairs"):
        gradient_size.sizes(W[:1], W_star[:1], (0.01,), ascent=1)


def test_a_gradient_twice_as_large_breaks_the_bound(monkeypatch):
    right = population.gradient
    monkeypatch.setattr(population, "gradient", lambda W, W_star: 2 * right(W, W_star))
    W, W_star = search.with_corners(8, 1.0, 4, generator())
    assert gradient_size.sizes(W, W_star, (0.01,), ascent=1).verdict == verdicts.FAILS


NOISE = Noise(d=10, batch=5, gamma=0.1, loss=1.0, mean_square=4.0, error=0.1)


def test_what_follows_from_the_noise_measured():
    assert NOISE.factor == pytest.approx(200)
    assert NOISE.predicted == pytest.approx(10 * math.sqrt(2 / 5))
    assert NOISE._replace(batch=NOISE.enough, mean_square=NOISE.mean_square * 5 / NOISE.enough).factor == pytest.approx(
        1
    )


def test_noise_below_the_bound_anywhere_turns_the_verdict():
    quiet = NOISE._replace(mean_square=0.99 * NOISE.gamma**4)
    loud = NOISE._replace(mean_square=1.01 * NOISE.gamma**4)
    assert NoiseBound({"a": NOISE, "b": loud}).verdict == verdicts.FAILS
    assert NoiseBound({"a": NOISE, "b": quiet}).verdict == verdicts.HOLDS
    assert NoiseBound({"a": quiet, "b": NOISE}).verdict == verdicts.HOLDS
    assert NoiseBound({"a": NOISE, "b": loud._replace(gamma=0.2)}).verdict == verdicts.HOLDS


def test_the_noise_is_that_of_autograd():
    W, W_star, batch = gaussian(5, 5), gaussian(5, 5, seed=1), 7
    found = gradient_size.minibatch_noise(W, W_star, batch, 3, generator(4))
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
    found = [gradient_size.noise_at(W, zero, 0.1, batch, 60, generator()) for batch in (50, 200)]
    for noise in found:
        assert math.sqrt(noise.mean_square) == pytest.approx(noise.predicted, rel=0.15)
        assert noise.loss == pytest.approx(float(population.loss(W, zero)))
    assert found[0].mean_square / found[1].mean_square == pytest.approx(4, rel=0.2)


def test_the_places_are_those_of_the_paper():
    bound = gradient_size.noise_bound(103, 2, generator())
    assert {name: (at.d, at.batch, at.gamma) for name, at in bound.places.items()} == {
        "section 5.2": (100, 200, 0.6),
        "section 5.3": (103, 300, 0.15),
        "inside the theorem": (100, 200, 0.01),
    }
    assert bound.verdict == verdicts.FAILS
    stream = generator()
    norms = ((0.6, 5.0), (0.6, 5.7), (0.01, 0.05), (0.01, 0.06))  # |.|_2 and |.|_F of sections 5.2 and of the regime
    first, teacher, inside, inside_teacher = (weights.with_norms(100, *pair, stream) for pair in norms)
    wrong_way = weights.wrong_way_start(103, 2.0, -3.0)
    pairs = (first, teacher), (wrong_way, 0 * wrong_way), (inside, inside_teacher)
    for at, pair in zip(bound.places.values(), pairs):
        assert at.loss == pytest.approx(float(population.loss(*pair)))


def test_the_error_is_that_of_a_mean():
    W, W_star = gaussian(6, 6), gaussian(6, 6, seed=1)
    noise = gradient_size.noise_at(W, W_star, 0.1, 5, 9, generator())
    sizes = gradient_size.minibatch_noise(W, W_star, 5, 9, generator())
    assert noise.error == pytest.approx(float(sizes.std()) / 3)
    assert noise.mean_square == pytest.approx(float((sizes**2).mean()))


def test_bad_input_is_named():
    W = gaussian(4, 4)
    with pytest.raises(ValueError, match=r"W must be one \[d, d\] matrix"):
        gradient_size.minibatch_noise(W.expand(2, 4, 4), W, 5, 2, generator())
    with pytest.raises(ValueError, match="batches must be at least 2"):
        gradient_size.noise_at(W, W, 0.1, 5, 1, generator())
    with pytest.raises(ValueError, match="gamma must be positive"):
        gradient_size.noise_at(W, W, -0.1, 5, 2, generator())
    with pytest.raises(TypeError, match=r"generator must be a torch.Generator"):
        gradient_size.minibatch_noise(W, W, 5, 2, 0)


def test_the_bounds_are_those_of_section_2():
    assert bounds.gradient_spectral(100, 0.01, 1e-4) == pytest.approx(6.0001)
    assert bounds.gradient_frobenius(100, 0.01, 1e-4) == pytest.approx(60.0001)
