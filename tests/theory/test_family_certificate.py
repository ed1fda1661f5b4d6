"""Certificates in the span of I, J and K: the forms against the closed gradient, certificates with planted errors."""

import cmath
import math
import random

import pytest

from src import verdicts
from src.dynamics import three_variables
from src.theory import family_certificate as family
from src.theory import family_form, span
from src.theory.family_form import Box
from src.theory.intervals import Checked, Interval

DIMENSIONS = (100, 103, 500, 10007, 1e7)


def pairs(gamma, count, seed=0):
    """Allowed pairs (W, W*, d) of the span, many of them near one another, or with g just below 0.1, or both."""
    draw, found = random.Random(seed), 0
    while found < count:
        d = draw.choice(DIMENSIONS)
        z = cmath.rect(draw.random() ** 0.5 * gamma, draw.uniform(0, 7)) + 1
        angle = draw.choice((1, 0.1, 1e-4)) * draw.uniform(-2, 2) * math.asin(gamma)
        t = 1 + draw.uniform(-1, 1) * gamma
        t_star = t + draw.choice((0, 1e-3, 1)) * draw.uniform(-1, 1) * gamma
        # the teacher's modulus from its length, which g <= 0.1 bounds
        share = 1 / d
        n = math.sqrt((1 - share) * abs(z) ** 2 + share * t**2)
        n_star = n + draw.choice((0.0999, draw.uniform(0, 0.1), -draw.random() * d * 0.1, -draw.random())) * share
        rest = (n_star**2 - share * t_star**2) / (1 - share)
        if rest <= 0:
            continue
        z_star = math.sqrt(rest) * z / abs(z) * cmath.exp(1j * angle)
        W, W_star = ((y.real - 1, y.imag, s - 1) for y, s in ((z, t), (z_star, t_star)))
        if max(map(three_variables.spectral_norm, (W, W_star))) > gamma or W_star == W:
            continue
        found += 1
        yield W, W_star, d, coordinates(z, t, n, z_star, t_star, n_star, d)


def coordinates(z, t, n, z_star, t_star, n_star, d):
    p = 2 * math.sin(abs(cmath.phase(z_star / z)) / 2)
    return 1 / d, p, t / n, t_star / n_star - t / n, n_star / n - 1


def value(form, x):
    """(least value of <R, M> / d, and |M|_F^2 / d from below and above) that Forms allow at the point x."""
    y = x[1], x[3], x[4] / math.sqrt(x[0])
    inner = sum((a * v**2).at_least() for a, v in zip(form.inner, y))
    inner -= sum(-(a * u * v).at_least() for a, u, v in zip(form.mixed, (y[0], y[0], y[1]), (y[1], y[2], y[2])))
    low = sum((m * v**2).at_least() for m, v in zip(form.square, y))
    high = -sum((m * -(v**2)).at_least() for m, v in zip(form.square, y))
    return inner, low, high


