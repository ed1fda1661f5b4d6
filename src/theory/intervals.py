"""Closed intervals that hold every rounding error, in two arithmetics with one interface: Arb's and mpmath's.

`Interval` keeps two ends, each a ball of Arb, whose radius covers what rounding did to it: the boxes of a
branch-and-bound search are wide, and there two ends computed apart are tighter than a midpoint with a radius. `Checked`
does the same with the interval type of mpmath, which shares no code with Arb: what the one proves the other can verify.
"""

import math

from flint import arb
from mpmath import iv

from src.checks import arguments, within

_END = within(-math.inf, math.inf)


class Interval:
    """The real numbers from `low` to `high`: finite ints or floats, taken exactly.

    Raises ValueError, naming the ends, for a reversed interval; an operation outside a function's domain (a division by
    an interval that may hold zero, the root of a negative number, the arcsine beyond one) raises ArithmeticError.
    """

    __slots__ = ("high", "low")

    @arguments(low=_END, high=_END)
    def __init__(self, low, high=None):
        if high is not None and high < low:
            raise ValueError(f"high must be at least low = {low}, not {high}")
        self.low, self.high = arb(low), arb(low if high is None else high)

    @classmethod
    def _made(cls, low, high):
        made = object.__new__(cls)
        made.low, made.high = low, high
        return made

    @classmethod
    def pi(cls):
        return cls._made(arb.pi(), arb.pi())

    def of(self, x):
        """x as an interval of the same kind: as it is, or a number as a point."""
        return x if isinstance(x, Interval) else self._made(arb(x), arb(x))

    def __add__(self, other):
        other = self.of(other)
        return self._made(self.low + other.low, self.high + other.high)

    def __neg__(self):
        return self._made(-self.high, -self.low)

    def __sub__(self, other):
        return self + -self.of(other)

    def __rsub__(self, other):
        return self.of(other) - self

    def __mul__(self, other):
        other = self.of(other)
        a, b, c, d = (x * y for x in (self.low, self.high) for y in (other.low, other.high))
        return self._made(a.min(b).min(c.min(d)), a.max(b).max(c.max(d)))

    def __truediv__(self, other):
        other = self.of(other)
        if not (other.low > 0 or other.high < 0):
            raise ZeroDivisionError(f"the divisor {other} may hold zero")
        return self * self._made(1 / other.high, 1 / other.low)

    def __rtruediv__(self, other):
        return self.of(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def __repr__(self):
        return f"[{float(self.low):.6g}, {float(self.high):.6g}]"

    def square(self):
        low, high = self.low**2, self.high**2
        if self.low >= 0 or self.high <= 0:
            return self._made(low.min(high), low.max(high))
        return self._made(arb(0), low.max(high))

    def sqrt(self):
        if not self.low >= 0:
            raise ArithmeticError(f"{self} may be negative and has no root")
        return self._made(self.low.sqrt(), self.high.sqrt())

    def asin(self):
        if not (self.low >= -1 and self.high <= 1):
            raise ArithmeticError(f"{self} may exceed one and has no arcsine")
        return self._made(self.low.asin(), self.high.asin())

    def lower(self):
        """Its lower end, as an interval."""
        return self._made(self.low, self.low)

    def upper(self):
        """Its upper end, as an interval."""
        return self._made(self.high, self.high)

    def magnitude(self):
        """The largest absolute value in it, as an interval."""
        size = abs(self.low).max(abs(self.high))
        return self._made(size, size)

    def symmetric(self):
        """From minus to plus the largest absolute value."""
        size = self.magnitude()
        return self._made(-size.low, size.high)

    def hull(self, other):
        """The smallest interval that holds both."""
        other = self.of(other)
        return self._made(self.low.min(other.low), self.high.max(other.high))

    def meet(self, other):
        """What both hold, or a little more; None where it is certain that they have nothing in common."""
        low, high = self.low.max(other.low), self.high.min(other.high)
        return None if low > high else self._made(low.min(high), high.max(low))

    def clipped(self):
        """Without what lies below zero; zero where nothing is left."""
        return self._made(self.low.lower().max(arb(0)), self.high.upper().max(arb(0)))

    def positive(self):
        """Whether it is certain that all of it is above zero."""
        return bool(self.low > 0)

    def at_least(self):
        """A float that nothing in it is below."""
        value = float(self.low.lower())
        return value if arb(value) <= self.low.lower() else math.nextafter(value, -math.inf)

    def at_most(self):
        """A float that nothing in it is above."""
        return -(-self).at_least()


class Checked(Interval):
    """The same interface in mpmath's interval arithmetic: an independent verification, some times slower."""

    __slots__ = ("x",)

    def __init__(self, low, high=None):
        high = low if high is None else high
        Interval.__init__(self, low, high)
        self.x = iv.mpf([low, high])

    @classmethod
    def _of(cls, x):
        made = object.__new__(cls)
        made.x = x
        return made

    @classmethod
    def pi(cls):
        return cls._of(iv.pi)

    def of(self, x):
        return x if isinstance(x, Checked) else self._of(iv.mpf(x))

    def __add__(self, other):
        return self._of(self.x + self.of(other).x)

    def __neg__(self):
        return self._of(-self.x)

    def __mul__(self, other):
        return self._of(self.x * self.of(other).x)

    def __truediv__(self, other):
        other = self.of(other)
        if not (other.x > 0 or other.x < 0):
            raise ZeroDivisionError(f"the divisor {other} may hold zero")
        return self._of(self.x / other.x)

    __radd__, __rmul__ = __add__, __mul__

    def __repr__(self):
        return f"[{float(self.x.a):.6g}, {float(self.x.b):.6g}]"

    def square(self):
        return self._of(self.x**2)

    def sqrt(self):
        if not self.x >= 0:
            raise ArithmeticError(f"{self} may be negative and has no root")
        return self._of(iv.sqrt(self.x))

    def asin(self):
        if not (self.x >= -1 and self.x <= 1):
            raise ArithmeticError(f"{self} may exceed one and has no arcsine")
        ends = [iv.atan2(end, iv.sqrt(1 - end**2)) for end in (self.x.a, self.x.b)]
        return self._of(iv.mpf([ends[0].a, ends[1].b]))

    def lower(self):
        return self._of(self.x.a)

    def upper(self):
        return self._of(self.x.b)

    def magnitude(self):
        return self._of(abs(self.x).b)

    def symmetric(self):
        size = self.magnitude().x
        return self._of(iv.mpf([-size, size]))

    def hull(self, other):
        other = self.of(other).x
        return self._of(iv.mpf([min(self.x.a, other.a), max(self.x.b, other.b)]))

    def meet(self, other):
        low, high = max(self.x.a, other.x.a), min(self.x.b, other.x.b)
        return None if low > high else self._of(iv.mpf([low, high]))

    def clipped(self):
        zero = iv.mpf(0)
        return self._of(iv.mpf([max(self.x.a, zero), max(self.x.b, zero)]))

    def positive(self):
        return bool(self.x.a > 0)

    def at_least(self):
        return math.nextafter(float(self.x.a), -math.inf)
