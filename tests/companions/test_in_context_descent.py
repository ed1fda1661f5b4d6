"""Exact Wishart means, steps as roots, layers that change the inputs: other routes, verdicts, planted errors."""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
import torch
from scipy.integrate import dblquad
from scipy.optimize import minimize

from src import verdicts
from src.companions import changed_inputs, in_context_descent, wishart
from src.companions.changed_inputs import Minimum, Origin
from src.companions.in_context_descent import Adapts, Printed

SIGMA = torch.tensor([[1.0, 0.3], [0.3, 0.5]], dtype=torch.float64)
EYE = torch.eye(5, dtype=torch.float64)
VARIANCES = torch.diag(torch.tensor([1, 1, 0.25, 0.0625, 1], dtype=torch.float64))


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


# --- Exact means -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 4, 20])
def test_moments_in_one_dimension_are_those_of_chi_squared(n):
    expected = [Fraction(math.prod(n + 2 * j for j in range(k)), n**k) for k in range(8)]
    assert wishart.moments(1, n, 7) == expected


@pytest.mark.parametrize(("d", "n"), [(2, 3), (5, 20), (3, 1)])
def test_the_first_moments_are_the_known_ones(d, n):
    """E tr S^k / d for k = 2, 3, 4, from textbooks on the Wishart distribution."""
    found = wishart.moments(d, n, 4)
    third = n * n + 3 * n * (d + 1) + d * d + 3 * d + 4
    fourth = n**3 + 6 * n**2 * (d + 1) + n * (6 * d * d + 17 * d + 21) + d**3 + 6 * d * d + 21 * d + 20
    assert found == [1, 1, Fraction(n + d + 1, n), Fraction(third, n**2), Fraction(fourth, n**3)]


def test_moments_are_those_of_the_exact_density_for_two_dimensions():
    """The joint density of two eigenvalues of X X^T, integrated: (l1 l2)^((n-3)/2) e^(-(l1+l2)/2) |l1 - l2|."""
    n = 5

    def mean(f):
        def joint(z, y):
            x = y + z
            return (x * y) ** ((n - 3) / 2) * math.exp(-(x + y) / 2) * z * f(x, y)

        return dblquad(joint, 0, 120, 0, 120, epsabs=1e-3, epsrel=1e-9)[0]

    total = mean(lambda x, y: 1)
    for k in (2, 5):
        found = mean(lambda x, y, k=k: (x**k + y**k) / 2) / total / n**k
        assert found == pytest.approx(float(wishart.moments(2, n, k)[k]), rel=1e-6)


def test_moments_are_those_of_samples():
    S, count = wishart.draw(5, 20, 100_000, draws()), 100_000
    power = S
    for moment in wishart.moments(5, 20, 4)[1:]:
        traces = power.diagonal(dim1=1, dim2=2).sum(1) / 5
        assert abs(traces.mean().item() - moment) < 4 * traces.std().item() / math.sqrt(count)
        power = power @ S


def test_the_gauss_rule_is_the_textbooks_and_is_exact():
    x, w = np.polynomial.laguerre.laggauss(6)
    rule = wishart.gauss_rule([math.factorial(k) for k in range(12)])
    np.testing.assert_allclose(rule.nodes, x, rtol=1e-12)
    np.testing.assert_allclose(rule.weights, w, rtol=1e-10)
    rule, moments = wishart.spectrum(5, 20, 26), wishart.moments(5, 20, 26)
    for k, moment in enumerate(moments):
        assert rule.weights @ rule.nodes**k == pytest.approx(float(moment), rel=1e-11)
    with pytest.raises(ValueError, match="moments must be those of a positive measure"):
        wishart.gauss_rule([1, 1, 1, 1])  # one point
    with pytest.raises(ValueError, match="moments must be even in number"):
        wishart.gauss_rule([1, 1, 2])


@pytest.mark.parametrize(("d", "n"), [(1, 3), (2, 1), (2, 7), (3, 2), (3, 8)])
def test_the_cubature_has_the_exact_moments(d, n):
    S, weights = wishart.cubature(d, n, 4)
    power = S
    for k, moment in enumerate(wishart.moments(d, n, 4)[1:], 1):
        assert (weights @ power.diagonal(dim1=1, dim2=2).sum(1)).item() / d == pytest.approx(float(moment)), k
        power = power @ S
    C = torch.arange(d * d).double().view(d, d)  # E S C S = (C + (C^T + tr C I) / n): no moment of the spectrum
    found = torch.einsum("k,kab->ab", weights, S @ C @ S)
    torch.testing.assert_close(found, C + (C.T + torch.trace(C) * torch.eye(d).double()) / n)


# --- One layer -------------------------------------------------------------------------------------------------------


