"""The 15 x 15 law: against the whole operator by brute force, against runs, and against the leading order in 1/d."""

import functools
import itertools
import math

import numpy as np
import pytest
import torch
from scipy.special import gamma

from src.dynamics import linearised, second_moments, sgd
from src.dynamics.second_moments import PARTITIONS


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@functools.cache
def tensors(d):
    """E X (x) X and E X (x) X (x) X (x) X, [d^2, ...], as a mean over the 2^d signs of the coordinates.

    Given its signs x has independent coordinates with E |x_i|^p = 2^(p/2) Gamma((p+1)/2) / sqrt(pi).
    """
    absolute = np.array([2 ** (p / 2) * gamma((p + 1) / 2) / math.sqrt(math.pi) for p in range(5)])

    def mean(number):
        indices = np.indices((d,) * (2 * number))  # i, j, k, l, ...
        total = 0
        for signs in itertools.product((1, -1), repeat=d):
            signs = np.array(signs)
            allowed = np.logical_and.reduce([signs[j] > 0 for j in indices[1::2]])
            value = functools.reduce(np.multiply, [signs[i] for i in indices[::2]])
            for coordinate in range(d):
                value = value * absolute[sum(i == coordinate for i in indices[::2])]
            total = total + allowed * value / 2**d
        return total.reshape((d * d,) * number)

    return mean(2), mean(4)


def entries(M, d):
    """The mean entry of M [d^2, d^2] over the indices of each partition."""
    M, found = M.reshape((d,) * 4), {}
    for index in itertools.product(range(d), repeat=4):
        found.setdefault(second_moments._pattern(index), []).append(M[index])
    return np.array([np.mean(found[second_moments._pattern(p)]) for p in PARTITIONS])


def brute_step(M, eta, batch, d, chi=1.0):
    H, T = tensors(d)
    quadratic = chi * np.einsum("abcd,ab->cd", T, M) / batch + (1 - 1 / batch) * H @ M @ H
    return M - 2 * eta * (H @ M + M @ H) + 4 * eta**2 * quadratic


@pytest.mark.parametrize("d", [4, 5])
@pytest.mark.parametrize("batch", [1, 3])
def test_a_step_is_that_of_the_whole_operator(d, batch):
    """For any M, symmetric or not: the mean of its image is the image of its mean."""
    M = torch.randn(d * d, d * d, generator=generator(), dtype=torch.float64).numpy()
    expected = entries(brute_step(M, 0.03, batch, d, 1.3), d)
    found = second_moments.step_matrix(0.03, batch, d, 1.3) @ entries(M, d)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * abs(expected).max())


@pytest.mark.stress
def test_a_step_in_six_dimensions():
    test_a_step_is_that_of_the_whole_operator(6, 2)


def test_mean_squares_are_those_of_the_whole_operator():
    d, eta, batch = 4, 0.02, 2
    W0 = torch.randn(d, d, generator=generator(1), dtype=torch.float64)
    M, expected = np.outer(W0, W0), []
    for _ in range(6):
        expected.append(np.trace(M))
        M = brute_step(M, eta, batch, d)
    np.testing.assert_allclose(second_moments.mean_square(W0, eta, batch, 5), expected, rtol=1e-12)
    assert expected[0] == pytest.approx(W0.square().sum().item())


def test_entries_of_a_start():
    W = torch.randn(6, 6, generator=generator(2), dtype=torch.float64)
    np.testing.assert_allclose(second_moments._entries(W), entries(np.outer(W, W), 6), rtol=0, atol=1e-13)


def test_the_hessian_is_the_linearised_flows():
    """The eigenvalues of M -> H M are half the families' rates, and the two sides commute."""
    d = 7
    maps = second_moments.maps(d)
    found = np.sort(np.unique(np.linalg.eigvals(maps.left).real.round(9)))
    expected = np.unique([round(family.rate / 2, 9) for family in linearised.families(d)])
    np.testing.assert_allclose(found, expected, atol=1e-8)
    np.testing.assert_allclose(maps.left @ maps.right, maps.right @ maps.left, rtol=1e-12)


def test_ex_fifteen():
    """The exchange of (i, j) with (k, l) fixes seven partitions and pairs the other eight: eleven are left."""
    exchanged = [second_moments._pattern((k, l, i, j)) for i, j, k, l in PARTITIONS]
    same = sum(second_moments._pattern(one) == other for one, other in zip(PARTITIONS, exchanged, strict=True))
    assert same == 7 and same + (15 - same) // 2 == 11 and 15 - same == 8
    assert {*exchanged} == {second_moments._pattern(one) for one in PARTITIONS}


def test_there_are_fifteen_partitions():
    assert len(PARTITIONS) == 15 == len(set(PARTITIONS))
    assert second_moments._pattern((7, 3, 7, 9)) == second_moments._pattern((0, 1, 0, 2))
    assert second_moments._pattern((7, 3, 3, 9)) != second_moments._pattern((0, 1, 0, 2))