@pytest.mark.parametrize("gamma", [0.05, 0.2, 0.38])
def test_the_forms_are_below_the_inner_product_and_near_it(gamma):
    gaps = []
    for W, W_star, d, x in pairs(gamma, 700):
        box = Box(*((v, v) for v in x[:4]), None if x[4] > 0 else (x[4], x[4])).as_intervals(Interval)
        form = family_form.forms(box, Interval(gamma * (1 + 1e-9)))
        assert form is not None
        inner, low, high = value(form, x)
        M = tuple(b - a for a, b in zip(W, W_star))
        n = three_variables.column_length(W, d)
        square = three_variables.inner(M, M, d) / d / n**2
        ratio, _ = span.printed_ratio(W, W_star, d)
        slack = 1e-6 + 1e-14 / square  # the ratio is a quotient of small numbers in float64
        assert low * (1 - 1e-6) <= square * (1 + 1e-6) + 1e-15 and square <= high * (1 + 1e-6) + 1e-15
        assert inner / square <= ratio * (1 + 1e-6) + slack
        if x[4] <= 0:
            gaps.append((ratio - inner / square) / max(1, abs(ratio)))
    assert max(gaps) < 0.05 and sorted(gaps)[len(gaps) // 2] < 1e-4


def test_a_certificate_covers_pairs_drawn_at_random():
    certificate = family.search(0.3)
    boxes = list(family.leaves(certificate))
    for _, _, _, x in pairs(0.3, 2000, seed=3):
        side = x[4] > 0
        inside = [
            box
            for box in boxes
            if (box.r is None) == side and all(low <= v <= high for v, (low, high) in zip(x[:4], box[:4]))
        ]
        assert (side and inside) or any(box.r[0] <= x[4] <= box.r[1] for box in inside)


def test_the_bound_of_every_box_is_below_the_ratios_in_it():
    found = family.bounds_of_leaves(family.search(0.3))
    assert min(q for _, q in found) >= 0.03
    for W, W_star, d, x in pairs(0.3, 500, seed=5):
        for box, q in found:
            if box.r is None and x[4] > 0 and all(low <= v <= high for v, (low, high) in zip(x[:4], box[:4])):
                assert span.printed_ratio(W, W_star, d)[0] > q - 1e-6


def test_a_slice_holds_the_boxes_that_it_goes_through():
    certificate = family.search(0.3)
    every, some = family.bounds_of_leaves(certificate), family.bounds_of_leaves(certificate, epsilon=0.01, T=1.2)
    assert 0 < len(some) < len(every) and set(some) <= set(every)
    assert all(box.r is None and box.T[0] <= 1.2 <= box.T[1] for box, _ in some)


@pytest.mark.parametrize("arithmetic", family.KINDS)
def test_both_arithmetics_verify_what_the_search_found(arithmetic):
    found = family.verify(family.search(0.35), arithmetic)
    assert found.verdict == verdicts.HOLDS and found.open == 0 and found.proved > 100


def test_no_certificate_of_what_is_false():
    """At gamma = 0.402 and d = 10^6 a pair is below 0.03: no number of boxes may hide it."""
    assert span.limit(0.402) < 0.03 < span.limit(0.401)
    with pytest.raises(ArithmeticError, match="no certificate"):
        family.search(0.405, most=1500)


@pytest.mark.parametrize("change", [{"gamma": 0.36}, {"delta": 0.1}, {"d_least": 12}])
def test_a_tree_does_not_prove_another_statement(change):
    found = family.verify(family.search(0.35)._replace(**change))
    assert found.verdict == verdicts.OPEN and found.open > 0


def test_the_verdict_is_open_if_one_box_is_or_if_there_is_none():
    good = family.Verification("Arb", 10, 1, 0)
    assert good.verdict == verdicts.HOLDS
    assert good._replace(open=1).verdict == good._replace(proved=0).verdict == verdicts.OPEN


def test_the_certificate_is_what_was_stored():
    certificate = family.search(0.1)
    assert family.Certificate.from_arrays(certificate.arrays()) == certificate


def test_the_domain_is_a_little_larger_than_the_pairs_need():
    first, second = family_form.domain(0.3, 100)
    assert first.epsilon[0] == 0 and first.epsilon[1] > 0.01 and first.p[1] > 0.6 and first.T[1] > 1.3 / 0.7
    assert first.r is None and second.r[1] == 0 and second.r[0] < 0.7 / 1.3 - 1


def test_bad_input_is_named():
    certificate = family.search(0.1)
    for tree, words in (
        (certificate.tree + ".", "goes on"),
        (certificate.tree[:-1], "are left"),
        ("?" + certificate.tree, "dots and sides"),
        ("r" + certificate.tree, "dots and sides"),
    ):
        with pytest.raises(ValueError, match=words):
            list(family.leaves(certificate._replace(tree=tree)))
    with pytest.raises(ValueError, match="gamma"):
        family.verify(certificate._replace(gamma=0.6))
    with pytest.raises(ValueError, match="d_least"):
        family.search(0.1, d_least=2)
    box = family_form.domain(0.1, 100)[0]
    with pytest.raises(ValueError, match="high must be at least low"):
        box._replace(p=(0.2, 0.1)).as_intervals(Interval)
    with pytest.raises(ValueError, match="r must end at zero"):
        box._replace(r=(-0.1, 0.1)).as_intervals(Checked)
    with pytest.raises(ValueError, match="side must not be 'r'"):
        family.halve(box, "r")
    with pytest.raises(ValueError, match="wide enough"):
        family.halve(box._replace(p=(0.1, 0.1)), "p")