def test_the_first_look_was_right_about_one_layer():
    assert in_context_descent.preconditioner(EYE, 20)[0, 0].item() == pytest.approx(0.76923, abs=5e-6)
    assert in_context_descent.least_of_one(EYE, 20) == pytest.approx(1.153846, abs=5e-7)
    a = in_context_descent.preconditioner(VARIANCES, 20).diagonal()
    np.testing.assert_allclose(a, [0.8226, 0.8226, 2.3358, 4.3243, 0.8226], atol=5e-5)
    assert in_context_descent.least_of_one(VARIANCES, 20) == pytest.approx(0.68176, abs=5e-6)
    assert in_context_descent.best_multiple(VARIANCES, 20)[1] == pytest.approx(0.7644, abs=5e-5)


def test_the_loss_of_one_step_is_that_of_samples_and_least_at_the_preconditioner():
    n, count = 4, 200_000
    A = torch.tensor([[0.6, 0.1], [0.1, 0.9]]).double()
    root = torch.linalg.cholesky(SIGMA)
    S = root @ wishart.draw(2, n, count, draws()) @ root.T
    rest = torch.eye(2).double() - A @ S
    each = (rest.mT @ SIGMA @ rest).diagonal(dim1=1, dim2=2).sum(1)
    exact = in_context_descent.one_step_loss(A, SIGMA, n)
    assert abs(each.mean().item() - exact) < 4 * each.std().item() / math.sqrt(count)

    def loss(x):
        return in_context_descent.one_step_loss(torch.tensor([[x[0], x[1]], [x[1], x[2]]]), SIGMA, n)

    found = minimize(loss, [1.0, 0.0, 1.0], options={"gtol": 1e-9})
    best = in_context_descent.preconditioner(SIGMA, n)
    np.testing.assert_allclose(found.x, [best[0, 0], best[0, 1], best[1, 1]], atol=1e-5)
    multiples = [in_context_descent.one_step_loss(c * torch.linalg.inv(SIGMA), SIGMA, n) for c in (0.56, 4 / 7, 0.58)]
    c, least = in_context_descent.best_multiple(SIGMA, n)
    assert c == pytest.approx(4 / 7) and min(multiples) == multiples[1] == pytest.approx(least)


ADAPTS = Adapts((0.3, 0.8), 1.0, 1.1, 1.2)


@pytest.mark.parametrize(
    "change", [{"shares": (0.8, 0.8)}, {"shares": (0.3, 1.0)}, {"least": 1.1}, {"inverse": 1.0}, {"limit": 1.05}]
)
def test_each_field_of_adapts_counts(change):
    assert ADAPTS.verdict == verdicts.HOLDS and ADAPTS._replace(**change).verdict == verdicts.FAILS


def test_equal_variances_leave_nothing_to_adapt():
    assert in_context_descent.adapts(EYE, 20).verdict == verdicts.FAILS
    assert in_context_descent.adapts(VARIANCES, 20).verdict == verdicts.HOLDS


# --- Several layers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("d", "n", "depth"), [(5, 20, 3), (5, 3, 2), (2, 1, 3), (1, 1, 2)])
def test_steps_are_the_least_squares_polynomials_roots(d, n, depth):
    """min of the mean of p^2 with p(0) = 1 is 1 / (H^-1)_00 with the Hankel matrix of moments, in exact arithmetic."""
    m = [sympy.Rational(x.numerator, x.denominator) for x in wishart.moments(d, n, 2 * depth)]
    column = sympy.Matrix(depth + 1, depth + 1, lambda i, j: m[i + j]).inv()[:, 0]
    steps = in_context_descent.step_sizes(d, n, depth)
    assert in_context_descent.loss(d, n, steps) == pytest.approx(float(d / column[0]), rel=1e-10)
    roots = sympy.Poly(list(column)[::-1], sympy.Symbol("x")).nroots()
    np.testing.assert_allclose(np.sort([1 / float(r) for r in roots]), steps, rtol=1e-9)


def test_no_other_steps_are_better():
    for start in ([0.5, 0.5, 0.5], [0.1, 1.0, 3.0], [2.0, 0.3, 0.9]):
        found = minimize(lambda a: in_context_descent.loss(5, 20, a), start, method="Nelder-Mead",
                         options={"xatol": 1e-8, "fatol": 1e-14, "maxiter": 2000})  # fmt: skip
        np.testing.assert_allclose(np.sort(found.x), in_context_descent.step_sizes(5, 20, 3), rtol=1e-4)


def test_losses_of_descent_are_those_of_samples():
    steps = in_context_descent.step_sizes(5, 20, 3)
    rule = changed_inputs.batch_rule(5, 20, 100_000, draws())
    each = (changed_inputs.residual(rule.nodes, steps) ** 2).reshape(-1, 5).sum(1)
    assert abs(each.mean() - in_context_descent.loss(5, 20, steps)) < 4 * each.std() / math.sqrt(100_000)