SETTINGS = [(20, 4, 0.6, 1), (40, 8, 0.5, 2), (60, 1, 0.4, 3), (100, 20, 0.8, 4), (100, 50, 1.2, 5)]


@pytest.mark.parametrize(("d", "batch", "level", "seed"), SETTINGS)
def test_runs_have_these_mean_squares(d, batch, level, seed):
    """SGD from a small W, 300 seeds: within two standard errors of the law; level is eta d^2 / batch."""
    eta, steps, runs = level * batch / d**2, 40, 300
    W0 = torch.randn(d, d, generator=generator(seed)) * 1e-5
    history = sgd.train(
        W0, 0 * W0, eta=eta, batch=batch, steps=steps, seeds=range(1000 * seed, 1000 * seed + runs), record_at=[steps],
        allow_unstable=True,
    )  # fmt: skip
    square = history.distance[-1] ** 2
    expected = second_moments.mean_square(W0.double(), eta, batch, steps)[-1]
    error = square.std() / math.sqrt(runs)
    assert abs(square.mean() - expected) <= 2 * error and error < 0.05 * expected


@pytest.mark.stress
def test_runs_at_the_papers_dimension():
    d, batch, eta, steps, runs = 1500, 300, 1e-4, 20, 8
    W0 = torch.randn(d, d, generator=generator(6)) * 1e-7
    history = sgd.train(W0, 0 * W0, eta=eta, batch=batch, steps=steps, seeds=range(runs), record_at=[steps])
    square = history.distance[-1] ** 2
    expected = second_moments.mean_square(W0.double(), eta, batch, steps)[-1]
    assert abs(square.mean() - expected) <= 2 * square.std() / math.sqrt(runs)


def test_the_leading_order_is_reached_as_one_over_d():
    """Its error in the largest stable step falls like 1/d, and what it neglects is noise: the exact step is smaller."""
    errors = []
    for d in (50, 100, 200, 400):
        exact = second_moments.largest_stable_step(d // 5, d)
        errors.append(d * (linearised.largest_stable_step(d // 5, d) / exact - 1))
    assert min(errors) > 0 and max(errors) / min(errors) < 1.1


def test_the_largest_step_is_where_squares_neither_grow_nor_fall():
    for d, batch, chi in ((4, 1, 1.0), (30, 10, 3.0), (100, 10**4, 0.9)):
        largest = second_moments.largest_stable_step(batch, d, chi)
        assert second_moments.growth(largest, batch, d, chi) == pytest.approx(1, abs=1e-9)
        assert (
            second_moments.growth(0.99 * largest, batch, d, chi)
            < 1
            < second_moments.growth(1.01 * largest, batch, d, chi)
        )
        W0 = torch.eye(d, dtype=torch.float64)
        below, above = (second_moments.mean_square(W0, c * largest, batch, 800, chi) for c in (0.98, 1.02))
        assert below[-1] < below[-2] < below[600] and above[-1] > above[-2] > above[600]
    with pytest.raises(ValueError, match=r"eta must be below the largest stable step, 0\.062"):
        second_moments.decay(0.07, 1, 4)


def test_without_noise_the_largest_step_is_the_flows():
    d = 20
    assert second_moments.largest_stable_step(10**9 - 1, d) == pytest.approx(
        2 / linearised.families(d)[0].rate, rel=1e-6
    )
    slowest = linearised.families(d)[-1].rate
    assert second_moments.decay(1e-7, 10**6, d) == pytest.approx(2 * slowest, rel=1e-4)


def test_the_fastest_step_is_a_minimum():
    fastest = second_moments.fastest_step(10, 40)
    least = second_moments.growth(fastest, 10, 40)
    assert all(second_moments.growth(c * fastest, 10, 40) > least for c in (0.95, 1.05))


def test_longer_inputs_need_shorter_steps_and_chi_acts_like_a_smaller_batch():
    """K and the rest of the quadratic term differ only where the batch is small: chi / B, but for H M H / B."""
    d = 200
    shorter = second_moments.largest_stable_step(30, d, chi=3.0)
    assert shorter == pytest.approx(second_moments.largest_stable_step(10, d), rel=0.01)


@pytest.mark.parametrize("d", [3, 4.5, "four"])
def test_bad_dimensions(d):
    with pytest.raises((TypeError, ValueError), match="d must"):
        second_moments.maps(d)


def test_bad_starts():
    for W0 in (torch.eye(3, dtype=torch.float64), torch.zeros(2, 5, 5, dtype=torch.float64)):
        with pytest.raises(ValueError, match="W0"):
            second_moments.mean_square(W0, 0.01, 1, 3)
