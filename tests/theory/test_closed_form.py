"""Equations 1 and 2: the plain sums of src.theory.closed_form against integrals, and what overturns the verdict."""

import math

import mpmath
import numpy as np
import pytest
import torch

from src import verdicts
from src.model import population
from src.theory import closed_form


def draw(d, seed, size=0.5):
    generator = torch.Generator().manual_seed(seed)
    return size / d**0.5 * torch.randn(d, d, generator=generator, dtype=torch.float64)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_network_adds_relu_units():
    x, A = draw(4, 0)[:3], draw(4, 1)
    expected = [sum(max(0.0, float(row @ A[:, j])) for j in range(4)) for row in x]
    assert closed_form.network(x, A).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("theta", [0.0, 0.4, math.pi / 2, 2.5, math.pi])
def test_a_pair_is_its_integral_over_the_wedge(theta):
    """F in polar coordinates: the integral over all angles at which both units are active, by quadrature."""
    wedge = np.linspace(theta - math.pi / 2, math.pi / 2, 20001)
    height = 3 * np.cos(wedge - theta) / math.pi  # |p| = 3, and the mean of the squared radius is 2
    expected = [np.trapezoid(height * part, wedge) for part in (np.cos(wedge), np.sin(wedge))]
    p = 3 * torch.tensor([math.cos(theta), math.sin(theta)], dtype=torch.float64)
    a = torch.tensor([0.7, 0.0], dtype=torch.float64)  # its length does not matter
    assert closed_form.pair(p, a).tolist() == pytest.approx(expected, abs=1e-7)


def test_pairs_sum_to_the_gradient():
    W, W_star = draw(5, 0), draw(5, 1)
    A, B = (torch.eye(5, dtype=torch.float64) + V for V in (W, W_star))
    for j in range(5):
        a = A[:, j].expand(5, 5)
        column = 2 * (closed_form.pair(A.T, a) - closed_form.pair(B.T, a)).sum(0)
        assert torch.allclose(column, population.gradient(W, W_star)[:, j], atol=1e-14)


def test_a_sampled_pair_is_near_the_formula():
    p, a = draw(3, 2)[:, 0], draw(3, 3)[:, 1]
    x = torch.randn(200000, 3, generator=generator(), dtype=torch.float64)
    mean, error = closed_form.sampled_pair(p, a, x)
    assert ((mean - closed_form.pair(p, a)) / error).abs().max() < 4
    terms = torch.stack([(x @ p).relu() * (x @ a > 0) * x[:, k] for k in range(3)])
    assert torch.allclose(error, terms.std(1) / 200000**0.5)


def test_the_loss_in_one_dimension():
    """(a - b)^2 / 2 for a > 0 and (a^2 + b^2) / 2 for a < 0."""
    for a, b, expected in ((1.5, 1.0, 0.125), (-0.5, 2.0, 2.125)):
        W, W_star = (torch.tensor([[v - 1]], dtype=torch.float64) for v in (a, b))
        assert closed_form.loss_as_written(W, W_star).item() == pytest.approx(expected, rel=1e-14)
        assert float(closed_form.loss_in_digits(W, W_star)) == pytest.approx(expected, rel=1e-15)


def test_the_loss_of_a_stretched_identity():
    """W = cI, W* = 0: all columns at right angles, L = c^2 d (1 + (d - 1) / pi) / 2."""
    W = 0.3 * torch.eye(6, dtype=torch.float64)
    expected = 0.09 * 6 * (1 + 5 / math.pi) / 2
    assert closed_form.loss_as_written(W, 0 * W).item() == pytest.approx(expected, rel=1e-13)
    assert float(closed_form.loss_in_digits(W, 0 * W)) == pytest.approx(expected, rel=1e-15)


def test_many_digits_are_meant():
    W = torch.tensor([[0.5, 0.0], [0.0, -0.25]], dtype=torch.float64)  # exact in binary
    with mpmath.workdps(60):
        c = [mpmath.mpf("0.5"), mpmath.mpf("-0.25")]
        exact = (c[0] ** 2 + c[1] ** 2) / 2 + c[0] * c[1] / mpmath.pi
        assert abs(closed_form.loss_in_digits(W, 0 * W) - exact) < mpmath.mpf(10) ** -57