def test_the_best_equal_steps():
    for depth, value in ((1, 1.153846), (2, 0.499007), (3, 0.268342)):
        a, loss = in_context_descent.equal_step(5, 20, depth)
        assert loss == pytest.approx(value, abs=1e-6) == in_context_descent.loss(5, 20, [a] * depth)
        assert min(in_context_descent.loss(5, 20, [b] * depth) for b in (a - 1e-3, a + 1e-3)) > loss


PRINTED = Printed((0.4224, 1.7142, 0.6891), np.ones((2, 3)), 0.05, 0.05)


@pytest.mark.parametrize(("k", "value"), [(0, 0.414), (0, 0.436), (1, 1.684), (1, 1.726), (2, 0.684), (2, 0.696)])
def test_each_step_counts(k, value):
    assert PRINTED.verdict == verdicts.HOLDS
    moved = [value if j == k else a for j, a in enumerate(PRINTED.computed)]
    assert PRINTED._replace(computed=tuple(moved)).verdict == verdicts.FAILS


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"trained": np.array([[1, 1, 1], [1, 0.89, 1]])}, verdicts.FAILS),  # one seed's layer is elsewhere
        ({"off": 0.2}, verdicts.FAILS),
        ({"excess": 0.2}, verdicts.OPEN),  # not trained long enough
        ({"excess": np.nan}, verdicts.OPEN),
    ],
)
def test_the_trained_layers_count(change, verdict):
    assert PRINTED._replace(**change).verdict == verdict


@pytest.mark.parametrize(
    "wrong",
    [
        lambda d, n: in_context_descent.step_sizes(d, n - 1, 3),  # one example fewer
        lambda d, n: 1 / wishart.gauss_rule(wishart.moments(d, n, 5)).nodes[::-1],  # mu in place of lambda dmu
        lambda d, n: 1 / in_context_descent.step_sizes(d, n, 3),  # roots in place of their reciprocals
        lambda d, n: -in_context_descent.step_sizes(d, n, 3),
    ],
)
def test_wrong_steps_are_not_those_printed(wrong):
    assert PRINTED._replace(computed=tuple(in_context_descent.step_sizes(5, 20, 3))).verdict == verdicts.HOLDS
    assert PRINTED._replace(computed=tuple(wrong(5, 20))).verdict == verdicts.FAILS


def test_ex_ahn_fewer():
    twenty, nineteen = (in_context_descent.least_of_one(EYE, n) for n in (20, 19))
    assert twenty == pytest.approx(1.1538, abs=5e-5) and nineteen == pytest.approx(1.2)
    assert math.log(twenty) == pytest.approx(0.143, abs=5e-4) and math.log(nineteen) == pytest.approx(0.182, abs=5e-4)
    assert nineteen == pytest.approx(in_context_descent.equal_step(5, 19, 1)[1])


def test_ex_ahn_few():
    losses = [in_context_descent.loss(5, 3, in_context_descent.step_sizes(5, 3, depth)) for depth in range(1, 9)]
    assert all(np.diff(losses) < 0) and losses[-1] > 2 == 5 - 3
    assert losses[0] == pytest.approx(3.333, abs=5e-4) and losses[7] == pytest.approx(2.195, abs=5e-4)
    assert np.isclose(changed_inputs.batch_rule(5, 3, 10, draws()).nodes, 0, atol=1e-12).sum() == 20


# --- Layers that change the inputs -----------------------------------------------------------------------------------


def test_the_residual_is_that_of_the_layers():
    """One direction, by the transformer's own recursion on an example x, y = w x and the query x."""
    nodes, steps, changes = np.array([0.3, 1.7]), (0.4, 1.1, 2.0), (0.5, 0.2)
    for found, node in zip(changed_inputs.residual(nodes, steps, changes), nodes):
        x, y = math.sqrt(node), 1.3 * math.sqrt(node)  # one example, n = 1
        query, answer = 1.0, 0.0
        for a, b in zip(steps, (*changes, 0.0)):
            x, y, query, answer = (x - b * x * x * a * x, y - y * x * a * x, query - b * x * x * a * query,
                                   answer - y * x * a * query)  # fmt: skip
        assert answer + 1.3 == pytest.approx(1.3 * found)
    np.testing.assert_allclose(changed_inputs.residual(nodes, [0.4, 1.1]), (1 - 0.4 * nodes) * (1 - 1.1 * nodes))


def test_minima_are_minima_of_the_exact_loss():
    rule = changed_inputs.exact_rule(5, 20, 3)
    found = changed_inputs.minima(rule, 3, 12, 0)
    loss = lambda t: rule.weights @ changed_inputs.residual(rule.nodes, t[:3], t[3:]) ** 2  # noqa: E731
    assert [one.loss for one in found] == sorted(one.loss for one in found) and len(found) > 2
    for one in found:
        place = np.concatenate((one.steps, one.changes))
        assert loss(place) == pytest.approx(one.loss)
        for k in range(5):
            assert min(loss(place * (1 + s * 0.003 * (np.arange(5) == k))) for s in (-1, 1)) > one.loss
    assert found[0].loss == pytest.approx(9.613e-4, rel=1e-3)


