"""Interval arithmetic: both arithmetics hold the true value, bad intervals are refused, ends are really ends."""

import math
import random

import mpmath
import pytest

from src.theory.intervals import Checked, Interval

KINDS = (Interval, Checked)
OPERATIONS = {
    "sum": lambda x, y: x + y,
    "difference": lambda x, y: x - y,
    "product": lambda x, y: x * y,
    "quotient": lambda x, y: x / (y.square() + 0.5) if isinstance(y, Interval) else x / (y * y + 0.5),
    "from a number": lambda x, y: 2 - x * 3 + 1 / (5 + y),
    "root": lambda x, y: (x + 2).sqrt() if isinstance(x, Interval) else mpmath.sqrt(x + 2),
    "arcsine": lambda x, y: (y / 2).asin() if isinstance(y, Interval) else mpmath.asin(y / 2),
    "square": lambda x, y: x.square() if isinstance(x, Interval) else x * x,
    "pi": lambda x, y: x.pi() * y if isinstance(x, Interval) else mpmath.pi * y,
}


def holds(x, value):
    """Whether neither x - value nor value - x is certainly positive; and x is not much wider than a float."""
    return not (x - value).positive() and not (value - x).positive()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_holds_every_value(kind, name):
    draw, operation = random.Random(1), OPERATIONS[name]
    for _ in range(100):
        ends = [sorted(draw.uniform(-1.5, 1.5) for _ in "ab") for _ in "xy"]
        image = operation(*(kind(*end) for end in ends))
        for _ in range(5):
            point = [mpmath.mpf(draw.uniform(*end)) for end in ends]
            assert holds(image, float(operation(*point)))
        exact = operation(*(kind(float(x)) for x in point))  # a point's image is a point, to rounding
        assert (exact.upper() - exact.lower()).magnitude().at_least() < 1e-12
        assert holds(exact + kind(-1e-12, 1e-12), float(operation(*point)))


@pytest.mark.parametrize("kind", KINDS)
def test_the_product_reaches_its_ends(kind):
    for x, y, low, high in (
        ((-1, 2), (-3, 1), -6, 3),
        ((1, 2), (3, 4), 3, 8),
        ((-2, -1), (3, 4), -8, -3),
        ((0, 2), (-1, 5), -2, 10),
    ):
        product = kind(*x) * kind(*y)
        assert holds(product.lower(), low) and holds(product.upper(), high)
    assert holds(kind(-3, 1).square().lower(), 0) and holds(kind(-3, 1).square().upper(), 9)
    assert holds(kind(-3, 1).magnitude(), 3) and holds(kind(-3, 1).symmetric().upper(), 3)
    assert holds(kind(-3, 1).clipped().lower(), 0) and holds(kind(-3, -1).clipped().upper(), 0)
    assert holds(kind(1, 2).hull(5).upper(), 5) and holds(kind(1, 2).hull(kind(0)).lower(), 0)


@pytest.mark.parametrize("kind", KINDS)
def test_what_two_intervals_share(kind):
    assert kind(0, 1).meet(kind(2, 3)) is None
    shared = kind(0, 2).meet(kind(1, 3))
    assert holds(shared.lower(), 1) and holds(shared.upper(), 2)
    assert holds(kind(0, 1).meet(kind(1, 2)), 1)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_certain(kind):
    third = kind(1) / 3
    assert (third - 0.333).positive() and not (third - 1 / 3).positive() and not kind(0, 1).positive()
    assert 1 / 3 - 1e-15 < third.at_least() <= 1 / 3 <= third.at_most() < 1 / 3 + 1e-15
    assert kind(-2, 5).at_least() <= -2 and kind(-2, 5).at_most() >= 5


@pytest.mark.parametrize("kind", KINDS)
def test_bad_input_is_named(kind):
    with pytest.raises(ValueError, match="high must be at least low"):
        kind(1, 0)
    with pytest.raises(ValueError, match="low"):
        kind(math.nan)
    with pytest.raises(TypeError, match="high"):
        kind(0, "one")
    with pytest.raises(ZeroDivisionError, match="zero"):
        kind(1) / kind(-1, 1)
    with pytest.raises(ArithmeticError, match="root"):
        kind(-1, 1).sqrt()
    with pytest.raises(ArithmeticError, match="arcsine"):
        kind(0, 2).asin()