def test_the_plain_sum_and_its_digits_agree_far_away_only():
    W_star, V = draw(6, 4), draw(6, 5)
    V /= V.norm()
    digits = closed_form.against_digits(W_star, V, np.array([1e-8, 1e-6, 1e-3, 1.0]))
    assert digits.as_written[0] > 1e-2 and digits.as_written[-1] < 1e-12
    assert digits.rewritten[0] < 1e-6 and digits.rewritten[1:].max() < 1e-8
    assert digits.distance.tolist() == [1e-8, 1e-6, 1e-3, 1.0]


def test_samples_agree_with_the_closed_form():
    W_star, V = draw(5, 6), draw(5, 7)
    V /= V.norm()
    sampled = closed_form.against_samples(W_star, V, [1e-3, 1.0], 50000, generator())
    assert abs(sampled.z).max() < 4
    assert sampled.z == pytest.approx((sampled.ratio - 1) / sampled.error)
    # The loss has heavy tails no worse than a Gaussian's square: the error of the mean is about sqrt(2 / n) of it.
    assert (sampled.error > 0.5 * (2 / 50000) ** 0.5).all() and (sampled.error < 4 * (2 / 50000) ** 0.5).all()


def test_the_chapter_s_evidence_at_small_scale_and_a_planted_error(monkeypatch):
    W_star, V = draw(6, 8), draw(6, 9)
    V /= V.norm()

    def judge():
        sampled = closed_form.against_samples(W_star, V, np.geomspace(1e-3, 1, 4), 20000, generator())
        return closed_form.agreement(sampled, closed_form.against_digits(W_star, V, np.geomspace(1e-6, 1, 4)))

    agreement = judge()
    assert agreement.comparisons == 4 and agreement.verdict == verdicts.HOLDS
    right = population.loss
    for wrong in (
        lambda W, W_star: 1.2 * right(W, W_star),
        lambda W, W_star: right(W, W_star) * (1 + 2e-6),
        lambda W, W_star: right(W, W_star.mT),
        lambda W, W_star: right(W - W_star, 0 * W),
    ):
        monkeypatch.setattr(population, "loss", wrong)
        assert judge().verdict == verdicts.FAILS


RIGHT = closed_form.Agreement(largest_z=1.3, comparisons=9, largest_error=1e-11)


@pytest.mark.parametrize(
    "change",
    [{"largest_z": 4.0}, {"largest_z": -4.0}, {"comparisons": 1, "largest_z": 3.5}, {"largest_error": 2e-6},
     {"largest_error": -2e-6}, {"largest_z": math.nan}, {"largest_error": math.nan}],
)  # fmt: skip
def test_each_number_overturns_the_verdict(change):
    assert RIGHT.verdict == verdicts.HOLDS
    assert RIGHT._replace(**change).verdict == verdicts.FAILS


def test_the_allowed_z_grows_with_the_comparisons():
    assert RIGHT._replace(comparisons=1).allowed_z == pytest.approx(3.2905, abs=1e-4)  # of one normal number
    assert RIGHT._replace(comparisons=9, largest_z=3.5).verdict == verdicts.HOLDS


def test_only_distances_from_1e_5_up_count():
    sampled = closed_form.Sampled(*np.ones((4, 2)))
    digits = closed_form.Digits(np.array([1e-6, 1e-5, 1.0]), np.ones(3), np.array([1.0, 1e-9, 1e-12]))
    assert closed_form.agreement(sampled, digits).largest_error == 1e-9


def test_bad_input_is_named():
    W = draw(3, 10)
    with pytest.raises(ValueError, match="W must be one"):
        closed_form.loss_as_written(torch.stack([W, W]), W)
    with pytest.raises(ValueError, match="digits"):
        closed_form.loss_in_digits(W, W, digits=3)
    with pytest.raises(ValueError, match="samples"):
        closed_form.against_samples(W, W, [1.0], 1, generator())
    with pytest.raises(TypeError, match="generator"):
        closed_form.against_samples(W, W, [1.0], 10, 0)
    with pytest.raises(ValueError, match="column 1 of it is zero"):
        closed_form.loss_as_written(W, torch.diag(torch.tensor([0.0, -1.0, 0.0], dtype=torch.float64)))