def test_an_exact_rule_of_too_low_a_degree_is_seen():
    rule, low = changed_inputs.exact_rule(5, 20, 3), changed_inputs.exact_rule(5, 20, 2)
    one = changed_inputs.minima(rule, 3, 8, 0)[0]
    wrong = low.weights @ changed_inputs.residual(low.nodes, one.steps, one.changes) ** 2
    assert abs(wrong / one.loss - 1) > 0.01


def test_the_mean_at_a_batchs_minimum_is_large_and_samples_do_not_show_it():
    """The exact mean there, by its polynomial in exact arithmetic; and of a batch, which is far smaller."""
    exact, batch = changed_inputs.exact_rule(5, 20, 3), changed_inputs.batch_rule(5, 20, 20_000, draws())
    one = changed_inputs.nearby(batch, changed_inputs.minima(exact, 3, 8, 0)[:1])[0]
    x = sympy.Symbol("x")
    eigenvalue, left = sympy.Poly(x), sympy.Poly(1, x)
    for a, b in zip(one.steps, (*one.changes, 0)):
        a, b = sympy.Rational(float(a)), sympy.Rational(float(b))
        left, eigenvalue = left * (1 - a * eigenvalue), eigenvalue * (1 - a * b * eigenvalue) ** 2
    squared = (left * left).all_coeffs()[::-1]
    assert len(squared) == 27
    mean = 5 * sum(c * sympy.Rational(m.numerator, m.denominator) for c, m in zip(squared, wishart.moments(5, 20, 26)))
    quadrature = exact.weights @ changed_inputs.residual(exact.nodes, one.steps, one.changes) ** 2
    assert quadrature == pytest.approx(float(mean), rel=1e-9)
    other = changed_inputs.batch_rule(5, 20, 20_000, draws(1))
    seen = other.weights @ changed_inputs.residual(other.nodes, one.steps, one.changes) ** 2
    assert seen < 1e-3 < 0.02 < quadrature


ORIGIN = Origin((0.3, 0.6), (0.01, 0.02))


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"text": (0.01, 0.02)}, verdicts.HOLDS),
        ({"text": (0.01, 0.6)}, verdicts.FAILS),  # one picture belongs to each
        ({"code": (0.01, 0.2)}, verdicts.FAILS),
        ({"code": (0.3, 0.3)}, verdicts.FAILS),
    ],
)
def test_each_field_of_the_origin_counts(change, verdict):
    assert ORIGIN.verdict == verdicts.CORRECTED and ORIGIN._replace(**change).verdict == verdict


def test_the_pictures_belong_to_twenty_examples():
    distances = {}
    for n in (10, 19, 20):
        found = changed_inputs.minima(changed_inputs.exact_rule(5, n, 3), 3, 12, 0)
        found += changed_inputs.nearby(changed_inputs.batch_rule(5, n, 10_000, draws()), found[:1])
        distances[n] = tuple(changed_inputs.distance(found, *picture) for picture in changed_inputs.PICTURES)
    assert Origin(distances[10], distances[20]).verdict == verdicts.CORRECTED
    assert Origin(distances[20], distances[10]).verdict == verdicts.HOLDS
    assert max(distances[20]) < min(distances[19])


def test_distance_is_that_of_the_closest():
    two = [Minimum(1.0, np.array([1.0, 2.0]), np.array([0.5])), Minimum(2.0, np.array([1.0, 3.0]), np.array([0.5]))]
    assert changed_inputs.distance(two, (1.0, 2.5), (0.5,)) == pytest.approx(0.2)
    with pytest.raises(ValueError, match="minima must be of the depth of steps"):
        changed_inputs.distance(two, (1.0, 2.0, 3.0), (0.5, 0.5))


def test_what_does_not_fit_is_refused():
    for Sigma, words in ((-EYE, "a covariance"), (0 * EYE, "not zero"), (EYE + torch.ones(5, 5).triu(1), "symmetric")):
        with pytest.raises(ValueError, match=f"Sigma must be .*{words}"):
            in_context_descent.preconditioner(Sigma, 5)
    for depth in (0, 9):
        with pytest.raises(ValueError, match="depth must be from 1 to 8"):
            in_context_descent.step_sizes(5, 20, depth)
    with pytest.raises(ValueError, match="changes must be one fewer"):
        changed_inputs.residual(np.ones(2), [1.0, 2.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="degree must be such that"):
        wishart.cubature(6, 10, 4)
